package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/safe"
	"pam_persistent/internal/show"
)

func attachCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "attach",
		Short: "Give this shell a session keyring with my persistent keyring in it",
		Long: "Give this shell a session keyring with my persistent keyring in it, " +
			"or put the\npersistent keyring into the one that the shell has, " +
			"if that is alive and mine.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: completeNothing,
		RunE: func(*cobra.Command, []string) error {
			done, err := attach()
			if err != nil && !asJSON {
				return err
			}
			print := func(p *show.Printer) { p.Item(0, done.String()) }
			return report(asJSON, done.document(err), print, err != nil)
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

// attached is what attach did.
type attached struct {
	shell            program
	session, keyring keyctl.Serial
	result           string // of document.Attach
}

func (a attached) String() string {
	switch a.result {
	case linkedAlready:
		return fmt.Sprintf("%s had your persistent keyring already; its timer is reset",
			a.shell)
	case linked:
		return fmt.Sprintf("%s has your persistent keyring now, in its session keyring "+
			"%d; so has every program that shares this session keyring",
			a.shell, a.session)
	}
	return fmt.Sprintf("%s has a new session keyring, %d, with your persistent keyring in it; "+
		"programs that it has started before keep theirs", a.shell, a.session)
}

func (a attached) document(err error) document.Attach {
	d := document.Attach{Version: document.Version, PID: a.shell.pid, Program: a.shell.name,
		Session: a.session, Keyring: a.keyring, Result: a.result}
	if err != nil {
		d.Result, d.Problem = "failed", explained(err)
		d.Session, d.Keyring = 0, 0
	}
	return d
}

// What attach can have done.
const (
	linked        = "linked"
	linkedAlready = "linked already"
	newSession    = "new"
)

// A program is the process that attach works on: the one that has started this command.
type program struct {
	pid  int
	name string // its name in /proc/PID/comm, "" if that cannot be read
}

func (p program) String() string {
	if p.name == "" {
		return fmt.Sprintf("the calling program (process %d)", p.pid)
	}
	return fmt.Sprintf("%s (process %d)", safe.Name(p.name), p.pid)
}

// passing are programs that run one command as a user and end with it: to give them a session
// keyring would look like a success, and nobody would have it.
var passing = []string{"doas", "pkexec", "run0", "runuser", "su", "sudo", "sudo-rs"}

func callingProgram() (program, error) {
	p := program{pid: os.Getppid()}
	comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.pid))
	p.name = strings.TrimSuffix(string(comm), "\n")
	const attachIsFor = "attach works on the program that started it, and "
	switch {
	case p.pid == 0:
		return p, errors.New(attachIsFor + "that is outside this PID namespace; " +
			"instead: persistent-keyring exec $SHELL")
	case slices.Contains(passing, p.name):
		return p, fmt.Errorf(attachIsFor+"%s ends with this command; run "+
			"persistent-keyring attach in the shell itself, without %s", p, p.name)
	}
	return p, nil
}

func attach() (attached, error) {
	shell, err := callingProgram()
	if err != nil {
		return attached{shell: shell}, err
	}
	uid := uint32(os.Getuid())
	about, err := keyctl.Describe(keyctl.Session)
	// The user session keyring stands in for a session keyring in every process of the user
	// that has none, so it is not this shell's own.
	if err == nil && about.UID == uid && about.Text != keyctl.UserSessionName(uid) {
		if done, err := attachHere(shell); err == nil {
			return done, nil
		}
	}
	return attachNew(shell, err != nil || about.UID == uid)
}

// attachHere links into the session keyring that the shell has, which keeps its other keys.
func attachHere(shell program) (done attached, err error) {
	done = attached{shell: shell, result: linked}
	if done.session, err = keyctl.SessionKeyring(); err != nil {
		return done, err
	}
	before, err := keyctl.ReadKeyring(done.session)
	if err != nil {
		return done, err
	}
	done.keyring, err = fillSession(done.session)
	if slices.Contains(before, done.keyring) {
		done.result = linkedAlready
	}
	return done, err
}

// attachNew gives the shell a session keyring of its own. own is that the present one is the user's
// or dead.
func attachNew(shell program, own bool) (done attached, err error) {
	done = attached{shell: shell, result: newSession}
	if done.session, done.keyring, err = freshSession(); err != nil {
		return done, err
	}
	if err := keyctl.SessionToParent(); err != nil {
		return done, fmt.Errorf("%s: %w%s", shell, err, refusal(shell, own))
	}
	return done, nil
}

// refusal is why the kernel does not let this command give that program a session keyring, as far
// as can be seen (keyctl_session_to_parent in security/keys/keyctl.c).
func refusal(shell program, own bool) string {
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", shell.pid))
	mine, its := ids("self"), ids(fmt.Sprint(shell.pid))
	switch {
	case !own:
		return " (its session keyring belongs to another user)"
	case len(threads) > 1:
		return fmt.Sprintf(" (it has %d threads; a program with one thread only can be "+
			"given one)",
			len(threads))
	case shell.pid == 1:
		return " (it is process 1)"
	case its != "" && its != mine:
		return fmt.Sprintf(" (its user and group IDs are %s, those of this command %s)",
			its, mine)
	}
	return ""
}

// ids are the IDs of a process: real, effective, saved, filesystem; of the user, then the group.
func ids(pid string) string {
	status, _ := os.ReadFile("/proc/" + pid + "/status")
	var found []string
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "Uid:") || strings.HasPrefix(line, "Gid:") {
			found = append(found, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(found, " ")
}
