package world

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// LogPath is the socket that syslog(3) writes to.
const LogPath = "/dev/log"

var systemLog struct {
	sync.Mutex
	lines []string
}

// listen receives what the world's processes log.
func listen() error {
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: LogPath, Net: "unixgram"})
	if err != nil {
		return err
	}
	if err := os.Chmod(LogPath, 0o666); err != nil {
		return err
	}
	go func() {
		buf := make([]byte, 65536)
		for {
			n, err := socket.Read(buf)
			if err != nil {
				return
			}
			systemLog.Lock()
			systemLog.lines = append(systemLog.lines, string(buf[:n]))
			systemLog.Unlock()
		}
	}()
	return nil
}

// ours matches lines of the module, which libpam names after its file: priority, and everything
// after "pam_persistent(service:type): ".
var ours = regexp.MustCompile(`(?s)^<(\d+)>.*?(?:pam_persistent|broken|impatient)\([^)]*\): (.*)$`)

var priorities = [...]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

// TakeLog returns the module's log lines since the last call, as "err: text".
func TakeLog(t testing.TB) []string {
	t.Helper()
	flush(t)
	systemLog.Lock()
	defer systemLog.Unlock()
	var taken []string
	for _, line := range systemLog.lines {
		if found := ours.FindStringSubmatch(line); found != nil {
			priority, _ := strconv.Atoi(found[1])
			taken = append(taken, priorities[priority&7]+": "+found[2])
		}
	}
	systemLog.lines = nil
	return taken
}

// flush waits until everything sent before has arrived: datagrams on one socket keep their order.
func flush(t testing.TB) {
	t.Helper()
	conn, err := net.Dial("unixgram", LogPath)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	mark := fmt.Sprintf("mark %d", time.Now().UnixNano())
	if _, err := conn.Write([]byte(mark)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().
		Before(deadline); time.Sleep(time.Millisecond) {
		systemLog.Lock()
		arrived := slices.Contains(systemLog.lines, mark)
		systemLog.Unlock()
		if arrived {
			return
		}
	}
	t.Fatal("the system log does not answer")
}
