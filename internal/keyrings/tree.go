package keyrings

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/krb5"
)

// Reader reads trees: keyrings and all that is in them. It expands each keyring once, where it is
// nearest to the root. So a tree is finite however its keyrings are linked, and the way to a key is
// the shortest.
type Reader struct {
	proc     map[keyctl.Serial]keyctl.KeyInfo
	expanded map[keyctl.Serial]bool
}

// NewReader returns a reader that takes timers and sizes from keys, which [keyctl.ConfirmedKeys]
// has returned.
func NewReader(keys []keyctl.KeyInfo) *Reader {
	r := &Reader{make(map[keyctl.Serial]keyctl.KeyInfo, len(keys)), map[keyctl.Serial]bool{}}
	for _, key := range keys {
		r.proc[key.Serial] = key
	}
	return r
}

// Tree reads a key and all keys in it, with the credentials of the calling thread.
func (r *Reader) Tree(root keyctl.Serial) *facts.Key {
	top := r.key(root)
	for level := []*facts.Key{top}; len(level) > 0; {
		var next []*facts.Key
		for _, k := range level {
			r.expand(k)
			next = append(next, k.Keys...)
		}
		level = next
	}
	return top
}

// expand reads what is in a keyring, and sorts it by name, because the kernel's order has no
// meaning.
func (r *Reader) expand(k *facts.Key) {
	if k.Type != "keyring" || k.State != facts.Valid {
		return
	}
	if r.expanded[k.Serial] {
		k.Again = true
		return
	}
	r.expanded[k.Serial] = true
	serials, err := keyctl.ReadKeyring(k.Serial)
	k.Problem = err
	for _, serial := range serials {
		k.Keys = append(k.Keys, r.key(serial))
	}
	slices.SortFunc(k.Keys, func(a, b *facts.Key) int {
		return cmp.Or(strings.Compare(a.Description, b.Description),
			strings.Compare(a.Type, b.Type), cmp.Compare(a.Serial, b.Serial))
	})
	readCache(k)
}

func (r *Reader) key(serial keyctl.Serial) *facts.Key {
	k := &facts.Key{Serial: serial, State: facts.Valid}
	about, err := keyctl.Describe(serial)
	switch {
	case err == nil:
		k.Type, k.Description, k.UID, k.Perm = about.Type, about.Text, about.UID, about.Perm
	case errors.Is(err, unix.EKEYEXPIRED):
		k.State = facts.Expired
	case errors.Is(err, unix.EKEYREVOKED):
		k.State = facts.Revoked
	case errors.Is(err, unix.ENOKEY):
		k.State = facts.Gone
	case errors.Is(err, unix.EACCES):
		k.State = facts.Hidden
	default:
		k.State, k.Problem = facts.Unknown, err
	}
	r.addProc(k)
	return k
}

// addProc adds what only /proc/keys has: the timer and the size, and the rest of a key that the
// kernel no longer describes.
func (r *Reader) addProc(k *facts.Key) {
	row, ok := r.proc[k.Serial]
	if !ok {
		return
	}
	k.Timeout = &row.Timeout
	if k.State == facts.Expired || k.State == facts.Revoked {
		k.Type, k.Description, k.UID, k.Perm = row.Type, row.Description, row.UID, row.Perm
	}
	sized := k.Type == "user" || k.Type == "logon"
	if n, err := strconv.Atoi(row.Info); sized && err == nil && n >= 0 {
		k.Bytes = &n
	}
}

// readCache reads the principal and the tickets in a keyring that is a credential cache.
func readCache(k *facts.Key) {
	for _, key := range k.Keys {
		if key.Description == krb5.PrincipalKey && holdsText(key) {
			k.Principal = readAs(key, krb5.ParsePrincipal)
		}
	}
	if k.Principal == "" {
		return
	}
	for _, key := range k.Keys {
		if !holdsText(key) {
			continue
		}
		if key.Internal = strings.HasPrefix(key.Description, "__krb5_"); key.Internal {
			continue
		}
		if ticket := readAs(key, krb5.ParseTicket); key.Problem == nil {
			key.Ticket, key.Internal = &ticket, ticket.Setting
		}
	}
}

// holdsText reports whether a key has a payload that can be read.
func holdsText(k *facts.Key) bool {
	return k.State == facts.Valid && (k.Type == "user" || k.Type == "big_key")
}

// readAs parses the payload of a key, and stores its size and why that failed in the key.
func readAs[T any](k *facts.Key, parse func([]byte) (T, error)) (result T) {
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

// Ways estimates how many ways lead from a persistent keyring down to keyrings below it. The kernel
// follows all of them when it searches the keyring. Ways takes CAP_SETUID for another user's
// keyring, resets no timer, and reads /proc/keys and the persistent keyring once.
//
// Only a possessor may read the keyrings below, unless their owner permits others to; and to
// possess them costs a search. But the owner may view them, and /proc/keys says how many links each
// one holds, and how many hold it. Keyrings that the owner may not view are missed. For root's
// keyring Ways returns 0: root's keys include the kernel's, and root needs no keyrings to harm
// others.
func Ways(keyring facts.Keyring) (ways uint64) {
	if keyring.UID == 0 || keyring.Keys == 0 {
		return 0
	}
	_ = keyctl.As(keyring.UID, func() error { // what cannot be seen is not counted
		keys, _ := keyctl.ConfirmedKeys()
		links, err := keyctl.ReadKeyring(keyring.Serial)
		isBelow := func(k keyctl.KeyInfo) bool {
			return k.Type == "keyring" && slices.Contains(links, k.Serial)
		}
		// An expired one cannot be read, but a login may bring it back.
		if errors.Is(err, unix.EKEYEXPIRED) || slices.ContainsFunc(keys, isBelow) {
			ways = waysAmong(keys, keyring)
		}
		return nil
	})
	return ways
}

// waysAmong estimates by the number of keyrings and the number of further links: those to keyrings
// that another link leads to already. Without further links each keyring has one way. Six layers of
// n keyrings, each linked to all of the next layer, have 5n²-5n further links and n⁶ ways. For
// layers of any sizes that fit into the default quota and have 10,000 ways or more, the estimate is
// at least 0.85 of the ways.
func waysAmong(keys []keyctl.KeyInfo, top facts.Keyring) uint64 {
	keyrings, more := 0, 0
	for _, k := range keys {
		holds, _ := strconv.Atoi(k.Info) // 0 for "empty"
		switch {
		case k.UID != top.UID:
		case k.Type != "keyring":
			more -= k.Usage // links to it do not lead to keyrings
		case k.Serial == top.Serial || k.Description == keyctl.UserName(top.UID):
			more += holds - k.Usage // links to it are sessions'
		default:
			keyrings++
			more += holds - 1
		}
	}
	const most = 1<<20 - 2 // the product fits into 64 bits
	twice := uint64(min(max(more, 0), most)) + 2
	return uint64(min(keyrings, most)) * twice * twice / 4
}
