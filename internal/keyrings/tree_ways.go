package keyrings

import (
	"errors"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
)

// Ways estimates how many ways lead from a persistent keyring down to keyrings below it. The kernel
// goes all of them when it searches the keyring. Looking takes CAP_SETUID for another user's
// keyring, resets no timer, and reads /proc/keys and the persistent keyring once.
//
// Only a possessor may read a keyring below, unless its owner lets others; and a search is what
// possession costs. But the owner may view these keyrings, and /proc/keys says how many links each
// holds, and how many hold it. Keyrings that the owner may not view are missed. Root's keyring has
// no ways here: among root's keys are the kernel's, and root needs none of this to harm others.
func Ways(keyring facts.Keyring) (ways uint64) {
	if keyring.UID == 0 || keyring.Keys == 0 {
		return 0
	}
	_ = keyctl.As(keyring.UID, func() error { // what cannot be seen has no ways
		keys, _ := keyctl.ConfirmedKeys()
		links, err := keyctl.ReadKeyring(keyring.Serial)
		isBelow := func(k keyctl.KeyInfo) bool {
			return k.Type == "keyring" && slices.Contains(links, k.Serial)
		}
		// One that has expired cannot be read, but a login may bring it back.
		if errors.Is(err, unix.EKEYEXPIRED) || slices.ContainsFunc(keys, isBelow) {
			ways = waysAmong(keys, keyring)
		}
		return nil
	})
	return ways
}

// waysAmong estimates by the number of keyrings and the number of links to keyrings that another
// link leads to already. Without such links each keyring has one way. Six layers of n keyrings,
// each linked to all of the next layer, have 5n²-5n of them and n⁶ ways. Of layers of any sizes
// that fit into the default quota and have 10,000 ways or more, the estimate finds at least 0.85.
func waysAmong(keys []keyctl.KeyInfo, top facts.Keyring) uint64 {
	keyrings, more := 0, 0
	for _, k := range keys {
		holds, _ := strconv.Atoi(k.Info) // 0 for "empty"
		switch {
		case k.UID != top.UID:
		case k.Type != "keyring":
			more -= k.Usage // its links are none to keyrings
		case k.Serial == top.Serial || k.Description == keyctl.UserName(top.UID):
			more += holds - k.Usage // each session has a link to it
		default:
			keyrings++
			more += holds - 1
		}
	}
	const most = 1<<20 - 2 // the product fits into 64 bits
	twice := uint64(min(max(more, 0), most)) + 2
	return uint64(min(keyrings, most)) * twice * twice / 4
}
