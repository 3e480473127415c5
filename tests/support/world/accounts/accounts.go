// Package accounts adds the users of a test to a copy of /etc, and removes those users of the
// machine that would conflict with them.
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

// Lines are the users' lines in the files of /etc.
type Lines struct{ Passwd, Shadow, Group string }

// Install adds the lines to a copy of /etc, and makes these files the only source of users: a
// directory server, or systemd, may have another user of the same name.
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
// read. It must run in a mount namespace of the caller.
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
// with the same name or UID, because the first matching line counts.
func Passwd(text, lines string) string { return replace(text, lines, 0, 2) }

// ByName does so by the name alone: for shadow(5), and for a second name of a UID in passwd(5).
func ByName(text, lines string) string { return replace(text, lines, 0) }

// Group does so for group(5). Users with these names are removed from the other groups.
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

// FilesOnly returns the text of an nsswitch.conf(5) with which users and groups come only from the
// files in /etc.
func FilesOnly(text string) string {
	accounts := regexp.MustCompile(
		`(?m)^[ \t]*(passwd|shadow|group|gshadow|initgroups)[ \t]*:.*\n?`)
	return "passwd: files\nshadow: files\ngroup: files\n" + accounts.ReplaceAllString(text, "")
}

// replace appends lines, and removes those that equal one of them in any of the given fields.
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

// fields returns one field of each line that has it; it reads numbers as the C library does.
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
