package finding

import "strings"

// Tickets says where the tickets of a credential cache of this name are. kept is that they outlive
// a logout, and ours that it is the persistent keyring that keeps them.
func Tickets(ccache string) (place string, kept, ours bool) {
	kind, _, _ := strings.Cut(ccache, ":")
	switch {
	case strings.HasPrefix(ccache, "KEYRING:persistent:"):
		return "in the persistent keyring", true, true
	case kind == "KCM":
		return "kept by a daemon over a logout, not in the persistent keyring", true, false
	case kind == "KEYRING":
		return "in a keyring that ends with the session, not in the persistent keyring",
			false, false
	}
	return "in files, not in the persistent keyring", false, false
}
