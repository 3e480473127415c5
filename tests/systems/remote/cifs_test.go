package remote

import "testing"

// A share of Samba that is mounted with multiuser: the kernel looks up the logon key with a user's
// password in the keyrings of the process that opens a file (request_key, fs/smb/client/connect.c).
func testCIFS(t *testing.T, out string) {
	check(t, out, "CIFS",
		// What the page says about cifscreds alone: found, but not kept.
		[]result{{"CIFS added",
			`Password: found\n.*logon "cifs:a:127\.0\.0\.1".*EACCES.*`}},
		both("CIFS added", refused),

		[]result{{"CIFS kept", `(Joined.*\nPassword: kept keyring "_ses".*\n?){2}`}},
		both("CIFS kept, without the line", refused),
		both("CIFS kept, with the line", found),

		both("CIFS former password", refused),
		both("CIFS new password", found),

		[]result{{"CIFS dropped", `dropped keyring "_ses".*`}},
		both("CIFS dropped", refused),
	)
}
