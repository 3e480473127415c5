// Command pam_persistent is the Go half of pam_persistent.so: what runs in the short-lived child that the C half (package c)
// makes for a call of libpam. It decides who gets which persistent keyring, fills the session keyring that the login process
// has joined, and answers; it never runs in the login process.
//
// Neither this package nor what it imports imports fmt, os, net, log or reflect: they double the
// size of the module and the time that it takes to load, for each login. tests/lint checks that.
package main

import (
	"pam_persistent/c"
)

// Initialisation is all that a c-shared module runs by itself, on the main thread of the runtime; calling in from C would
// cost one thread more.
func init() {
	if call := c.Begin(); call != nil {
		serve(call)
	}
}

func main() {}

// serve answers the call and ends the child, whatever happens on the way.
func serve(call *c.Call) {
	status := call.Failure()
	defer func() {
		if cause := recover(); cause != nil {
			status = call.Failure()
			call.Log(c.Error, quoted(call.User())+": panic in the module, please report it: "+reason(cause))
		}
		call.Done(status)
	}()
	status = answer(call)
}

func reason(cause any) string {
	switch cause := cause.(type) {
	case error:
		return cause.Error()
	case string:
		return cause
	}
	return "of unknown kind"
}

func answer(call *c.Call) c.Status {
	options, complaints := parseOptions(call.Options())
	for _, complaint := range complaints {
		call.Log(c.Error, complaint)
	}
	s, status := findUser(call, options)
	switch {
	case status != c.Success:
		return status
	case call.Action() == c.Open:
		return s.open()
	case call.Action() == c.Refresh:
		return s.refresh()
	}
	return s.close()
}
