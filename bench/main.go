// Command bench measures the module next to the others that could stand in its place, in one run
// and round by round in random order, so that what else the machine does falls on all of them.
// bench/run builds what it needs and starts it.
//
//	bench/run                          all; writes docs/benchmarks.md, docs/charts and the
//	                                   table of README.md
//	bench/run [SECTION...]             only these sections; charts go to build/bench/charts
//	BENCH=quick bench/run              some minutes; charts go to build/bench/charts
//	BENCH_ALSO='old.so new.so' bench/run   further modules, each a column of its own
package main

import (
	"fmt"
	"os"
	"slices"
	"time"

	"pam_persistent/tests/support/world"
)

// A section of the report. Its weight is its share of the time.
type section struct {
	name    string
	title   string
	weight  int
	measure func(budget) ([]row, error)
	charts  []chart
}

var sections = []section{
	{"sessions", "Whole sessions in the stacks that people have", 40, sessions, nil},
	{"breaks", "What each leaves and breaks", 0, breaks, nil},
	{"logins", "Single calls: one login in a fresh process", 30, logins, nil},
	{"many", "1000 logins in one process", 4, manyInOne, nil},
	{"programs", "Programs: time from start to end", 14, programs, nil},
	{"parallel", "Growth: logins side by side", 20, parallel, []chart{
		{"parallel", "Logins side by side", "logins at a time", "logins a second",
			"at a time: logins"}}},
	{"held", "Growth: sessions held", 10, held, []chart{
		{"held", "Memory of sessions that are held", "sessions", "memory in kB", ""}}},
	{"memory", "Growth: resident memory of the login process", 14, memory, []chart{
		{"memory", "pam_open_session by the memory of the host", "memory in MB",
			"time in µs", ""}}},
	{"keys", "Growth: keys in the session keyring", 8, keys, []chart{
		{"keys", "pam_open_session by keys in the session keyring before", "keys",
			"time in µs", ""}}},
	{"users", "Growth: lines in /etc/passwd before the user's", 10, users, []chart{
		{"users", "pam_open_session by lines in /etc/passwd", "lines", "time in µs", ""}}},
	{"size", "Files", 0, size, nil},
	{"timeline", "Where the time goes", 0, timeline, nil},
}

// quick shortens everything to about a minute.
var quick = os.Getenv("BENCH") == "quick"

// budget is how long a section may go on beginning new rounds.
type budget time.Duration

func (s section) budget() budget {
	unit := 5500 * time.Millisecond
	if quick {
		unit = 400 * time.Millisecond
	}
	return budget(time.Duration(s.weight) * unit)
}

func main() {
	os.Exit(world.Enter(config, func() int {
		defer forget()
		if err := run(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			return 1
		}
		return 0
	}))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

func run(only []string) error {
	about, err := describeMachine()
	if err != nil {
		return err
	}
	shown := !quick && len(only) == 0
	if shown {
		chartDir = "docs/charts"
	}
	r := report{}
	r.machine(about)
	for _, s := range sections {
		if len(only) > 0 && !slices.Contains(only, s.name) {
			continue
		}
		rows, err := s.measure(s.budget())
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := r.section(s, rows); err != nil {
			return err
		}
	}
	r.targets()
	if !shown {
		return nil
	}
	return r.save()
}
