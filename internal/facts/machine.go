package facts

import (
	"fmt"
)

// Setting is a value of a configuration file, and where it was set.
type Setting struct {
	Value string
	File  string
	Line  int // counted from 1
}

// MaxDepth is how deep files may include each other: the limit of libpam
// (PAM_SUBSTACK_MAX_LEVEL) and of OpenSSH. It also ends a file that includes itself.
const MaxDepth = 16

// TooDeep is the error of a file that lies deeper.
func TooDeep(file string) error {
	return fmt.Errorf("%s: files include each other more than %d deep", file, MaxDepth)
}
