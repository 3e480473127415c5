package hosts

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// An order is what the table of pam_persistent(8) says about a service.
type order struct{ service, keyinit, line, session string }

var row = regexp.MustCompile(`^\.It ([a-z-]+) Ta (.+) Ta (.+) Ta (.+)$`)

// manualTable reads the table below the comment that names this file.
func manualTable(t *testing.T) (rows []order) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(world.Root, "docs/pam_persistent.8"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text),
		`.\" tests/systems/hosts/order_test.go reads this table.`)
	table, _, _ = strings.Cut(table, "\n.El")
	for line := range strings.Lines(table) {
		if found := row.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
			rows = append(rows, order{found[1], found[2], found[3], found[4]})
		}
	}
	if len(rows) < 15 {
		t.Fatalf("the table of pam_persistent(8) has %d rows", len(rows))
	}
	return rows
}

// Words of the table, with their meaning in a stack and for a session.
const (
	yes, no             = "yes", "no"
	after, before, none = "after it", "before it", "none"
	anywhere            = "in an included file"
	ourSession          = "joined by pam_persistent"
	keyinitsSession     = "joined by pam_keyinit, without the link"
	callersSession      = "the caller's, without the link"
)

// TestOrderOfLines fails unless the manual's table is true of Debian's files as pam-auth-update
// leaves them.
func TestOrderOfLines(t *testing.T) {
	system(t)
	use(t, ours)
	for _, want := range manualTable(t) {
		t.Run(want.service, func(t *testing.T) {
			world.ForgetKeys(t)
			lines := sessionLines(t, want.service)
			got := order{service: want.service, keyinit: no, line: anywhere}
			keyinit, line := find(lines, "pam_keyinit.so"), findLast(lines,
				"pam_persistent.so")
			if keyinit >= 0 {
				got.keyinit, got.line = yes, after
				if keyinit > line {
					got.line = before
				}
			}
			if line < 0 {
				got.line = none
			}
			got.session = session(t, want.service)
			if got != want {
				t.Errorf("the manual says %q, but it is %q\n%s", want, got,
					strings.Join(lines, "\n"))
			}
			if got := found(t, want.service); got != (want.session == ourSession) {
				t.Errorf("a key in the persistent keyring is found: %v", got)
			}
		})
	}
}

func find(lines []string, module string) int {
	return slices.IndexFunc(lines, func(line string) bool {
		return strings.Contains(line, " "+module)
	})
}

// findLast is for systemd-user, in which the package's own line comes after that of
// common-session-noninteractive.
func findLast(lines []string, module string) int {
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.Contains(lines[i], " "+module) {
			return i
		}
	}
	return -1
}

var joinResult = regexp.MustCompile(`(?m)^keyctl\(KEYCTL_JOIN_SESSION_KEYRING, NULL\) = (\d+)$`)

// session returns whose session keyring a session of alice ends with, in a host that root has
// started. The host itself joins one before its PAM calls; of those that are joined later, ours is
// the one that the module's debug line names.
func session(t *testing.T, service string) string {
	t.Helper()
	world.ForgetKeys(t)
	options(t, "debug")
	defer options(t, "")
	r, calls := pamhost.Trace(t, []string{"-e", "trace=keyctl,prctl"},
		"open-log ring root service "+service+" start alice open",
		"run echo id $(keyctl id @s)", "tree mark close end")
	calls, _, _ = strings.Cut(calls, pamhost.Mark) // the end joins another one
	log := strings.Join(r.Log, "\n")
	var joined []string
	for _, found := range joinResult.FindAllStringSubmatch(calls, -1) {
		joined = append(joined, found[1])
	}
	_, id, _ := strings.Cut(r.Out, "id ")
	id, _, _ = strings.Cut(id, "\n")
	last := len(joined) - 1
	linked := strings.Contains(log, " is linked into session keyring "+id)
	switch {
	case last < 0 || joined[last] != id || strings.Contains(r.Tree, " _persistent.") != linked:
		t.Errorf("%s: session keyring %s of those joined %q: %s%s", service, id, joined,
			r.Out, log)
	case linked:
		return ourSession
	case !linked && last == 0:
		return callersSession
	case !linked:
		return keyinitsSession
	}
	return "in " + strings.Join(joined, ", ") + ": " + r.Tree
}

// opened returns the session keyring of a session of alice, of a host that root has started.
func opened(t *testing.T, service string) string {
	t.Helper()
	r := pamhost.Run(t, "ring root service "+service+" start alice open", "run true",
		"tree close end")
	if r.Code("open") != "success" {
		t.Errorf("%s: %s", service, r.Out)
	}
	return r.Tree
}

// found reports whether a session can read a key that a session of another service has kept. That
// session has left no link in the user keyring.
func found(t *testing.T, service string) bool {
	t.Helper()
	world.WriteService(t, "pam-persistent-keep", "session optional pam_persistent.so\n")
	pamhost.Run(t, "service pam-persistent-keep", "serve alice keyctl add user kept x "+
		`"$(keyctl search @s keyring _persistent.$(id -u))"`)
	r := pamhost.Run(t,
		"ring root service "+service+" serve alice keyctl print $(keyctl request user "+
			"kept) || true")
	return strings.Contains(r.Out, "\nx\n")
}

// options changes the options of the module's line.
func options(t *testing.T, option string) {
	t.Helper()
	sh(t, `sed -i "s/\(pam_persistent.so\).*/\1 $1/" /etc/pam.d/common-session \
		/etc/pam.d/common-session-noninteractive /etc/pam.d/systemd-user`, option)
}

// A line before pam_keyinit has no effect without user_keyring.
func TestLineBeforeKeyinit(t *testing.T) {
	system(t)
	use(t, ours)
	for option, reached := range map[string]bool{"": false, "user_keyring": true} {
		for name, stack := range map[string]string{
			"before": "session optional pam_persistent.so " + option +
				"\nsession optional pam_keyinit.so force revoke\n",
			"after": "session optional pam_keyinit.so force revoke\n" +
				"session optional pam_persistent.so " + option + "\n",
		} {
			t.Run(name+" "+option, func(t *testing.T) {
				world.ForgetKeys(t)
				world.WriteService(t, "pam-persistent-test", stack)
				if got, want := found(t, "pam-persistent-test"), reached ||
					name == "after"; got != want {
					t.Errorf("found: %v", got)
				}
				if tree := opened(t, "pam-persistent-test"); strings.Contains(tree,
					" _persistent.") != (name == "after") {
					t.Error(tree)
				}
			})
		}
	}
	t.Run("systemd-user without the package's file", func(t *testing.T) {
		world.ForgetKeys(t)
		sh(t, "mv /etc/pam.d/systemd-user /home")
		defer sh(t, "mv /home/systemd-user /etc/pam.d")
		if found(t, "systemd-user") {
			t.Error("found")
		}
	})
}

var include = regexp.MustCompile(`^(?:@include\s+(\S+)|session\s+include\s+(\S+))$`)

// sessionLines returns the session stack of a service, with all included files, as "control module
// options".
func sessionLines(t testing.TB, service string) []string {
	t.Helper()
	file := service
	if !filepath.IsAbs(service) {
		file = "/etc/pam.d/" + service
	}
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		text, err = os.ReadFile("/usr/lib/pam.d/" + service)
	}
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.Join(strings.Fields(line), " ")
		if found := include.FindStringSubmatch(line); found != nil {
			lines = append(lines, sessionLines(t, found[1]+found[2])...)
		} else if rest, ours := strings.CutPrefix(strings.TrimPrefix(line,
			"-"), "session "); ours {
			lines = append(lines, rest)
		}
	}
	return lines
}
