package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/phrase"
	"pam_persistent/internal/show"
)

func execCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "exec [--] COMMAND [ARGUMENT...]",
		Short: "Run a command in a new session keyring with my persistent keyring",
		Long: "Run a command in a new session keyring with my persistent keyring in it:\n" +
			"for tmux, nohup, systemd units and other programs that no login starts.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := exec.LookPath(args[0])
			if err != nil {
				return notRun(args[0], errors.Unwrap(err))
			}
			if _, err := freshSession(); err != nil {
				return err
			}
			return notRun(path, syscall.Exec(path, args, os.Environ()))
		},
	}
	c.Flags().SetInterspersed(false) // flags after COMMAND are the command's
	return c
}

// notRun returns the error of a command that could not be run, with the exit status that env(1) and
// nohup(1) would have.
func notRun(command string, err error) error {
	status := 126
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		status = 127
	}
	return failure{fmt.Errorf("%s: %w", phrase.Quote(command), err), status}
}

// freshSession joins a session keyring that nobody else has, with the user's own keyring in it as
// pam_keyinit(8) does, and the persistent one.
func freshSession() (session keyctl.Serial, err error) {
	if session, err = keyctl.JoinSession(); err == nil {
		err = fillSession(session)
	}
	return session, err
}

func fillSession(session keyctl.Serial) error {
	if err := keyctl.Link(keyctl.User, session); err != nil {
		return err
	}
	_, err := persistent.Link(me(), session)
	return err
}

func attachCommand() *cobra.Command {
	var asJSON, shared bool
	c := &cobra.Command{
		Use:   "attach",
		Short: "Give this shell a session keyring with my persistent keyring in it",
		Long: "Give this shell a new session keyring, with my persistent keyring and " +
			"the keys\nthat the shell has. If it has the persistent keyring " +
			"already, only reset the\nexpiry timer.\n\n" +
			"Programs that the shell has started before keep the old session " +
			"keyring. With\n--shared, the persistent keyring is linked into that " +
			"one. Then every process\nthat has it gets my keys: these programs, and " +
			"other users' processes that have\ninherited it through su or sudo.",
		Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			done, err := attach(shared)
			if err != nil && !asJSON {
				return err
			}
			return report(asJSON, done.document(err), done.print, err != nil)
		},
	}
	c.Flags().BoolVar(&shared, "shared", false, "use the session keyring that the shell "+
		"has; every\nprocess that has it gets my keys, other users' too")
	jsonFlag(c, &asJSON)
	return c
}

// attach first links the persistent keyring into this command's thread keyring, which resets the
// timer, and gives the serial to look for in the session keyring.
func attach(shared bool) (done attached, err error) {
	if done.shell, err = callingProgram(); err != nil {
		return done, err
	}
	if done.keyring, err = persistent.Renew(me()); err != nil {
		return done, err
	}
	old := inheritedSession()
	if slices.Contains(old.links, done.keyring) {
		done.session, done.result = old.serial, linkedAlready
		return done, nil
	}
	if shared && old.own() && !old.standsIn() && fillSession(old.serial) == nil {
		done.session, done.result = old.serial, linked
		return done, nil
	}
	if done.session, err = joinBeside(old); err != nil {
		return done, fmt.Errorf("%s keeps its session keyring: %w", done.shell, err)
	}
	if err := keyctl.SessionToParent(); err != nil {
		return done, fmt.Errorf("%s: %w%s", done.shell, err, refusal(done.shell, old))
	}
	done.result = newSession
	return done, nil
}

// attached is what attach did.
type attached struct {
	shell            program
	session, keyring keyctl.Serial
	result           string // of document.Attach
}

// Results of [attached].
const linked, linkedAlready, newSession = "linked", "linked already", "new"

func (a attached) print(p *show.Printer) {
	switch a.result {
	case linkedAlready:
		p.Item(0, fmt.Sprintf("%s already has your persistent keyring; the expiry timer "+
			"was reset", a.shell))
	case linked:
		p.Item(0, fmt.Sprintf("%s now has your persistent keyring, in its session "+
			"keyring %d; so does every process that shares this session keyring, "+
			"including other users' processes", a.shell, a.session))
	case newSession:
		p.Item(0, fmt.Sprintf("%s has a new session keyring, %d, with your persistent "+
			"keyring in it; programs that it started earlier keep theirs",
			a.shell, a.session))
		if server, command := windowServer(a.shell); command != "" {
			p.Item(0, "for new windows of "+server+":")
			p.Verbatim(4, command)
		}
	}
}

