package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// underFilter installs a seccomp filter, as a container does, and becomes the command. The filter
// is "errno" for all of keyctl(2), add_key(2) and request_key(2), or "errno:operation" for one
// operation of keyctl(2).
func underFilter(filter string, command []string) {
	text, operation, single := strings.Cut(filter, ":")
	errno, err := strconv.Atoi(text)
	if err == nil {
		program := wholeFilter(uint32(errno))
		if single {
			var number int
			if number, err = strconv.Atoi(operation); err == nil {
				program = operationFilter(uint32(errno), uint32(number))
			}
		}
		if err == nil {
			err = install(program)
		}
	}
	if err == nil {
		os.Unsetenv(filterVariable)
		err = syscall.Exec(command[0], command, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "seccomp:", err)
	os.Exit(99)
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
