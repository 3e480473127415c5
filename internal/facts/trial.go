package facts

import "time"

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
	Messages []string      // what modules had to say to the user
	Ccache   string        // KRB5CCNAME of the session
	Setup    []Finding     // what doctor says about the service
	Problem  error         // why nothing could be tried
	Setting  *uint32       // as in [Status]
	// Refused is a module that was not loaded, because the process would die of it.
	Refused *Finding
}

// View is what a user sees of the keyrings.
type View struct {
	Session    *Key     // nil: the session keyring cannot be used
	Persistent *Keyring // nil: none
	// the persistent keyring with all in it; nil: none, or out of use
	Keys      *Key
	Possessed bool
	Err       error
}
