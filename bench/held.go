package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// held measures the memory of sessions that are open at the same time, a process each: what their
// processes have, each page divided by the number of processes that share it.
func held(b budget) ([]row, error) {
	sizes := []int{1, 10, 100, 1000}
	if quick {
		sizes = sizes[:3]
	}
	var rows []row
	for _, n := range sizes {
		memory := newRow("sessions held: "+group(n), "kB")
		memory.x = float64(n)
		err := rounds(b/budget(len(sizes)), 1, variants[:5], func(v variant) error {
			kB, err := hold(v, n)
			if err == nil {
				memory.add(v, kB)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows, memory)
	}
	return rows, nil
}

// hold opens so many sessions, looks at them, and ends them.
func hold(v variant, n int) (kB float64, err error) {
	var hosts []*exec.Cmd
	var ends []io.Closer
	defer func() {
		for _, end := range ends {
			end.Close()
		}
		for _, host := range hosts {
			if wrong := host.Wait(); err == nil {
				err = wrong
			}
		}
	}()
	for i := range n {
		host := exec.Command(built("bench/host"), "start", v.service(), userName(i), "open",
			"wait", "close", "end")
		host.Stderr = os.Stderr
		in, err := host.StdinPipe()
		if err != nil {
			return 0, err
		}
		out, err := host.StdoutPipe()
		if err != nil {
			return 0, err
		}
		if err := host.Start(); err != nil {
			return 0, err
		}
		hosts, ends = append(hosts, host), append(ends, in)
		// It prints when the session is open.
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			return 0, fmt.Errorf("session %d: %w", i, err)
		}
	}
	for _, host := range hosts {
		path := fmt.Sprintf("/proc/%d/smaps_rollup", host.Process.Pid)
		share, err := field(path, "Pss")
		if err != nil {
			return 0, err
		}
		number, err := strconv.ParseFloat(strings.Fields(share)[0], 64)
		if err != nil {
			return 0, err
		}
		kB += number
	}
	return kB, nil
}
