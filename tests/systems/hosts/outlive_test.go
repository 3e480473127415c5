package hosts

import (
	"os"
	"strings"
	"testing"

	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// A process that outlives its ssh session, as tmux and nohup do, keeps the session's keyring:
// pam_keyinit's revoke, which stands before the line in Debian's file, revokes only the keyring
// that pam_keyinit has joined. Without the line that is the session's. With option revoke the
// module itself revokes the session's.
func TestProcessesThatOutliveTheLogout(t *testing.T) {
	system(t)
	use(t, ours)
	for name, test := range map[string]struct {
		options string
		without bool
		finds   string
	}{
		"with the line":    {"", false, "found"},
		"option revoke":    {"revoke", false, "Required key not available"},
		"without the line": {"", true, "Required key not available"},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			if lines := sessionLines(t,
				"sshd"); !strings.HasSuffix(lines[find(lines, "pam_keyinit.so")],
				"force revoke") {
				t.Fatalf("not what this test was written for: %q", lines)
			}
			options(t, test.options)
			defer options(t, "")
			if test.without {
				withoutLine(t)
			}
			r := sessions.NewRing(t)
			sshServer(t, r)
			sh(t, "rm -f /home/kept/go /home/kept/outlived; mkfifo -m 666 "+
				"/home/kept/go")
			// The process reads its key when the FIFO is opened, after the logout.
			const outlives = `keyctl add user session.key x @s >/dev/null
				setsid nohup sh -c "
					cat /home/kept/go
					keyctl request user session.key >/home/kept/new 2>&1 &&
						echo found >/home/kept/new
					mv /home/kept/new /home/kept/outlived
				" >/dev/null 2>&1 </dev/null &`
			if err := r.Try(world.Hung, "ssh", "-F", "/home/ssh/config", "alice@world",
				outlives); err != nil {
				t.Fatal(err)
			}
			if !sessions.Until(world.Hung,
				func() bool {
					return !strings.Contains(sh(t, "ps -eo args"),
						"sshd: alice")
				}) {
				t.Fatal("the session does not end")
			}
			if err := os.WriteFile("/home/kept/go", nil, 0); err != nil {
				t.Fatal(err)
			}
			if !sessions.Until(world.Hung,
				func() bool {
					_,
						err := os.Stat("/home/kept/outlived")
					return err == nil
				}) {
				t.Fatal("the process that was to outlive the session has not")
			}
			text, _ := os.ReadFile("/home/kept/outlived")
			if !strings.Contains(string(text), test.finds) {
				t.Errorf("it finds %q, not %q", text, test.finds)
			}
		})
	}
}

// withoutLine removes the line from common-session until the test is over.
func withoutLine(t testing.TB) {
	t.Helper()
	sh(t, `cp -a /etc/pam.d/common-session /home
		sed -i /pam_persistent/d /etc/pam.d/common-session`)
	t.Cleanup(func() { sh(t, "mv /home/common-session /etc/pam.d") })
}
