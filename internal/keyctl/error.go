package keyctl

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Error is a system call that failed.
type Error struct {
	Call   string     // "KEYCTL_DESCRIBE", "add_key", "open", ...
	Object string     // a serial, a UID, a quoted description, a path; may be ""
	Errno  unix.Errno // why
}

// Error reads like "KEYCTL_DESCRIBE 123456: EACCES (permission denied)". An
// errno that has no name is given by its number.
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

// Unwrap gives the errno, for errors.Is.
func (e *Error) Unwrap() error { return e.Errno }

// wrap names the call and its object in an error of the unix package, whose
// functions used here return nothing but an Errno.
func wrap(err error, call, object string) error {
	if err == nil {
		return nil
	}
	errno, _ := err.(unix.Errno)
	return &Error{Call: call, Object: object, Errno: errno}
}

// serial is wrap for calls that return one. After a failure that is 0, which
// names nothing: the -1 of the system call would be the thread keyring.
func serial(id int, err error, call, object string) (Serial, error) {
	if err != nil {
		return 0, wrap(err, call, object)
	}
	return Serial(id), nil
}

// ParseError is text that does not have the form which its source documents.
type ParseError struct {
	Source string // "/proc/keys", "KEYCTL_DESCRIBE", ...
	Line   int    // counted from 1; 0 where the text is not made of lines
	Reason string
}

// Error reads like `/proc/keys line 7: bad permissions "1g"`.
func (e *ParseError) Error() string {
	if e.Line == 0 {
		return e.Source + ": " + e.Reason
	}
	return e.Source + " line " + strconv.Itoa(e.Line) + ": " + e.Reason
}
