package hosts

import (
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// With hard, daemons set their usual limits, and lack the capability to raise them again.
var hard bool

// A hard limit that the child may not raise costs the link, never the login: the child cannot start
// Go, and the log says so.
func TestHardLimit(t *testing.T) {
	system(t)
	hard = true
	t.Cleanup(func() { hard = false })
	var rows []world.Host
	world.NoteHosts(t, &rows)
	for _, h := range mailAndFiles {
		t.Run(h.name, func(t *testing.T) {
			r := h.ready(t)
			world.TakeLog(t)
			l := login{r, world.Alice, many, world.Hung, "hard"}
			row := world.Host{Name: h.name + ", no CAP_SYS_RESOURCE",
				Sessions: many, Good: many,
				Note: "logins; none has the link, and the log says so"}
			for _, err := range h.login(t, l) {
				row.Good--
				t.Errorf("%v", err)
			}
			reports := sessions.AwaitReports(t, world.Alice, many, world.Hung)
			for _, report := range reports {
				if slices.ContainsFunc(report.Links,
					func(link string) bool {
						return strings.Contains(link,
							"_persistent.")
					}) || len(report.Leaks) > 0 {
					t.Errorf("%s", report.Text)
				}
			}
			log := world.TakeLog(t)
			for _, line := range log {
				if !strings.HasPrefix(line,
					"err: alice: the child ended without an answer, exit "+
						"status 2") {
					t.Errorf("log: %s", line)
				}
			}
			if len(log) < many {
				t.Errorf("%d lines for %d sessions", len(log), many)
			}
			sessions.KillAll()
			h.withPlain(t, r, &row)
			rows = append(rows, row)
			t.Logf("%+v", row)
		})
	}
}
