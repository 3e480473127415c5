package keyusers

import (
	"strings"
	"testing"

	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/world"
)

// Reading an encrypted key takes its master key, which the kernel looks up in the keyrings of the
// process that reads it (request_key, security/keys/encrypted-keys).
func testEncrypted(t *testing.T) {
	world.ForgetKeys(t)
	logins.Stack(t, logins.With(t, ""))
	out, err := logins.SSH(t, world.Alice, `set -e
		keyctl add user master 0123456789abcdef0123456789abcdef @s >/dev/null
		keyctl add encrypted data "new user:master 32" @s
		persistent-keyring keep user:master encrypted:data`)
	if err != nil && strings.Contains(out, "No such device") {
		t.Skip("this kernel has no encrypted keys")
	} else if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	use{`keyctl print "$(keyctl request encrypted data)" && echo found`,
		"Required key not available", func() {}}.later(t)
}
