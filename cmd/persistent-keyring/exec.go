package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/spf13/cobra"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/phrase"
)

// Exit statuses of a command that could not be run, as of env(1) and nohup(1).
const (
	exitCannotRun = 126
	exitNotFound  = 127
)

func execCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "exec [--] COMMAND [ARGUMENT...]",
		Short: "Run a command in a new session keyring with my persistent one",
		Long: "Run a command in a fresh session keyring with my persistent keyring in " +
			"it:\n" +
			"for tmux, nohup, systemd units and whatever else does not come through " +
			"a login.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := exec.LookPath(args[0])
			if err != nil {
				return exitStatus{fmt.Errorf("%s: %w", phrase.Quote(args[0]),
					errors.Unwrap(err)), notRun(err)}
			}
			if _, _, err := freshSession(); err != nil {
				return err
			}
			err = syscall.Exec(path, args, os.Environ())
			return exitStatus{fmt.Errorf("%s: %w", phrase.Quote(path), err), notRun(err)}
		},
	}
	// What follows the command is the command's.
	c.Flags().SetInterspersed(false)
	return c
}

// freshSession joins a session keyring that nobody else has, with the user's own keyring in it as
// pam_keyinit(8) does, and the persistent one.
func freshSession() (session, keyring keyctl.Serial, err error) {
	if session, err = keyctl.JoinSession(); err == nil {
		keyring, err = fillSession(session)
	}
	return session, keyring, err
}

// fillSession links the user keyring and the persistent keyring into a session keyring, and returns
// the serial of the persistent one.
func fillSession(session keyctl.Serial) (keyctl.Serial, error) {
	if err := keyctl.Link(keyctl.User, session); err != nil {
		return 0, err
	}
	return persistent.Link(uint32(os.Getuid()), session)
}

func notRun(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return exitNotFound
	}
	return exitCannotRun
}
