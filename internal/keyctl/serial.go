package keyctl

import "strconv"

// Serial names a key: the number that the kernel gave it, or one of the special
// numbers below. The kernel hands out 3 and above, never a number that another
// live key has, but it does use the number of a dead key again
// (key_alloc_serial in security/keys/key.c).
type Serial int32

// The keyrings of the caller, each in its short form of keyctl(1). What a
// special number stands for is looked up at every call, for the calling thread
// (keyctl(2), KEYCTL_GET_KEYRING_ID).
const (
	Thread      Serial = -1 // @t, thread-keyring(7)
	Process     Serial = -2 // @p, process-keyring(7)
	Session     Serial = -3 // @s, session-keyring(7)
	User        Serial = -4 // @u, user-keyring(7)
	UserSession Serial = -5 // @us, user-session-keyring(7)
)

// String gives "@s" and the like for the special numbers and the decimal number
// for all others: what keyctl(1) accepts.
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
