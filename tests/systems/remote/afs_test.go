package remote

import "testing"

// A volume of OpenAFS's file server: the kernel looks up the token of the cell, a key of type
// rxrpc, in the keyrings of the process that opens a file (request_key, fs/afs/security.c).
func testAFS(t *testing.T, out string) {
	check(t, out, "AFS",
		[]result{{"AFS added", `Password for .*found`}},
		both("AFS added", refused),

		[]result{{"AFS kept", `Password for .*\nkept rxrpc "afs@example\.org".*\nfound`}},
		both("AFS kept, without the line", refused),
		both("AFS kept, with the line", found),
	)
}
