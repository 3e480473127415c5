// Package facts is what was seen of keyrings, sessions, tickets and machines: plain data, which
// reads nothing, so that judging and printing can be tested with literals.
package facts

import (
	"fmt"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/phrase"
)

// What the kernel says is data already.
type (
	Serial  = keyctl.Serial
	Timeout = keyctl.Timeout
	Quota   = keyctl.KeyUser
)

const (
	// Kinds of a [Timeout].
	Never   = keyctl.Permanent
	Over    = keyctl.Expired
	Running = keyctl.Running

	// Beginnings of keyrings' names; a UID follows.
	PersistentPrefix  = keyctl.PersistentPrefix
	UserSessionPrefix = keyctl.UserSessionPrefix
)

// Finding is a judgement of facts.
type Finding struct {
	Check string // what was examined, such as "kernel" or "service sshd"
	Level Level
	Text  string
	Fix   Fix
	Alike string // how a service passes, if many pass in the same way
}

// Level is what a finding means.
type Level string

const (
	OK    Level = "ok"
	Note  Level = "note"  // good to know; nothing is broken by it
	Wrong Level = "wrong" // sessions lack the persistent keyring, or it lacks the tickets
)

// Fix is what fixes a finding; the zero value if nothing has to be done.
type Fix struct {
	Where string // "in FILE after line N"; "" for a command
	Lines string // exactly as they are typed
}

// String returns a finding in one line.
func (f Finding) String() string {
	switch {
	case f.Fix.Lines == "":
		return f.Text
	case f.Fix.Where == "":
		return f.Text + "; fix: " + f.Fix.Lines
	}
	return f.Text + "; fix: " + f.Fix.Where + ": " + f.Fix.Lines
}

// Account is a user.
type Account struct {
	UID  uint32
	Name string // "" for a UID without a name
}

// String names the user for people.
func (a Account) String() string {
	if a.Name == "" {
		return fmt.Sprintf("UID %d", a.UID)
	}
	return fmt.Sprintf("%s (UID %d)", phrase.Name(a.Name), a.UID)
}

// Short is String without the UID of a user who has a name.
func (a Account) Short() string {
	if a.Name == "" {
		return a.String()
	}
	return phrase.Name(a.Name)
}

// Word names the user on a command line: by number where the name needs quoting.
func (a Account) Word() string {
	if a.Name != "" && phrase.Name(a.Name) == a.Name {
		return a.Name
	}
	return keyctl.FormatID(a.UID)
}
