package main

import (
	"bytes"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"pam_persistent/internal/finding"
	"pam_persistent/internal/show"
)

// shortest is as often as anybody can read.
const shortest = 100 * time.Millisecond

func watchCommand() *cobra.Command {
	interval := seconds(2 * time.Second)
	c := &cobra.Command{
		Use:   "watch",
		Short: "Show the status again and again, until interrupted",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if time.Duration(interval) < shortest {
				return usagef("interval %v: it must be %v or more", &interval,
					shortest)
			}
			if show.To(os.Stdout).Width == 0 {
				return usagef("watch draws on a terminal, which standard output " +
					"is not; persistent-keyring status prints once")
			}
			return watch(time.Duration(interval))
		},
	}
	c.Flags().VarP(&interval, "interval", "n", "time between two looks, as in 2 or 500ms")
	return c
}

// What a terminal does for these is in ECMA-48.
const (
	home       = "\x1b[H"
	eraseRight = "\x1b[K"
	eraseBelow = "\x1b[J"
)

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

// draw writes one screen at once, so that it does not flicker.
func draw() error {
	p, text := out().Buffer()
	s, err := look(nil)
	if err != nil {
		return err
	}
	p.Status(s, finding.Status(s), finding.Meaning(s), fewKeys)
	p.Item(0, time.Now().Format(time.DateTime)+"; Ctrl-C ends")
	lines := bytes.Split(bytes.TrimSuffix(text.Bytes(), []byte("\n")), []byte("\n"))
	if rows := height(); rows > 0 && len(lines) > rows {
		lines = lines[:rows]
	}
	screen := append([]byte(home), bytes.Join(lines, []byte(eraseRight+"\r\n"))...)
	_, err = os.Stdout.Write(append(screen, eraseRight+eraseBelow...))
	return err
}

func height() int {
	size, err := unix.IoctlGetWinsize(int(os.Stdout.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Row)
}
