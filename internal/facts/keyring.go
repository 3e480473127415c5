package facts

// Keyring is a persistent keyring as its owner sees it in /proc/keys.
type Keyring struct {
	UID     uint32
	Serial  Serial
	State   State
	Timeout Timeout
	Keys    int // links in it; -1: not known
}
