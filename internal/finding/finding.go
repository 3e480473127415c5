// Package finding judges facts: what is wrong, and what fixes it. Each finding has one function,
// with its words, and all subcommands show the same.
package finding

import (
	"fmt"

	"pam_persistent/internal/facts"
)

func wrong(text string, fix ...facts.Fix) facts.Finding {
	f := facts.Finding{Level: facts.Wrong, Text: text}
	if len(fix) > 0 {
		f.Fix = fix[0]
	}
	return f
}

// Command is a fix that is a command.
func Command(line string) facts.Fix { return facts.Fix{Lines: line} }

// at is a fix with a place: lines of a file, or a command and when it is the right one.
func at(where, lines string) facts.Fix { return facts.Fix{Where: where, Lines: lines} }

// Sysctl is the command for a setting of /proc/sys/kernel/keys.
func Sysctl(name string, value int) facts.Fix {
	return at("immediately, and permanently with the setting in a file of /etc/sysctl.d",
		fmt.Sprintf("sysctl -w kernel.keys.%s=%d", name, value))
}
