package keyrings

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"pam_persistent/internal/account"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/krb5"
	"pam_persistent/internal/persistent"
)

// Look looks for the calling process.
func Look() *facts.Status {
	runtime.LockOSThread() // the session keyring is the thread's
	defer runtime.UnlockOSThread()
	s := &facts.Status{Now: time.Now(), Account: account.ByUID(uint32(os.Getuid()))}
	s.Tickets.Variable = os.Getenv("KRB5CCNAME")
	s.NoPersistence = persistent.Explain(keyctl.ProbePersistent(s.UID))
	keys, err := keyctl.ConfirmedKeys()
	unseen(s, explain(keys, err))
	lookAtLimits(s)

	reader := NewReader(keys)
	var session *facts.Key
	if s.Session, s.SessionErr = keyctl.SessionKeyring(); s.SessionErr == nil {
		session = reader.Tree(s.Session)
		s.SessionName = session.Description
	}
	if keyring, ok := Find(s.UID, keys); ok {
		s.Keyring, s.TimerKnown = &keyring, true
	} else if keys == nil && session != nil {
		s.Keyring = inTree(session, s.UID)
	}
	if s.Keyring != nil {
		lookInside(s, reader, session)
	}
	s.Caches = *CachesIn(s.Holds, s.UID)
	return s
}

// LookAt looks at another user's persistent keyring, with that user's filesystem UID. It takes
// CAP_SETUID.
func LookAt(user facts.Account) (*facts.Status, error) {
	s := &facts.Status{Now: time.Now(), Account: user, Others: true}
	s.NoPersistence = persistent.Explain(keyctl.ProbePersistent(uint32(os.Getuid())))
	lookAtLimits(s)
	keyring, ok, err := Of(user.UID)
	if err != nil && !ok {
		return nil, err
	}
	if ok {
		s.Keyring, s.TimerKnown = &keyring, true
	}
	return s, keyctl.As(user.UID, func() error {
		keys, err := keyctl.ConfirmedKeys()
		unseen(s, explain(keys, err))
		if ok {
			lookInside(s, NewReader(keys), nil)
		}
		s.Caches = *CachesIn(s.Holds, s.UID)
		s.Possessed = false // a session's, and none is looked at
		return nil
	})
}

func unseen(s *facts.Status, err error) {
	if err != nil {
		s.Unseen = append(s.Unseen, err)
	}
}

// explain says what the error of reading /proc/keys costs.
func explain(keys []keyctl.KeyInfo, err error) error {
	switch {
	case err == nil:
		return nil
	case keys == nil:
		return fmt.Errorf("timers: %w", err)
	}
	return fmt.Errorf("some lines of /proc/keys are not believed, because a key's name can "+
		"have newlines and make up lines: %w", firstOf(err))
}

// firstOf is the first of joined errors: one example is enough.
func firstOf(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 0 {
		return joined.Unwrap()[0]
	}
	return err
}

func lookAtLimits(s *facts.Status) {
	if seconds, err := keyctl.Expiry(); err == nil {
		s.Setting = &seconds
	} else if s.NoPersistence == nil {
		unseen(s, err)
	}
	users, err := keyctl.ProcKeyUsers()
	unseen(s, err)
	s.Quota = keyctl.KeyUserOf(users, s.UID)
}

func lookInside(s *facts.Status, reader *Reader, session *facts.Key) {
	serial := s.Keyring.Serial
	if session != nil {
		s.Through = session.Path(serial)
	}
	if s.Keyring.State != facts.Valid {
		return
	}
	// asks for the right to search, which only the possessor has
	_, err := keyctl.KeyringID(serial, false)
	s.Possessed = err == nil
	if s.Through != nil {
		s.Holds = s.Through[len(s.Through)-1]
	} else {
		s.Holds = reader.Tree(serial)
	}
	if s.Keyring.Keys < 0 && s.Holds.Problem == nil {
		s.Keyring.Keys = len(s.Holds.Keys)
	}
}

// inTree finds it without /proc/keys, which is possible only if the session has a link.
func inTree(session *facts.Key, uid uint32) *facts.Keyring {
	var found *facts.Keyring
	session.Walk(func(key, _ *facts.Key) {
		if key.Type == "keyring" && key.UID == uid &&
			key.Description == keyctl.PersistentName(uid) && found == nil {
			found = &facts.Keyring{UID: uid, Serial: key.Serial,
				State: facts.Valid, Keys: -1}
		}
	})
	return found
}

// LookForTickets asks Kerberos, which may take some seconds, where it keeps this session's tickets.
func LookForTickets(s *facts.Status) {
	s.Tickets.Default = krb5.DefaultCache()
	if s.Tickets.Default == "" {
		s.Tickets.Default = s.Tickets.Variable
	}
	// klist would reset the timer of the persistent keyring, in which this package looks
	// itself.
	if s.Tickets.Default == "" || strings.HasPrefix(s.Tickets.Default, facts.Persistent) {
		return
	}
	caches, err := krb5.ListCaches()
	if err != nil && !errors.Is(err, exec.ErrNotFound) {
		unseen(s, err)
	}
	s.Tickets.Elsewhere = caches
}

// LookAtAll looks at every user's persistent keyring, which takes CAP_SETUID.
func LookAtAll() (*facts.List, error) {
	found, err := All()
	if err != nil {
		return nil, err
	}
	users, _ := keyctl.ProcKeyUsers() // All has reported what is wrong with it
	l := &facts.List{Setting: Setting(), Me: uint32(os.Geteuid())}
	for _, keyring := range found.Keyrings {
		owner := account.ByUID(keyring.UID)
		l.Keyrings = append(l.Keyrings, facts.Listed{Keyring: keyring, Owner: owner,
			Quota: keyctl.KeyUserOf(users, keyring.UID), Ways: Ways(keyring)})
	}
	for _, serial := range found.Unseen {
		l.Unseen = append(l.Unseen, fmt.Sprintf("keyring %d of the kernel's register: "+
			"its owner has no line in /proc/key-users", serial))
	}
	for _, err := range found.Problems {
		l.Unseen = append(l.Unseen, err.Error())
	}
	return l, nil
}
