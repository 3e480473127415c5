package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
		busy := newRow(strconv.Itoa(width)+" at a time: processor time of a login", "µs")
		err := rounds(b/budget(len(widths)), 3, variants, func(v variant) error {
			h, err := runHerd(v, width)
			if err == nil {
				rate.add(v, h.perSecond)
				slow.add(v, p99(h.opens))
				busy.add(v, float64(h.processor.Microseconds())/herdSize)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		rate.goal = &goal{text: "at least 1.0 × the plain Go module", to: plain, limit: 1,
			atLeast: true}
		rows = append(rows, rate, busy, slow)
	}
	return rows, nil
}

// A herd is what many logins came to.
type herd struct {
	perSecond float64
	opens     []float64     // microseconds of each pam_open_session
	processor time.Duration // of all of them, and of their children
}

// herdSize is enough for a 99th percentile.
const herdSize = 128

// runHerd lets so many logins run at any time.
func runHerd(v variant, width int) (h herd, err error) {
	out, err := os.OpenFile(filepath.Join("/home", "herd"),
		os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return h, err
	}
	defer out.Close()
	next := make(chan int)
	failed := make(chan error, herdSize)
	var used atomic.Int64
	var wait sync.WaitGroup
	begin := time.Now()
	for range width {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for n := range next {
				took, err := spawn(out, built("bench/host"), "start", v.after(),
					userName(n), "setcred", "open", "close", "end")
				if err != nil {
					failed <- err
				}
				used.Add(int64(took))
			}
		}()
	}
	for n := range herdSize {
		next <- n
	}
	close(next)
	wait.Wait()
	h.perSecond = herdSize / time.Since(begin).Seconds()
	h.processor = time.Duration(used.Load())
	select {
	case err := <-failed:
		return h, err
	default:
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		return h, err
	}
	for line := range strings.Lines(string(text)) {
		s, err := parseSample(line)
		if err != nil {
			return h, err
		}
		h.opens = append(h.opens, s.micro("open"))
	}
	return h, nil
}

// spawn runs a command with as little work of this process as possible: no pipes, no goroutines. It
// returns the processor time of the command and of the children that it has waited for.
func spawn(out *os.File, command ...string) (time.Duration, error) {
	process, err := os.StartProcess(command[0], command, &os.ProcAttr{
		Env:   []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
		Files: []*os.File{nil, out, os.Stderr},
	})
	if err != nil {
		return 0, err
	}
	state, err := process.Wait()
	if err != nil {
		return 0, err
	}
	if !state.Success() {
		err = fmt.Errorf("%q: %v", command, state)
	}
	return state.UserTime() + state.SystemTime(), err
}

// timedSpawn is the time from start to end of a command that prints nothing worth reading.
func timedSpawn(command ...string) (time.Duration, error) {
	null, err := os.OpenFile("/dev/null", unix.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	begin := time.Now()
	_, err = spawn(null, command...)
	return time.Since(begin), err
}
