package remote

import "testing"

// A directory of nfsd that is mounted with sec=krb5: rpc.gssd looks for tickets with the IDs of the
// user who opens a file, not in a session of the user. So tickets in the persistent keyring work
// without the module, which only adds that sessions reset the timer.
func testNFS(t *testing.T, out string) {
	check(t, out, "NFS",
		both("NFS no ticket", refused),
		// rpc.gssd, a daemon, lacks the session's variable.
		[]result{{"NFS KRB5CCNAME", asked + `a ticket\n` + refused}},

		[]result{{"NFS without the line", asked + found}},
		both("NFS without the line", found),
		[]result{{"NFS with the line", asked + found}},
		both("NFS with the line", found),

		// The second session would have set the timer to a day. It looks for no ticket,
		// because the kernel already has a context for the mount.
		[]result{
			{"NFS timer, without the line, first", asked + found},
			{"NFS timer, without the line", `found\n1\dm`},
			{"NFS timer, with the line, first", asked + found},
			{"NFS timer, with the line", `found\n1d`},
			{"NFS look, first", asked + found},
			{"NFS look", `found\n1d`},
			{"NFS run out, first", asked + found},
		},
		both("NFS run out", refused),
	)
}
