package facts

import "time"

// Status is what was seen of a user's keyrings and tickets; looking changes no timer.
type Status struct {
	Account
	Now time.Time // when it was looked at
	// Others reports whether this is another user's keyring, which only root can read; sessions
	// are then not examined.
	Others bool

	Session       Serial // 0: the session keyring cannot be used, see SessionErr
	SessionName   string // its description; "_uid_ses.UID" if the process has none of its own
	SessionErr    error
	OthersSession bool     // it belongs to another user
	Keyring       *Keyring // nil: none
	TimerKnown    bool
	Possessed     bool
	Through       []*Key     // from the session keyring to Keyring, if that way could be read
	Holds         *Key       // Keyring with all in it; nil: none, or not usable
	Caches        Collection // in Holds
	Quota         *Quota
	Setting       *uint32 // seconds that a renewal gives, 0: forever; nil: not known
	Tickets       Kerberos
	Unseen        []error // what could not be read, and why
	Kernel        Kernel
}

// CannotLook reports whether there may be a persistent keyring that could not be read.
func (s *Status) CannotLook() bool { return len(s.Unseen) > 0 && !s.TimerKnown }

// ListedCache is a credential cache.
type ListedCache struct {
	Name, Principal string
	Expired         bool // its tickets have expired
}

// List is every user's persistent keyring that could be read.
type List struct {
	Keyrings []Listed
	Unseen   []string // what could not be read, and why
	Setting  *uint32  // as in [Status]
	Me       uint32   // the effective UID of the caller
}

// Listed is a persistent keyring and its owner.
type Listed struct {
	Keyring
	Owner Account
	Quota *Quota // what all keys of the owner cost; nil: not known
	Ways  uint64 // ways that lead down to the keyrings in it
}