// windowServer returns the program that has opened the shell's window, and the command that gives
// its server a new session keyring. The server has the one of the login that has started it.
func windowServer(shell program) (name, command string) {
	switch {
	case os.Getenv("TMUX") != "" && !strings.HasPrefix(shell.name, "tmux"):
		return "tmux", "tmux run-shell 'exec persistent-keyring attach'"
	case os.Getenv("STY") != "" && !strings.HasPrefix(shell.name, "screen"):
		return "screen", "screen -X exec persistent-keyring attach"
	}
	return "", ""
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

// program is the process that attach works on: the one that has started this command.
type program struct {
	pid  int
	name string // its name in /proc/PID/comm, "" if that cannot be read
}

func (p program) String() string {
	if p.name == "" {
		return fmt.Sprintf("the calling program (process %d)", p.pid)
	}
	return fmt.Sprintf("%s (process %d)", phrase.Name(p.name), p.pid)
}

// passing are programs that run one command as a user and end with it. attach refuses them, because
// the session keyring would end with them.
var passing = []string{"doas", "pkexec", "run0", "runuser", "su", "sudo", "sudo-rs"}

func callingProgram() (program, error) {
	p := program{pid: os.Getppid()}
	comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.pid))
	p.name = strings.TrimSuffix(string(comm), "\n")
	const attachIsFor = "attach changes the program that started it, "
	switch {
	case p.pid == 0:
		return p, errors.New(attachIsFor + "which is outside this PID namespace; " +
			"instead: persistent-keyring exec $SHELL")
	case slices.Contains(passing, p.name):
		return p, fmt.Errorf(attachIsFor+"but %s ends with this command; run "+
			"persistent-keyring attach in the shell itself, without %s", p, p.name)
	}
	return p, nil
}

// sessionKeyring is the session keyring that this command has inherited from the shell.
type sessionKeyring struct {
	serial keyctl.Serial // 0: it cannot be used, for example because it was revoked
	err    error
	about  keyctl.Description
	links  []keyctl.Serial
}

func inheritedSession() (s sessionKeyring) {
	if s.serial, s.err = keyctl.SessionKeyring(); s.err == nil {
		s.about, s.err = keyctl.Describe(s.serial)
		s.links, _ = keyctl.ReadKeyring(s.serial)
	}
	return s
}

// own reports whether the keyring is the user's and can be used. Other users' processes may have
// inherited it nevertheless.
func (s sessionKeyring) own() bool { return s.err == nil && s.about.UID == me() }

// standsIn reports whether this is the user session keyring, which the kernel uses in every process
// of the user that has no session keyring.
func (s sessionKeyring) standsIn() bool { return s.about.Text == keyctl.UserSessionName(me()) }

// joinBeside joins a session keyring that nobody else has, with the keys of the old one in it.
func joinBeside(old sessionKeyring) (keyctl.Serial, error) {
	if old.serial == 0 {
		return freshSession()
	}
	// Without this link, the thread would no longer possess the old one, and could not link it.
	if err := keyctl.Link(old.serial, keyctl.Thread); err != nil {
		return 0, lost(err)
	}
	session, err := keyctl.JoinSession()
	if err != nil {
		return 0, err
	}
	for _, key := range old.kept() {
		if err := keyctl.Link(key, session); err != nil && !persistent.Dead(err) {
			return 0, lost(err)
		}
	}
	// Last, because a link replaces one to a key of the same name, and any user may have made
	// such a key.
	return session, fillSession(session)
}

// kept returns the keys to link into the new keyring so that searches find all that the old one
// holds. The old keyring itself is enough, unless it holds keyrings, such as the one before an
// earlier attach: the kernel searches six keyrings deep.
func (s sessionKeyring) kept() []keyctl.Serial {
	for _, key := range s.links {
		about, err := keyctl.Describe(key)
		ofUser := strings.HasPrefix(about.Text, keyctl.UserPrefix)
		if err != nil || about.Type == "keyring" && !ofUser {
			return s.links
		}
	}
	return []keyctl.Serial{s.serial}
}

// lost returns the error of a link without which the shell would lose keys.
func lost(err error) error {
	if errors.Is(err, unix.EDQUOT) {
		return err // with advice of its own
	}
	return fmt.Errorf("not all of its keys can be linked into a new one: %v; "+
		"instead: persistent-keyring exec $SHELL", err)
}

// refusal says why the kernel does not let this command give a program a session keyring, or ""
// if the reason is not known (keyctl_session_to_parent in security/keys/keyctl.c).
func refusal(shell program, old sessionKeyring) string {
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", shell.pid))
	mine, its := ids("self"), ids(fmt.Sprint(shell.pid))
	switch {
	case old.err == nil && !old.own():
		return " (its session keyring belongs to another user)"
	case len(threads) > 1:
		instead := ""
		if old.own() && !old.standsIn() {
			instead = "; persistent-keyring attach --shared uses its present one"
		}
		return fmt.Sprintf(" (it has %d threads, and only a program with one thread can "+
			"be given a session keyring%s)", len(threads), instead)
	case shell.pid == 1:
		return " (it is process 1)"
	case its != "" && its != mine:
		return fmt.Sprintf(" (its user and group IDs are %s, those of this command are %s)",
			its, mine)
	}
	return ""
}

var idLines = regexp.MustCompile(`(?m)^Uid:.*\nGid:.*`)

// ids returns the IDs of a process: real, effective, saved and filesystem UID, then the GIDs.
func ids(pid string) string {
	status, _ := os.ReadFile("/proc/" + pid + "/status")
	return strings.Join(strings.Fields(string(idLines.Find(status))), " ")
}
