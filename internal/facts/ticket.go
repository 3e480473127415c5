package facts

import "time"

// Persistent is how the name of a cache in a persistent keyring begins.
const Persistent = "KEYRING:persistent:"

// Ticket is one credential. Times that the cache does not state are zero; one that does not state
// its start is good from the first authentication on.
type Ticket struct {
	Client, Server string
	Starts, Ends   time.Time
	RenewableUntil time.Time
	Setting        bool // no ticket, but a setting of the library
	Granting       bool // a ticket-granting ticket of the client's realm
	Whole          bool // all parts of a ticket are there, and nothing follows them
}
