// Command persistent-keyring shows people their persistent keyring, and
// administrators why a session lacks it. persistent-keyring(1) is its manual.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/machine"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/phrase"
	"pam_persistent/internal/renewal"
	"pam_persistent/internal/show"
	"pam_persistent/internal/try"
)

// Exit statuses.
const (
	exitFinding = 1 // something is not as it should be, or the kernel refused
	exitUsage   = 2
)

// errFinding ends the command with a finding that has been printed already.
var errFinding = errors.New("finding")

// usageError is a mistake in the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// The session keyring belongs to a thread: everything here happens on the first one.
func init() { runtime.LockOSThread() }

func main() {
	child(os.Args[1:])
	root := command()
	err := root.Execute()
	var status exitStatus
	switch {
	case err == nil:
		return
	case errors.Is(err, errFinding):
		os.Exit(exitFinding)
	case errors.As(err, &status):
		complain(err)
		os.Exit(status.code)
	case errors.As(err, new(usageError)) || !started:
		complain(err)
		fmt.Fprintln(os.Stderr, "persistent-keyring --help tells how to use it.")
		os.Exit(exitUsage)
	}
	complain(err)
	os.Exit(exitFinding)
}

// started tells that the command line was understood: before, cobra's errors are mistakes in it.
var started bool

func complain(err error) {
	fmt.Fprintln(os.Stderr, "persistent-keyring:", explained(err))
}

// explained is an error for people, with what can be done about it.
func explained(err error) string { return phrase.Error(persistent.Explain(err)) }

// exitStatus is an error with an exit status of its own.
type exitStatus struct {
	error
	code int
}

func (e exitStatus) Unwrap() error { return e.error }

func command() *cobra.Command {
	root := statusCommand()
	root.Use, root.ValidArgsFunction = "persistent-keyring", nil
	root.Short = "Show and keep what outlives a logout: the persistent keyring"
	root.Long = root.Short + ".\nWithout a subcommand: status."
	cobra.AddTemplateFunc("versions", versions)
	root.Version = "see versions" // cobra offers --version only where this is not empty
	root.SetVersionTemplate("{{versions}}")
	root.SilenceUsage, root.SilenceErrors = true, true
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.AddCommand(statusCommand(), listCommand(), renewCommand(), keepCommand(),
		dropCommand(), clearCommand(), pruneCommand(),
		execCommand(), attachCommand(), doctorCommand(), tryCommand(), watchCommand())
	for _, c := range append(root.Commands(), root) {
		once(c.Flags())
	}
	root.Args = noSubcommand
	root.SuggestionsMinimumDistance = 2 // letters
	return root
}

// noSubcommand takes no arguments: the first one is no subcommand, or it would not come here.
func noSubcommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := "unknown subcommand " + phrase.Quote(args[0])
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usagef("%s", text)
}

// onlyRoot is the mistake of a user who asks for what takes root.
func onlyRoot(can string) error { return usagef("only root can %s", can) }

// lookApart gives root's thread an empty session keyring. The caller's may lead to a user's
// keyrings, because su leaves it as it is, and the kernel would search these at every look.
func lookApart() {
	if os.Geteuid() == 0 {
		_, _ = keyctl.JoinSession() // if that is refused, looking may take longer
	}
}

// out prints on standard output.
func out() *show.Printer { return show.To(os.Stdout) }

// report prints what was found, as JSON or for people.
func report(asJSON bool, d any, print func(*show.Printer), found bool) error {
	p := out()
	if !asJSON {
		print(p)
	} else if err := document.Write(os.Stdout, d); err != nil {
		return err
	}
	return finish(p, found)
}

// finish is the error of a command that printed with p, and found something or not.
func finish(p *show.Printer, found bool) error {
	switch {
	case p.Err() != nil:
		return fmt.Errorf("standard output: %w", p.Err())
	case found:
		return errFinding
	}
	return nil
}

// child does the work for which this program has started itself again, if it has. Nobody
// types these words, so they are no subcommands.
func child(args []string) {
	switch {
	case len(args) == 1 && args[0] == renewal.Command:
		renewal.Main()
	case len(args) == 2 && args[0] == machine.LoadCommand:
		machine.LoadMain(args[1])
	case len(args) == 2 && args[0] == renewal.TicketsCommand:
		renewal.TicketsMain(args[1])
	case len(args) == 4 && args[0] == try.Command:
		try.Main(args[1], args[2], args[3])
	}
}

// versions are those of this command and of the module that libpam loads, one line each: after half
// an upgrade they differ.
func versions() string {
	text := "persistent-keyring " + versionOf("/proc/self/exe") + "\n"
	module := machine.ModulePath()
	if module == "" {
		return text + "libpam's directory of modules was not found\n"
	}
	return text + module + " " + versionOf(module) + "\n"
}

func versionOf(path string) string {
	found, err := machine.VersionOf(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "is not installed"
	case err != nil:
		return phrase.Error(err)
	}
	return found
}
