// Package finding judges facts: what is wrong, and what fixes it. Each finding has one function,
// with its words, and all subcommands show the same.
package finding

import (
	"fmt"
	"slices"

	"pam_persistent/internal/facts"
)

func wrong(text string, fix ...facts.Fix) facts.Finding {
	f := facts.Finding{Level: facts.Wrong, Text: text}
	if len(fix) > 0 {
		f.Fix = fix[0]
	}
	return f
}

func note(text string, fix ...facts.Fix) facts.Finding {
	f := wrong(text, fix...)
	f.Level = facts.Note
	return f
}

func fine(text string) facts.Finding { return facts.Finding{Level: facts.OK, Text: text} }

// about sets what findings are about.
func about(check string, findings ...facts.Finding) []facts.Finding {
	for i := range findings {
		findings[i].Check = check
	}
	return findings
}

// OnlyWrong returns the findings of level wrong.
func OnlyWrong(findings []facts.Finding) []facts.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f facts.Finding) bool {
		return f.Level != facts.Wrong
	})
}

// Command is a fix that is a command.
func Command(line string) facts.Fix { return facts.Fix{Lines: line} }

// at is a fix with a place: lines of a file, or a command and when it is the right one.
func at(where, lines string) facts.Fix { return facts.Fix{Where: where, Lines: lines} }

// sysctl is the command for a setting of /proc/sys/kernel/keys.
func sysctl(name string, value int) facts.Fix {
	return at("immediately, and permanently with the setting in a file of /etc/sysctl.d",
		fmt.Sprintf("sysctl -w kernel.keys.%s=%d", name, value))
}
