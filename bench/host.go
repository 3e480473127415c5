package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A sample is what one run of the timing host printed.
type sample map[string]float64

// errHung is what [login] returns for a host that had to be killed.
var errHung = errors.New("hung")

// login runs bench/host/host.c with these words. It is killed, with its children, after a time in
// which no login is still at work.
func login(words ...string) (sample, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, built("bench/host"), words...)
	cmd.Stderr = os.Stderr
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.Output()
	if ctx.Err() != nil {
		err = errHung
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", words, err)
	}
	s, err := parseSample(string(out))
	if err == nil {
		used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		s[processor] = float64(used.Nanoseconds())
	}
	return s, err
}

// processor is the name of the processor time of the host and its children; it is no call.
const processor = "processor"

func parseSample(line string) (sample, error) {
	fields := strings.Fields(line)
	s := sample{}
	for i := 0; i+1 < len(fields); i += 2 {
		value, err := strconv.ParseFloat(fields[i+1], 64)
		if err != nil {
			return nil, fmt.Errorf("the host printed %q", line)
		}
		s[fields[i]] += value // a session has pam_setcred more than once
	}
	return s, nil
}

// micro converts what the host prints for times.
func (s sample) micro(names ...string) (sum float64) {
	for _, name := range names {
		sum += s[name] / 1000
	}
	return sum
}

// sum is the time of all calls, in microseconds.
func (s sample) sum() (sum float64) {
	for name, nanoseconds := range s {
		if name != processor {
			sum += nanoseconds / 1000
		}
	}
	return sum
}
