package manual

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/pages"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// Services of a system on which sshd has the line and cron has not.
const servedService, plainService = "sshd", "cron"

func testCommands(t *testing.T) {
	world.WriteService(t, servedService,
		stock(t, servedService)+"session optional pam_persistent.so\n")
	os.WriteFile("/etc/krb5.conf",
		[]byte("[libdefaults]\n\tdefault_ccache_name = KEYRING:persistent:%{uid}\n"), 0o644)
	checkAll(t, manExamples(page(t, "docs/persistent-keyring.1")),
		map[string]func(*testing.T, example){
			"A shell whose login has ended, as in a tmux(1) window, or whose " +
				"login has not linked the persistent keyring:": attach,
			"A tmux(1) server, and so its new windows, from one of its windows:": tmux.
				attach,
			"The same for screen(1):": screen.attach,
			"Another shell with the persistent keyring, in a session that " +
				"lacks it:": shell,
			"A tmux(1) server that keeps its keys after a logout, though the option " +
				"revoke of pam_persistent(8) is set:": server,
			"Will my tickets be there tomorrow?": tomorrow,
			"After a change in /etc/pam.d:":      change,
			"A systemd timer, which is installed but not enabled, resets the expiry " +
				"timers of users who are logged in once an hour, so that " +
				"long sessions keep their keyrings. It serves lingering users " +
				"(loginctl(1)) too:": timer,
			"That timer also renews tickets if /etc/default/" +
				"persistent-keyring-renew has this line:": timerTickets,
			"The timer's work without systemd, from root's crontab(5):": crontab,
			"A monitor, which mails what is wrong and what fixes it, from root's " +
				"crontab(5):": monitor,
		})
}

// testAdmin compares the examples of docs/admin with those of the manual page, which were run.
func testAdmin(t *testing.T) {
	var lines []string
	for _, e := range manExamples(page(t, "docs/persistent-keyring.1")) {
		lines = append(lines, e.lines...)
	}
	for _, name := range []string{"kerberos.md", "sessions.md"} {
		for block, text := range pages.Blocks(t, name, "product/manual") {
			if block == "sudoers" {
				continue // testSudo has it
			}
			command := strings.TrimSpace(text)
			if !slices.Contains(lines, "$ "+command) &&
				!slices.Contains(lines, "# "+command) {
				t.Errorf("%s: %q is not an example of persistent-keyring(1)", name,
					command)
			}
		}
	}
}

// typed returns a line without its prompt, which shows whose it is.
func typed(t *testing.T, e example, prompt string) string {
	t.Helper()
	if len(e.lines) != 1 || !strings.HasPrefix(e.lines[0], prompt) {
		t.Fatalf("not one line after %q: %q", prompt, e.lines)
	}
	return strings.TrimPrefix(e.lines[0], prompt)
}

// tomorrow runs the page's command, and checks that its prediction comes true.
func tomorrow(t *testing.T, e example) {
	command := typed(t, e, "$ ")
	const keep = "; keyctl add user ticket secret @s >/dev/null; persistent-keyring keep " +
		"user:ticket; "
	for _, test := range []struct{ session, foretold string }{
		{command, "If you log out now, nothing stays"},
		{"true" + keep + command, "If you log out now, 1 key stays"},
	} {
		out := serve(t, servedService, test.session)
		if !strings.Contains(out, test.foretold) || strings.Contains(out, "status 0x") {
			t.Errorf("%s:\n%s\nwant %s", test.session, out, test.foretold)
		}
	}
	if out := serve(t, servedService,
		"keyctl print $(keyctl request user ticket)"); !strings.Contains(out, "secret") {
		t.Errorf("it was not there:\n%s", out)
	}
	// A session that lacks the keyring gives another answer, a finding.
	if out := serve(t, plainService, command); !strings.Contains(out, "run: status 0x100") {
		t.Errorf("without the line: %s", out)
	}
}

func shell(t *testing.T, e example) {
	const look = "keyctl show @s"
	if out := serve(t, plainService, look); strings.Contains(out, persistent()) {
		t.Fatalf("the session does not lack it:\n%s", out)
	}
	if out := serve(t, plainService,
		"export SHELL=/bin/sh; echo '"+look+"' | "+typed(t, e,
			"$ ")); !world.OwnLink(world.Alice).MatchString(out) {
		t.Errorf("the shell lacks it:\n%s", out)
	}
}

