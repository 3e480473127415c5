// Package finding words what is not as it should be, and what fixes it, once for all subcommands.
package finding

import (
	"fmt"

	"pam_persistent/internal/document"
	"pam_persistent/internal/show"
)

// Finding is something that is not as it should be.
type Finding struct {
	Text string
	Fix  Fix
}

// Fix is what fixes it; the zero value where nothing is to be done.
type Fix = document.Fix

// Command is a fix that is a command.
func Command(line string) Fix { return Fix{Lines: line} }

// Sysctl is the command for a setting of /proc/sys/kernel/keys.
func Sysctl(name string, value int) Fix {
	return Fix{
		Where: "at once, and for good with the setting in a file of /etc/sysctl.d",
		Lines: fmt.Sprintf("sysctl -w kernel.keys.%s=%d", name, value),
	}
}

// String is a finding in one line.
func (f Finding) String() string {
	switch {
	case f.Fix.Lines == "":
		return f.Text
	case f.Fix.Where == "":
		return f.Text + "; fix: " + f.Fix.Lines
	}
	return f.Text + "; fix: " + f.Fix.Where + ": " + f.Fix.Lines
}

// Print shows a finding behind a label, and its fix below.
func (f Finding) Print(p *show.Printer, indent, column int, style show.Style, label string) {
	p.Labelled(indent, column, style, label, f.Text)
	indent += column + 2
	if f.Fix.Where != "" {
		p.Item(indent, f.Fix.Where+":")
		indent += 4
	}
	p.Verbatim(indent, f.Fix.Lines)
}
