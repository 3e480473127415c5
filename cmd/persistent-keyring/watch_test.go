package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestWatch(t *testing.T) {
	as(t, alice, func() {
		term := onTerminal(t, 80, 24, "watch", "--interval", "100ms")
		term.expect("there is no persistent")
		keyring := persistentIn(t, alice, keyctl.Session)
		term.expect("possesses the persistent keyring through")
		must(keyctltest.AddKey("user", "seen", []byte("1"), keyring))(t)
		term.expect(`user "seen"`)
		check(t, unix.IoctlSetWinsize(int(term.master.Fd()), unix.TIOCSWINSZ,
			&unix.Winsize{Row: 3, Col: 120}))
		term.looked = len(term.String())
		term.expect("\x1b[H")
		term.expect("\x1b[J")
		term.looked = len(term.String())
		term.expect("\x1b[H")
		from := term.looked
		term.expect("\x1b[J")
		if lines := strings.Count(term.String()[from:term.looked], "\n"); lines > 2 {
			t.Errorf("%d lines for 3 rows", lines+1)
		}
		term.send("\x03")
		if status := term.wait(); status != 0 {
			t.Errorf("exit status %d", status)
		}
	})
}

func TestWatchProblems(t *testing.T) {
	runCommand(t, "watch").want(t, 2, "standard output is not")
	runCommand(t, "watch", "--interval", "1ms").want(t, 2, "use 100ms or more")
	runCommand(t, "watch", "--interval", "x").want(t, 2, "invalid")
}

func TestColour(t *testing.T) {
	as(t, alice, func() {
		for _, test := range []struct {
			environment []string
			colour      bool
		}{{nil, true}, {[]string{"NO_COLOR=1"}, false}, {[]string{"NO_COLOR="},
			true}, {[]string{"TERM=dumb"}, false}} {
			term := onTerminalWith(t, 80, 24, test.environment, "status")
			term.expect("If you log out now")
			term.wait()
			coloured := strings.Contains(term.String(), "\x1b[")
			if coloured != test.colour {
				t.Errorf("%q: colour is %v", test.environment, coloured)
			}
		}
		if r := runCommand(t, "status"); strings.Contains(r.out, "\x1b") {
			t.Error("colour without a terminal")
		}
	})
}

func TestWidth(t *testing.T) {
	as(t, alice, func() {
		must(keyctltest.AddKey("user", strings.Repeat("word ", 30), []byte("1"),
			persistentIn(t, alice, keyctl.Session)))(t)
		for _, columns := range []uint16{80, 120} {
			for _, command := range []string{"status", "doctor"} {
				term := onTerminalWith(t, columns, 24, []string{"NO_COLOR=1"},
					command)
				term.wait()
				for _, line := range strings.Split(
					strings.ReplaceAll(term.String(), "\r", ""), "\n") {
					// Commands to be copied and paths are not folded.
					if len(line) > int(columns) &&
						!strings.HasPrefix(line, "         ") {
						t.Errorf("%s at %d columns: %q", command, columns,
							line)
					}
				}
			}
		}
	})
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"nonsense"}, {"--nonsense"}, {"status", "x"},
		{"list", "x"}, {"drop"}, {"doctor", "x"}, {"renew", "--all=x"},
		// Help for what does not exist was that of another command, with status 0.
		{"nonsense", "--help"}, {"--help", "nonsense"}, {"help", "nonsense"},
		{"completion", "nonsense"}} {
		runCommand(t, args...).want(t, 2, "persistent-keyring: ",
			"try persistent-keyring --help")
	}
}

func TestCompletion(t *testing.T) {
	as(t, alice, func() {
		for _, shell := range []string{"bash", "zsh", "fish"} {
			runCommand(t, "completion", shell).want(t, 0, "persistent-keyring")
		}
		runCommand(t, "__complete", "renew", "al").want(t, 0, "alice")
		runCommand(t, "__complete", "try", "s").want(t, 0, "sshd", "su")
		runCommand(t, "__complete", "try", "sshd", "b").want(t, 0, "bob")
		runCommand(t, "__complete", "doctor", "--service", "lo").want(t, 0, "login")
		runCommand(t, "__complete", "status", "al").want(t, 0, "alice")
		for _, command := range strings.Fields("list clear prune attach doctor watch") {
			const noFiles = ":4\n"
			if out := runCommand(t, "__complete", command, "").out; out != noFiles {
				t.Errorf("for an argument of %s completion offers %q", command, out)
			}
		}
		if r := runCommand(t, "__complete", "completion", ""); strings.Contains(r.out,
			"powershell") || !strings.Contains(r.out, "zsh") {
			t.Errorf("shells for completion: %s", r.out)
		}
		// Files that others include, and accounts of daemons, were offered too.
		for _, args := range [][]string{{"try", ""}, {"renew", ""}} {
			r := runCommand(t, append([]string{"__complete"}, args...)...)
			for _, name := range strings.Fields("common-session common-plain-session " +
				"other daemon nobody") {
				if strings.Contains("\n"+r.out, "\n"+name+"\n") {
					t.Errorf("%q offers %s:\n%s", args, name, r.out)
				}
			}
		}
	})
}
