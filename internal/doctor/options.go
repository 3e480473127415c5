package doctor

import (
	"fmt"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/options"
	"pam_persistent/internal/pamconf"
	"pam_persistent/internal/phrase"
)

// options tells of arguments with which the module does not do what the administrator wants.
func (s *service) options() {
	for _, i := range s.positions() {
		ours := s.stack.Lines[i]
		for _, arg := range ours.Args {
			if fault, _ := faultOf(arg); fault != "" {
				s.add(facts.Wrong, fmt.Sprintf("%s: %s: %s", ours.Where(),
					phrase.Quote(arg), fault), s.replace(corrected(ours)))
			}
		}
	}
}

// faultOf says what is wrong with an argument, and what should stand there instead.
func faultOf(arg string) (fault, instead string) {
	option, _, problem := options.Parse(arg)
	const ignored = ": the module logs it and goes on without it"
	switch {
	case problem == "":
		return "", ""
	case problem == options.Unknown:
		return string(problem) + ignored, nearest(arg)
	case option.Excludes:
		return string(problem) + ": the module excludes every user",
			option.Name + "=" + option.Example
	}
	return string(problem) + ignored, option.Name
}

// corrected is a line with all its arguments as they are meant, each once.
func corrected(l pamconf.Line) pamconf.Line {
	var args []string
	for _, arg := range l.Args {
		if fault, instead := faultOf(arg); fault != "" {
			arg = instead
		}
		if arg != "" && !slices.Contains(args, arg) {
			args = append(args, arg)
		}
	}
	l.Args = args
	return l
}

// nearest is the option that was meant, with its value, or "".
func nearest(arg string) string {
	name, value, hasValue := strings.Cut(arg, "=")
	best, distance := "", 3 // of words that are farther away nobody can say what was meant
	for _, option := range options.All {
		if d := edits(strings.ToLower(name), option.Name); d < distance {
			best, distance = option.Name, d
			if hasValue && option.Value != options.None {
				best += "=" + value
			}
		}
	}
	if best != "" {
		if fault, _ := faultOf(best); fault != "" {
			return ""
		}
	}
	return best
}

// edits counts the letters to be inserted, removed or changed to make one word another
// (Levenshtein's distance).
func edits(from, to string) int {
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(to) {
			change := corner
			if from[i] != to[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, corner+1)
		}
	}
	return row[len(to)]
}
