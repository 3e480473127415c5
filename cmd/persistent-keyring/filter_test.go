package main

import (
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// forbid ERRNO[:CALL] COMMAND... is a program that runs a command under a seccomp filter, as a
// container does: on all of keyctl(2), add_key(2) and request_key(2), or on one call.
func forbid(args []string) error {
	name, call, _ := strings.Cut(args[0], ":")
	errno, found := map[string]unix.Errno{"EPERM": unix.EPERM, "ENOSYS": unix.ENOSYS,
		"EOPNOTSUPP": unix.EOPNOTSUPP}[name]
	filter, known := map[string][]unix.SockFilter{
		"":               wholeFilter(uint32(errno)),
		"add_key":        callFilter(uint32(errno), unix.SYS_ADD_KEY),
		"get_persistent": operationFilter(uint32(errno), unix.KEYCTL_GET_PERSISTENT),
	}[call]
	if !found || !known {
		return fmt.Errorf("no filter %s", args[0])
	}
	if err := install(filter); err != nil {
		return err
	}
	return become(args[1:])
}

// Offsets in struct seccomp_data (linux/seccomp.h) on a little-endian machine.
const (
	offsetNumber   = 0
	offsetArgument = 16
)

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

// equal jumps yes instructions forward if the loaded word is k, else no.
func equal(k uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: yes, Jf: no,
		K: k}
}

func answer(k uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K,
		K: k}
}

func wholeFilter(errno uint32) []unix.SockFilter {
	return []unix.SockFilter{
		load(offsetNumber),
		equal(unix.SYS_KEYCTL, 3, 0), equal(unix.SYS_ADD_KEY, 2, 0),
		equal(unix.SYS_REQUEST_KEY, 1, 0),
		answer(unix.SECCOMP_RET_ALLOW), answer(unix.SECCOMP_RET_ERRNO | errno),
	}
}

func operationFilter(errno, operation uint32) []unix.SockFilter {
	return []unix.SockFilter{
		load(offsetNumber), equal(unix.SYS_KEYCTL, 0, 2),
		load(offsetArgument), equal(operation, 1, 0),
		answer(unix.SECCOMP_RET_ALLOW), answer(unix.SECCOMP_RET_ERRNO | errno),
	}
}

// callFilter is for one system call.
func callFilter(errno, number uint32) []unix.SockFilter {
	return []unix.SockFilter{
		load(offsetNumber), equal(number, 1, 0),
		answer(unix.SECCOMP_RET_ALLOW), answer(unix.SECCOMP_RET_ERRNO | errno),
	}
}

func install(program []unix.SockFilter) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errno
	}
	return nil
}
