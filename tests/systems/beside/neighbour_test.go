package beside

import (
	"errors"
	"strings"
	"testing"

	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// many is the number of sessions at each place.
const many = 20

// A neighbour is another module, and what it does for a session.
type neighbour struct {
	host     string // sshd or su
	module   string
	special  string // what is special about its options, in the name of the test
	packages []string

	// Its lines: a profile of pam-auth-update(8) from its package, or lines by hand, after
	// those of common-auth and at the end of the file.
	profile, auth, session string

	setUp func(t *testing.T)                   // once
	start func(t *testing.T, r *sessions.Ring) // its daemons, at each place
	first func(t *testing.T)                   // after the first session
	trace func(t *testing.T) string            // names its remains in the system, if any

	look   string           // in a session of alice: prints what the neighbour has done
	works  string           // the last lines of that, if all is well
	lost   map[place]string // the same at the places where our line removes something
	others []place          // besides after and before
	note   string           // for the table of hosts: about losses, otherwise about all rows
}

func (n neighbour) name() string {
	return strings.TrimSpace(n.host + ", beside " + n.module + " " + n.special)
}

func (n neighbour) test(t *testing.T) {
	if n.setUp != nil {
		n.setUp(t)
	}
	t.Run(string(missing), n.alone)
	for _, p := range append([]place{after, before}, n.others...) {
		t.Run(string(p), func(t *testing.T) { n.at(t, p) })
	}
}

// alone shows that what is lost at a place exists without our line.
func (n neighbour) alone(t *testing.T) {
	r := n.ready(t, missing)
	if err := n.login(r); err != nil {
		t.Error(err)
	}
	if n.first != nil {
		n.first(t)
	}
	sessions.Quiet(t)
	sessions.TakeReports(t, world.Alice)
	if seen := takeSeen(t); len(seen) != 1 || !says(seen[0], n.works) {
		t.Errorf("not %q, but %q", n.works, seen)
	}
}

// ready starts sshd with our line at a place, and has alice keep a key.
func (n neighbour) ready(t *testing.T, p place) *sessions.Ring {
	t.Helper()
	world.ForgetKeys(t)
	t.Cleanup(func() { unlinkFromRoot(t) })
	r := sessions.NewRing(t)
	if n.start != nil {
		n.start(t, r)
	}
	r.Keep(t, world.Alice)
	n.stack(t, p)
	if n.host == "sshd" {
		startSshd(t, r)
	}
	return r
}

// says reports whether a text ends with these lines.
func says(text, word string) bool { return strings.HasSuffix("\n"+text, "\n"+word+"\n") }

// at opens sessions with our line at a place, and checks what they see and what they leave.
func (n neighbour) at(t *testing.T, p place) {
	r := n.ready(t, p)
	want := n.works
	if lost, ok := n.lost[p]; ok {
		want = lost
	}
	row := world.Host{Name: n.name() + ", " + string(p), Sessions: many}
	if want != n.works || len(n.lost) == 0 {
		row.Note = n.note
	}
	defer func() {
		rows = append(rows, row)
		t.Logf("%+v", row)
	}()
	n.open(t, r, 1, want, "seed") // what is made only once exists now
	if n.first != nil {
		n.first(t)
	}
	quiet := sessions.Quiet(t)
	world.TakeLog(t)

	row.Good, row.Hung = n.open(t, r, many, want, "first")
	var what string
	if row.Left, what = sessions.Left(t, quiet); row.Left > 0 {
		t.Errorf("left: %s", what)
	}
	if n.trace != nil {
		if left := n.trace(t); left != "" {
			t.Errorf("left: %s", left)
		}
	}
	if log := world.TakeLog(t); len(log) != 0 {
		t.Errorf("log: %q", log)
	}
	// What bob reaches with the session keyring with which the host was started.
	if bobs := r.Pry(t); len(bobs.Leaks) > 0 {
		t.Errorf("leaks: %s", bobs.Text)
	}
}

// open opens sessions of alice one after another, and fails the test unless each has our link and
// reports this about the neighbour's work.
func (n neighbour) open(t *testing.T, r *sessions.Ring, sessionsWanted int, want string,
	kept ...string) (good, hung int) {
	t.Helper()
	for range sessionsWanted {
		err := n.login(r)
		if errors.Is(err, world.ErrHung) {
			hung++
		}
		if err != nil {
			t.Errorf("%v", err)
		}
	}
	for _, report := range sessions.AwaitReports(t, world.Alice, sessionsWanted, world.Hung) {
		if err := report.Whole(world.Alice, append(kept, "first")...); err != nil {
			t.Errorf("%v\n%s", err, report.Text)
			continue
		}
		good++
	}
	seen := takeSeen(t)
	if len(seen) != sessionsWanted || good != sessionsWanted {
		t.Fatalf("%d sessions: %d have the link, %d have looked", sessionsWanted, good,
			len(seen))
	}
	for _, text := range seen {
		if !says(text, want) {
			t.Fatalf("not %q, but:\n%s", want, text)
		}
	}
	return good, hung
}
