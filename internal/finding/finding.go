// Package finding words what is not as it should be, and what fixes it, once for all subcommands.
package finding

import (
	"fmt"

	"pam_persistent/internal/facts"
)

// Command is a fix that is a command.
func Command(line string) facts.Fix { return facts.Fix{Lines: line} }

// Sysctl is the command for a setting of /proc/sys/kernel/keys.
func Sysctl(name string, value int) facts.Fix {
	return facts.Fix{
		Where: "at once, and for good with the setting in a file of /etc/sysctl.d",
		Lines: fmt.Sprintf("sysctl -w kernel.keys.%s=%d", name, value),
	}
}