// The window's shell has the session keyring of a login that has ended and, as in stock stacks, has
// revoked it.
func attach(t *testing.T, e example) {
	with := stock(t, servedService)
	defer world.WriteService(t, servedService, with)
	world.WriteService(t, servedService,
		strings.ReplaceAll(with, "pam_persistent.so", "pam_persistent.so revoke"))
	command := typed(t, e, "$ ")
	world.Write(t, "/home/alice/.zshrc", "") // without one, zsh asks how it is to be set up
	for _, shell := range []string{"bash", "dash", "zsh"} {
		t.Run(shell, func(t *testing.T) {
			before, after := inWindow(t, shell, command)
			if !strings.Contains(before, "Key has been revoked") {
				t.Errorf("the window's session keyring was not revoked: %s", before)
			}
			if !world.OwnLink(world.Alice).MatchString(after) {
				t.Errorf("%s:\n%s", command, after)
			}
		})
	}
	t.Run("never had it", func(t *testing.T) {
		// The session keyring that pam_keyinit joins belongs to the user; an inherited one
		// does not.
		world.WriteService(t, servedService,
			strings.ReplaceAll(with, "pam_persistent.so", "pam_permit.so"))
		out := serve(t, servedService, command+"; keyctl show @s; true")
		if !world.OwnLink(world.Alice).MatchString(out) {
			t.Errorf("%s:\n%s", command, out)
		}
	})
	t.Run("under sudo", func(t *testing.T) {
		world.Write(t, "/etc/sudoers.d/alice", "alice ALL=(ALL) NOPASSWD: ALL\n")
		out := serve(t, plainService, "sudo -n "+command)
		if want := "run " + command +
			" in the shell itself, without sudo"; !strings.Contains(out, want) {
			t.Errorf("sudo %s:\n%s\nwant %s", command, out, want)
		}
	})
}

