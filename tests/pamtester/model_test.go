package pamtester

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// A model is what a host knows of its session keyrings while it makes random calls under one PAM
// handle after the other, on two threads. It says which steps are sound: which user the host may
// give a process in the session keyring of a thread. What must be true then is one sentence: no
// process finds another user's persistent keyring.
type model struct {
	random  *rand.Rand
	steps   []string
	threads map[string]*thread
	on      string
	handles int // that were started; a ring belongs to one of them, or to none
	logins  int // steps of step's usual login

	open       bool   // there is a handle
	user       string // PAM_USER
	first      string // PAM_USER at the start of the handle
	renumbered bool   // bob has another UID
	carols     bool   // carol has started the host
}

// A thread has a session keyring.
type thread struct {
	handle    int  // under which the module has joined it; 0: it is the host's
	tainted   bool // it is that of an earlier handle, and could not be left
	refused   bool // the kernel refuses to join, and so to leave
	forbidden bool // the kernel refuses persistent keyrings
	closed    bool // this thread closed the session last
}

// newModel makes a host of root's, or one that carol has started, as she may start su. Her quota is
// what its joins and links are charged to then.
func newModel(seed uint64) *model {
	m := &model{random: rand.New(rand.NewPCG(seed, 0)), on: "main",
		threads: map[string]*thread{"main": {}, "other": {}}}
	m.carols = m.random.IntN(4) > 0
	if m.carols {
		m.do("caller carol")
	} else {
		m.do("ring root")
	}
	m.do("worker other")
	return m
}

func (m *model) do(format string, args ...any) {
	m.steps = append(m.steps, fmt.Sprintf(format, args...))
}

// step makes one random step that is sound. Four of five are the next one of a login in which
// something goes wrong, because leaks need several steps in that order.
func (m *model) step() {
	t := m.threads[m.on]
	login := []func(){m.openSession, m.fail, m.fail, m.otherUser, m.openSession, m.refresh,
		m.firstUser, m.openSession}
	steps := []func(){m.otherThread, m.openSession, m.openSession, m.otherUser, m.refresh,
		m.close, m.end, m.fail}
	switch {
	case !m.open:
		m.start()
	case m.random.IntN(5) > 0:
		login[m.logins%len(login)]()
		m.logins++
	case t.handle == 0 && !t.tainted && m.random.IntN(8) == 0:
		// A process of the host that is no session's, as cupsd's filters are.
		m.do("witness alice")
	default:
		steps[m.random.IntN(len(steps))]()
	}
}

func (m *model) otherThread() {
	m.on = []string{"main", "other"}[m.random.IntN(2)]
	m.do("on %s", m.on)
}

// fail makes the kernel refuse to join session keyrings, or persistent keyrings, from now on, or
// gives bob another UID.
func (m *model) fail() {
	t := m.threads[m.on]
	switch what := m.random.IntN(5); {
	case t.handle == 0, what < 2 && t.refused, what == 2 && t.forbidden, what > 2:
		m.renumber()
	case what == 2:
		t.forbidden = true
		m.do("forbid keyctl 22 1")
	case m.carols:
		m.threads["main"].refused, m.threads["other"].refused = true, true
		m.do("fill-quota carol")
	default:
		t.refused = true
		m.do("forbid keyctl 1 122")
	}
}

func (m *model) start() {
	m.open = true
	m.handles++
	m.user = m.anyUser()
	m.first = m.user
	m.do("start %s", m.user)
	for _, t := range m.threads {
		t.closed = false
		// Nothing of the new handle says what this keyring is.
		t.tainted = t.tainted || t.handle != 0
	}
}

func (m *model) anyUser() string {
	users := []string{"alice", "alice", "bob", "bob", "bob", "bob", "bob", "bob", "carol",
		"carol", "nosuchuser"}
	return users[m.random.IntN(len(users))]
}

func (m *model) otherUser() {
	before := m.user
	// A name with another UID is another user, too.
	for m.user == before && (!m.renumbered || m.random.IntN(3) == 0) {
		m.user = m.anyUser()
	}
	m.do("user %s", m.user)
}

