package scale

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// Programs with which people look for faults of the kernel's keys, as alice runs them. Each says
// how much it has done.
var stressors = []struct {
	name    string
	command []string
	done    *regexp.Regexp
}{
	{"stress-ng --key", []string{"stress-ng", "--key", "1", "--metrics", "--timeout", "SECONDSs",
		"--temp-path", "/home/alice"}, regexp.MustCompile(`(?m)\] key +(\d+) `)},
	{"trinity's keyctl", []string{"timeout", "--signal=INT", "--kill-after=2", "SECONDS",
		"trinity", "--quiet", "--children=1", "--disable-fds=drm"},
		regexp.MustCompile(`(\d+)`)},
}
