// Package klist asks the klist of MIT Kerberos which credential caches there are.
package krb5

import (
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
