package main

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pam_persistent/internal/pamconf"
	"pam_persistent/internal/phrase"
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

// ask asks on the terminal; the error is that nothing was done. instead says what does without the
// question.
func ask(question, instead, done string) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return usagef("standard input is no terminal to ask on: %s", instead)
	}
	fmt.Print(question)
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return fmt.Errorf("nothing was %s", done)
	}
	return nil
}

// checkService takes what libpam can find a file by.
func checkService(service string) error {
	if service == "" || strings.ContainsAny(service, "/\x00") ||
		strings.HasPrefix(service, ".") {
		return usagef("service %s: not the name of a file in /etc/pam.d",
			phrase.Quote(service))
	}
	return nil
}

// firstUser is the first UID of people in most distributions (UID_MIN in login.defs(5)).
const firstUser = 1000

// completeUsers offers root and the people of the local file; a directory service may have too
// many. Accounts of daemons, and those who cannot log in, have no persistent keyring.
func completeUsers(_ *cobra.Command, _ []string, begin string) (names []string,
	_ cobra.ShellCompDirective) {
	text, _ := os.ReadFile("/etc/passwd")
	for line := range strings.Lines(string(text)) {
		field := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(field) < 7 || !strings.HasPrefix(field[0], begin) {
			continue
		}
		uid, err := strconv.ParseUint(field[2], 10, 32)
		shell := filepath.Base(field[6])
		if err == nil && (uid == 0 || uid >= firstUser) && shell != "nologin" &&
			shell != "false" {
			names = append(names, field[0])
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeServices offers the services that programs ask for: not the files that other services
// include, nor the one for services without a file.
func completeServices(_ *cobra.Command, _ []string, begin string) (names []string,
	_ cobra.ShellCompDirective) {
	services, _ := pamconf.System.Services()
	parts := []string{pamconf.Other}
	for _, service := range services {
		for _, kind := range pamconf.Kinds {
			for _, file := range pamconf.System.Stack(service, kind).Files {
				if name := filepath.Base(file); name != service {
					parts = append(parts, name)
				}
			}
		}
	}
	for _, service := range services {
		if strings.HasPrefix(service, begin) && !slices.Contains(parts, service) {
			names = append(names, service)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func completeNothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}
