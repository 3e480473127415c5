// Command pam_persistent is the Go half of pam_persistent.so. It runs in the short-lived child that
// the C half (package c) makes for a call of libpam, and never in the login process. It decides who
// gets which keyring, fills the session keyring that the login process has joined, and replies.
//
// Neither this package nor a package that it imports may import fmt, os, net, log or reflect: they
// double the module's size and the time that each login takes to load it. tests/lint checks that.
package main

import (
	"pam_persistent/c"
)

// A c-shared object runs only the init functions of its packages, on the runtime's main thread. A
// call from C into Go would cost another thread.
func init() {
	if call := c.Begin(); call != nil {
		serve(call)
	}
}

func main() {}

// serve serves the call and ends the child, also after a panic.
func serve(call *c.Call) {
	status := call.Failure()
	defer func() {
		if cause := recover(); cause != nil {
			status = call.Failure()
			call.Log(c.Error, quoted(call.User())+
				": panic in the module, please report it: "+reason(cause))
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
	if status != c.Success {
		return status
	}
	call.CloseFiles()
	switch {
	case call.Action() == c.Open:
		return s.open()
	case call.Action() == c.Refresh:
		return s.refresh()
	}
	return s.close()
}
