package keyctl

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Error is a system call that failed.
type Error struct {
	Call   string // "KEYCTL_DESCRIBE", "add_key", "open", ...
	Object string // its argument: a serial, a UID, a quoted description, a path; may be ""
	Errno  unix.Errno
}

// Error returns, for example, "KEYCTL_DESCRIBE 123456: EACCES (permission
// denied)". An errno without a name is given as a number.
func (e *Error) Error() string {
	call := e.Call
	if e.Object != "" {
		call += " " + e.Object
	}
	return call + ": " + ErrnoText(e.Errno)
}

// ErrnoText names an errno and says what it means: "EACCES (permission denied)".
func ErrnoText(errno unix.Errno) string {
	if name := unix.ErrnoName(errno); name != "" {
		return name + " (" + errno.Error() + ")"
	}
	return errno.Error()
}

// Unwrap returns the errno, for errors.Is.
func (e *Error) Unwrap() error { return e.Errno }

// wrap adds the call and its object to an error of the unix package. The
// functions of that package that keyctl calls return no other type than Errno.
func wrap(err error, call, object string) error {
	if err == nil {
		return nil
	}
	errno, _ := err.(unix.Errno)
	return &Error{Call: call, Object: object, Errno: errno}
}

// serial is wrap for calls that return a serial. After a failure it returns 0,
// which is no key's serial: the -1 of the system call is the thread keyring.
func serial(id int, err error, call, object string) (Serial, error) {
	if err != nil {
		return 0, wrap(err, call, object)
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
