package keyctl

import "strconv"

// Serial is the kernel's number of a key, or one of the special numbers below. The
// kernel's numbers start at 3. No two keys have the same serial at a time, but the
// kernel uses the serial of a dead key again (key_alloc_serial in
// security/keys/key.c).
type Serial int32

// The special numbers, which name keyrings of the caller. The kernel looks up the
// keyring at every call, for the calling thread (keyctl(2), KEYCTL_GET_KEYRING_ID).
const (
	Thread      Serial = -1 // @t, thread-keyring(7)
	Process     Serial = -2 // @p, process-keyring(7)
	Session     Serial = -3 // @s, session-keyring(7)
	User        Serial = -4 // @u, user-keyring(7)
	UserSession Serial = -5 // @us, user-session-keyring(7)
)

// String returns a form that keyctl(1) accepts: "@s" and the like for a special
// number, the decimal number for any other.
func (s Serial) String() string {
	switch s {
	case Thread:
		return "@t"
	case Process:
		return "@p"
	case Session:
		return "@s"
	case User:
		return "@u"
	case UserSession:
		return "@us"
	}
	return strconv.Itoa(int(s))
}
