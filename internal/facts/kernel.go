// Package facts is what was seen of keyrings, sessions, tickets and machines: plain data, which
// reads nothing, so that judging and printing can be tested with literals.
package facts

import "pam_persistent/internal/keyctl"

// What the kernel says is data already.
type (
	Serial  = keyctl.Serial
	Timeout = keyctl.Timeout
	Quota   = keyctl.KeyUser
)

// Kinds of a [Timeout].
const (
	Never   = keyctl.Permanent
	Over    = keyctl.Expired
	Running = keyctl.Running
)

// Beginnings of keyrings' names; a UID follows.
const (
	PersistentPrefix  = keyctl.PersistentPrefix
	UserSessionPrefix = keyctl.UserSessionPrefix
)
