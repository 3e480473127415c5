package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// A sample is what one run of the timing host printed.
type sample map[string]float64

// login runs bench/host/host.c with these words.
func login(words ...string) (sample, error) {
	cmd := exec.Command(built("bench/host"), words...)
	cmd.Stderr = os.Stderr
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%q: %w", words, err)
	}
	return parseSample(string(out))
}

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
	for _, nanoseconds := range s {
		sum += nanoseconds / 1000
	}
	return sum
}
