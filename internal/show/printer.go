// Package show prints for people what the command has found and done. On a terminal, it uses
// colours and folds lines.
package show

import (
	"bytes"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// Style is a colour. It is never the only sign: a word beside it always says the same.
type Style string

const (
	Plain Style = ""
	Bold  Style = "1"
	Good  Style = "32"
	Note  Style = "33"
	Bad   Style = "1;31"
)

// Printer writes lines, folded to the width of a terminal.
type Printer struct {
	Out    io.Writer
	Colour bool
	Width  int // columns; 0: do not fold
	err    error
}

// To returns a printer on a file. It folds and colours only on a terminal, and does not colour if
// the variable NO_COLOR is set and not empty (no-color.org).
func To(file *os.File) *Printer {
	p := &Printer{Out: file}
	if columns, _, err := term.GetSize(int(file.Fd())); err == nil {
		p.Width = columns
		p.Colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return p
}

// Buffer returns a printer like p, and the buffer that it prints into.
func (p *Printer) Buffer() (*Printer, *bytes.Buffer) {
	var kept bytes.Buffer
	return &Printer{Out: &kept, Colour: p.Colour, Width: p.Width}, &kept
}

// Err returns the first error of a write. After it nothing more is written.
func (p *Printer) Err() error { return p.err }

// Heading starts a part.
func (p *Printer) Heading(text string) { p.write(p.paint(Bold, text) + "\n") }

// Labelled prints a label after an indent, and a text column characters after the label's start.
func (p *Printer) Labelled(indent, column int, style Style, label, text string) {
	p.write(blanks(indent) + p.paint(style, label))
	if text == "" {
		p.write("\n")
		return
	}
	p.write(blanks(max(1, column-utf8.RuneCountInString(label))))
	p.fold(indent+column, indent+column, text)
}

// Item prints a text without a label. Its folded lines are indented by two more.
func (p *Printer) Item(indent int, text string) {
	p.write(blanks(indent))
	p.fold(indent, indent+2, text)
}

// Verbatim prints lines for people to copy, and does not fold them.
func (p *Printer) Verbatim(indent int, text string) {
	for line := range strings.Lines(text) {
		p.write(blanks(indent) + strings.TrimSuffix(line, "\n") + "\n")
	}
}

// Finding prints a word for the level, the finding's text as [Printer.Labelled] does, and the fix
// below it.
func (p *Printer) Finding(f facts.Finding, indent, column int) {
	style := map[facts.Level]Style{facts.OK: Good, facts.Note: Note, facts.Wrong: Bad}
	word := map[facts.Level]string{facts.OK: "ok", facts.Note: "note", facts.Wrong: "WRONG"}
	p.Labelled(indent, column, style[f.Level], word[f.Level], f.Text)
	indent += column + 2
	if f.Fix.Where != "" {
		p.Item(indent, f.Fix.Where+":")
		indent += 4
	}
	p.Verbatim(indent, f.Fix.Lines)
}

// Report prints the findings of a machine. Services that are good in the same way, or have the same
// fault, share a line, so that those of a healthy machine fit on a screen.
func (p *Printer) Report(findings []facts.Finding) {
	names := map[facts.Finding][]string{}
	for _, f := range findings {
		if name, isService := strings.CutPrefix(f.Check, "service "); isService {
			names[shared(f)] = append(names[shared(f)], name)
		}
	}
	for _, f := range findings {
		services := names[shared(f)]
		switch {
		case len(services) > 1 && f.Check != "service "+services[0]:
			continue // printed with the first of them
		case len(services) > 1:
			f.Check, f.Text = "services "+strings.Join(services, ", "), shared(f).Text
		}
		f.Text = f.Check + ": " + f.Text
		p.Finding(f, 0, 7)
	}
}

// Verdict prints how many faults there are; one that services share is one.
func (p *Printer) Verdict(findings []facts.Finding) {
	faults := map[facts.Finding]bool{}
	for _, f := range findings {
		if f.Level == facts.Wrong {
			faults[shared(f)] = true
		}
	}
	text := "no fault found"
	if len(faults) > 0 {
		text = phrase.Count(len(faults), "fault") + " found"
	}
	p.Item(0, text)
}

// shared is what findings about services have in common that share a line.
func shared(f facts.Finding) facts.Finding {
	if strings.HasPrefix(f.Check, "service ") {
		f.Check = ""
	}
	if f.Alike != "" {
		f.Text = f.Alike
	}
	return f
}

func (p *Printer) write(text string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.Out, text)
	}
}

func (p *Printer) paint(style Style, text string) string {
	if !p.Colour || style == Plain {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

func blanks(n int) string { return strings.Repeat(" ", n) }

// fold writes text from a column on, and continues it in indented lines if it does not fit.
func (p *Printer) fold(column, indent int, text string) {
	if p.Width <= 0 {
		p.write(text + "\n")
		return
	}
	for i, word := range strings.Split(text, " ") {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+length > p.Width:
			p.write("\n" + blanks(indent))
			column = indent
		default:
			p.write(" ")
			column++
		}
		p.write(word)
		column += length
	}
	p.write("\n")
}
