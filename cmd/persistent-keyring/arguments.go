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

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"pam_persistent/internal/pamconf"
	"pam_persistent/internal/phrase"
)

func jsonFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "json", false, "print JSON")
}

// once makes it an error to give a flag twice, because one of two values would be lost silently.
// Flags whose values form a list may be repeated.
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
		return errors.New("the flag was given more than once")
	}
	v.set = true
	return v.Value.Set(text)
}

// seconds is a flag's time, given in seconds, as watch(1) takes it, or with a unit.
type seconds struct{ time.Duration }

func (s *seconds) Set(text string) error {
	const most = math.MaxInt64 / float64(time.Second)
	if n, err := strconv.ParseFloat(text, 64); err == nil && n >= 0 && n < most {
		s.Duration = time.Duration(n * float64(time.Second))
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("not a time such as 2, 0.5 or 500ms")
	}
	s.Duration = d
	return nil
}

func (s *seconds) Type() string { return "seconds" }

// ask asks a question on the terminal, and returns an error unless the answer is yes. instead names
// the flags that avoid the question; done is a word for the action, such as "removed".
func ask(question, instead, done string) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return usagef("standard input is not a terminal; %s", instead)
	}
	fmt.Print(question)
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return fmt.Errorf("nothing was %s", done)
	}
	return nil
}

// checkService returns an error if libpam cannot find a file by the name of a service.
func checkService(service string) error {
	if service == "" || service[0] == '.' || strings.ContainsAny(service, "/\x00") {
		return usagef("service %s: not a valid name of a file in /etc/pam.d",
			phrase.Quote(service))
	}
	return nil
}

// byPosition completes the first argument with the first function, and so on. The last function is
// for all further arguments.
func byPosition(functions ...cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begin string) ([]string,
		cobra.ShellCompDirective) {
		return functions[min(len(args), len(functions)-1)](c, args, begin)
	}
}

// completeUsers offers root and the users of the local file who can log in; others have no
// persistent keyring. A directory service may have too many users.
func completeUsers(_ *cobra.Command, _ []string, begin string) (names []string,
	_ cobra.ShellCompDirective) {
	const firstUser = 1000 // UID_MIN of login.defs(5) in most distributions
	text, _ := os.ReadFile("/etc/passwd")
	for line := range strings.Lines(string(text)) {
		field := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(field) < 7 || !strings.HasPrefix(field[0], begin) {
			continue
		}
		uid, err := strconv.ParseUint(field[2], 10, 32)
		shell := filepath.Base(field[6])
		if err == nil && (uid == 0 || uid >= firstUser) &&
			shell != "nologin" && shell != "false" {
			names = append(names, field[0])
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeServices offers the services that programs use, without files that other services include
// and without the fallback, "other".
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
