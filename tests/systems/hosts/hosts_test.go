package hosts

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

const (
	many      = 20               // sessions of a host
	fewer     = 10               // of one that takes a second for each, as its note says
	impatient = 2 * time.Second  // after which a login with the plain module counts as hung
	patient   = 10 * time.Second // the same, for a host that is not known to hang with it
	// its sessions, if more would only show again whether it leaks
	few    = 5
	enough = 3 // its hung sessions, for a host that hangs sometimes
)

// A host is a program through which people log in.
type host struct {
	name  string
	setUp func(t testing.TB)                   // its configuration, until the test is over
	start func(t testing.TB, r *sessions.Ring) // its daemon
	// opens sessions that run the probe; the error of a hung one is world.ErrHung
	login func(t testing.TB, l login) []error
	root  bool // for root instead of alice
	// the plain module's result: it "fails" (always), "hangs" (sometimes), "leaks", or "loses"
	// the user's keys; "": none of these
	plain    string
	sessions int // number to open, if not many
	note     string
}

// A login is a request to a host: this many sessions of a user, each running the probe with this
// argument.
type login struct {
	ring  *sessions.Ring
	user  world.User
	n     int
	limit time.Duration
	mark  string
}

func (l login) probe() string { return "/home/probe " + l.mark }

var hosts = slices.Concat(sshd, consoles, su, jobs, mailAndFiles, desktops,
	multiplexers, greeters)

func (h host) user() world.User {
	if h.root {
		return world.User{Name: "root"}
	}
	return world.Alice
}

func (h host) count() int {
	if h.sessions == 0 {
		return many
	}
	return h.sessions
}

// mark returns the name of the host as one word.
func (h host) mark() string { return regexp.MustCompile(`\W+`).ReplaceAllString(h.name, "-") }

// each turns a function that opens one session into one that opens several, one after another.
func each(one func(l login) error) func(testing.TB, login) []error {
	return func(_ testing.TB, l login) (failed []error) {
		for range l.n {
			if err := one(l); err != nil {
				failed = append(failed, err)
				if l.limit > patient {
					break // one is too many
				}
			}
		}
		return failed
	}
}

// ready starts a host and has its users keep keys.
func (h host) ready(t testing.TB) *sessions.Ring {
	t.Helper()
	world.ForgetKeys(t)
	use(t, ours)
	r := sessions.NewRing(t)
	for _, u := range []world.User{h.user(), world.Bob} {
		r.Keep(t, u)
	}
	if h.root { // no test may destroy all keys of root
		t.Cleanup(func() {
			r.Try(world.Hung, "su", "-l", "-c",
				`keyctl invalidate "$(keyctl request user kept.root)"`)
		})
	}
	if h.setUp != nil {
		h.setUp(t)
	}
	h.up(t, r)
	return r
}

func (h host) up(t testing.TB, r *sessions.Ring) {
	t.Helper()
	if h.start != nil {
		h.start(t, r)
	}
}

// TestHosts opens sessions of each host, and checks what they see, what others see, and what is
// left.
func TestHosts(t *testing.T) {
	system(t)
	var rows []world.Host
	world.NoteHosts(t, &rows)
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			row := world.Host{Name: h.name, Sessions: h.count(), Note: h.note}
			r := h.ready(t)
			h.withOurs(t, r, &row)
			sessions.KillAll()
			h.withPlain(t, r, &row)
			rows = append(rows, row)
			t.Logf("%+v", row)
		})
	}
}

func (h host) withOurs(t *testing.T, r *sessions.Ring, row *world.Host) {
	t.Helper()
	u, mark := h.user(), h.mark()
	ask := login{r, u, 1, world.Hung, "first"}
	visit := login{r, world.Bob, 1, world.Hung, "bob"}
	// A host that has served nobody yet may still grow.
	h.expect(t, ask, "seed")
	h.expect(t, visit, "seed")
	before := sessions.Quiet(t)
	world.TakeLog(t)

	ask.n, ask.mark = h.count(), mark
	row.Good, row.Hung = h.expect(t, ask, "first", mark)
	h.expect(t, visit, "bob")
	// What the host's own session keyring reveals when bob has it.
	if out := r.Pry(t); len(out.Leaks) > 0 {
		t.Errorf("from the session keyring that the host was started with: %s", out.Text)
	}
	var what string
	if row.Left, what = sessions.Left(t, before); row.Left > 0 {
		t.Errorf("left: %s", what)
	}
	if log := world.TakeLog(t); len(log) != 0 {
		t.Errorf("log: %q", log)
	}
}