func (m *model) firstUser() {
	m.user = m.first
	m.do("user %s", m.user)
}

func (m *model) openSession() {
	t := m.threads[m.on]
	m.do("open")
	for _, other := range m.threads {
		other.closed = false
	}
	if !t.refused {
		t.handle, t.tainted = m.handles, false
	}
	if !t.tainted && m.user != "nosuchuser" && m.random.IntN(4) > 0 {
		m.do("witness %s", m.user)
	}
}

func (m *model) refresh() { m.do("setcred refresh") }

func (m *model) close() {
	m.do("close")
	for _, t := range m.threads {
		t.closed = false
	}
	m.threads[m.on].closed = true
}

func (m *model) end() {
	t := m.threads[m.on]
	m.do("end")
	m.open = false
	for _, other := range m.threads {
		other.tainted = other.tainted || other.handle != 0
	}
	if t.closed && t.handle == m.handles && !t.refused {
		t.handle, t.tainted = 0, false
	}
}

// renumber gives bob another UID, or his own one back.
func (m *model) renumber() {
	m.renumbered = !m.renumbered
	files := map[bool]string{false: usual, true: renumbered}
	m.do("sh cat %s >/etc/passwd", files[m.renumbered])
}

// Files that renumber copies; what carol has started writes as carol there.
const usual, renumbered = "/home/passwd.usual", "/home/passwd.renumbered"

// sequence is a random one of so many steps, with a look at what each process finds after each.
func sequence(seed uint64, steps int) []string {
	m := newModel(seed)
	for range steps {
		m.step()
		m.do("tree")
		m.do("witnesses")
	}
	return m.steps
}

var (
	witnessLine    = regexp.MustCompile(`(?m)^\w+ (\d+): session keyring.*$`)
	persistentName = regexp.MustCompile(`_persistent\.(\d+)`)
)

// leaked returns the lines of processes that find another user's persistent keyring, and how many
// processes have found their own.
func leaked(out string) (lines []string, own int) {
	for _, line := range witnessLine.FindAllStringSubmatch(out, -1) {
		for _, found := range persistentName.FindAllStringSubmatch(line[0], -1) {
			if found[1] != line[1] {
				lines = append(lines, line[0])
			} else {
				own++
			}
		}
	}
	return lines, own
}

// Whatever calls a host makes, in whatever order and with whatever failures, no process that it has
// given to a user finds another user's persistent keyring. tests/safeguards takes out the care of
// each of the ways in which that was false, and this test finds each.
func TestModel(t *testing.T) {
	sequences, steps := 130, 12
	if n, err := strconv.Atoi(os.Getenv("PAM_PERSISTENT_SEQUENCES")); err == nil {
		sequences = n
	}
	const line = "required pam_persistent.so minimum_uid={bob}\n"
	world.Service(t, world.Built(t, "pam_persistent.so"), "auth "+line+"session "+line)
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(passwd), world.Fill("\nbob:x:{bob}:"),
		world.Fill("\nbob:x:{spare}:"), 1)
	for _, err := range []error{os.WriteFile(usual, passwd, 0o644),
		os.WriteFile(renumbered, []byte(other), 0o644), os.Chmod("/etc/passwd", 0o666)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	defer os.Chmod("/etc/passwd", 0o644)
	world.ForgetKeys(t)
	found := 0
	for seed := range uint64(sequences) {
		commands := sequence(seed, steps)
		r := pamhost.Run(t, commands...)
		lines, own := leaked(r.Out)
		found += own
		if len(lines) > 0 {
			t.Errorf("sequence %d: %q\n%s", seed, slices.Compact(lines),
				strings.Join(commands, "\n"))
		}
		if err := os.WriteFile("/etc/passwd", passwd, 0o644); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(commands, "fill-quota carol") {
			keyctltest.Forget(t, world.Carol.UID)
		}
	}
	keyctltest.Forget(t, world.Spare)
	if found < sequences {
		t.Errorf("in %d sequences only %d times a process has found its own persistent "+
			"keyring: the test has lost its point", sequences, found)
	}
	t.Logf("%d sequences, %d times a process has found its own persistent keyring", sequences,
		found)
}
