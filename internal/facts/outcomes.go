package facts

import "time"

// Renewal is the result of renewing one user's persistent keyring, and the tickets in it.
type Renewal struct {
	User          Account
	Before, After Keyring
	None          bool            // there was no keyring to renew
	Err           error           // why it was not renewed
	Tickets       []TicketRenewal // one for each cache; nil if tickets were not asked for
	TicketsErr    error           // why the caches could not be looked at
}

// IsNew reports whether the old keyring was collected, so that a new, empty one was made.
func (r *Renewal) IsNew() bool { return r.Before.Serial != r.After.Serial }

// TicketRenewal is the result of renewing the ticket-granting ticket in a cache. A time that is not
// known is zero.
type TicketRenewal struct {
	Cache, Principal string
	Result           TicketResult
	Before, After    time.Time // when the old ticket ends, and the present one
	RenewableUntil   time.Time
	Problem          string
}

// TicketResult is a word for the result.
type TicketResult string

const (
	Renewed      TicketResult = "renewed"
	Early        TicketResult = "early" // not past half of its life
	NotRenewable TicketResult = "not renewable"
	Spent        TicketResult = "spent" // cannot be renewed beyond its end
	Ended        TicketResult = "ended"
	NoTicket     TicketResult = "none"
	Unread       TicketResult = "unread"
	Failed       TicketResult = "failed"
)

// Known reports whether the result is one of these.
func (r TicketResult) Known() bool {
	switch r {
	case Renewed, Early, NotRenewable, Spent, Ended, NoTicket, Unread, Failed:
		return true
	}
	return false
}

// Trial is what was seen before, in and after a session that was opened for it.
type Trial struct {
	Service string
	Account
	Before   View
	Inside   View
	Linked   bool // the session possesses the persistent keyring
	Fresh    bool // the session has a session keyring that was joined when it was opened
	OpenErr  error
	CloseErr error
	Took     time.Duration // of pam_open_session
	Messages []string      // of modules to the user
	Ccache   string        // KRB5CCNAME of the session
	Setup    []Finding     // what doctor says about the service
	Problem  error         // why nothing could be tried
	Setting  *uint32       // as in [Status]
	Refused  *Finding      // a module that would crash the process, so it was not loaded
}

// View is what a user sees of the keyrings.
type View struct {
	Session    *Key     // nil: the session keyring cannot be used
	Persistent *Keyring // nil: none
	Keys       *Key     // the persistent keyring with all in it; nil: none, or not usable
	Possessed  bool
	Err        error
}
