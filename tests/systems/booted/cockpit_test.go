package booted

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// cockpit starts Cockpit, listening as its socket unit says. It accepts a password without TLS from
// this machine only if that is allowed.
func cockpit(t *testing.T, c *container) {
	t.Helper()
	world.Put(t, c.Root+"/etc/cockpit/cockpit.conf",
		"[WebService]\nAllowUnencrypted = true\n", 0o644)
	c.Run(t, "systemctl", "start", "cockpit.socket")
}

// cockpitLogin acts like a browser: it logs in, runs a command over a websocket, and logs out.
func cockpitLogin(c *container, u world.User, mark string) error {
	conn, err := c.dial("127.0.0.1:9090")
	if err != nil {
		return err
	}
	defer conn.Close()
	buffered := bufio.NewReader(conn)
	request := "GET /cockpit/login HTTP/1.1\r\nHost: 127.0.0.1:9090\r\nAuthorization: Basic " +
		base64.StdEncoding.EncodeToString([]byte(u.Name+":"+world.Password)) + "\r\n\r\n"
	answer, err := ask(conn, buffered, request, http.StatusOK)
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	io.Copy(io.Discard, answer.Body)
	var cookie string
	for _, set := range answer.Cookies() {
		cookie = set.Name + "=" + set.Value
	}
	conn, err = c.dial("127.0.0.1:9090")
	if err != nil {
		return err
	}
	defer conn.Close()
	buffered = bufio.NewReader(conn)
	request = "GET /cockpit/socket HTTP/1.1\r\nHost: 127.0.0.1:9090\r\n" +
		"Origin: http://127.0.0.1:9090\r\nCookie: " + cookie + "\r\n" +
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Protocol: cockpit1\r\nSec-WebSocket-Key: " +
		base64.StdEncoding.EncodeToString(make([]byte, 16)) + "\r\n\r\n"
	if _, err := ask(conn, buffered, request, http.StatusSwitchingProtocols); err != nil {
		return fmt.Errorf("websocket: %w", err)
	}
	socket := &websocket{conn, buffered}
	return socket.run(sessions.Probe, mark)
}

// dial connects from within the container's network.
func (c *container) dial(address string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		var inside *os.File
		if inside, err = os.Open("/proc/" + c.Leader + "/ns/net"); err != nil {
			return
		}
		defer inside.Close()
		if err = unix.Setns(int(inside.Fd()), unix.CLONE_NEWNET); err != nil {
			return
		}
		if conn, err = net.Dial("tcp", address); err == nil {
			err = conn.SetDeadline(time.Now().Add(world.Hung))
		}
	}()
	<-done
	return conn, err
}

// ask sends a request, and fails unless it gets this status.
func ask(conn net.Conn, buffered *bufio.Reader, request string,
	status int) (*http.Response, error) {
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(buffered, nil)
	if err == nil && answer.StatusCode != status {
		text, _ := io.ReadAll(answer.Body)
		err = fmt.Errorf("%s\n%s", answer.Status, text)
	}
	return answer, err
}

// A websocket carries Cockpit's messages: a channel, a line feed, and a text. The channel without a
// name is for commands.
type websocket struct {
	conn net.Conn
	in   *bufio.Reader
}

// run runs a command in the session, and logs out when it has ended.
func (w *websocket) run(command ...string) error {
	if err := w.command(map[string]any{"command": "init", "version": 1,
		"host": "localhost"}); err != nil {
		return err
	}
	if _, err := w.await("init"); err != nil {
		return err
	}
	if err := w.command(map[string]any{"command": "open", "channel": "probe",
		"payload": "stream", "spawn": command, "host": "localhost"}); err != nil {
		return err
	}
	closed, err := w.await("close")
	if err != nil {
		return err
	}
	if problem, is := closed["problem"]; is {
		return fmt.Errorf("%v", problem)
	}
	return w.command(map[string]any{"command": "logout", "disconnect": true})
}

func (w *websocket) command(fields map[string]any) error {
	text, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return w.send(append([]byte("\n"), text...))
}

// await skips messages until this command arrives.
func (w *websocket) await(command string) (map[string]any, error) {
	for {
		message, err := w.receive()
		if err != nil {
			return nil, fmt.Errorf("before %q: %w", command, err)
		}
		text, is := strings.CutPrefix(message, "\n")
		if !is {
			continue
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			return nil, err
		}
		if fields["command"] == command {
			return fields, nil
		}
	}
}

// A frame with one message: FIN and its type, its length, and from a client a mask.
const (
	final, masked      = 0x80, 0x80
	textFrame, closing = 1, 8
)

func (w *websocket) send(text []byte) error {
	if len(text) > 125 {
		return w.frame(append([]byte{final | textFrame, masked | 126},
			binary.BigEndian.AppendUint16(nil, uint16(len(text)))...), text)
	}
	return w.frame([]byte{final | textFrame, masked | byte(len(text))}, text)
}

func (w *websocket) frame(head, text []byte) error {
	mask := make([]byte, 4)
	rand.Read(mask)
	head = append(head, mask...)
	for i, b := range text {
		head = append(head, b^mask[i%4])
	}
	_, err := w.conn.Write(head)
	return err
}

func (w *websocket) receive() (string, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(w.in, head); err != nil {
		return "", err
	}
	if head[0]&0xf == closing {
		return "", errors.New("the websocket was closed")
	}
	length := uint64(head[1])
	for short, bytes := range map[uint64]int{126: 2, 127: 8} {
		if uint64(head[1]) != short {
			continue
		}
		long := make([]byte, 8)
		if _, err := io.ReadFull(w.in, long[8-bytes:]); err != nil {
			return "", err
		}
		length = binary.BigEndian.Uint64(long)
	}
	text := make([]byte, length)
	_, err := io.ReadFull(w.in, text)
	return string(text), err
}
