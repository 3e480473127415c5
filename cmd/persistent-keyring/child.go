package main

import (
	"pam_persistent/internal/dlopen"
	"pam_persistent/internal/try"
)

// child does what this program starts itself again for, if it was; these words are
// nobody's to type, and so no subcommands.
func child(args []string) {
	switch {
	case len(args) == 2 && args[0] == dlopen.Command:
		dlopen.Main(args[1])
	case len(args) == 4 && args[0] == try.Command:
		try.Main(args[1], args[2], args[3])
	}
}
