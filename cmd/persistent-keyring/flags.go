package main

import (
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// jsonFlag adds --json.
func jsonFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "json", false, "print JSON")
}

// once makes it an error to give a flag twice: of two values, one would be lost without a word. A
// flag that makes a list is left as it is.
func once(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if _, list := f.Value.(pflag.SliceValue); !list {
			f.Value = &onceValue{Value: f.Value}
		}
	})
}

type onceValue struct {
	pflag.Value
	set bool
}

func (v *onceValue) Set(text string) error {
	if v.set {
		return errors.New("the flag was given before")
	}
	v.set = true
	return v.Value.Set(text)
}

// seconds is a time that is given in seconds, as watch(1) takes it, or with a unit.
type seconds time.Duration

func (s *seconds) Set(text string) error {
	const most = math.MaxInt64 / float64(time.Second)
	if n, err := strconv.ParseFloat(text, 64); err == nil && n >= 0 && n < most {
		*s = seconds(n * float64(time.Second))
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("not a time such as 2, 0.5 or 500ms")
	}
	*s = seconds(d)
	return nil
}

func (s *seconds) String() string { return time.Duration(*s).String() }
func (s *seconds) Type() string   { return "seconds" }
