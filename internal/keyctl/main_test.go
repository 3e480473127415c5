package keyctl_test

import (
	"os"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(childVariable); name != "" {
		runChild(name)
	}
	keyctltest.Main(m, userA, userC)
}
