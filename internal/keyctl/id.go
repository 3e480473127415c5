package keyctl

import "strconv"

// NoID is the kernel's -1. In a [Description] it means no user or no group; in
// [Chown] it means that the ID stays as it is.
const NoID uint32 = 1<<32 - 1

// parseID parses a UID or GID. The kernel prints it with %d, so the upper half of
// the IDs, and NoID, are negative numbers.
func parseID(s string) (id uint32, ok bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < -1<<31 || n >= 1<<32 {
		return 0, false
	}
	return uint32(n), true
}

func formatID(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
