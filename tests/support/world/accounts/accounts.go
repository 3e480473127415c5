// Package accounts makes a copy of /etc know the users of a test, and of the machine's own users
// only those who do not get in their way.
package accounts

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Lines are what the users of a test have in the files of /etc.
type Lines struct{ Passwd, Shadow, Group string }

// Install puts the lines into a copy of /etc, in which these files then are the only source of
// users: a directory server, or systemd, may know somebody else by the same name.
func Install(etc string, lines Lines) error {
	names := fields(lines.Passwd, 0)
	for file, change := range map[string]func(text string) string{
		"passwd": func(text string) string { return Passwd(text, lines.Passwd) },
		"shadow": func(text string) string { return ByName(text, lines.Shadow) },
		"group": func(text string) string {
			return Group(text, lines.Group, names)
		},
		"nsswitch.conf": FilesOnly,
	} {
		path := filepath.Join(etc, file)
		text, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		if err := os.WriteFile(path, []byte(change(string(text))), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// HideCache hides the socket of nscd(8), which answers with the machine's users before any file is
// read. It is for a mount namespace of the caller's own.
func HideCache() error {
	const dir = "/run/nscd"
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("hide %s: %w", dir, err)
	}
	return nil
}

// Passwd returns the text of a passwd(5) file with the lines at its end, and without all others
// that have one of their names or UIDs: the first line that fits is the one that counts.
func Passwd(text, lines string) string { return replace(text, lines, 0, 2) }

// ByName is the same by the name alone: for shadow(5), and for a second name of a UID in passwd(5).
func ByName(text, lines string) string { return replace(text, lines, 0) }

// Group is the same for group(5). The users of these names are no members of the groups that stay.
func Group(text, lines string, users []string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if f := strings.Split(line, ":"); len(f) == 4 {
			members := slices.DeleteFunc(strings.Split(f[3], ","),
				func(name string) bool {
					return slices.Contains(users, name)
				})
			line = strings.Join(append(f[:3], strings.Join(members, ",")), ":")
		}
		kept.WriteString(line + "\n")
	}
	return replace(kept.String(), lines, 0, 2)
}

// FilesOnly returns the text of an nsswitch.conf(5) by which users and groups are those of the
// files in /etc.
func FilesOnly(text string) string {
	accounts := regexp.MustCompile(
		`(?m)^[ \t]*(passwd|shadow|group|gshadow|initgroups)[ \t]*:.*\n?`)
	return "passwd: files\nshadow: files\ngroup: files\n" + accounts.ReplaceAllString(text, "")
}

// replace appends lines, and takes away those that are the same as one of them in any of the
// fields.
func replace(text, lines string, same ...int) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !slices.ContainsFunc(same, func(i int) bool {
			mine := fields(line, i)
			return len(mine) == 1 && slices.Contains(fields(lines, i), mine[0])
		}) {
			kept.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	return kept.String() + lines
}

// fields returns one field of each line that has it; numbers as the C library reads them.
func fields(lines string, i int) (found []string) {
	for line := range strings.Lines(lines) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) <= i {
			continue
		}
		if n, err := strconv.ParseUint(f[i], 10, 32); err == nil && i == 2 {
			f[i] = strconv.FormatUint(n, 10)
		}
		found = append(found, f[i])
	}
	return found
}
