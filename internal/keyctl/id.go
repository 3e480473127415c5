package keyctl

import "strconv"

// NoID is the -1 of the kernel: no user or no group where one is read, "leave
// it as it is" in [Chown].
const NoID uint32 = 1<<32 - 1

// parseID reads a UID or GID that the kernel printed with %d: the upper half of
// the IDs, and NoID, come out negative.
func parseID(s string) (id uint32, ok bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < -1<<31 || n >= 1<<32 {
		return 0, false
	}
	return uint32(n), true
}

func formatID(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
