package facts

import "time"

// Status is what there was to see; looking changes no timer.
type Status struct {
	Account
	Now time.Time // when it was looked at
	// Others is that root looks at the keyring of somebody else, whose sessions are not looked
	// at.
	Others bool

	Session Serial // 0: the session keyring is dead, see SessionErr
	// its description; "_uid_ses.UID" stands in for one that is missing
	SessionName   string
	SessionErr    error
	OthersSession bool     // it belongs to another user
	Keyring       *Keyring // nil: none
	TimerKnown    bool
	Possessed     bool
	// from the session keyring to the persistent one, where it could be followed
	Through []*Key
	// the persistent keyring and all in it; nil: none, or not to be used
	Holds   *Key
	Caches  Collection // in Holds
	Quota   *Quota
	Setting *uint32 // seconds that a renewal gives, 0: forever; nil: not to be seen
	Tickets Kerberos
	Unseen  []error // what could not be seen, and why
	Kernel  Kernel
}

// CannotLook reports whether there may be a persistent keyring that could not be seen.
func (s *Status) CannotLook() bool { return len(s.Unseen) > 0 && !s.TimerKnown }

// ListedCache is a credential cache.
type ListedCache struct {
	Name, Principal string
	Expired         bool // its tickets are
}

// List is every user's persistent keyring, as far as it could be seen.
type List struct {
	Keyrings []Listed
	Unseen   []string // what could not be seen, and why
	Setting  *uint32  // as in [Status]
	Me       uint32   // the effective UID of whoever looks
}

// Listed is a persistent keyring and its owner.
type Listed struct {
	Keyring
	Owner Account
	Quota *Quota // what all keys of the owner cost; nil: not known
	Ways  uint64 // ways that lead down to the keyrings in it
}
