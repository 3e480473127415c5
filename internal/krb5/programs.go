// Package klist asks the klist of MIT Kerberos which credential caches there are.
package krb5

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"pam_persistent/internal/child"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

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
	var out, said bytes.Buffer
	c := exec.Command(path, "-l")
	c.Env, c.Stdout, c.Stderr = append(os.Environ(), "LC_ALL=C"), &out, &said
	err := child.Run(c, child.Klist)
	caches, ok := ParseList(out.String())
	switch {
	case err == child.ErrLate:
		return nil, fmt.Errorf("%s -l has not ended after %v", phrase.Name(path),
			child.Klist)
	case ok: // its exit status is 1 if there is no cache
		return caches, nil
	case errors.As(err, new(*exec.ExitError)):
		return nil, fmt.Errorf("%s -l: %w: %s", phrase.Name(path), err,
			phrase.Quote(strings.TrimSpace(said.String())))
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
	out, _ := runKinit(path, "--version")
	return strings.Contains(out, "Heimdal")
}

// Renew has the ticket-granting ticket in a cache renewed, with the environment and the keyrings of
// the caller. kinit empties the cache once it has the new ticket, not before.
func Renew(path, cache string) error {
	out, err := runKinit(path, "-R", "-c", cache)
	said := strings.TrimPrefix(strings.TrimSpace(out), "kinit: ")
	switch {
	case err == nil:
		return nil
	case err == child.ErrLate:
		return fmt.Errorf("kinit had no answer from the KDC in %s",
			phrase.Duration(uint64(child.Kinit.Seconds())))
	case said == "":
		return fmt.Errorf("kinit: %w", err)
	}
	return errors.New("kinit: " + said)
}

func runKinit(path string, args ...string) (said string, err error) {
	var out bytes.Buffer
	c := exec.Command(path, args...)
	c.Stdout, c.Stderr = &out, &out
	err = child.Run(c, child.Kinit)
	return out.String(), err
}
