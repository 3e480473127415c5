package keyctl

import "strconv"

// Serial is the kernel's number of a key, or one of the special numbers below. The kernel's numbers
// start at 3. No two keys have the same serial at a time, but the kernel uses the serial of a dead
// key again (key_alloc_serial in security/keys/key.c).
type Serial int32

// The special numbers, which name keyrings of the caller. The kernel looks up the keyring at every
// call, for the calling thread (keyctl(2), KEYCTL_GET_KEYRING_ID).
const (
	Thread      Serial = -1 // @t, thread-keyring(7)
	Process     Serial = -2 // @p, process-keyring(7)
	Session     Serial = -3 // @s, session-keyring(7)
	User        Serial = -4 // @u, user-keyring(7)
	UserSession Serial = -5 // @us, user-session-keyring(7)
)

// String returns a form that keyctl(1) accepts: "@s" and the like for a special number, the decimal
// number for any other.
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

// NoID is the kernel's -1. In a [Description] it means no user or no group; in [Chown] it means
// that the ID stays as it is.
const NoID uint32 = 1<<32 - 1

// parseID parses a UID or GID. The kernel prints it with %d, so the upper half of the IDs, and
// NoID, are negative numbers.
func parseID(s string) (id uint32, ok bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < -1<<31 || n >= 1<<32 {
		return 0, false
	}
	return uint32(n), true
}

// FormatID writes a UID or GID as the kernel does in names: a decimal number without a sign.
func FormatID(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

// The descriptions of the keyrings that the kernel makes for a user begin with these, and the UID
// follows.
const (
	PersistentPrefix  = "_persistent." // persistent-keyring(7)
	UserPrefix        = "_uid."        // user-keyring(7)
	UserSessionPrefix = "_uid_ses."    // user-session-keyring(7)
)

// PersistentName is the description of the persistent keyring of a user.
func PersistentName(uid uint32) string { return PersistentPrefix + FormatID(uid) }

// UserName is the description of the user keyring of a user.
func UserName(uid uint32) string { return UserPrefix + FormatID(uid) }

// UserSessionName is the description of the user session keyring of a user.
func UserSessionName(uid uint32) string { return UserSessionPrefix + FormatID(uid) }

// Perm is the permissions mask of a key: one byte each for possessor, owner, group and others, of
// which six bits are used (keyctl(2), KEYCTL_SETPERM). A possessor also has the rights that one of
// the other three bytes grants.
type Perm uint32

const (
	OthView Perm = 1 << iota
	OthRead
	OthWrite
	OthSearch
	OthLink
	OthSetattr
)

const (
	GrpView    = OthView << 8
	GrpRead    = OthRead << 8
	GrpWrite   = OthWrite << 8
	GrpSearch  = OthSearch << 8
	GrpLink    = OthLink << 8
	GrpSetattr = OthSetattr << 8
)

const (
	UsrView    = GrpView << 8
	UsrRead    = GrpRead << 8
	UsrWrite   = GrpWrite << 8
	UsrSearch  = GrpSearch << 8
	UsrLink    = GrpLink << 8
	UsrSetattr = GrpSetattr << 8
)

const (
	PosView    = UsrView << 8
	PosRead    = UsrRead << 8
	PosWrite   = UsrWrite << 8
	PosSearch  = UsrSearch << 8
	PosLink    = UsrLink << 8
	PosSetattr = UsrSetattr << 8
)

// String returns the mask as "keyctl describe" shows it: for each of possessor, owner, group and
// others the letters of setattr, link, search, write, read and view. For 3f010000 that is
// "alswrv-----v------------". The two highest bits of each byte have no meaning and are left out.
func (p Perm) String() string {
	const letters = "alswrv"
	text := make([]byte, 0, 4*len(letters))
	for class := 24; class >= 0; class -= 8 {
		for i := range len(letters) {
			if p>>class&(1<<(len(letters)-1-i)) != 0 {
				text = append(text, letters[i])
			} else {
				text = append(text, '-')
			}
		}
	}
	return string(text)
}
