package scale

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// settling is how much the heap of a long-lived process may still grow after hundreds of logins, in
// kB: too little for anything that is kept for each of the thousands that follow.
const settling = 64

// serve has one process open and close sessions for some time, with this many open at any time, and
// returns its usage of the machine after the first five hundred and at the end.
func serve(t *testing.T, driver, service string, handles int, lasts time.Duration) (counts tally,
	before, after usage) {
	t.Helper()
	keyctltest.AsRoot(t, func() {
		d := drive(t, lasts, driver, "daemon", fmt.Sprint(lasts.Seconds()),
			strconv.Itoa(handles), service)
		d.ready()
		before = usageOf(t, d.cmd.Process.Pid)
		d.goOn()
		d.ready()
		after = usageOf(t, d.cmd.Process.Pid)
		d.goOn()
		counts = d.end()
	})
	t.Logf("%s, %d sessions open: %v\nafter 500 logins: %+v\nafter %d logins: %+v", service,
		handles, counts, before, counts.logins(""), after)
	return counts, before, after
}

// grown returns the names of what has grown.
func grown(before, after usage) (names []string) {
	for name, more := range map[string]bool{
		"threads":       after.Threads > before.Threads || after.Threads > 1,
		"descriptors":   after.Descriptors > before.Descriptors,
		"maps":          after.Maps > before.Maps,
		"memory":        after.Dirty > before.Dirty+settling,
		"address space": after.Size > before.Size+settling,
	} {
		if more {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// A daemon that serves thousands of logins in its own process, one after another or several at a
// time, is the same at the end as after the first.
func TestDaemon(t *testing.T) {
	prepare(t)
	driver := compile(t)
	for _, test := range []struct {
		service string
		handles int
	}{{"scale-alone", 1}, {"scale-after", 1}, {"scale-alone", 10}} {
		t.Run(fmt.Sprintf("%s, %d at a time", test.service, test.handles),
			func(t *testing.T) {
				c, before, after := serve(t, driver, test.service, test.handles,
					loadLasts/12)
				if failed := c.errors(); len(failed) > 0 {
					t.Errorf("errors: %v", failed)
				}
				if log := world.TakeLog(t); log != nil {
					t.Errorf("log: %q", log)
				}
				if names := grown(before, after); names != nil {
					t.Errorf("grown: %q", names)
				}
				settled(t, 1)
			})
	}
	// pam_permit, so that the process is small and fast; only the daemon's own handles are
	// kept.
	t.Run("handles that are never closed are caught", func(t *testing.T) {
		_, before, after := serve(t, driver, "scale-permit", 1<<20, time.Second/2)
		if !slices.Contains(grown(before, after), "memory") {
			t.Error("not caught")
		}
	})
	t.Run("the plain module is caught", func(t *testing.T) {
		_, before, after := serve(t, driver, "scale-plain", 1, time.Second/2)
		if !slices.Contains(grown(before, after), "threads") {
			t.Error("not caught")
		}
		settled(t, 1)
	})
}
