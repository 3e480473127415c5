package keyctl

import (
	"strconv"
	"strings"
)

const collectorPath = "/proc/sys/kernel/keys/gc_delay"

// CollectorDelay tells how many seconds after a key has expired or was revoked
// the kernel's collector takes it away. The kernel's default is 300.
//
// Errors: ENOENT from a kernel without keys; EACCES where /proc is closed to the
// caller; [*ParseError].
//
// Source: keyrings(7), gc_delay.
func CollectorDelay() (seconds uint32, err error) {
	text, err := readFile(collectorPath)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(text, "\n"), 10, 32)
	if err != nil {
		return 0, &ParseError{Source: collectorPath, Line: 1, Reason: "no number of seconds: " + strconv.Quote(text)}
	}
	return uint32(n), nil
}
