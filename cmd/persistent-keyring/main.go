// Command persistent-keyring shows people their persistent keyring, and administrators why a
// session lacks it. persistent-keyring(1) is its manual.
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

// What goes where:
//
//   - Standard output has what was asked for, findings, and questions: see report, out and ask.
//     Answers come from standard input, which must be a terminal.
//   - Standard error has what could not be done, after "persistent-keyring: ": see complain. It
//     also has what PAM modules print in try.
//   - With --json, standard output has one document or nothing. What could not be done for one of
//     several users or keys is in the document, and not on standard error.
//   - Colour, folding and watch are for a standard output that is a terminal: see show.To.
//   - The exit status is 0 if all is well, 1 if there is a finding or something could not be done,
//     and 2 for a mistake in the command line, such as a subcommand for root alone: see main. That
//     of exec is the command's, which replaces this process; it is 126 if the command cannot be
//     run, 127 if it is not found: see notRun.

// Exit statuses.
const exitFinding, exitUsage = 1, 2

// failure is an error with an exit status other than exitFinding.
type failure struct {
	error
	status int
}

func (f failure) Unwrap() error { return f.error }

// usage returns an error for a mistake in the command line.
func usage(err error) error { return failure{err, exitUsage} }

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// onlyRoot returns the error for a user who is not root, with the command line as it was typed.
// instead says what helps without root, after a semicolon, or is "".
func onlyRoot(can, instead string) error {
	typed := "persistent-keyring"
	for _, arg := range os.Args[1:] {
		typed += " " + phrase.Name(arg)
	}
	return usagef("only root can %s; with sudo: sudo %s%s", can, typed, instead)
}

// errFinding ends the command with a finding that has been printed already.
var errFinding = errors.New("finding")

// started reports whether cobra has understood the command line. Its errors before that are
// mistakes in the command line.
var started bool

// The session keyring belongs to a thread: everything here happens on the first one.
func init() { runtime.LockOSThread() }

func main() {
	child(os.Args[1:])
	if err := command().Execute(); err != nil {
		exit(err)
	}
}

func exit(err error) {
	status := exitFinding
	if f := (failure{}); errors.As(err, &f) {
		status = f.status
	} else if !started {
		status = exitUsage
	}
	if !errors.Is(err, errFinding) {
		complain(err)
	}
	if status == exitUsage {
		fmt.Fprintln(os.Stderr, "try persistent-keyring --help")
	}
	os.Exit(status)
}

func command() *cobra.Command {
	root := statusCommand()
	root.Use, root.ValidArgsFunction = "persistent-keyring", nil
	root.Short = "Show and manage the persistent keyring, whose keys outlive a logout"
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
	root.InitDefaultCompletionCmd()
	if powershell, _, err := root.Find([]string{"completion", "powershell"}); err == nil {
		powershell.Parent().RemoveCommand(powershell)
	}
	checkHelp(root)
	root.SuggestionsMinimumDistance = 2 // letters
	return root
}

// checkHelp makes it an error to ask for help about a subcommand that does not exist: cobra prints
// help without checking the arguments.
func checkHelp(root *cobra.Command) {
	help := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if c.HasSubCommands() {
			if err := c.ValidateArgs(c.Flags().Args()); err != nil {
				exit(err)
			}
		}
		help(c, args)
	})
	root.InitDefaultHelpCmd()
	if about, _, err := root.Find([]string{"help"}); err == nil {
		about.Args = func(_ *cobra.Command, args []string) error {
			if found, _, _ := root.Find(args); found == root {
				return noSubcommand(root, args)
			}
			return nil
		}
	}
}

// noSubcommand refuses arguments of the root command: the first one is not a subcommand.
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

// child does the work of a child, and ends the process, if this program has started itself again.
// The words for that are not subcommands, because users do not type them.
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

func me() uint32 { return uint32(os.Getuid()) }

// lookApart gives root's thread an empty session keyring. The caller's may lead to a user's
// keyrings, because su does not replace it, and the kernel would search these at every look.
func lookApart() {
	if os.Geteuid() == 0 {
		_, _ = keyctl.JoinSession() // without it, looking may take longer
	}
}

func out() *show.Printer { return show.To(os.Stdout) }

// report prints d as JSON, or for people with print, and returns the error of the command; found
// reports whether there is a finding.
func report(asJSON bool, d any, print func(*show.Printer), found bool) error {
	p := out()
	if !asJSON {
		print(p)
	} else if err := document.Write(os.Stdout, d); err != nil {
		return err
	}
	return finish(p, found)
}

// finish returns the error of a command that has printed with p.
func finish(p *show.Printer, found bool) error {
	switch {
	case p.Err() != nil:
		return fmt.Errorf("standard output: %w", p.Err())
	case found:
		return errFinding
	}
	return nil
}

func complain(err error) {
	fmt.Fprintln(os.Stderr, "persistent-keyring:", explained(err))
}

// explained returns the text of an error, with what can be done about it.
func explained(err error) string { return phrase.Error(persistent.Explain(err)) }

// versions returns the versions of this command and of the module that libpam loads, one line each:
// after half an upgrade they differ.
func versions() string {
	text := "persistent-keyring " + versionOf("/proc/self/exe") + "\n"
	module := machine.ModulePath()
	if module == "" {
		return text + "cannot find libpam's module directory\n"
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
