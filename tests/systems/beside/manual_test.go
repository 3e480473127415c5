package beside

import (
	"slices"
	"testing"

	"pam_persistent/internal/finding"
)

// TestTable fails unless each row of the manual's table is a neighbour of these tests, with a loss
// if the table says so.
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

// needs returns the place that the neighbour's losses imply.
func (n *neighbour) needs() string {
	switch {
	case n.lost[after] != "" && slices.Contains(n.others, authTop):
		return finding.InAuth
	case n.lost[before] != "":
		return finding.After
	}
	return finding.Anywhere
}
