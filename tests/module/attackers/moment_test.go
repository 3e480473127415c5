package attackers

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"pam_persistent/tests/support/world"
)

// A moment is one in which a thread of a login is held: at a call that joins a session keyring or
// gets a persistent keyring. A seccomp filter holds it there, which does not change signals,
// ptrace(2) or /proc.
type moment struct {
	tid int
	id  uint64
	fd  int
}

// moments wraps a command so that it runs under such a filter. It calls at for each moment; when at
// returns, the thread continues. The returned function ends this, after the command has ended.
func moments(t *testing.T, at func(m moment), command ...string) (wrapped []string, end func()) {
	t.Helper()
	dir := t.TempDir()
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir + "/filter", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- watch(socket, at) }()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{self, holdArgument, dir + "/filter"}, command...), func() {
		t.Helper()
		socket.Close() // if the command has not connected
		if err := <-over; err != nil {
			t.Error(err)
		}
	}
}

// watch receives the filter's descriptor, and then each held call, until no process with the filter
// is left.
func watch(socket *net.UnixListener, at func(moment)) error {
	conn, err := socket.AcceptUnix()
	if err != nil {
		return err
	}
	defer conn.Close()
	var data [1]byte
	rights := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := conn.ReadMsgUnix(data[:], rights)
	if err != nil {
		return err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		return fmt.Errorf("no descriptor: %v", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return err
	}
	fd := fds[0]
	defer unix.Close(fd)
	for {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); err == unix.EINTR {
			continue
		} else if err != nil {
			return err
		}
		if poll[0].Revents&unix.POLLIN == 0 {
			return nil // hung up
		}
		var call notification
		if err := ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_RECV,
			unsafe.Pointer(&call)); err == unix.ENOENT || err == unix.EINTR {
			continue // it was killed meanwhile
		} else if err != nil {
			return fmt.Errorf("SECCOMP_IOCTL_NOTIF_RECV: %w", err)
		}
		m := moment{int(call.pid), call.id, fd}
		at(m)
		if err := m.goOn(); err != nil && err != unix.ENOENT {
			return fmt.Errorf("SECCOMP_IOCTL_NOTIF_SEND: %w", err)
		}
	}
}

// struct seccomp_notif and seccomp_notif_resp of linux/seccomp.h
type notification struct {
	id         uint64
	pid, flags uint32
	data       [64]byte
}

type response struct {
	id    uint64
	val   int64
	error int32
	flags uint32
}

func (m moment) goOn() error {
	return ioctl(m.fd, unix.SECCOMP_IOCTL_NOTIF_SEND,
		unsafe.Pointer(&response{id: m.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}))
}

// lasts reports whether the thread is still held: it may have been stopped or killed.
func (m moment) lasts() bool {
	return ioctl(m.fd, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&m.id)) == nil
}

var ids = regexp.MustCompile(`\nUid:\t(\d+)\t\d+\t(\d+)\t`)

// exposed reports whether the user may signal the thread: its real or saved UID is the user's.
func (m moment) exposed(user world.User) bool {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.tid))
	found := ids.FindSubmatch(status)
	uid := strconv.FormatUint(uint64(user.UID), 10)
	return found != nil && (string(found[1]) == uid || string(found[2]) == uid)
}

func ioctl(fd int, request uint, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request),
		uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}

const holdArgument = "hold"

// Offsets in struct seccomp_data of linux/seccomp.h, on a little-endian machine.
const offsetNumber, offsetArgument = 0, 16

// hold is the main function of a process that installs the filter, sends its descriptor to the
// socket and becomes the command.
func hold(path string, command []string) error {
	runtime.LockOSThread()
	// Tests that run under nohup(1) ignore SIGHUP, and so would the command. An exec resets
	// caught signals to their defaults.
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP)
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	equal := func(k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k,
			Jt: yes, Jf: no}
	}
	filter := []unix.SockFilter{
		load(offsetNumber), equal(unix.SYS_KEYCTL, 0, 3),
		load(offsetArgument), equal(unix.KEYCTL_JOIN_SESSION_KEYRING, 2, 0),
		equal(unix.KEYCTL_GET_PERSISTENT, 1, 0),
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW},
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_USER_NOTIF},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	if _, _, err := conn.WriteMsgUnix([]byte{0}, unix.UnixRights(int(fd)), nil); err != nil {
		return err
	}
	return errors.Join(conn.Close(), unix.Close(int(fd)),
		syscall.Exec(command[0], command, os.Environ()))
}

// A thread is held until at returns, and lasts notices if it was killed.
func TestMoments(t *testing.T) {
	for name, hurt := range map[string]unix.Signal{"let go": 0, "killed": unix.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			held := 0
			command, end := moments(t, func(m moment) {
				held++
				if !m.lasts() || m.exposed(world.Alice) {
					t.Errorf("a thread of root's: lasts %v, exposed to alice "+
						"%v", m.lasts(), m.exposed(world.Alice))
				}
				if err := unix.Kill(m.tid, hurt); err != nil {
					t.Error(err)
				}
				for hurt != 0 && m.lasts() {
					runtime.Gosched()
				}
			}, "/usr/bin/keyctl", "session", "-", "true")
			_, err := world.Try(world.Hung, command...)
			end()
			if held != 1 || (err == nil) != (hurt == 0) {
				t.Errorf("held %d times, %v", held, err)
			}
		})
	}
}