// expect opens sessions and fails the test unless all are whole.
func (h host) expect(t *testing.T, l login, kept ...string) (good, hung int) {
	t.Helper()
	for attempt := 1; ; attempt++ {
		ring := persistentOf(t, l.user)
		var problems []string
		for _, err := range h.login(t, l) {
			if errors.Is(err, world.ErrHung) {
				hung++
			}
			problems = append(problems, err.Error())
		}
		reports := sessions.AwaitReports(t, l.user, l.n, world.Hung)
		for _, report := range reports {
			if err := report.Whole(l.user, kept...); err != nil {
				problems = append(problems, fmt.Sprintf("%v\n%s", err, report.Text))
				continue
			}
			good++
		}
		if len(reports) != l.n {
			problems = append(problems,
				fmt.Sprintf("%d of %d sessions were seen", len(reports), l.n))
		}
		if h.root && len(problems) > 0 && attempt < 5 && persistentOf(t, l.user) != ring {
			t.Log("another test has taken root's persistent keyring away, which is " +
				"the machine's: again")
			l.ring.Keep(t, l.user)
			kept, good, hung = append(kept, "seed"), 0, 0
			continue
		}
		for _, problem := range problems {
			t.Errorf("%s: %s", l.user.Name, problem)
		}
		if len(problems) > 0 {
			t.Fatalf("log: %q", world.TakeLog(t))
		}
		return good, hung
	}
}

// persistentOf returns the serial of a user's persistent keyring, or 0.
func persistentOf(t testing.TB, u world.User) keyctl.Serial {
	t.Helper()
	keyring, _, _ := keyrings.Of(u.UID) // forged descriptions are no error here
	return keyring.Serial
}

// withPlain shows the result without the safeguards.
func (h host) withPlain(t *testing.T, r *sessions.Ring, row *world.Host) {
	t.Helper()
	use(t, plain)
	defer use(t, ours)
	h.up(t, r)
	l := login{r, h.user(), few, patient, "plain"}
	wanted := few
	switch h.plain {
	case "hangs": // one at a time, because each takes the test this long
		wanted, l.n, l.limit = many, 1, impatient
	case "fails":
		wanted, l.n, l.limit = many, many, impatient
	}
	opened, failed, hung := 0, 0, 0
	for opened < wanted && (hung < enough || h.plain != "hangs") {
		for _, err := range h.login(t, l) {
			failed++
			if errors.Is(err, world.ErrHung) {
				hung++
			}
		}
		opened += l.n
	}
	good := 0 // sessions that find the kept key
	for _, report := range sessions.AwaitReports(t, l.user, opened-failed, patient) {
		if report.Kept != "" {
			good++
		}
	}
	good = min(good, opened-failed)
	row.Plain = fmt.Sprintf("%d of %d", good, opened)
	if hung > 0 {
		row.Plain += fmt.Sprintf(", %d hung", hung)
	}
	leaks := len(r.Pry(t).Leaks) > 0
	if leaks {
		row.Plain += ", leaks"
	}
	if caught, asked := map[string]bool{"leaks": leaks, "hangs": hung > 0,
		"fails": good == 0, "loses": good == 0}[h.plain]; asked && !caught {
		t.Errorf("the plain module is not caught: it %s, it is said, but: %s", h.plain,
			row.Plain)
	}
	sessions.KillAll()
}

// TestKeyGoesFromHostToHost shows the module's purpose: a key kept in one host is read in the next.
func TestKeyGoesFromHostToHost(t *testing.T) {
	system(t)
	world.ForgetKeys(t)
	use(t, ours)
	r := sessions.NewRing(t)
	if err := r.Try(world.Hung, "su", "-l", "alice", "-c", "/home/keep"); err != nil {
		t.Fatal(err)
	}
	kept := "seed"
	var order []string
	for _, h := range hosts {
		if h.root {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			if h.setUp != nil {
				h.setUp(t)
			}
			h.up(t, r)
			h.expect(t, login{r, world.Alice, 1, world.Hung, h.mark()}, kept)
			sessions.KillAll()
			kept = h.mark()
		})
		order = append(order, h.name)
	}
	t.Logf("%d hosts: %s", len(order), strings.Join(order, " > "))
}
