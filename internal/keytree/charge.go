package keytree

// What the kernel charges to the quota of a key's owner beside its payload: the description and a
// byte that ends it, and in each keyring that holds the key a link. All from security/keys: key.c
// (key_alloc), keyring.c (KEYQUOTA_LINK_BYTES) and big_key.c (big_key_preparse).
const (
	EndOfDescription = 1
	LinkBytes        = 4
	BigKeyBytes      = 16 // however large its payload is
)

// Charge is what a key and all below it take of the quota, with the link to it. It leaves out what
// cannot be seen.
func (k *Key) Charge() (keys, bytes int) {
	bytes = LinkBytes
	if k.Again || k.Type == "" {
		return 0, bytes
	}
	keys = 1
	bytes += len(k.Description) + EndOfDescription
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
