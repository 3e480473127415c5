package krb5

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"pam_persistent/internal/child"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// ListCaches has MIT's klist list the caches of the collection that the environment and
// krb5.conf(5) name. If they are in a persistent keyring, klist resets its timer: ask
// [DefaultCache] first. The error is [exec.ErrNotFound] if klist is not installed.
func ListCaches() (caches []facts.ListedCache, err error) {
	err = exec.ErrNotFound
	for _, path := range installed("klist.mit", "klist") {
		if caches, err = runKlist(path); err == nil {
			break
		}
	}
	return caches, err
}

// FindKinit returns the path of MIT's kinit.
func FindKinit() (path string, err error) {
	const install = "install MIT's: krb5-user on Debian, krb5-workstation on Fedora and RHEL"
	err = errors.New("kinit is not installed; " + install)
	for _, path := range installed("kinit.mit", "kinit") {
		said, _ := runKinit(path, "--version") // MIT's does not know this option
		if !strings.Contains(said, "Heimdal") {
			return path, nil
		}
		err = fmt.Errorf("%s is Heimdal's kinit, which may not support these caches; %s",
			phrase.Name(path), install)
	}
	return "", err
}

// Renew has kinit renew the ticket-granting ticket in a cache, with the environment and the
// keyrings of the caller. kinit empties the cache only after it has got the new ticket.
func Renew(kinit, cache string) error {
	said, err := runKinit(kinit, "-R", "-c", cache)
	said = strings.TrimPrefix(strings.TrimSpace(said), filepath.Base(kinit)+": ")
	switch {
	case err == nil:
		return nil
	case err == child.ErrLate:
		return fmt.Errorf("kinit got no answer from the KDC within %s",
			phrase.Duration(uint64(child.Kinit.Seconds())))
	case said == "":
		return fmt.Errorf("kinit: %w", err)
	}
	return errors.New("kinit: " + said)
}

// installed returns the paths of those programs that are installed. Debian adds a suffix to the
// names of MIT's where Heimdal's are installed too.
func installed(names ...string) (paths []string) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

func runKlist(path string) ([]facts.ListedCache, error) {
	var out, said bytes.Buffer
	c := exec.Command(path, "-l")
	c.Env, c.Stdout, c.Stderr = append(os.Environ(), "LC_ALL=C"), &out, &said
	err := child.Run(c, child.Klist)
	caches, ok := parseKlist(out.String())
	switch {
	case err == child.ErrLate:
		return nil, fmt.Errorf("%s -l did not end within %v",
			phrase.Name(path), child.Klist)
	case ok: // whatever the exit status: it is 1 if there is no cache
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
	// A principal's name may have spaces in it. A cache's name begins with its type.
	row = regexp.MustCompile(`(?m)^(.*\S) +([A-Z]+:.*?)( \(Expired\))?$`)
)

// parseKlist reads what klist -l prints; ok reports whether it is MIT's klist.
func parseKlist(text string) (caches []facts.ListedCache, ok bool) {
	top := heading.FindString(text)
	for _, m := range row.FindAllStringSubmatch(text[len(top):], -1) {
		caches = append(caches,
			facts.ListedCache{Principal: m[1], Name: m[2], Expired: m[3] != ""})
	}
	return caches, top != ""
}

func runKinit(path string, args ...string) (said string, err error) {
	var out bytes.Buffer
	c := exec.Command(path, args...)
	c.Stdout, c.Stderr = &out, &out
	err = child.Run(c, child.Kinit)
	return out.String(), err
}
