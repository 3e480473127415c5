package doctor

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// unmapped tells whether a UID stands for those that have no mapping in this user namespace, which
// the kernel shows as the overflow UID. Where all UIDs are mapped, that is a user like others.
//
// Source: user_namespaces(7).
func (m config) unmapped(uid uint32) bool {
	mapped, err := os.ReadFile(m.root + "/proc/self/uid_map")
	if err != nil {
		return false
	}
	all := []string{"0", "0", "4294967295"}
	overflow, _ := os.ReadFile(m.root + "/proc/sys/fs/overflowuid")
	return !slices.Equal(strings.Fields(string(mapped)), all) &&
		strings.TrimSpace(string(overflow)) == strconv.FormatUint(uint64(uid), 10)
}
