package hosts

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// Display managers. Each starts a greeter in its own session, and starts it again when the user's
// session has ended.
var greeters = []host{
	{name: "greetd", setUp: greeterUser("_greetd"), start: greetd, login: each(greetdLogin),
		sessions: fewer, note: "it waits a second before it starts its greeter again"},
	{name: "lightdm", setUp: greeterUser("lightdm"), start: lightdm,
		login: each(lightdmLogin), plain: "leaks",
		sessions: fewer, note: "its X server is Xvfb"},
}

// greeterUser gives a UID of the tests to the user of a greeter, because a greeter's session may
// have a persistent keyring too.
func greeterUser(name string) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		sh(t, `usermod -o -u "$1" "$2"`, fmt.Sprint(world.Spare), name)
		t.Cleanup(func() { keyctltest.Forget(t, world.Spare) })
	}
}

// greetd is Debian's configuration except for the terminal, which it does not need, and the
// greeter. The greeter publishes the path of greetd's socket, through which the test logs in, and
// ends when it is told to.
func greetd(t testing.TB, r *sessions.Ring) {
	t.Helper()
	sh(t, `rm -rf /home/greeter; mkdir -m 777 /home/greeter
		sed -i -e 's/^vt = .*/vt = "none"/' \
			-e 's|^command = .*|command = "/home/greeter/greeter"|' \
			/etc/greetd/config.toml`)
	world.Put(t, "/home/greeter/greeter", `#!/bin/sh
mkfifo -m 666 /home/greeter/go
echo "$GREETD_SOCK" >/home/greeter/new && mv /home/greeter/new /home/greeter/socket
cat /home/greeter/go
`, 0o755)
	r.Daemon(t, exists("/home/greeter/socket"), "/usr/sbin/greetd")
}

// greetdLogin acts like a greeter.
func greetdLogin(l login) error {
	if !sessions.Until(l.limit, exists("/home/greeter/socket")) {
		return fmt.Errorf("no greeter: %w", world.ErrHung)
	}
	socket, err := os.ReadFile("/home/greeter/socket")
	if err == nil {
		err = os.Remove("/home/greeter/socket")
	}
	if err != nil {
		return err
	}
	conn, err := net.Dial("unix", strings.TrimSpace(string(socket)))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(l.limit)); err != nil {
		return err
	}
	for _, step := range []struct {
		request map[string]any
		answer  string
	}{
		{map[string]any{"type": "create_session", "username": l.user.Name}, "auth_message"},
		{map[string]any{"type": "post_auth_message_response", "response": world.Password},
			"success"},
		{map[string]any{"type": "start_session", "cmd": []string{l.probe()}}, "success"},
	} {
		answer, err := askGreetd(conn, step.request)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = world.ErrHung
		}
		if err != nil {
			return fmt.Errorf("%s: %w", step.request["type"], err)
		}
		if answer["type"] != step.answer {
			return fmt.Errorf("%s: %v", step.request["type"], answer)
		}
	}
	return letGo("/home/greeter/go", "", l.limit)
}

// askGreetd sends a request and reads its answer; both are JSON, with their length before it.
func askGreetd(conn net.Conn, request map[string]any) (answer map[string]any, err error) {
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	message := binary.NativeEndian.AppendUint32(nil, uint32(len(text)))
	if _, err := conn.Write(append(message, text...)); err != nil {
		return nil, err
	}
	length := make([]byte, 4)
	if _, err := io.ReadFull(conn, length); err != nil {
		return nil, err
	}
	text = make([]byte, binary.NativeEndian.Uint32(length))
	if _, err := io.ReadFull(conn, text); err != nil {
		return nil, err
	}
	return answer, json.Unmarshal(text, &answer)
}

// letGo writes to the FIFO of a greeter that reads, and removes the FIFO: the next greeter makes
// another one.
func letGo(fifo, text string, limit time.Duration) error {
	var fd int
	var err error
	if !sessions.Until(limit, func() bool {
		fd, err = unix.Open(fifo, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		return err == nil
	}) {
		return fmt.Errorf("no greeter reads: %w", world.ErrHung)
	}
	defer unix.Close(fd)
	if err := os.Remove(fifo); err != nil {
		return err
	}
	_, err = unix.Write(fd, []byte(text))
	return err
}
