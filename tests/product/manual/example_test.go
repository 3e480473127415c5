package manual

import (
	"slices"
	"strings"
	"testing"
)

// An example is a paragraph of a page with lines to type.
type example struct {
	text  string   // the text before them, on one line
	lines []string // as typed
}

// manExamples reads the EXAMPLES of an mdoc(7) page.
func manExamples(text string) (found []example) {
	_, section, _ := strings.Cut(text, "\n.Sh EXAMPLES\n")
	section, _, _ = strings.Cut(section, "\n.Sh ")
	var e example
	literal, paragraph := false, false
	add := func(line string) {
		e.lines = append(e.lines, strings.ReplaceAll(line, `\(aq`, "'"))
		paragraph = false
	}
	end := func() {
		if len(e.lines) > 0 {
			found = append(found, e)
		}
		e, paragraph = example{}, false
	}
	for _, line := range strings.Split(section, "\n") {
		macro, arguments, _ := strings.Cut(line, " ")
		switch {
		case line == ".Ed":
			literal = false
		case literal:
			add(line)
		case macro == ".Bd":
			literal = true
		case macro == ".Dl":
			add(arguments)
		case line == ".Pp": // also between the text and the lines to type
			paragraph = true
		default:
			if paragraph || len(e.lines) > 0 {
				end()
			}
			e.text = strings.TrimSpace(e.text + " " + spoken(line))
		}
	}
	end()
	return found
}

// spoken returns what a reader sees of a line of text.
func spoken(line string) string {
	if !strings.HasPrefix(line, ".") {
		return line
	}
	text, mark := line, ""
	for _, m := range []string{",", ".", ":"} {
		if before, ok := strings.CutSuffix(line, " "+m); ok {
			text, mark = before, m
		}
	}
	words := strings.Fields(strings.TrimPrefix(text, "."))
	switch words[0] {
	case "Pq":
		return "(" + spoken("."+strings.Join(words[1:], " ")) + ")" + mark
	case "Xr":
		return words[1] + "(" + words[2] + ")" + mark
	}
	return strings.Join(words[1:], " ") + mark
}

// readmeExamples returns the indented blocks of a Markdown file.
func readmeExamples(text string) (found []example) {
	var e example
	for _, line := range strings.Split(text+"\n", "\n") {
		typed, indented := strings.CutPrefix(line, "    ")
		switch {
		case indented:
			e.lines = append(e.lines, typed)
		case line != "" && len(e.lines) > 0:
			found = append(found, e)
			e = example{text: line}
		case line != "":
			e.text = line
		}
	}
	if len(e.lines) > 0 {
		found = append(found, e)
	}
	return found
}

func TestPagesAreRead(t *testing.T) {
	const mdoc = ".Sh NAME\n.Dl not this\n.Sh EXAMPLES\nGeneral.\n.Pp\n.Pa /etc/x ,\n.Pa y\n" +
		"and\n.Pq Xr su 1 :\n.Bd -literal -offset indent\na  b\nc\n.Ed\n" +
		".Pp\nOther:\n.Pp\n.Dl $ d \\(aqe\\(aq\n.Dl f\n.Pp\nLast:\n.Dl g\n" +
		".Sh SEE ALSO\n.Dl nor this"
	equal(t, manExamples(mdoc), []example{
		{"/etc/x, y and (su(1)):", []string{"a  b", "c"}},
		{"Other:", []string{"$ d 'e'", "f"}}, {"Last:", []string{"g"}},
	})
	equal(t, readmeExamples("# x\n\ntext\nlast\n\n    a\n    b\n\nmore\n\n    c\n"),
		[]example{{"last", []string{"a", "b"}}, {"more", []string{"c"}}})
}

func equal(t *testing.T, got, want []example) {
	t.Helper()
	if !slices.EqualFunc(got, want,
		func(a, b example) bool {
			return a.text == b.text &&
				slices.Equal(a.lines, b.lines)
		}) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
