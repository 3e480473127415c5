// Package klist asks the klist of MIT Kerberos which credential caches there are.
package krb5

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// patience is how long klist may take: a cache may lie in a directory of a server that is gone.
const klistPatience = 5 * time.Second

// All lists the caches of the collection that the environment and krb5.conf(5) name. If that is a
// KEYRING: of type persistent, klist resets the timer of the persistent keyring: see
// [DefaultCache].
//
// Errors: one that wraps [exec.ErrNotFound] if there is no klist.
func ListCaches() ([]facts.ListedCache, error) {
	err := error(exec.ErrNotFound)
	for _, name := range []string{"klist.mit", "klist"} { // Debian can have Heimdal's too
		path, missing := exec.LookPath(name)
		if missing != nil {
			continue
		}
		var caches []facts.ListedCache
		if caches, err = runKlist(path); err == nil {
			return caches, nil
		}
	}
	return nil, err
}

func runKlist(path string) ([]facts.ListedCache, error) {
	ctx, cancel := context.WithTimeout(context.Background(), klistPatience)
	defer cancel()
	c := exec.CommandContext(ctx, path, "-l")
	c.Env = append(os.Environ(), "LC_ALL=C")
	c.WaitDelay = time.Second // for whoever else has its output
	out, err := c.Output()
	caches, ok := ParseList(string(out))
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s -l has not ended after %v", phrase.Name(path), klistPatience)
	case ok: // its exit status is 1 if there is no cache
		return caches, nil
	case errors.As(err, &exit):
		return nil, fmt.Errorf("%s -l: %w: %s", phrase.Name(path), err,
			phrase.Quote(strings.TrimSpace(string(exit.Stderr))))
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf("%s is not the klist of MIT Kerberos", phrase.Name(path))
}

var (
	heading = regexp.MustCompile(`^Principal name +Cache name *\n-+ +-+ *\n`)
	// The name of a principal may hold spaces, that of a cache begins with its type.
	row = regexp.MustCompile(`(?m)^(.*\S) +([A-Z]+:.*?)( \(Expired\))?$`)
)

// Parse reads what klist -l prints; ok is that it is MIT's.
func ParseList(text string) (caches []facts.ListedCache, ok bool) {
	top := heading.FindString(text)
	for _, m := range row.FindAllStringSubmatch(text[len(top):], -1) {
		caches = append(caches, facts.ListedCache{Principal: m[1], Name: m[2], Expired: m[3] != ""})
	}
	return caches, top != ""
}

// patience is how long kinit may ask for the KDC. MIT's asks each three times, within half a minute
// for a handful of them.
const kinitPatience = 30 * time.Second

const install = "install MIT's: krb5-user on Debian, krb5-workstation on Fedora and RHEL"

// Find finds MIT's kinit, also where the name is Heimdal's: newer Debian can have both.
func FindKinit() (path string, err error) {
	err = errors.New("kinit is not installed; " + install)
	for _, name := range []string{"kinit.mit", "kinit"} {
		path, missing := exec.LookPath(name)
		if missing != nil {
			continue
		}
		if !isHeimdals(path) {
			return path, nil
		}
		err = fmt.Errorf("%s is Heimdal's kinit, which may not know these caches; %s",
			phrase.Name(path), install)
	}
	return "", err
}

// isHeimdals goes by the version, which MIT's kinit does not tell: that takes it for a mistake.
func isHeimdals(path string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), kinitPatience)
	defer cancel()
	out, _ := kinitCommand(ctx, path, "--version").CombinedOutput()
	return bytes.Contains(out, []byte("Heimdal"))
}

// Renew has the ticket-granting ticket in a cache renewed, with the environment and the keyrings of
// the caller. kinit empties the cache once it has the new ticket, not before.
func Renew(path, cache string) error {
	ctx, cancel := context.WithTimeout(context.Background(), kinitPatience)
	defer cancel()
	out, err := kinitCommand(ctx, path, "-R", "-c", cache).CombinedOutput()
	said := strings.TrimPrefix(strings.TrimSpace(string(out)), "kinit: ")
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("kinit had no answer from the KDC in %s",
			phrase.Duration(uint64(kinitPatience.Seconds())))
	case said == "":
		return fmt.Errorf("kinit: %w", err)
	}
	return errors.New("kinit: " + said)
}

func kinitCommand(ctx context.Context, path string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, path, args...)
	c.WaitDelay = time.Second // for whoever else has its output
	return c
}
