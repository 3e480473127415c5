// Package keyctl is a typed interface to the keyrings of the Linux kernel.
//
// The layer is thin: a function makes one system call, and returns what the kernel answers. The
// caller decides on policy: whose keyring, which destination, how often to try again.
//
// # Credentials are per thread
//
// The session, process and thread keyrings and the user IDs that the kernel looks at belong to the
// calling thread, and a goroutine may change threads between any two calls. Code that uses
// [JoinSession], [Session], [Process] or [Thread], or that changes user IDs with raw system calls,
// must first bind its goroutine to its thread with runtime.LockOSThread.
//
// # Errors
//
// Failures of the kernel are of type [*Error] and carry the errno, so that errors.Is(err,
// unix.ENOKEY) works. Any call that names a key may give
//
//   - ENOKEY: there is no such key, or it was invalidated or garbage collected,
//   - EKEYEXPIRED, EKEYREVOKED: the key has expired or was revoked, and the garbage collector has
//     not removed it yet (keyrings(7), gc_delay),
//   - EACCES: the key does not grant the caller the permission that the call needs,
//   - EINVAL: the serial is below 1 and not one of the special numbers,
//   - ENOMEM: the kernel has no memory,
//   - ENOSYS: the kernel was built without keys,
//   - EPERM: a seccomp filter forbids the call, as many container runtimes do,
//
// and a call that takes a keyring gives ENOTDIR for a key of another type. The functions below list
// only the errors that are special to them.
//
// Text of the kernel that does not have the documented form is a [*ParseError].
package keyctl

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// The calls for which callers know what helps. The other names stand where the calls are made.
const (
	CallGetPersistent   = "KEYCTL_GET_PERSISTENT"
	CallJoinSession     = "KEYCTL_JOIN_SESSION_KEYRING"
	CallLink            = "KEYCTL_LINK"
	CallSessionToParent = "KEYCTL_SESSION_TO_PARENT"
	CallSetfsuid        = "setfsuid"
)

// Error is a system call that failed.
type Error struct {
	Call   string // CallLink, "KEYCTL_DESCRIBE", "open", ...
	Key    Serial // the key that the call of keyctl(2) is about, or 0
	UID    uint32 // the user, for CallGetPersistent and CallSetfsuid
	Object string // the arguments in words: a serial, a quoted description, a path; may be ""
	Errno  unix.Errno
}

// Error returns, for example, "KEYCTL_DESCRIBE 123456: EACCES (permission denied)". An errno
// without a name is given as a number.
func (e *Error) Error() string {
	call := e.Call
	if e.Object != "" {
		call += " " + e.Object
	}
	return call + ": " + ErrnoText(e.Errno)
}

// ErrnoText returns the name and the meaning of an errno: "EACCES (permission denied)".
func ErrnoText(errno unix.Errno) string {
	if name := unix.ErrnoName(errno); name != "" {
		return name + " (" + errno.Error() + ")"
	}
	return errno.Error()
}

// Unwrap returns the errno, for errors.Is.
func (e *Error) Unwrap() error { return e.Errno }

// wrap adds the call and its arguments to an error of the unix package. The functions of that
// package that keyctl calls return no other type than Errno.
func wrap(err error, call, object string) error {
	return wrapped(err, Error{Call: call, Object: object})
}

// wrapKey is wrap for a call about a key; rest follows the serial.
func wrapKey(err error, call string, key Serial, rest string) error {
	return wrapped(err, Error{Call: call, Key: key, Object: key.String() + rest})
}

func wrapped(err error, e Error) error {
	if err == nil {
		return nil
	}
	e.Errno, _ = err.(unix.Errno)
	return &e
}

// serial is the result of a call that returns a serial. After a failure it is 0, which is no key's
// serial: the -1 of the system call is the thread keyring.
func serial(id int, err error) (Serial, error) {
	if err != nil {
		return 0, err
	}
	return Serial(id), nil
}

// ParseError is text that does not have the form documented for its source.
type ParseError struct {
	Source string // "/proc/keys", "KEYCTL_DESCRIBE", ...
	Line   int    // counted from 1; 0 if the text does not consist of lines
	Reason string
}

// Error returns, for example, `/proc/keys line 7: bad permissions "1g"`.
func (e *ParseError) Error() string {
	if e.Line == 0 {
		return e.Source + ": " + e.Reason
	}
	return e.Source + " line " + strconv.Itoa(e.Line) + ": " + e.Reason
}
