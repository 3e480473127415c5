package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// A row holds the values of one measure, for each variant one a round, so that values of the same
// round can be compared.
type row struct {
	name   string
	unit   string
	values map[string][]float64 // by variant's id
	cells  map[string]string    // instead of values: words
	note   string               // instead of values: why there are none, or text
	x      float64              // where the values stand in the section's chart
	goal   *goal
}

// A goal is what the project wants to reach: a ratio to another variant's values, of the same row
// if no other is given.
type goal struct {
	text    string
	to      variant
	in      *row
	limit   float64
	atLeast bool // the limit is a lower one
}

func newRow(name, unit string) row {
	return row{name: name, unit: unit, values: map[string][]float64{}}
}

func (r *row) add(v variant, value float64) { r.values[v.id] = append(r.values[v.id], value) }

// ratios are those of each round; in is the row of the other variant's values, nil: the same.
func (r *row) ratios(v, to variant, in *row) []float64 {
	if in == nil {
		in = r
	}
	var all []float64
	for i := range min(len(r.values[v.id]), len(in.values[to.id])) {
		all = append(all, r.values[v.id][i]/in.values[to.id][i])
	}
	return all
}

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func median(values []float64) float64 { return quantile(values, 0.5) }
func p99(values []float64) float64    { return quantile(values, 0.99) }

// rounds calls f for each of the variants again and again until the time is used up. The order is
// another one every time: a process that comes after a busy one finds a warmer machine, and must
// not do so in every round.
func rounds(b budget, atLeast int, of []variant, f func(variant) error) error {
	end := time.Now().Add(time.Duration(b))
	for round := 0; round < atLeast || time.Now().Before(end); round++ {
		for _, i := range rand.Perm(len(of)) {
			if err := f(of[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
