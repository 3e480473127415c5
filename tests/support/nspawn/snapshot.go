package nspawn

import (
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// Snapshot returns all of /etc with contents, and the names, owners and sizes of everything else
// that packages install. It leaves out what logs, dpkg and a running systemd write.
func Snapshot(t testing.TB, root string) string {
	t.Helper()
	return world.RunIn(t, root, "sh", "-ec", `
		find etc -printf '%p %M %U:%G %l\n'
		find etc -type f -exec md5sum {} +
		find usr var \( -path var/log -o -path 'var/lib/dpkg/*-old' \
			-o -path var/lib/dpkg/status \
			-o -path 'var/lib/systemd/timers/stamp-[!p]*' \
			-o -path var/lib/systemd/random-seed \
			-o -path 'var/cache/debconf/*-old' -o -path 'var/cache/apt/*.bin' \
			-o -path 'var/spool/cron/at*/.SEQ' \
			-o -path var/tmp -o -path var/cache/ldconfig \) -prune \
			-o -printf '%p %M %U:%G %l' \
			\( -type d -o -printf ' %s' \) -printf '\n'`)
}

// Difference returns the lines that only one of two texts has.
func Difference(before, after string) (lines []string) {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	for _, line := range was {
		if !slices.Contains(is, line) {
			lines = append(lines, "- "+line)
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			lines = append(lines, "+ "+line)
		}
	}
	slices.Sort(lines)
	return lines
}
