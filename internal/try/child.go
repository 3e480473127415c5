package try

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
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

// report is the child's descriptor for the report. Its standard output is for what modules print.
const report = 3

// The child's exit statuses.
const (
	exitGood = iota
	exitBad
	exitBroken // no report was printed
)

// InChild runs [Run] in a child, because a session joins keyrings, lowers limits and may move the
// process elsewhere. The child prints the report on out; good reports whether nothing is wrong. The
// child has no controlling terminal, because programs that modules start, perhaps as the user,
// could push input into it.
func InChild(service, username string, asJSON bool, out *os.File) (good bool, err error) {
	c := child.Self(Command, service, username, strconv.FormatBool(asJSON))
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	c.ExtraFiles = []*os.File{out}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = child.Run(c, child.Session)
	var exit *exec.ExitError
	switch {
	case err == child.ErrLate:
		return false, fmt.Errorf("the session did not open and close within %s and was "+
			"abandoned", phrase.Duration(uint64(child.Session.Seconds())))
	case errors.As(err, &exit) && exit.ExitCode() == exitBad:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("the process of the session: %w", err)
	}
	return true, nil
}

// Main is the child. asJSON is "true" or "false".
func Main(service, username, asJSON string) {
	signal.Ignore(os.Interrupt, syscall.SIGHUP) // so that the session is closed
	out := os.NewFile(report, "the report")
	user, err := account.ByName(username)
	var r *facts.Trial
	var findings []facts.Finding
	if err == nil {
		r = Run(service, user)
		findings = finding.Trial(r)
		err = print(r, findings, asJSON == "true", out)
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

func print(r *facts.Trial, findings []facts.Finding, asJSON bool, out *os.File) error {
	if asJSON {
		return document.Write(out, document.TryOf(r, findings))
	}
	p := show.To(out)
	p.Trial(r, findings, time.Now())
	return p.Err()
}
