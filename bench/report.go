package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// report collects what is printed, for the file.
type report struct {
	text  strings.Builder
	goals []string
}

func (r *report) printf(format string, args ...any) {
	fmt.Fprintf(io.MultiWriter(os.Stdout, &r.text), format, args...)
}

func (r *report) machine(lines []string) {
	r.printf("Measured on this machine:\n\n")
	for _, line := range lines {
		r.printf("- %s\n", line)
	}
}

func (r *report) section(s section, rows []row) error {
	r.printf("\n## %s\n\n", s.title)
	columns := columnsOf(rows)
	ratios := slices.Contains(columns, plain) && !areWords(rows)
	if len(columns) > 0 {
		r.head(columns, ratios)
	}
	for _, row := range rows {
		if row.note == "" {
			r.row(&row, columns, ratios)
		}
	}
	for _, row := range rows {
		if row.note != "" {
			text := strings.TrimPrefix(row.name+": "+row.note, ": ")
			r.printf("\n%s\n", wrapped(text))
		}
	}
	for _, c := range s.charts {
		if err := c.draw(rows); err != nil {
			return err
		}
		r.printf("\n![%s](charts/%s.svg)\n", c.title, c.name)
	}
	return nil
}

// wrapped breaks lines that are longer than 100 columns, between words. A list, whose items begin
// with "- ", is indented.
func wrapped(paragraphs ...string) string {
	var out []string
	for _, text := range paragraphs {
		for line := range strings.SplitSeq(text, "\n") {
			indent := ""
			if strings.HasPrefix(line, "- ") {
				indent = "  "
			}
			for len([]rune(line)) > 100 {
				end := strings.LastIndexByte(string([]rune(line)[:101]), ' ')
				if end <= len(indent) {
					break
				}
				out = append(out, line[:end])
				line = indent + line[end+1:]
			}
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// columnsOf are the variants that were measured there.
func columnsOf(rows []row) []variant {
	var found []variant
	for _, v := range columns {
		if slices.ContainsFunc(rows, func(r row) bool {
			return len(r.values[v.id]) > 0 || r.cells[v.id] != ""
		}) {
			found = append(found, v)
		}
	}
	return found
}

// areWords reports whether the rows hold words, of which there are no ratios.
func areWords(rows []row) bool {
	return slices.ContainsFunc(rows, func(r row) bool { return r.cells != nil })
}

func (r *report) head(columns []variant, ratios bool) {
	r.printf("| |")
	for _, v := range columns {
		r.printf(" %s |", v.name)
	}
	if ratios {
		r.printf(" pam_persistent ÷ plain |\n|---|--:|")
	} else {
		r.printf("\n|---|")
	}
	r.printf("%s\n", strings.Repeat("--:|", len(columns)))
}

// row prints medians, and in brackets 99th percentiles.
func (r *report) row(row *row, columns []variant, ratios bool) {
	name := row.name
	if row.unit != "" {
		name += ", " + row.unit
	}
	r.printf("| %s |", name)
	for _, v := range columns {
		cell := row.cells[v.id]
		if cell == "" {
			cell = both(row.values[v.id], number)
		}
		r.printf(" %s |", cell)
	}
	if ratios {
		r.printf(" %s |", both(row.ratios(ours, plain, nil), ratio))
	}
	r.printf("\n")
	if row.goal != nil {
		r.goal(row)
	}
}

func (r *report) goal(row *row) {
	g := row.goal
	result, met := "", false
	if g.limit == 0 {
		most := quantile(row.values[ours.id], 1)
		result, met = number(most), most == 0
	} else {
		ratios := row.ratios(ours, g.to, g.in)
		middle := median(ratios)
		result, met = both(ratios, ratio), middle <= g.limit
		if g.atLeast {
			met = middle >= g.limit
		}
	}
	verdict := map[bool]string{true: "reached", false: "**missed**"}[met]
	r.goals = append(r.goals,
		fmt.Sprintf("| %s | %s | %s | %s |", row.name, g.text, result, verdict))
}

// targets prints what each goal came to, as the median and the 99th percentile of the ratios of
// each round.
func (r *report) targets() {
	if len(r.goals) == 0 {
		return
	}
	r.printf("\n## Targets\n\n| | target | measured | |\n|---|---|--:|---|\n%s\n",
		strings.Join(r.goals, "\n"))
}

func both(values []float64, format func(float64) string) string {
	if len(values) == 0 {
		return "–"
	}
	middle, high := format(median(values)), format(p99(values))
	if middle == high {
		return middle
	}
	return middle + " (" + high + ")"
}

func ratio(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "–" // to nothing
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

func number(x float64) string {
	if x < 100 && x > -100 && x != float64(int(x)) {
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return group(int(x + 0.5))
}

// group writes 12345 as 12,345.
func group(n int) string {
	if n < 0 {
		return "-" + group(-n)
	}
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", group(n/1000), n%1000)
}
