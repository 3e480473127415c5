package main

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"pam_persistent/internal/account"
	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/show"
)

func statusCommand() *cobra.Command {
	var asJSON, all bool
	c := &cobra.Command{
		Use:               "status [USER]",
		Short:             "Show my persistent keyring, or another user's (root)",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: byPosition(completeUsers, cobra.NoFileCompletions),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := look(args)
			if err != nil {
				return err
			}
			findings, meaning := finding.Status(s), finding.Meaning(s)
			wrong := finding.OnlyWrong(findings)
			print := func(p *show.Printer) { p.Status(s, findings, meaning, all) }
			d := document.StatusOf(s, wrong, meaning)
			return report(asJSON, d, print, len(wrong) > 0)
		},
	}
	jsonFlag(c, &asJSON)
	c.Flags().BoolVarP(&all, "all", "a", false, "show all keys, however many")
	return c
}

// look looks at the caller's keyring, or at that of the user whom args name.
func look(args []string) (*facts.Status, error) {
	if len(args) == 1 {
		user, err := account.ByName(args[0])
		switch {
		case err != nil:
			return nil, usage(err)
		case user.UID != me() && os.Geteuid() != 0:
			return nil, onlyRoot("look at another user's keyring", "")
		case user.UID != me():
			lookApart()
			return keyrings.LookAt(user)
		}
	}
	s := keyrings.Look()
	keyrings.LookForTickets(s)
	return s, nil
}

func listCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Show every user's persistent keyring (root)",
		Args:  cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if os.Geteuid() != 0 {
				return onlyRoot("list the keyrings of all users",
					"; persistent-keyring status shows yours")
			}
			lookApart()
			l, err := keyrings.LookAtAll()
			switch {
			case err != nil && !asJSON:
				return err
			case err != nil:
				l = &facts.List{Unseen: []string{explained(err)}}
			}
			findings := finding.List(l)
			print := func(p *show.Printer) { p.List(l, findings) }
			return report(asJSON, document.ListOf(l, findings), print,
				len(findings)+len(l.Unseen) > 0)
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

func watchCommand() *cobra.Command {
	const shortest = 100 * time.Millisecond // nobody reads faster
	interval := seconds{2 * time.Second}
	c := &cobra.Command{
		Use:   "watch",
		Short: "Show the status repeatedly, until interrupted",
		Args:  cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if interval.Duration < shortest {
				return usagef("interval %v is too short; use %v or more", interval,
					shortest)
			}
			if out().Width == 0 {
				return usagef("standard output is not a terminal; " +
					"use persistent-keyring status")
			}
			return watch(interval.Duration)
		},
	}
	c.Flags().VarP(&interval, "interval", "n", "time between displays, as in 2 or 500ms")
	return c
}

// Control sequences of ECMA-48.
const home, eraseRight, eraseBelow = "\x1b[H", "\x1b[K", "\x1b[J"

func watch(interval time.Duration) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGWINCH)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := draw(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case s := <-signals:
			if s != syscall.SIGWINCH {
				_, err := os.Stdout.WriteString("\n")
				return err
			}
		}
	}
}

// draw writes a screen with one write, so that it does not flicker.
func draw() error {
	p, text := out().Buffer()
	s, err := look(nil)
	if err != nil {
		return err
	}
	p.Status(s, finding.Status(s), finding.Meaning(s), false)
	p.Item(0, time.Now().Format(time.DateTime)+"; Ctrl-C to end")
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	_, rows, _ := term.GetSize(int(os.Stdout.Fd()))
	if rows > 0 && len(lines) > rows {
		lines = lines[:rows]
	}
	screen := strings.Join(lines, eraseRight+"\r\n")
	_, err = os.Stdout.WriteString(home + screen + eraseRight + eraseBelow)
	return err
}
