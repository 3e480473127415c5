package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// parallel measures whole logins of different users, as many at a time as given, on machines with
// fewer processors than that.
func parallel(b budget) ([]row, error) {
	var rows []row
	widths := []int{1, 8, 64}
	for _, width := range widths {
		rate := newRow(strconv.Itoa(width)+" at a time: logins", "1/s")
		rate.x = float64(width)
		slow := newRow(strconv.Itoa(width)+" at a time: p99 of pam_open_session", "µs")
		err := rounds(b/budget(len(widths)), 3, variants, func(v variant) error {
			perSecond, opens, err := herd(v, width)
			if err == nil {
				rate.add(v, perSecond)
				slow.add(v, p99(opens))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		rate.goal = &goal{text: "at least 1.0 × the plain Go module", to: plain, limit: 1,
			atLeast: true}
		rows = append(rows, rate, slow)
	}
	return rows, nil
}

// herd lets so many logins run at any time, until there have been enough for a 99th percentile.
func herd(v variant, width int) (perSecond float64, opens []float64, err error) {
	const logins = 128
	out, err := os.OpenFile(filepath.Join("/home", "herd"),
		os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return 0, nil, err
	}
	defer out.Close()
	next := make(chan int)
	failed := make(chan error, logins)
	var wait sync.WaitGroup
	begin := time.Now()
	for range width {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for n := range next {
				if err := spawn(out, built("bench/host"), "start", v.after(),
					userName(n), "setcred", "open", "close",
					"end"); err != nil {
					failed <- err
				}
			}
		}()
	}
	for n := range logins {
		next <- n
	}
	close(next)
	wait.Wait()
	took := time.Since(begin)
	select {
	case err := <-failed:
		return 0, nil, err
	default:
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		return 0, nil, err
	}
	for line := range strings.Lines(string(text)) {
		s, err := parseSample(line)
		if err != nil {
			return 0, nil, err
		}
		opens = append(opens, s.micro("open"))
	}
	return logins / took.Seconds(), opens, nil
}

// spawn runs a command with as little work of this process as possible: no pipes, no goroutines.
func spawn(out *os.File, command ...string) error {
	process, err := os.StartProcess(command[0], command, &os.ProcAttr{
		Env:   []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
		Files: []*os.File{nil, out, os.Stderr},
	})
	if err != nil {
		return err
	}
	state, err := process.Wait()
	if err == nil && !state.Success() {
		err = fmt.Errorf("%q: %v", command, state)
	}
	return err
}

// timedSpawn is the time from start to end of a command that prints nothing worth reading.
func timedSpawn(command ...string) (time.Duration, error) {
	null, err := os.OpenFile("/dev/null", unix.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	begin := time.Now()
	err = spawn(null, command...)
	return time.Since(begin), err
}
