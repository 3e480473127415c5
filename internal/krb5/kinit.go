// Package kinit has MIT's kinit renew tickets.
package krb5

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"pam_persistent/internal/phrase"
)

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
