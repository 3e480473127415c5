package main

import (
	"pam_persistent/internal/machine"
	"pam_persistent/internal/renewal"
	"pam_persistent/internal/try"
)

// child does the work for which this program has started itself again, if it has. Nobody
// types these words, so they are no subcommands.
func child(args []string) {
	switch {
	case len(args) == 1 && args[0] == renewal.Command:
		renewal.Main()
	case len(args) == 2 && args[0] == machine.LoadCommand:
		machine.LoadMain(args[1])
	case len(args) == 2 && args[0] == renewal.TicketsCommand:
		renewal.TicketsMain(args[1])
	case len(args) == 4 && args[0] == try.Command:
		try.Main(args[1], args[2], args[3])
	}
}
