// Package persistent links persistent keyrings, and says what to do where the kernel refuses that.
// The module is built with it, so it does not import fmt (see package main in pam_persistent).
package persistent

import (
	"errors"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// linkTries is the number of times that [Link] asks for a keyring that is gone when it looks.
const linkTries = 5

// Link links the persistent keyring of a user into a keyring, resets its timer and returns its
// serial. If the user has none, the kernel makes one. The garbage collector may remove an expired
// one just after the kernel has found it (security/keys/persistent.c), so Link looks at the keyring
// and, if it is gone, asks again.
//
// Errors: those of [keyctl.GetPersistent] and [keyctl.Describe].
func Link(uid uint32, into keyctl.Serial) (serial keyctl.Serial, err error) {
	for range linkTries {
		if serial, err = keyctl.GetPersistent(uid, into); err != nil {
			return 0, err
		}
		if _, err = keyctl.Describe(serial); !Dead(err) {
			break
		}
	}
	return serial, err
}

// Renew is Link into the thread keyring, which ends with the thread; while it lasts, the thread
// possesses the persistent keyring. The goroutine must be locked to its thread.
func Renew(uid uint32) (keyctl.Serial, error) { return Link(uid, keyctl.Thread) }

// Dead reports whether a key can no longer be used: it is gone, has expired or was revoked.
func Dead(err error) bool {
	return errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYEXPIRED) ||
		errors.Is(err, unix.EKEYREVOKED)
}