// inWindow types a command into a window of tmux(1), after the login that started the server has
// ended, and returns what the window's shell shows of its session keyring before and after.
func inWindow(t *testing.T, shell, command string) (before, after string) {
	t.Helper()
	const tmux = "export TERM=vt100 TMUX_TMPDIR=/home/alice; tmux "
	defer serve(t, plainService, tmux+"kill-server")
	serve(t, servedService, tmux+"-f /dev/null new-session -d "+shell)
	os.Remove("/home/alice/shown")
	// zsh forgets what was typed before its first prompt.
	serve(t, plainService, tmux+"has-session; until tmux capture-pane -p | grep -q .; do "+
		"sleep 0.1; done; tmux send-keys 'keyctl show @s >/home/alice/before 2>&1; "+
		command+
		" >/home/alice/said 2>&1; keyctl show @s >/home/alice/new 2>&1; mv "+
		"/home/alice/new /home/alice/shown' Enter")
	keyctltest.Eventually(t, "the window has done what was typed", func() bool {
		_, err := os.Stat("/home/alice/shown")
		return err == nil
	})
	read := func(name string) string {
		text, err := os.ReadFile("/home/alice/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	t.Logf("%s: %s", shell, read("said"))
	return read("before"), read("shown")
}

// A multiplexer is a program with windows, whose server has the session keyring of the login that
// started it. Its commands are for sh.
type multiplexer struct {
	setUp, start, end string
	open, write       string // a new window with a command; a command, into the first window
	vain              string // a command that does not work, though it resembles the example
}

var (
	tmux = multiplexer{
		setUp: "export TERM=vt100 TMUX_TMPDIR=/home/alice; ",
		start: "tmux -f /dev/null new-session -d sh",
		end:   "tmux kill-server",
		open:  "tmux new-window -d '%s'",
		write: "tmux send-keys -t :0 '%s' Enter",
		vain:  "tmux run-shell 'persistent-keyring attach'",
	}
	screen = multiplexer{
		setUp: "export TERM=vt100 SCREENDIR=/home/alice/screens; " +
			"mkdir -m 700 -p $SCREENDIR; export STY=$(ls $SCREENDIR); ",
		start: "screen -c /dev/null -d -m sh",
		end:   "screen -X quit",
		open:  "screen -X screen sh -c '%s'",
		write: "screen -p 0 -X stuff '%s^M'",
	}
)

// attach starts a server whose login lacks the persistent keyring. In a window, attach serves this
// window; the example serves windows that are opened later.
func (m multiplexer) attach(t *testing.T, e example) {
	with := stock(t, servedService)
	defer world.WriteService(t, servedService, with)
	world.WriteService(t, servedService,
		strings.ReplaceAll(with, "pam_persistent.so", "pam_permit.so"))
	serve(t, servedService, m.setUp+m.start)
	defer serve(t, plainService, m.setUp+m.end)
	if !m.has(t, m.write, "persistent-keyring attach; ") {
		t.Error("attach in a window does not serve the window")
	}
	if m.vain != "" {
		serve(t, plainService, m.setUp+m.vain)
	}
	if m.has(t, m.open, "") {
		t.Error("a new window has the link before the example")
	}
	serve(t, plainService, m.setUp+typed(t, e, "$ "))
	keyctltest.Eventually(t, "new windows have the link", func() bool {
		return m.has(t, m.open, "")
	})
}

// has reports whether a window's session keyring has the link, after the window has run the first
// command.
func (m multiplexer) has(t *testing.T, where, first string) bool {
	t.Helper()
	const shown = "/home/alice/shown"
	os.Remove(shown)
	serve(t, plainService, m.setUp+fmt.Sprintf(where, first+
		"keyctl show @s >/home/alice/new 2>&1; mv /home/alice/new "+shown))
	var text []byte
	keyctltest.Eventually(t, "the window has answered", func() bool {
		var err error
		text, err = os.ReadFile(shown)
		return err == nil
	})
	t.Logf("%s", text)
	return world.OwnLink(world.Alice).MatchString(string(text))
}

// server starts a tmux server in a session that revokes its session keyring at the end, and looks
// at the server's keyring afterwards. Without the example's command it is revoked.
func server(t *testing.T, e example) {
	world.WriteService(t, servedService,
		strings.ReplaceAll(stock(t, servedService), "pam_persistent.so",
			"pam_persistent.so revoke"))
	example := typed(t, e, "$ ")
	plain := example[strings.LastIndex(example, " ")+1:]
	if got, want := afterLogout(t, plain), "Key has been revoked"; !strings.Contains(got,
		want) {
		t.Errorf("%s:\n%s\nwant %s", plain, got, want)
	}
	if got := afterLogout(t, example); !world.OwnLink(world.Alice).MatchString(got) {
		t.Errorf("%s:\n%s", example, got)
	}
}

// afterLogout returns what a tmux server that was started with that command sees as its session
// keyring, after the end of the session that started it.
func afterLogout(t *testing.T, command string) string {
	t.Helper()
	const socket = "export TERM=vt100 TMUX_TMPDIR=/home/alice; "
	defer serve(t, plainService, socket+"tmux kill-server 2>/dev/null")
	// At the end of its input script(1) types an end of file, which ends the shell in tmux. So
	// the input is a pipe that stays open until the client has detached.
	serve(t, servedService, socket+`cd /home/alice; rm -f typed; mkfifo typed
		script -qefc "`+command+`" /dev/null <typed >/dev/null 2>&1 &
		exec 3>typed
		until tmux list-clients 2>/dev/null | grep -q .; do sleep 0.05; done
		tmux detach-client; wait`)
	os.Remove("/home/alice/shown")
	serve(t, plainService,
		socket+"tmux run-shell 'keyctl show @s >/home/alice/new 2>&1; mv /home/alice/new "+
			"/home/alice/shown'")
	var shown []byte
	keyctltest.Eventually(t, "the server has answered", func() bool {
		var err error
		shown, err = os.ReadFile("/home/alice/shown")
		return err == nil
	})
	return string(shown)
}

// Both commands distinguish a system with the line from one without.
func change(t *testing.T, e example) {
	if len(e.lines) != 2 {
		t.Fatalf("lines %q", e.lines)
	}
	var commands []string
	for _, line := range e.lines {
		commands = append(commands, typed(t, example{lines: []string{line}}, "# "))
	}
	without := strings.ReplaceAll(stock(t, servedService), "pam_persistent.so", "pam_permit.so")
	for _, command := range commands {
		command = world.Alone(world.Users, command) // doctor looks at everybody's quota
		out, err := world.Try(world.Hung, "sh", "-c", command)
		if err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
		t.Logf("%s\n%s", command, out)
		t.Run("without the line", func(t *testing.T) {
			world.WriteService(t, servedService, without)
			if out, err := world.Try(world.Hung, "sh", "-c", command); err == nil ||
				!strings.Contains(err.Error(), "exit status 1") {
				t.Errorf("%s: %v\n%s", command, err, out)
			}
		})
	}
}

// No systemd runs here to start a timer, so the command runs without --now; tests/systems/container
// runs it with systemd.
func timer(t *testing.T, e example) {
	command := typed(t, e, "# ")
	offline := strings.ReplaceAll(command, " --now ", " ")
	if offline == command {
		t.Fatalf("no --now in %q", command)
	}
	unit := command[strings.LastIndex(command, " ")+1:]
	if out, _ := world.Try(world.Hung, "systemctl", "is-enabled",
		unit); strings.TrimSpace(out) != "disabled" {
		t.Errorf("installed, but not off: %s", out)
	}
	world.Run(t, "sh", "-c", offline)
	if out := world.Run(t, "systemctl", "is-enabled",
		unit); strings.TrimSpace(out) != "enabled" {
		t.Errorf("after %s: %s", offline, out)
	}
	if text := unitFile(t, unit); !strings.Contains(text, "OnCalendar=hourly\n") {
		t.Errorf("not hourly:\n%s", text)
	}
	service := unitFile(t, strings.TrimSuffix(unit, ".timer")+".service")
	renewed(t, serviceCommand(t, service, ""))
}

// serviceCommand returns what a service runs, as a shell command. line comes from its environment
// file.
func serviceCommand(t *testing.T, service, line string) string {
	t.Helper()
	setting := func(name string) string {
		return regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindStringSubmatch(service)[1]
	}
	if line == "" {
		line = setting("Environment")
	}
	name, value, _ := strings.Cut(line, "=")
	return name + "='" + value + "'; " + setting("ExecStart")
}

// The service reads the line, and then has kinit renew tickets.
func timerTickets(t *testing.T, e example) {
	line := typed(t, e, "")
	file := regexp.MustCompile(`/etc/default/\S+`).FindString(e.text)
	service := unitFile(t, "persistent-keyring-renew.service")
	if !strings.Contains(service, "\nEnvironmentFile=-"+file+"\n") {
		t.Errorf("the service does not read %s:\n%s", file, service)
	}
	world.WriteMode(t, "/usr/bin/kinit", "#!/bin/sh\necho 'kinit (Heimdal 7)'\n", 0o755)
	command := serviceCommand(t, service, line)
	out, err := world.Try(world.Hung, "sh", "-c", command)
	if err == nil || !strings.Contains(out, "is Heimdal's kinit") {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
}

// monitor prints nothing as long as all is well.
func monitor(t *testing.T, e example) {
	_, command, _ := strings.Cut(typed(t, e, ""), " ")
	command = world.Alone(world.Users, command+" --service "+servedService)
	if out, err := world.Try(world.Hung, "sh", "-c", command); err != nil || out != "" {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
	world.WriteService(t, servedService, strings.ReplaceAll(stock(t, servedService),
		"pam_persistent.so", "pam_permit.so"))
	out, err := world.Try(world.Hung, "sh", "-c", command)
	if err == nil || !strings.HasPrefix(out, "WRONG  service ") ||
		strings.Contains(out, "\nok ") {
		t.Errorf("without the line: %v\n%s", err, out)
	}
}

func unitFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("/usr/lib/systemd/system/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// crontab(1) accepts the line, and with cron's environment its command does what the timer's does.
func crontab(t *testing.T, e example) {
	line := typed(t, e, "")
	world.Run(t, "sh", "-c", `echo "$1" | crontab -`, "sh", line)
	defer world.Run(t, "crontab", "-r")
	if out := world.Run(t, "crontab", "-l"); strings.TrimSpace(out) != line {
		t.Errorf("crontab -l: %s", out)
	}
	when, command, _ := strings.Cut(line, " ")
	if when != "@hourly" {
		t.Errorf("not hourly: %s", when)
	}
	renewed(t, command)
}

// renewed runs the command with only cron's environment, and checks that it resets the timer of a
// user who is logged in, or lingers, and not that of another user.
func renewed(t *testing.T, command string) {
	t.Helper()
	for _, name := range []string{"alice", "bob"} {
		pamhost.Run(t, "service "+servedService+" serve "+name+" true")
	}
	loggedIn := fmt.Sprintf("/run/systemd/users/%d", world.Alice.UID)
	os.MkdirAll("/run/systemd/users", 0o755)
	if err := os.WriteFile(loggedIn, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(loggedIn)
	out := world.Run(t, "env", "-i", "HOME=/root", "LOGNAME=root", "SHELL=/bin/sh",
		"PATH=/usr/bin:/bin", "sh", "-c", command)
	if !strings.Contains(out, "alice") || strings.Contains(out, "bob") {
		t.Errorf("%s:\n%s", command, out)
	}
	t.Log(out)
}
