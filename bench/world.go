package main

import (
	"os"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

// config is the world of the benchmark. Covered is what an sshd changes.
var config = world.Config{UIDs: uids.Bench, Cover: []string{"/run"}, SetUp: setUp}

// several are the users who log in: logins side by side are those of different users.
func several() []world.User { return world.Users[3:] }

func userName(n int) string { return several()[n%len(several())].Name }

// stockOther is the service file that serves the types that another file lacks.
var stockOther []byte

func setUp() error {
	// libpam reads this file besides the service file, and would load the modules that the
	// machine's file names.
	var err error
	if stockOther, err = os.ReadFile("/etc/pam.d/other"); err != nil {
		return err
	}
	if err := writeService("other", ""); err != nil {
		return err
	}
	if err := writeServices(); err != nil {
		return err
	}
	// The logins inherit this session keyring, as a daemon's logins do. Session keyrings belong
	// to threads, so main is locked to its own thread (keyctltest).
	_, err = keyctl.JoinSession()
	return err
}

// forget destroys the keys of the users. keyctltest checks that none is left.
func forget() {
	for _, u := range several() {
		_ = keyctltest.Destroy(u.UID)
	}
}
