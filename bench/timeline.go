package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// stamped is a copy of the module that notes when it has come how far (bench/stamps).
var stamped = variant{"stamped", "with time stamps", built("bench/stamped.so")}

// steps are the parts of a pam_open_session after pam_keyinit, each by the stamp at its end.
var steps = []struct{ stamp, name string }{
	{"guard", "the guard: clone(CLONE_VM), signal dispositions"},
	{"start-go", "fork, and the child made ready: limits, descriptors"},
	{"go", "start of the Go runtime, up to the first line of the module's Go"},
	{"looked-up", "getpwnam_r"},
	{"answered", "options, policy, key calls, the reply"},
	{"reaped", "exit of the child, taken note of by the guard"},
	{"gone", "exit of the guard"},
}

func timeline(budget) ([]row, error) {
	if _, err := os.Stat(stamped.file()); err != nil {
		return []row{{name: "time line",
			note: "left out: bench/stamps no longer fits the module"}}, nil
	}
	runs := 1000
	if quick {
		runs = 100
	}
	var all []map[string]float64
	without := newRow("pam_open_session of the module without stamps, in turn with it", "µs")
	for range runs {
		times, err := stampsOfOpen()
		if err != nil {
			return nil, err
		}
		all = append(all, times)
		s, err := login("start", ours.after(), userName(0), "setcred", "open")
		if err != nil {
			return nil, err
		}
		without.add(ours, s.micro("open"))
	}
	// Only the faster half counts, because in a slow run another process had the processor
	// during one of the steps.
	slices.SortFunc(all, func(a, b map[string]float64) int {
		return cmp.Compare(a["gone"]-a["call"], b["gone"]-b["call"])
	})
	slices.Sort(without.values[ours.id])
	without.values[ours.id] = without.values[ours.id][:runs/2]
	return append(stepRows(all[:runs/2]), without,
		row{note: "These are the faster half of " + strconv.Itoa(runs) +
			" runs; a stamp costs some 50 ns."}), nil
}

func stepRows(runs []map[string]float64) []row {
	rows := make([]row, len(steps))
	before := "call"
	for i, step := range steps {
		rows[i] = newRow(step.name, "µs")
		for _, times := range runs {
			rows[i].add(ours, times[step.stamp]-times[before])
		}
		before = step.stamp
	}
	whole := newRow("together", "µs")
	for _, times := range runs {
		whole.add(ours, times["gone"]-times["call"])
	}
	return append(rows, whole)
}

// stampsOfOpen runs one login and returns the time of each stamp in microseconds.
func stampsOfOpen() (map[string]float64, error) {
	cmd := exec.Command(built("bench/host"), "start", stamped.after(), userName(0), "setcred",
		"open")
	var out strings.Builder
	cmd.Stderr = &out // the module prints its stamps there when it is unloaded
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, &out)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	times := map[string]float64{}
	var waits []float64
	// The loop goes backwards, up to the last call.
	for i, line := range slices.Backward(lines) {
		stamp, number, _ := strings.Cut(line, " ")
		ns, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return nil, fmt.Errorf("stamp %d is %q", i, line)
		}
		if stamp == "waited" {
			waits = append(waits, ns/1000)
		}
		if _, later := times[stamp]; !later {
			times[stamp] = ns / 1000
		}
		if stamp == "call" {
			break
		}
	}
	// The last wait is that for the guard, the one before the guard's for the child.
	if len(waits) < 2 {
		return nil, fmt.Errorf("no stamps: %q", lines)
	}
	times["reaped"] = waits[1]
	return times, nil
}
