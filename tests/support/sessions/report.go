package sessions

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/world"
)

// A Report is the result of one session's probe.
type Report struct {
	Session string   // "owner name" of the session keyring
	Links   []string // the same for each key in it, sorted
	Kept    string   // the content of the kept key
	Leaks   []string
	Text    string
}

// TakeReports returns those of a user, and deletes all.
func TakeReports(t testing.TB, u world.User) []Report {
	t.Helper()
	var taken []Report
	TakeFiles(t, "/home/reports/*.*", func(name, text string) {
		if strings.HasPrefix(name, u.Name+".") {
			taken = append(taken, parseReport(text))
		}
	})
	return taken
}

// TakeFiles removes the files that sessions have written, and calls f with the base name and the
// text of each, sorted by name.
func TakeFiles(t testing.TB, pattern string, f func(name, text string)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			err = os.Remove(file)
		}
		if err != nil {
			t.Fatal(err)
		}
		f(filepath.Base(file), string(text))
	}
}

func parseReport(text string) Report {
	r := Report{Text: text}
	for line := range strings.Lines(text) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch kind {
		case "session":
			r.Session = ownerAndName(rest)
		case "link":
			r.Links = append(r.Links, ownerAndName(rest))
		case "kept":
			r.Kept = rest
		case "leak":
			r.Leaks = append(r.Leaks, rest)
		}
	}
	slices.Sort(r.Links)
	return r
}

// ownerAndName parses "keyring;UID;GID;permissions;name".
func ownerAndName(described string) string {
	field := strings.SplitN(described, ";", 5)
	if len(field) != 5 || field[0] != "keyring" {
		return "no keyring: " + described
	}
	return field[1] + " " + field[4]
}

// AwaitReports waits for this many reports of a user, or until the limit.
func AwaitReports(t testing.TB, u world.User, n int, limit time.Duration) []Report {
	t.Helper()
	Until(limit, func() bool {
		files, _ := filepath.Glob("/home/reports/" + u.Name + ".*")
		return len(files) >= n
	})
	return TakeReports(t, u)
}

// Whole returns an error unless the session keyring is the user's own and holds the persistent
// keyring, the session could read what was kept before, and it could read no key of others.
func (r Report) Whole(u world.User, kept ...string) error {
	owner := fmt.Sprint(u.UID, " ")
	switch {
	case !strings.HasSuffix(r.Text, "end\n"):
		return fmt.Errorf("not complete")
	case r.Session != owner+"_ses":
		return fmt.Errorf("session keyring %q", r.Session)
	case !slices.Contains(r.Links, fmt.Sprint(owner, "_persistent.", u.UID)) ||
		!slices.Contains(r.Links, fmt.Sprint(owner, "_uid.", u.UID)):
		return fmt.Errorf("links %q", r.Links)
	case !slices.Contains(kept, r.Kept):
		return fmt.Errorf("kept %q, not %q", r.Kept, kept)
	case len(r.Leaks) > 0:
		return fmt.Errorf("leaks %q", r.Leaks)
	}
	return nil
}
