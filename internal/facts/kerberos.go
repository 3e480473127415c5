package facts

import "time"

const (
	Persistent = "KEYRING:persistent:" // begins the name of a cache in a persistent keyring
	PrimaryKey = "krb_ccache:primary"  // describes the key that names the primary cache
)

// Ticket is one credential. Times that the cache does not state are zero. A ticket without a start
// time is valid from the first authentication on.
type Ticket struct {
	Client, Server string
	Starts, Ends   time.Time
	RenewableUntil time.Time
	Setting        bool // not a ticket, but a setting of the library
	Granting       bool // a ticket-granting ticket of the client's realm
	Whole          bool // all parts of a ticket are present, and nothing follows them
}

// Cache is a credential cache. What is not known is zero.
type Cache struct {
	Name        string // as Kerberos names it: KEYRING:persistent:UID:...
	Principal   string
	Granting    *Ticket // the ticket-granting ticket that is valid longest; nil: none
	Keys, Bytes int     // what it takes of the quota
	TicketBytes int     // what the ticket-granting ticket takes of that
	Primary     bool    // programs use it by default
	Problem     error   // why it could not be read completely
	Keyring     Serial
}

// Collection is all caches of a persistent keyring.
type Collection struct {
	Unread  error   // why the persistent keyring could not be read
	Caches  []Cache // in the order of their names
	Problem error   // why the primary cache is not known
	Keyring Serial
}

// Same reports whether two looks have found the same cache, with the same tickets in it.
func (c Cache) Same(as Cache) bool {
	return c.Keyring == as.Keyring && c.Name == as.Name && c.Bytes == as.Bytes &&
		*c.Granting == *as.Granting
}

// Superseded is a cache that a newer one of the same principal supersedes, and whether it was
// removed.
type Superseded struct {
	Cache, By Cache
	Removed   bool
	Problem   error // why it could not be removed
}

// Prune is the list of caches to remove.
type Prune struct {
	Account
	Caches []Superseded
	Unread []error // why caches were skipped that could not be read
}

// Kerberos is where MIT Kerberos keeps tickets, and what shows whether anybody uses it.
type Kerberos struct {
	Files     []string // krb5.conf(5); nil: not looked at
	Err       error
	Missing   bool
	Setting   *Setting      // default_ccache_name
	Realm     string        // default_realm
	Variable  string        // KRB5CCNAME
	Default   string        // the cache that new tickets go to; "": not known
	Elsewhere []ListedCache // outside of the persistent keyring, if new tickets go there

	Ticket string // a file with tickets
	Keytab bool   // there is /etc/krb5.keytab
	SSSD   bool   // there is /etc/sssd/sssd.conf
}
