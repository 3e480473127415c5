package scale

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// loadLasts is how long logins continue: PAM_PERSISTENT_LOAD, or a minute.
var loadLasts = func() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("PAM_PERSISTENT_LOAD")); err == nil {
		return d
	}
	return time.Minute
}()

// mayKeep returns how many kB the machine may keep after so many logins: a megabyte in the kernel's
// caches, and for each login less than the smallest object that could be forgotten.
func mayKeep(logins int) int { return 1024 + logins/10 }

// load has the driver log in as often as it can for some time.
func load(t *testing.T, g *group, driver, services string, lasts time.Duration) (counts tally) {
	t.Helper()
	keyctltest.AsRoot(t, func() {
		width := strconv.Itoa(2 * runtime.NumCPU())
		d := drive(t, lasts,
			append(g.enter(), driver, "load", fmt.Sprint(lasts.Seconds()), width,
				services)...)
		counts = d.end()
	})
	t.Logf("%d logins in %v: %v", counts.logins(""), lasts, counts)
	return counts
}

// kinds groups errors as a user of any module would distinguish them.
func (c tally) kinds() map[string]int {
	kinds := map[string]int{}
	for o, n := range c.errors() {
		switch {
		case o.code == success:
			kinds["no link"] += n
		case o.link == "quota":
			kinds[fmt.Sprintf("%s = %d, the quota of keys used up", o.call,
				o.code)] += n
		default:
			kinds[fmt.Sprintf("%s = %d", o.call, o.code)] += n
		}
	}
	return kinds
}

var nameAtStart = regexp.MustCompile(`^(\w+: )user\d+: `)

// A minute of logins, two for each processor at any time: no error occurs that does not occur with
// pam_keyinit under the same load, and nothing is left.
func TestLoad(t *testing.T) {
	prepare(t)
	driver, g := compile(t), newGroup(t)
	// Until each user has logged in once, and so has the keys that outlive a session, however
	// busy the machine is.
	for lasts := time.Second; load(t, g, driver, both,
		lasts).logins("") < 4*len(world.Users); lasts *= 2 {
	}
	settled(t, 1)
	world.TakeLog(t)
	before := g.kB(t)

	c := load(t, g, driver, both, loadLasts)
	settled(t, 1)
	log := map[string]int{}
	for _, line := range world.TakeLog(t) {
		log[nameAtStart.ReplaceAllString(line, "$1")]++
	}
	after, logins := g.kB(t), c.logins("")
	t.Logf("log %v; memory of the machine: %d kB before, %d kB after", log, before, after)
	if kept := after - before; kept > mayKeep(logins) {
		t.Errorf("the machine has kept %d kB, more than %d", kept, mayKeep(logins))
	}

	keyinit := load(t, g, driver, "scale-keyinit", loadLasts/2)
	settled(t, 1)
	theirs, errors := keyinit.kinds(), 0
	for kind, n := range c.kinds() {
		errors += n
		if theirs[kind] == 0 {
			t.Errorf("%d times %s, and never with pam_keyinit", n, kind)
		}
	}
	if errors == 0 && len(log) > 0 {
		t.Errorf("no login has failed, and the log says %v", log)
	}
	world.NoteHosts(t, &[]world.Host{{Name: fmt.Sprintf("logins for %v", loadLasts),
		Sessions: logins, Good: logins - errors,
		Note: fmt.Sprintf("%.0f a second; pam_keyinit alone: %.0f a second, %d errors",
			float64(logins)/loadLasts.Seconds(),
			float64(keyinit.logins(""))/(loadLasts/2).Seconds(), len(theirs))}})
}

// A host that closes no session and reaps no child leaves zombies, each with its session's keyring:
// so a leak would look.
func TestNegligentHostIsCaught(t *testing.T) {
	prepare(t)
	driver, g := compile(t), newGroup(t)
	const logins = 200
	keyctltest.AsRoot(t, func() {
		before := g.kB(t)
		d := drive(t, 0,
			append(g.enter(), driver, "abandon", strconv.Itoa(logins),
				"scale-alone")...)
		d.ready()
		r, kept := restNow(t), g.kB(t)-before
		t.Logf("not reaped: %v; %d kB of the machine's memory", r, kept)
		if r.zombies != logins || sum(r.keys).Keys < 3*len(fifty())+logins || r.isAll(1) {
			t.Error("not caught")
		}
		if g != nil && kept <= mayKeep(logins) {
			t.Error("memory: not caught")
		}
		d.end()
	})
	settled(t, 1)
}
