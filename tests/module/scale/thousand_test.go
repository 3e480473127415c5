package scale

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

const thousand = 1000

// How much more memory a session may take than with pam_keyinit alone, in kB: less than the 160 kB
// of Go's data if dlopen(3) relocates it (see c/defer-relocations). A Go runtime in the login
// process takes 900 kB, counting only what the process has written to.
const (
	moreDirty = 64
	moreGrown = 32 // for the last sessions than for the first
	moreGroup = 128
)

// A crowd is what was seen of sessions that were held at the same time.
type crowd struct {
	counts  tally
	threads map[int]int // sessions by their number of threads
	// kB that each has written to and does not share, in the order in which they were opened
	dirty  []int
	group  int // kB of the machine's memory for each
	linked int // sessions with the link
}

// opening is the longest time for a thousand sessions, on a very busy machine: a single one that
// hangs ends after ten seconds.
const opening = 10 * time.Minute

// hold opens sessions, this many at a time, examines all of them, and closes them.
func hold(t *testing.T, g *group, driver, service string, sessions, width int) (c crowd) {
	t.Helper()
	c.threads = map[int]int{}
	var held rest
	keyctltest.AsRoot(t, func() {
		before := g.kB(t)
		d := drive(t, opening,
			append(g.enter(), driver, "hold", strconv.Itoa(sessions),
				strconv.Itoa(width), service)...)
		d.ready()
		c.group = (g.kB(t) - before) / sessions
		for _, line := range d.lines {
			var pid, code int
			var name, link string
			if _, err := fmt.Sscanf(line, "held %d %s %d %s", &pid, &name, &code,
				&link); err != nil {
				t.Fatalf("the driver says %q", line)
			}
			u := usageOf(t, pid)
			c.threads[u.Threads]++
			c.dirty = append(c.dirty, u.Dirty)
			if link == "linked" {
				c.linked++
			}
		}
		held = restNow(t)
		c.counts = d.end()
	})
	first, last := c.firstAndLast()
	t.Logf("%s, %d at a time: %v\n"+
		"threads:sessions %v; private dirty kB: %d of the first, %d of the last; %d kB "+
		"of the machine's memory each\n"+
		"all held: %v", service, width, c.counts, c.threads, first, last, c.group, held)
	return c
}

// firstAndLast returns the medians of the first and the last tenth.
func (c crowd) firstAndLast() (first, last int) {
	tenth := len(c.dirty) / 10
	return median(c.dirty[:tenth]), median(c.dirty[len(c.dirty)-tenth:])
}

// burdens names the ways in which these sessions cost more than those of another crowd.
func (c crowd) burdens(base crowd) (b []string) {
	if c.threads[1] != len(c.dirty) {
		b = append(b, "threads")
	}
	first, last := c.firstAndLast()
	if _, others := base.firstAndLast(); last > others+moreDirty {
		b = append(b, "memory")
	}
	if last > first+moreGrown {
		b = append(b, "memory that grows with the number of sessions")
	}
	if c.group > base.group+moreGroup {
		b = append(b, "memory of the machine")
	}
	return b
}

// Simultaneous sessions of many users cost what they cost without the module, and leave nothing.
func TestThousandSessions(t *testing.T) {
	prepare(t)
	driver, g := compile(t), newGroup(t)
	base := hold(t, g, driver, "scale-keyinit", thousand, 50)
	settled(t, 0)
	rows := []world.Host{}
	world.NoteHosts(t, &rows)
	for service, name := range map[string]string{"scale-after": "after pam_keyinit",
		"scale-alone": "without pam_keyinit"} {
		t.Run(name, func(t *testing.T) {
			c := hold(t, g, driver, service, thousand, 50)
			if failed := c.counts.errors(); len(failed) > 0 || c.linked != thousand {
				t.Errorf("%d of %d with the link; errors: %v", c.linked, thousand,
					failed)
			}
			if b := c.burdens(base); b != nil {
				t.Errorf("more than with pam_keyinit: %q", b)
			}
			if log := world.TakeLog(t); log != nil {
				t.Errorf("log: %q", log)
			}
			settled(t, 1)
			note := fmt.Sprintf("1 thread, %d kB private dirty each (pam_keyinit: %d)",
				median(c.dirty), median(base.dirty))
			rows = append(rows,
				world.Host{Name: "1000 sessions of 50 users at once, " + name,
					Sessions: thousand, Good: c.linked, Note: note})
		})
	}
	t.Run("the plain module is caught", func(t *testing.T) {
		c := hold(t, g, driver, "scale-plain", thousand/10, 50)
		b := c.burdens(base)
		wanted := []string{"threads", "memory"}
		if g != nil {
			wanted = append(wanted, "memory of the machine")
		}
		for _, want := range wanted {
			if !slices.Contains(b, want) {
				t.Errorf("not caught: %s: %q", want, b)
			}
		}
		settled(t, 1)
		for i := range rows {
			rows[i].Plain = fmt.Sprintf("%d kB, more than one thread in %d of %d",
				median(c.dirty), len(c.dirty)-c.threads[1], len(c.dirty))
		}
	})
}

// If all sessions are opened at the same moment on a slow machine, a child may take longer than the
// module waits. Then that session lacks the link, the log says so, and nothing else fails.
func TestThousandSessionsAtTheSameMoment(t *testing.T) {
	prepare(t)
	c := hold(t, nil, compile(t), "scale-after", thousand, thousand)
	late := 0
	for _, line := range world.TakeLog(t) {
		if strings.HasSuffix(line, ": the child did not answer in time and was killed") {
			late++
		} else {
			t.Errorf("log: %s", line)
		}
	}
	t.Logf("%d too late", late)
	if opened := c.counts.logins(""); opened != thousand || c.linked != thousand-late {
		t.Errorf("%d sessions, %d with the link, %d too late", opened, c.linked, late)
	}
	settled(t, 1)
}
