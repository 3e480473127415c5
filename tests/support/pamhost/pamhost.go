// Package pamhost runs pamhost, the host in C whose source is in c/: a PAM application that carries
// out its arguments, one after another. Tests and scripts (see [Script]) write these as lines:
//
//	pamhost.Run(t, "ring root start alice open", "run keyctl id @s >/dev/null", "tree close").
//		Prints(t, "open = success", pamhost.Whole(world.Alice), "close = success")
//
// A line is words with blanks between them; "pamhost help" prints the commands. Besides:
//
//   - the first argument of start and serve, the service, is left out: it is the one that
//     [world.Service] writes, or that of the last "service NAME" before;
//   - the last argument of sh, run, run-as and serve is the rest of the line;
//   - a word that begins with a double quote is a Go string;
//   - {alice} is alice's UID; see [world.Fill].
package pamhost

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/world"
)

// A Host is pamhost as a test runs it. The zero value is build/tests/pamhost, run as root with a
// session keyring of root's.
type Host struct {
	Under []string      // a command that runs the host, such as strace(1)
	Path  string        // another build of it
	Limit time.Duration // the longest time for the run; 0: [world.Hung]

	Started func(pid int) error // called once the process exists
}

// Command returns pamhost with its arguments, for tests that run it in another way than [Try].
func Command(t testing.TB, lines ...string) []string { return Host{}.Command(t, lines...) }

// Run runs pamhost; see [Host.Run].
func Run(t testing.TB, lines ...string) Result { t.Helper(); return Host{}.Run(t, lines...) }

// Try runs pamhost; see [Host.Try].
func Try(t testing.TB, lines ...string) Result { t.Helper(); return Host{}.Try(t, lines...) }

// Command returns the command that Try runs.
func (h Host) Command(t testing.TB, lines ...string) []string {
	t.Helper()
	if h.Path == "" {
		h.Path = world.Built(t, "tests/pamhost")
	}
	return slices.Concat(h.Under, []string{h.Path}, Arguments(lines...))
}

// Try runs the host, and first empties the log.
func (h Host) Try(t testing.TB, lines ...string) Result {
	t.Helper()
	if h.Limit == 0 {
		h.Limit = world.Hung
	}
	if h.Started == nil {
		h.Started = func(int) error { return nil }
	}
	world.TakeLog(t)
	out, err := world.TryWith(h.Limit, h.Started, h.Command(t, lines...)...)
	return parse(out, world.TakeLog(t), err)
}

// Run is Try for a host that must run to its end; otherwise the test is over.
func (h Host) Run(t testing.TB, lines ...string) Result {
	t.Helper()
	r := h.Try(t, lines...)
	if r.Err != nil {
		t.Fatalf("%q: %v\n%slog %q", lines, r.Err, r.Out, r.Log)
	}
	return r
}

// whole are the commands whose last argument is the rest of the line, with the number of arguments
// before it.
var whole = map[string]int{"sh": 0, "run": 0, "run-as": 1, "serve": 1}

// Arguments turns lines into the arguments of pamhost.
func Arguments(lines ...string) (arguments []string) {
	service := world.ServiceName
	for _, line := range lines {
		rest := strings.TrimSpace(world.Fill(line))
		next := func() (word string) {
			word, rest = cutWord(rest)
			return word
		}
		for rest != "" {
			command := next()
			if command == "service" {
				service = next()
				continue
			}
			arguments = append(arguments, command)
			if command == "start" || command == "serve" {
				arguments = append(arguments, service)
			}
			if command == "start" {
				arguments = append(arguments, next())
			}
			if before, takesRest := whole[command]; takesRest {
				for range before {
					arguments = append(arguments, next())
				}
				arguments = append(arguments, rest)
				rest = ""
			}
		}
	}
	return arguments
}

// cutWord returns the first word and what follows the blanks after it.
func cutWord(line string) (word, rest string) {
	if quoted, err := strconv.QuotedPrefix(line); err == nil && quoted[0] == '"' {
		word, _ = strconv.Unquote(quoted)
		return word, strings.TrimLeft(line[len(quoted):], " \n\t")
	}
	end := strings.IndexAny(line, " \n\t")
	if end < 0 {
		return line, ""
	}
	return line[:end], strings.TrimLeft(line[end:], " \n\t")
}
