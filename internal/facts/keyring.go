package facts

import "pam_persistent/internal/keyctl"

// Keyring is a persistent keyring as its owner sees it in /proc/keys.
type Keyring struct {
	UID     uint32
	Serial  Serial
	State   State
	Timeout Timeout
	Keys    int // links in it; -1: not known
}

// State is what can be done with a key.
type State string

const (
	Valid   State = "valid"
	Expired State = "expired"
	Revoked State = "revoked"
	Gone    State = "gone"   // collected or invalidated a moment ago
	Hidden  State = "hidden" // it grants the reader no permission to view it
	Unknown State = "unknown"
)

// Key is a key, and if it is a keyring all keys in it. What is not known is zero.
type Key struct {
	Serial      Serial
	State       State
	Type        string // cut to nine bytes if it is known only from /proc/keys
	Description string // any byte but NUL
	UID         uint32
	Perm        keyctl.Perm
	Timeout     *Timeout // nil: not known
	Bytes       *int     // size of the payload of a key of type user or logon
	Keys        []*Key
	Again       bool  // a keyring whose keys are elsewhere in the tree
	Problem     error // why the state, the keys or the ticket could not be read

	// What Kerberos keeps in it, if it does.
	Principal string  // of a cache
	Ticket    *Ticket // of a key in a cache
	Internal  bool    // a key in a cache that only the library uses
}

// Path returns the shortest way from the tree's root down to a key, with both; nil if the key is
// not in the tree.
func (k *Key) Path(to Serial) []*Key {
	if k.Serial == to && !k.Again {
		return []*Key{k}
	}
	for _, key := range k.Keys {
		if rest := key.Path(to); rest != nil {
			return append([]*Key{k}, rest...)
		}
	}
	return nil
}

// Walk visits a key and all below it, each with the keyring that it lies in (nil for the root).
func (k *Key) Walk(visit func(key, in *Key)) { k.walk(nil, visit) }

func (k *Key) walk(in *Key, visit func(key, in *Key)) {
	visit(k, in)
	for _, key := range k.Keys {
		key.walk(k, visit)
	}
}

// MostNested is how many keyrings deep the kernel searches below a keyring. It refuses to link one
// in which more are nested (KEYRING_SEARCH_MAX_DEPTH in security/keys/keyring.c).
const MostNested = 6

// Nested returns how deep keyrings are nested below a keyring.
func (k *Key) Nested() (depth int) {
	for _, key := range k.Keys {
		if key.Type == "keyring" {
			depth = max(depth, 1+key.Nested())
		}
	}
	return depth
}

// What the kernel charges to the quota of a key's owner beside its payload: the description and a
// byte that ends it, and in each keyring that holds the key a link. All from security/keys: key.c
// (key_alloc), keyring.c (KEYQUOTA_LINK_BYTES) and big_key.c (big_key_preparse).
const (
	EndOfDescription = 1
	LinkBytes        = 4
	BigKeyBytes      = 16 // however large its payload is
)

// Charge returns what a key and all below it take of the quota, with the link to it. It leaves out
// keys that cannot be read.
func (k *Key) Charge() (keys, bytes int) {
	if k.Again || k.Type == "" {
		return 0, LinkBytes
	}
	keys, bytes = 1, LinkBytes+len(k.Description)+EndOfDescription
	switch {
	case k.Type == "big_key":
		bytes += BigKeyBytes
	case k.Bytes != nil:
		bytes += *k.Bytes
	}
	for _, key := range k.Keys {
		moreKeys, moreBytes := key.Charge()
		keys, bytes = keys+moreKeys, bytes+moreBytes
	}
	return keys, bytes
}
