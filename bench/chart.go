package main

import (
	"errors"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A chart shows how something grows: one line for each variant, through the medians of the rows of
// its section.
type chart struct {
	name  string // of the file
	title string
	x, y  string
	of    string // the end of the names of its rows; "": all that have an x
}

// lines are the variants' colours, which can be told apart also by those who see few colours, and
// dashes, for paper.
var lines = map[string]struct {
	color  color.RGBA
	dashes []vg.Length
}{
	"ours":    {color.RGBA{R: 0x00, G: 0x5a, B: 0xb5, A: 0xff}, nil},
	"plain":   {color.RGBA{R: 0xdc, G: 0x32, B: 0x20, A: 0xff}, []vg.Length{6, 3}},
	"keyinit": {color.RGBA{R: 0x1a, G: 0x85, B: 0x4f, A: 0xff}, []vg.Length{2, 2}},
	"direct":  {color.RGBA{R: 0x8a, G: 0x5a, B: 0x00, A: 0xff}, []vg.Length{8, 2, 2, 2}},
	"permit":  {color.RGBA{R: 0x70, G: 0x70, B: 0x70, A: 0xff}, []vg.Length{1, 3}},
}

// chartDir is where charts go: those of short runs are nothing to be shown.
var chartDir = "build/bench/charts"

func (c chart) draw(rows []row) error {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	p := plot.New() // with a white background, so that it can be read on dark pages too
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.title, c.x, c.y
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = powers{}, powers{}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding = vg.Points(2)
	p.Add(plotter.NewGrid())
	lowest, highest := math.Inf(1), 0.0
	for _, v := range columns {
		points := c.points(rows, v)
		if len(points) == 0 {
			continue
		}
		for _, point := range points {
			lowest, highest = min(lowest, point.Y), max(highest, point.Y)
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		style := lines[v.id]
		line.Color, line.Dashes, line.Width = style.color, style.dashes, vg.Points(1.5)
		dots.Color = style.color
		p.Add(line, dots)
		p.Legend.Add(v.name, line)
	}
	// Room for the legend above the lines.
	p.Y.Min, p.Y.Max = lowest/1.5, highest*8
	// A white margin at the right, because the axis's last label is wider in the font that a
	// machine without Liberation takes.
	const width, margin = 18 * vg.Centimeter, 12
	svg := vgsvg.New(width+margin, 11*vg.Centimeter)
	whole := draw.New(svg)
	whole.SetColor(color.White)
	whole.Fill(whole.Rectangle.Path())
	p.Draw(draw.Crop(whole, 0, -margin, 0, 0))
	if err := os.MkdirAll(chartDir, 0o755); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(chartDir, c.name+".svg"))
	if err != nil {
		return err
	}
	_, err = svg.WriteTo(file)
	return errors.Join(err, file.Close())
}

func (c chart) points(rows []row, v variant) (points plotter.XYs) {
	for _, r := range rows {
		if r.x > 0 && strings.HasSuffix(r.name, c.of) && len(r.values[v.id]) > 0 {
			points = append(points, plotter.XY{X: r.x, Y: median(r.values[v.id])})
		}
	}
	return points
}

// powers are ticks at 1, 2 and 5 times the powers of ten, with plain numbers.
type powers struct{}

func (powers) Ticks(low, high float64) (ticks []plot.Tick) {
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for _, times := range []float64{1, 2, 5} {
			value := power * times
			if value < low || value > high {
				continue
			}
			label := number(value)
			if high/low > 1000 && times != 1 {
				label = ""
			}
			ticks = append(ticks, plot.Tick{Value: value, Label: label})
		}
	}
	return ticks
}
