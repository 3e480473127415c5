// Package pamconf reads the service files of Linux-PAM.
//
// Source: pam.conf(5), libpam/pam_handlers.c.
package pamconf

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
)

// Kinds are the kinds of lines, one for each stack that a service has.
var Kinds = []string{"auth", "account", "password", "session"}

// Parse reads the text of a service file. Each problem is a line that libpam does not understand,
// so that the whole stack of the service fails.
func Parse(file, text string) (lines []facts.Line, problems []string) {
	for number, rule := range rules(text) {
		words := split(rule)
		if len(words) == 0 {
			continue
		}
		l, fault := facts.Line{File: file, Number: number}, ""
		kind := strings.ToLower(strings.TrimPrefix(words[0], "-"))
		switch {
		case words[0] == "@include" && len(words) != 2:
			fault = "@include takes one file"
		case words[0] == "@include":
			l.Control, l.Module = words[0], words[1]
		case !slices.Contains(Kinds, kind):
			fault = "unknown type"
		case len(words) < 3 || words[2] == "":
			fault = "type, control or module is missing"
		default:
			l.Kind, l.Control, l.Module, l.Args = kind, words[1], words[2], words[3:]
			if !strings.HasPrefix(l.Control, "[") {
				l.Control = strings.ToLower(l.Control)
			}
		}
		if fault != "" {
			problems = append(problems,
				fmt.Sprintf("%s: %s: %.80q", l.Where(), fault, rule))
			continue
		}
		lines = append(lines, l)
	}
	return lines, problems
}

// rules joins lines that end in a backslash and drops comments.
func rules(text string) iter.Seq2[int, string] {
	return func(yield func(number int, rule string) bool) {
		first, joined := 1, ""
		for i, line := range strings.Split(text, "\n") {
			line, _, commented := strings.Cut(line, "#")
			if strings.HasSuffix(line, `\`) && !commented {
				joined += strings.TrimSuffix(line, `\`) + " "
				continue
			}
			if !yield(first, joined+line) {
				return
			}
			first, joined = i+2, ""
		}
		if joined != "" {
			yield(first, joined)
		}
	}
}

// carriage is the number of the first rule that ends in a carriage return, or 0. In a comment the
// character does no harm. [Parse] takes it for a blank, so that the rest can be examined too.
func carriage(text string) int {
	for number, rule := range rules(text) {
		if strings.HasSuffix(rule, "\r") {
			return number
		}
	}
	return 0
}

// word matches a word. One that begins with a bracket extends to the closing bracket; "\]" is a
// bracket within it.
var word = regexp.MustCompile(`\[((?:\\.|[^\]])*)\]?|[^ \t\r]+`)

// split cuts a rule into words. The brackets of a control are kept, to distinguish it from a
// keyword; those of an argument are removed.
func split(rule string) (words []string) {
	for _, match := range word.FindAllStringSubmatch(rule, -1) {
		text, inner := match[0], strings.ReplaceAll(match[1], `\]`, "]")
		switch {
		case text[0] == '[' && len(words) == 1:
			text = "[" + inner + "]"
		case text[0] == '[':
			text = inner
		}
		words = append(words, text)
	}
	return words
}
