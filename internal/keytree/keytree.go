// Package keytree reads a keyring and all that is in it.
package keytree

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/ccache"
	"pam_persistent/internal/keyctl"
)

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
	Serial      keyctl.Serial
	State       State
	Type        string // cut to nine bytes where only /proc/keys would tell
	Description string // any byte but NUL
	UID         uint32
	Perm        keyctl.Perm
	Timeout     *keyctl.Timeout // nil: not known
	Bytes       *int            // size of the payload of a key of type user or logon
	Keys        []*Key
	Again       bool  // a keyring whose keys stand elsewhere in the tree
	Problem     error // why the state, the keys or the ticket could not be read

	// What Kerberos keeps in it, if it does.
	Principal string         // of a cache
	Ticket    *ccache.Ticket // of a key in a cache
	Internal  bool           // a key in a cache that is there for the library alone
}

// Reader reads trees. Each keyring is expanded where it is nearest to the root, so that
// keyrings which are linked many times over do not make a tree without end, and the way
// to a key is the shortest.
type Reader struct {
	proc     map[keyctl.Serial]keyctl.KeyInfo
	expanded map[keyctl.Serial]bool
}

// NewReader takes timers and sizes from what [keyctl.ConfirmedKeys] has returned, which may be
// nothing.
func NewReader(keys []keyctl.KeyInfo) *Reader {
	r := &Reader{make(map[keyctl.Serial]keyctl.KeyInfo, len(keys)), map[keyctl.Serial]bool{}}
	for _, key := range keys {
		r.proc[key.Serial] = key
	}
	return r
}

// Tree reads a key and all keys in it, with the credentials of the calling thread.
func (r *Reader) Tree(root keyctl.Serial) *Key {
	top := r.key(root)
	for level := []*Key{top}; len(level) > 0; {
		var next []*Key
		for _, k := range level {
			r.expand(k)
			next = append(next, k.Keys...)
		}
		level = next
	}
	return top
}

// expand reads what is in a keyring; the kernel has it in no order that means anything.
func (r *Reader) expand(k *Key) {
	if k.Type != "keyring" || k.State != Valid {
		return
	}
	if r.expanded[k.Serial] {
		k.Again = true
		return
	}
	r.expanded[k.Serial] = true
	serials, err := keyctl.ReadKeyring(k.Serial)
	if err != nil {
		k.Problem = err
		return
	}
	for _, serial := range serials {
		k.Keys = append(k.Keys, r.key(serial))
	}
	slices.SortFunc(k.Keys, func(a, b *Key) int {
		return cmp.Or(strings.Compare(a.Description, b.Description),
			strings.Compare(a.Type, b.Type), cmp.Compare(a.Serial, b.Serial))
	})
	k.readCache()
}

func (r *Reader) key(serial keyctl.Serial) *Key {
	k := &Key{Serial: serial, State: Valid}
	about, err := keyctl.Describe(serial)
	switch {
	case err == nil:
		k.Type, k.Description, k.UID, k.Perm = about.Type, about.Text, about.UID, about.Perm
	case errors.Is(err, unix.EKEYEXPIRED):
		k.State = Expired
	case errors.Is(err, unix.EKEYREVOKED):
		k.State = Revoked
	case errors.Is(err, unix.ENOKEY):
		k.State = Gone
	case errors.Is(err, unix.EACCES):
		k.State = Hidden
	default:
		k.State, k.Problem = Unknown, err
	}
	r.addProc(k)
	return k
}

// addProc adds what only /proc/keys tells: the timer always, the rest for a key
// that the kernel does not describe any more.
func (r *Reader) addProc(k *Key) {
	row, ok := r.proc[k.Serial]
	if !ok {
		return
	}
	k.Timeout = &row.Timeout
	if k.State == Expired || k.State == Revoked {
		k.Type, k.Description, k.UID, k.Perm = row.Type, row.Description, row.UID, row.Perm
	}
	if k.Type != "user" && k.Type != "logon" {
		return
	}
	if n, err := strconv.Atoi(row.Info); err == nil && n >= 0 {
		k.Bytes = &n
	}
}

// readCache names the principal and the tickets if the keyring is a credential cache.
func (k *Key) readCache() {
	for _, key := range k.Keys {
		if key.Description == ccache.PrincipalKey && key.holdsText() {
			k.Principal = readAs(key, ccache.ParsePrincipal)
		}
	}
	if k.Principal == "" {
		return
	}
	for _, key := range k.Keys {
		if !key.holdsText() {
			continue
		}
		if key.Internal = strings.HasPrefix(key.Description, "__krb5_"); key.Internal {
			continue
		}
		if ticket := readAs(key, ccache.ParseTicket); key.Problem == nil {
			key.Ticket, key.Internal = &ticket, ticket.Setting
		}
	}
}

func (k *Key) holdsText() bool {
	return k.State == Valid &&
		(k.Type == "user" || k.Type == "big_key")
}

func readAs[T any](k *Key, parse func([]byte) (T, error)) (result T) {
	payload, err := keyctl.Read(k.Serial)
	if err == nil {
		if k.Type == "user" {
			size := len(payload)
			k.Bytes = &size
		}
		result, err = parse(payload)
	}
	k.Problem = err
	return result
}

// Path is the shortest way from the tree's root down to a key, both included; nil if it is not
// there.
func (k *Key) Path(to keyctl.Serial) []*Key {
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
func (k *Key) Walk(visit func(key, in *Key)) {
	visit(k, nil)
	k.walk(visit)
}

func (k *Key) walk(visit func(key, in *Key)) {
	for _, key := range k.Keys {
		visit(key, k)
		key.walk(visit)
	}
}
