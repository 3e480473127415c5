package try

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"pam_persistent/internal/account"
	"pam_persistent/internal/child"
	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/phrase"
	"pam_persistent/internal/show"
)

// Command is the hidden first argument of the child that [InChild] starts.
const Command = "try-session"

// answers is the child's descriptor for the report; its standard output is for what modules print.
const answers = 3

// The child's exit statuses.
const (
	exitGood = iota
	exitBad
	exitBroken // no report was made
)

// InChild opens the session in a child, because it joins keyrings, lowers limits and may move
// the process elsewhere, and prints the report on out. good is that of the report. The child has no
// controlling terminal: what modules start, as the user perhaps, could push input into root's.
func InChild(service, username string, asJSON bool, out *os.File) (good bool, err error) {
	form := "text"
	if asJSON {
		form = "json"
	}
	c := child.Self(Command, service, username, form)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	c.ExtraFiles = []*os.File{out}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = child.Run(c, child.Session)
	exit := (*exec.ExitError)(nil)
	switch {
	case err == child.ErrLate:
		return false, fmt.Errorf("the session did not open and close in %s and was given "+
			"up", phrase.Duration(uint64(child.Session.Seconds())))
	case errors.As(err, &exit) && exit.ExitCode() == exitBad:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("the process of the session: %w", err)
	}
	return true, nil
}

// Main is the child.
func Main(service, username, form string) {
	signal.Ignore(os.Interrupt, syscall.SIGHUP) // or a session would stay open
	out := os.NewFile(answers, "the report")
	user, err := account.ByName(username)
	var r *facts.Trial
	var findings []facts.Finding
	if err == nil {
		r = Run(service, user)
		findings = finding.Trial(r)
		err = print(r, findings, form, out)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "persistent-keyring:", err)
		os.Exit(exitBroken)
	case len(findings) > 0 || len(finding.OnlyWrong(r.Setup)) > 0:
		os.Exit(exitBad)
	}
	os.Exit(exitGood)
}

func print(r *facts.Trial, findings []facts.Finding, form string, out *os.File) error {
	if form == "json" {
		return document.Write(out, document.TryOf(r, findings))
	}
	p := show.To(out)
	p.Trial(r, findings, time.Now())
	return p.Err()
}
