package keyctl

// The descriptions of the keyrings that the kernel makes for a user begin with
// these, and the UID follows.
const (
	PersistentPrefix  = "_persistent." // persistent-keyring(7)
	UserPrefix        = "_uid."        // user-keyring(7)
	UserSessionPrefix = "_uid_ses."    // user-session-keyring(7)
)

// PersistentName is the description of the persistent keyring of a user.
func PersistentName(uid uint32) string { return PersistentPrefix + formatID(uid) }

// UserName is the description of the user keyring of a user.
func UserName(uid uint32) string { return UserPrefix + formatID(uid) }

// UserSessionName is the description of the user session keyring of a user.
func UserSessionName(uid uint32) string { return UserSessionPrefix + formatID(uid) }
