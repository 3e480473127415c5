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

func (r *report) section(title string, rows []row) {
	r.printf("\n## %s\n\n", title)
	columns := columnsOf(rows)
	if len(columns) > 0 {
		r.head(columns)
	}
	for _, row := range rows {
		if row.note == "" {
			r.row(&row, columns)
		}
	}
	for _, row := range rows {
		if row.note != "" {
			r.printf("\n%s\n", strings.TrimPrefix(row.name+": "+row.note, ": "))
		}
	}
}

// columnsOf are the variants that were measured there.
func columnsOf(rows []row) []variant {
	var columns []variant
	for _, v := range variants {
		if slices.ContainsFunc(rows, func(r row) bool { return len(r.values[v.id]) > 0 }) {
			columns = append(columns, v)
		}
	}
	return columns
}

func (r *report) head(columns []variant) {
	r.printf("| |")
	for _, v := range columns {
		r.printf(" %s |", v.name)
	}
	if slices.Contains(columns, plain) {
		r.printf(" pam_persistent ÷ plain |\n|---|--:|")
	} else {
		r.printf("\n|---|")
	}
	r.printf("%s\n", strings.Repeat("--:|", len(columns)))
}

// row prints medians, and in brackets 99th percentiles.
func (r *report) row(row *row, columns []variant) {
	name := row.name
	if row.unit != "" {
		name += ", " + row.unit
	}
	r.printf("| %s |", name)
	for _, v := range columns {
		r.printf(" %s |", both(row.values[v.id], number))
	}
	if slices.Contains(columns, plain) {
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
	verdict := map[bool]string{true: "met", false: "**missed**"}[met]
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
