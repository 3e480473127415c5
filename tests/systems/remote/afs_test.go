package remote

import "testing"

// A volume of OpenAFS's file server: the kernel looks up the token of the cell, a key of type
// rxrpc, in the session keyring of the process that opens a file, but while it follows a path it
// does not look into the keyrings in that keyring (request_key_rcu, security/keys/request_key.c).
func testAFS(t *testing.T, out string) {
	check(t, out, "AFS",
		[]result{{"AFS added", asked + found}},
		both("AFS added", refused),

		[]result{{"AFS kept", asked + `kept rxrpc "afs@example\.org".*\nfound`}},
		both("AFS kept, without the line", `(?s).*Required key not available.*denied`),
		both("AFS kept, with the line", refused),
		both("AFS kept, with the line, linked", found),
		both("AFS new token, without the line", found),
	)
}
