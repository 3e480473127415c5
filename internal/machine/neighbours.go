// Package neighbours is a table of PAM modules that have to do with keyrings and stand in one stack
// with pam_persistent: what they put into the session keyring, and so what is lost if
// pam_persistent joins another one after them. pam_persistent(8) has the same table, and
// tests/systems/beside tests each row.
package machine

// Places for a module's line.
const (
	// After pam_persistent's line, in the session stack.
	After = "after"
	// InAuth is after a line of pam_persistent in the auth stack, because it is pam_setcred(3)
	// that puts keys into the session keyring.
	InAuth = "after, in auth"
	// Anywhere is for modules that put no keys into the session keyring.
	Anywhere = "anywhere"
)

// A Module is a row of the table.
type Neighbour struct {
	Name string
	Adds string // what it puts into the session keyring
	Line string // a place
	Lost string // what a session lacks if the line stands elsewhere
}

// Modules is the table.
var Neighbours = []Neighbour{
	{"pam_cifscreds", "passwords of CIFS servers", After, "passwords"},
	{"pam_afs_session", "tokens of kAFS", After, "tokens"},
	{"pam_krb5", "tickets in KEYRING:session", InAuth, "tickets"},
	{"pam_ecryptfs", "nothing", Anywhere, "nothing"},
	{"pam_fscrypt", "nothing", Anywhere, "nothing"},
	{"pam_mount", "nothing", Anywhere, "nothing"},
	{"pam_sss", "nothing", Anywhere, "nothing"},
}
