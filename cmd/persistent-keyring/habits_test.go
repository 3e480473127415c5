package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/internal/keyrings"
	"pam_persistent/tests/support/world"
)

// What people type by habit: near names, flags twice, seconds, keyctl's names of keys.
func TestMistakes(t *testing.T) {
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"statsu"}, `unknown subcommand "statsu"; did you mean status?`},
		{[]string{"nonsense"}, `unknown subcommand "nonsense"` + "\n"},
		{[]string{"watch", "-n", "1", "--interval", "2"}, "more than once"},
		{[]string{"status", "--json", "--json"}, "more than once"},
		{[]string{"watch", "-n", "0.01"}, "interval 10ms is too short; use 100ms or more"},
		{[]string{"watch", "-n", "NaN"}, "not a time such as 2, 0.5 or 500ms"},
		{[]string{"watch", "-n", "1e300"}, "not a time such as 2, 0.5 or 500ms"},
		{[]string{"watch", "-n", "2"}, "standard output is not"},
		{[]string{"keep", "@s"}, "key @s is a whole keyring"},
		{[]string{"drop", "@u"}, "key @u is a whole keyring"},
	} {
		runCommand(t, test.args...).want(t, 2, test.says)
	}
}

// keep takes keyctl's names of keys.
func TestHabits(t *testing.T) {
	as(t, alice, func() {
		key := must(keyctltest.AddKey("user", "a:b", []byte("1"), keyctl.Session))(t)
		runCommand(t, "keep", "%user:a:b").want(t, 0,
			fmt.Sprintf(`kept user "a:b" (%d)`, key))
	})
}

// A session of a user of another name is opened only if the administrator has meant that.
func TestTryRefusesMistakes(t *testing.T) {
	// Whoever opens a session through it leaves a mark, and so it was when the two were
	// swapped.
	mark := "/run/other-was-used"
	t.Cleanup(func() { os.Remove(mark) })
	put(t, pamDir+"/other", "session required pam_exec.so /bin/touch "+mark+"\n")
	as(t, 0, func() {
		runCommand(t, "try", "alice", "daemon").want(t, 2,
			`service "alice" has no file in /etc/pam.d`)
		runCommand(t, "try", "alice", "sshd").want(t, 2,
			"; did you mean: persistent-keyring try sshd alice\n")
		runCommand(t, "try", "sshd", "nobody-of-that-name").want(t, 2, "unknown user")
		runCommand(t, "try", "sshd", "4294967290").want(t, 2,
			"UID 4294967290 has no name")
	})
	if _, err := os.Stat(mark); err == nil {
		t.Error("a session was opened through " + pamDir + "/other")
	}
	as(t, 0, func() {
		runCommand(t, "try", "sshd", strconv.Itoa(int(alice))).want(t, 0,
			"Session of alice (UID {alice}) through sshd")
	})
	keyctltest.Forget(t, alice)
}

// A key that cannot be kept is no reason to make a persistent keyring.
func TestKeepMakesNothingForNothing(t *testing.T) {
	as(t, alice, func() {
		key := must(keyctltest.AddKey("user", "locked", []byte("1"), keyctl.Session))(t)
		check(t, keyctl.SetPerm(key, keyctl.PosView))
		runCommand(t, "keep", "user:nowhere", strconv.Itoa(int(key))).want(t, 1,
			`user "nowhere": `, "ENOKEY", "EACCES")
		if k, ok, _ := keyrings.Of(alice); ok {
			t.Errorf("%+v was made", k)
		}
	})
}

// The documents of what changes something say the same as the text does.
func TestChangesJSON(t *testing.T) {
	as(t, alice, func() {
		key := must(keyctltest.AddKey("user", "k", []byte("1"), keyctl.Session))(t)
		results := func(status int, args ...string) (results []string) {
			t.Helper()
			r := runCommand(t, args...)
			r.want(t, status)
			for _, one := range decode[document.Changes](t, r).Keys {
				if one.Result == "failed" && one.Problem == "" ||
					one.Result != "failed" && one.Serial != key {
					t.Errorf("%+v", one)
				}
				results = append(results, one.Result)
			}
			return results
		}
		for _, test := range []struct {
			status int
			args   []string
			want   string
		}{
			{1, []string{"keep", "--json", "user:k", "user:none"}, "[kept failed]"},
			{0, []string{"keep", "--json", "user:k"}, "[kept already]"},
			{1, []string{"drop", "--json", "user:none", "user:k"}, "[failed dropped]"},
		} {
			if got := fmt.Sprint(results(test.status, test.args...)); got != test.want {
				t.Errorf("%q: %s, want %s", test.args, got, test.want)
			}
		}
	})
}

func TestAttachJSON(t *testing.T) {
	as(t, alice, func() {
		for _, want := range []string{"linked", "linked already"} {
			d := decode[document.Attach](t, result{out: strings.Join(
				shell(t, `"$0" attach --shared --json; :`, "sh"), "\n")})
			if d.Result != want || d.Program != "sh" || d.Keyring == 0 ||
				d.Session == 0 {
				t.Errorf("%+v, want %s", d, want)
			}
		}
		d := decode[document.Attach](t, result{out: strings.Join(
			shell(t, `keyctl revoke @s; "$0" attach --json; :`, "sh"), "\n")})
		if d.Result != "new" {
			t.Errorf("%+v, want new", d)
		}
	})
	world.Run(t, "install", "/bin/sh", "/home/su")
	as(t, alice, func() {
		d := decode[document.Attach](t, result{out: strings.Join(
			shell(t, `"$0" attach --json; :`, "/home/su"), "\n")})
		if d.Result != "failed" || d.Keyring != 0 || !strings.Contains(d.Problem,
			"without su") {
			t.Errorf("%+v, want failed", d)
		}
	})
}
