package suites

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// regressions are the regression tests that log in and take half a minute at most. Of the others
//
//   - cert-userkey (more than 100 s) and connection-timeout (44 s) take too long for here;
//   - forwarding, multiplex, cfgmatch and dynamic-forward listen on ports that nobody has given
//     them;
//   - scp, sftp, sftp-cmds, agent-subprocess, broken-pipe and hostbased open no session in sshd;
//   - the rest was not tried: ciphers, key exchange, keys and certificates, the parsing of files.
var regressions = []string{
	"agent", "allow-deny-users", "authinfo", "banner", "channel-timeout", "connect",
	"connect-privsep", "connect-uri", "envpass",
	"exit-status", "exit-status-signal", "forcecommand", "key-options", "keys-command",
	"limit-keytype", "localcommand", "login-timeout",
	"multipubkey", "principals-command", "proxy-connect", "reconfigure", "reexec",
	"sftp-chroot", "stderr-after-eof", "stderr-data", "transfer",
	"yes-head",
}

// testOpenSSH runs sshd's own tests with the module in sshd's stack: Debian's configuration of the
// tests says "UsePAM yes". The tests run as a user, three at a time, and sshd as root with sudo.
func testOpenSSH(t *testing.T) {
	world.ForgetKeys(t)
	t.Cleanup(func() { endAll(t) })
	stock, err := os.ReadFile("/etc/pam.d/sshd")
	if err != nil {
		t.Fatal(err)
	}
	world.Run(t, "mkdir", "-p", "/run/sshd")
	var clients []*client
	for _, u := range world.Users[:3] {
		clients = append(clients, newClient(t, u.Name))
	}
	// A line of the option debug shows that a session was served.
	world.WriteService(t, "sshd",
		string(stock)+"\nsession optional "+world.Built(t, "pam_persistent.so")+" debug\n")
	world.TakeLog(t)
	rest := make(chan string, len(regressions))
	for _, test := range regressions {
		rest <- test
	}
	close(rest)
	sessions := 0
	sideBySide(clients, func(c *client) {
		for test := range rest {
			began := time.Now()
			out, err := c.run(test)
			linked, other := c.log(t)
			t.Logf("%s: %d sessions with the link, %v", test, linked, time.Since(began).
				Round(time.Second))
			if err != nil || strings.Contains(out, "SKIPPED") ||
				!strings.Contains(out, "\nok ") {
				t.Errorf("%s: %v\n%s", test, err, out)
			}
			if linked == 0 || other != nil {
				t.Errorf("%s: %d sessions with the link; log: %q", test, linked,
					other)
			}
			c.sessions += linked
		}
	})
	for _, c := range clients {
		sessions += c.sessions
	}
	t.Logf("%d tests, %d sessions with the link", len(regressions), sessions)
	rows = append(rows, world.Host{Name: "sshd, OpenSSH's own tests", Sessions: sessions,
		Good: sessions,
		Note: fmt.Sprintf("%d of its regression tests", len(regressions))})

	// If the module's child crashes people can still log in, and the log says that nothing is
	// linked.
	world.WriteService(t, "sshd",
		string(stock)+"\nsession optional "+world.Built(t, "tests/broken.so")+" segfault\n")
	out, err := clients[0].run("proxy-connect")
	if linked, other := clients[0].log(t); err != nil || linked != 0 || len(other) == 0 {
		t.Errorf("with a child that crashes: %v, %d sessions with the link, log %q\n%s",
			err, linked, other, out)
	}
}

// A client has the tests in its home, and a port.
type client struct {
	user, dir string
	port      int
	sessions  int
}

func newClient(t *testing.T, user string) *client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := &client{user: user, dir: filepath.Join("/home", user, "regress"),
		port: listener.Addr().(*net.TCPAddr).Port}
	world.Run(t, "cp", "-a", "/usr/lib/openssh/regress", c.dir)
	world.Run(t, "chown", "-R", user+":", c.dir)
	if err := os.WriteFile("/etc/sudoers.d/"+user, []byte(user+" ALL=(ALL) NOPASSWD: ALL\n"),
		0o440); err != nil {
		t.Fatal(err)
	}
	return c
}

// run runs one test, as the package's run-tests does.
func (c *client) run(test string) (string, error) {
	_, err := world.Try(3*world.Hung, "runuser", "-u", c.user, "--", "sh", "-c", `
		cd "$0" && exec make .OBJDIR="$0" .CURDIR="$0" BUILDDIR="$0" OBJ="$0" \
			SUDO=sudo TEST_SHELL=sh TEST_SSH_SSH=ssh \
			TEST_SSH_SFTPSERVER=/usr/lib/openssh/sftp-server TEST_SSH_PORT="$1" \
			TEST_SSH_UNSAFE_PERMISSIONS=1 TEST_SSH_IPV6=yes TEST_SSH_ECC=yes \
			LTESTS="$2" t-exec >printed 2>&1 </dev/zero`,
		c.dir, fmt.Sprint(c.port), test)
	// a file, because a process that a test leaves in the background keeps a pipe open
	out, _ := os.ReadFile(c.dir + "/printed")
	if err != nil {
		for _, name := range []string{"failed-regress.log", "failed-sshd.log"} {
			text, _ := os.ReadFile(filepath.Join(c.dir, name))
			out = append(out, text...)
		}
	}
	return string(out), err
}

// endAll ends the processes that the tests have left in the background (login-timeout a "sleep 60",
// reconfigure a client that never logs in), which would keep their session keyrings, and waits
// until every sshd has ended by itself.
func endAll(t *testing.T) {
	t.Helper()
	for pid, name := range processes() {
		if pid != 1 && pid != os.Getpid() && name != "sshd" {
			t.Logf("left by the tests, and ended: %s", name)
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	keyctltest.Eventually(t, "no process is left but init and the tests", func() bool {
		return len(processes()) == 2
	})
}

// processes returns those of this world, by name.
func processes() map[int]string {
	found := map[int]string{}
	files, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			found[pid] = strings.TrimSpace(string(text))
		}
	}
	return found
}

// others are log lines that one client has read and that belong to other clients.
var others struct {
	sync.Mutex
	lines []string
}

// log returns the number of sessions of this user that have the link, and all other lines about
// this user.
func (c *client) log(t *testing.T) (linked int, other []string) {
	others.Lock()
	defer others.Unlock()
	var left []string
	for _, line := range append(others.lines, world.TakeLog(t)...) {
		switch {
		case !strings.Contains(line, ": "+c.user):
			left = append(left, line)
		case strings.Contains(line, " is linked into session keyring "):
			linked++
		case !strings.HasSuffix(line,
			": the expiry timer of the persistent keyring is reset"):
			other = append(other, line)
		}
	}
	others.lines = left
	return linked, other
}
