// Command bench measures the module next to the others that could stand in its place, in one run
// and round by round in random order, so that what else the machine does falls on all of them.
// bench/run builds what it needs and starts it.
//
//	bench/run [SECTION...]             only these sections; docs/benchmarks.md is left as it is
//	BENCH=quick bench/run              about a minute; docs/benchmarks.md is left as it is
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
}

var sections = []section{
	{"logins", "One login in a fresh process", 30, logins},
	{"many", "1000 logins in one process", 4, manyInOne},
	{"parallel", "Logins side by side", 20, parallel},
	{"programs", "Programs: time from start to end", 14, programs},
	{"keys", "Growth: keys in the session keyring", 8, keys},
	{"users", "Growth: lines in /etc/passwd before the user's", 10, users},
	{"memory", "Growth: resident memory of the login process", 14, memory},
	{"size", "Files", 0, size},
	{"instructions", "Instructions executed in user mode", 0, instructions},
	{"timeline", "Where the time goes", 0, timeline},
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
		r.section(s.title, rows)
	}
	r.targets()
	if quick || len(only) > 0 {
		return nil
	}
	return r.save("docs/benchmarks.md")
}
