package main

import (
	"runtime"
	"strings"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// forget invalidates what keys the users have; that none is left is for keyctltest to see.
func forget() {
	for uid := uint32(firstUID); uid <= lastUID; uid++ {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // and never unlocked: the thread, a user's by then, ends with the goroutine
			forgetUser(uid)
		}()
		<-done
	}
}

func forgetUser(uid uint32) {
	if _, err := keyctl.JoinSession(); err != nil {
		return
	}
	if err := keyctltest.DropTo(uid, uid); err != nil {
		return
	}
	keys, _ := keyctl.ProcKeys()
	for _, key := range keys {
		switch {
		case key.UID != uid:
		case strings.HasPrefix(key.Description, "_persistent."):
			// It takes a link to invalidate it.
			if persistent, err := keyctl.GetPersistent(uid, keyctl.Session); err == nil {
				_ = keyctl.Invalidate(persistent)
			}
		default:
			_ = keyctl.Invalidate(key.Serial)
		}
	}
}
