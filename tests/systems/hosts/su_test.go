package hosts

import (
	"os"
	"slices"
	"testing"

	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

func answer(question, text string) []sessions.Answer {
	return []sessions.Answer{{Question: question, Text: text}}
}

var password = answer("assword: ", world.Password)

var consoles = []host{
	{name: "login", login: each(func(l login) error {
		return l.ring.OnTerminal(l.limit,
			slices.Concat(answer("login: ", l.user.Name), password,
				answer("$ ", l.probe()+"; exit")), "login")
	})},
}

// Root runs su and runuser, like scripts and daemons do, and carol the others, with the session
// keyring that she has from root.
var su = []host{
	{name: "su", plain: "leaks", login: each(byRoot("su", "USER", "-c", "PROBE"))},
	{name: "su -l", login: each(byRoot("su", "-l", "USER", "-c", "PROBE"))},
	{name: "su --pty", plain: "hangs",
		login: each(byRoot("su", "--pty", "USER", "-c", "PROBE"))},
	{name: "su --pty on a terminal", plain: "hangs", login: each(func(l login) error {
		return l.ring.OnTerminal(l.limit, nil, "su", "--pty", l.user.Name, "-c", l.probe())
	})},
	{name: "su by a user, password", plain: "leaks", login: each(func(l login) error {
		return l.ring.OnTerminal(l.limit, password,
			asCarol("su", l.user.Name, "-c", l.probe())...)
	})},
	{name: "runuser", setUp: runuserLine, plain: "leaks",
		login: each(byRoot("runuser", "-u", "USER", "--", "/home/probe", "MARK")),
		note:  byHand},
	{name: "runuser -l", setUp: runuserLine,
		login: each(byRoot("runuser", "-l", "USER", "-c", "PROBE")), note: byHand},
	{name: "runuser --pty", setUp: runuserLine, plain: "hangs", note: byHand,
		login: each(byRoot("runuser", "--pty", "-u", "USER", "--", "/home/probe", "MARK"))},
	{name: "sudo", setUp: sudoers("!use_pty"), plain: "leaks",
		login: each(byCarol("sudo", "-u", "USER", "/home/probe", "MARK"))},
	{name: "sudo, use_pty", setUp: sudoers("use_pty"), plain: "leaks",
		login: each(func(l login) error {
			return l.ring.OnTerminal(l.limit, nil,
				asCarol("sudo", "-u", l.user.Name, "/home/probe", l.mark)...)
		})},
	{name: "sudo, to root", setUp: sudoers("!use_pty"), root: true, plain: "leaks",
		login: each(byCarol("sudo", "-u", "USER", "/home/probe", "MARK"))},
	{name: "sudo -i", setUp: sudoers("use_pty"), plain: "leaks",
		login: each(byCarol("sudo", "-i", "-u", "USER", "/home/probe", "MARK"))},
	{name: "doas", plain: "leaks",
		login: each(byCarol("doas", "-u", "USER", "/home/probe", "MARK"))},
}

const byHand = "its file includes no common-session: the line is put there by hand"

// runuserLine adds the line to the end of runuser's file, which runuser-l's includes.
func runuserLine(t testing.TB) {
	t.Helper()
	stock, err := os.ReadFile("/etc/pam.d/runuser")
	if err != nil {
		t.Fatal(err)
	}
	world.WriteService(t, "runuser", string(stock)+"session optional pam_persistent.so\n")
}

func sudoers(pty string) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		world.Put(t, "/etc/sudoers.d/pty", "Defaults "+pty+"\n", 0o644)
	}
}

func byRoot(command ...string) func(login) error {
	return func(l login) error { return l.ring.Try(l.limit, l.fill(command)...) }
}

func byCarol(command ...string) func(login) error {
	return func(l login) error { return l.ring.Try(l.limit, asCarol(l.fill(command)...)...) }
}

func asCarol(command ...string) []string {
	return append([]string{"setpriv", "--reuid=carol", "--regid=carol", "--clear-groups"},
		command...)
}

func (l login) fill(command []string) []string {
	filled := make([]string, len(command))
	for i, word := range command {
		switch word {
		case "USER":
			word = l.user.Name
		case "PROBE":
			word = l.probe()
		case "MARK":
			word = l.mark
		}
		filled[i] = word
	}
	return filled
}
