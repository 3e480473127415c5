package remote

import "testing"

// A directory of nfsd that is mounted with sec=krb5: rpc.gssd looks for tickets with the IDs of the
// user who opens a file, in no session of theirs. So tickets in the persistent keyring do without
// the module, and what it adds is that sessions reset the timer.
func testNFS(t *testing.T, out string) {
	check(t, out, "NFS",
		both("NFS no ticket", refused),
		// rpc.gssd, a daemon, has not the variable of the session.
		[]result{{"NFS KRB5CCNAME", asked + `a ticket\n` + refused}},

		[]result{{"NFS without the line", asked + found}},
		both("NFS without the line", found),
		[]result{{"NFS with the line", asked + found}},
		both("NFS with the line", found),

		// The second session came when the timer would have been set to a day. It needs no
		// new look for the ticket, because the kernel has what it needs for the mount.
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
