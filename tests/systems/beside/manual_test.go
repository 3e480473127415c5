package beside

import (
	"slices"
	"testing"

	"pam_persistent/internal/finding"
)

// TestTable has each row of the manual's table be a neighbour of these tests, with a loss where the
// table says so.
func TestTable(t *testing.T) {
	for _, row := range finding.Neighbours {
		tested := slices.ContainsFunc(table, func(n *neighbour) bool {
			return n.module == row.Name && n.needs() == row.Line
		})
		if !tested {
			t.Errorf("no test shows that %s belongs %s", row.Name, row.Line)
		}
	}
}

// needs is the place that the neighbour's losses say.
func (n *neighbour) needs() string {
	switch {
	case n.lost[after] != "" && slices.Contains(n.others, authTop):
		return finding.InAuth
	case n.lost[before] != "":
		return finding.After
	}
	return finding.Anywhere
}
