package doctor

import (
	"strings"

	"pam_persistent/internal/finding"
	"pam_persistent/internal/show"
)

// Print shows the results, what is to be done below each. Services that are good in the same way
// share a line, so that those of a healthy machine fit on a screen.
func (r Report) Print(p *show.Printer) {
	style := map[string]show.Style{OK: show.Good, Note: show.Note, Wrong: show.Bad}
	word := map[string]string{OK: "ok", Note: "note", Wrong: "WRONG"}
	printed := map[string]bool{}
	for _, one := range r {
		text := one.Check + ": " + one.Text
		if names := r.alike(one.alike); len(names) > 1 {
			if printed[one.alike] {
				continue
			}
			printed[one.alike] = true
			text = "services " + strings.Join(names, ", ") + ": " + one.alike
		}
		line := finding.Finding{Text: text, Fix: one.Fix}
		line.Print(p, 0, 7, style[one.Level], word[one.Level])
	}
}

// alike names the services that are good in the same way.
func (r Report) alike(way string) (names []string) {
	for _, one := range r {
		if way != "" && one.alike == way {
			names = append(names, strings.TrimPrefix(one.Check, checkService))
		}
	}
	return names
}
