// Check runs the tests that any user can run: go test -short. It prints a line for each package and
// for each test that is skipped, with the reason, and their number at the end. Its arguments are
// those of go test.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"pam_persistent/tests/support/world"
)

func main() {
	// Without go vet, which takes a quarter of the time: make lint runs it.
	args := append([]string{"test", "-short", "-json", "-vet=off"}, os.Args[1:]...)
	cmd := exec.Command(cmp.Or(os.Getenv("GO"), "go"), args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	r := report{os.Stdout, map[string]string{}, map[string]bool{}, 0}
	for d := json.NewDecoder(out); err == nil; {
		var e event
		if err = d.Decode(&e); err == nil {
			r.add(e)
		}
	}
	if errors.Is(err, io.EOF) {
		err = cmd.Wait()
	}
	fmt.Printf("%d tests skipped; make test runs all of them (as root, on Debian)\n", r.skipped)
	if err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

// An event is a line of go test -json; see go doc test2json.
type event struct{ Action, Package, Test, Output string }

type report struct {
	to      io.Writer
	said    map[string]string // by package and test
	ran     map[string]bool
	skipped int
}

// reason is how a test says why it is skipped.
var reason = regexp.MustCompile(`(?m)^ +[\w.]+\.go:\d+: (.*)$`)

func (r *report) add(e event) {
	name := strings.TrimPrefix(e.Package, "pam_persistent/")
	test := name + " " + e.Test
	switch e.Action {
	case "run":
		r.ran[test] = true
	case "output":
		r.said[test] += e.Output
	case "build-output":
		fmt.Fprint(r.to, e.Output)
	case "skip":
		if said := reason.FindAllStringSubmatch(r.said[test], -1); len(said) > 0 {
			r.skip(test, said[len(said)-1][1])
		} else if e.Test != "" {
			r.skip(test, "no reason given")
		}
	case "fail":
		fmt.Fprintf(r.to, "FAIL %s\n%s", strings.TrimSpace(test), r.said[test])
	case "pass":
		if e.Test == "" {
			r.leftOut(name)
			fmt.Fprintln(r.to, "ok  ", name)
		}
	}
}

// leftOut skips the tests that a package of [world.Main] has left out.
func (r *report) leftOut(name string) {
	_, list, found := strings.Cut("\n"+r.said[name+" "], "\n"+world.LeftOut)
	if !found {
		return
	}
	lines := strings.Split(list, "\n")
	for _, test := range slices.Compact(lines[1:]) {
		if strings.HasPrefix(test, "Test") && !r.ran[name+" "+test] {
			r.skip(name+" "+test, lines[0])
		}
	}
}

func (r *report) skip(test, reason string) {
	r.skipped++
	fmt.Fprintf(r.to, "skip %s: %s\n", test, reason)
}
