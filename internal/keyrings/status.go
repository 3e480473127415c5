package keyrings

import (
	"cmp"
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
)

// Look looks at the persistent keyring of the calling user, and at the session. It resets no timer.
func Look() *facts.Status {
	runtime.LockOSThread() // the session keyring is the thread's
	defer runtime.UnlockOSThread()
	s := &facts.Status{Now: time.Now(), Account: account.ByUID(uint32(os.Getuid()))}
	s.Tickets.Variable = os.Getenv("KRB5CCNAME")
	s.Kernel = LookAtKernel()
	keys := readKeys(s)
	lookAtLimits(s)
	reader := NewReader(keys)
	var session *facts.Key
	if s.Session, s.SessionErr = keyctl.SessionKeyring(); s.SessionErr == nil {
		session = reader.Tree(s.Session)
		s.SessionName = session.Description
		s.OthersSession = session.Type == "keyring" && session.UID != s.UID
	}
	if keyring, ok := Find(s.UID, keys); ok {
		s.Keyring, s.TimerKnown = &keyring, true
	} else if keys == nil && session != nil {
		s.Keyring = inTree(session, s.UID)
	}
	if s.Keyring != nil {
		lookInside(s, reader, session)
	}
	return s
}

// LookAt looks at another user's persistent keyring, with that user's filesystem UID. It takes
// CAP_SETUID, and resets no timer.
func LookAt(user facts.Account) (*facts.Status, error) {
	s := &facts.Status{Now: time.Now(), Account: user, Others: true, Kernel: LookAtKernel()}
	lookAtLimits(s)
	keyring, ok, err := Of(user.UID)
	if err != nil && !ok {
		return nil, err
	}
	if ok {
		s.Keyring, s.TimerKnown = &keyring, true
	}
	return s, keyctl.As(user.UID, func() error {
		keys := readKeys(s)
		if ok {
			lookInside(s, NewReader(keys), nil)
		}
		s.Possessed = false // sessions possess keyrings, and no session of the user is seen
		return nil
	})
}

// LookForTickets asks Kerberos where it keeps this session's tickets, and adds that to s. It may
// take some seconds.
func LookForTickets(s *facts.Status) {
	s.Tickets = krb5.Look("", krb5.ConfigFiles(), os.Getenv("KRB5CCNAME"))
	s.Tickets.Default = cmp.Or(krb5.DefaultCache(), s.Tickets.Variable)
	// klist would reset the timer of the persistent keyring, which this package reads itself.
	if s.Tickets.Default == "" || strings.HasPrefix(s.Tickets.Default, facts.Persistent) {
		return
	}
	caches, err := krb5.ListCaches()
	if err != nil && !errors.Is(err, exec.ErrNotFound) {
		unseen(s, err)
	}
	s.Tickets.Elsewhere = caches
}

// LookAtAll looks at every user's persistent keyring. It takes CAP_SETUID: EPERM without it.
func LookAtAll() (*facts.List, error) {
	found, err := All()
	if err != nil {
		return nil, err
	}
	users, _ := keyctl.ProcKeyUsers() // All has noted what is wrong with it
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

// Possessed reports whether the calling thread possesses a keyring. It asks for the right to
// search, which only the possessor of a persistent keyring has.
func Possessed(keyring keyctl.Serial) bool {
	_, err := keyctl.KeyringID(keyring, false)
	return err == nil
}

func unseen(s *facts.Status, err error) {
	if err != nil {
		s.Unseen = append(s.Unseen, err)
	}
}

// readKeys reads /proc/keys, and adds to s what an error costs.
func readKeys(s *facts.Status) []keyctl.KeyInfo {
	keys, err := keyctl.ConfirmedKeys()
	switch {
	case err != nil && keys == nil:
		unseen(s, fmt.Errorf("timers: %w", firstOf(err)))
	case err != nil:
		unseen(s, fmt.Errorf("some lines of /proc/keys are not believed, because a key's "+
			"name can have newlines and make up lines: %w", firstOf(err)))
	}
	return keys
}

// firstOf returns the first of joined errors: one example is enough.
func firstOf(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 0 {
		return joined.Unwrap()[0]
	}
	return err
}

func lookAtLimits(s *facts.Status) {
	if s.Kernel.ExpiryErr == nil {
		s.Setting = &s.Kernel.Expiry
	} else if s.Kernel.NoPersistent == nil {
		unseen(s, s.Kernel.ExpiryErr)
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
	s.Possessed = Possessed(serial)
	if s.Through != nil {
		s.Holds = s.Through[len(s.Through)-1]
	} else {
		s.Holds = reader.Tree(serial)
	}
	if s.Keyring.Keys < 0 && s.Holds.Problem == nil {
		s.Keyring.Keys = len(s.Holds.Keys)
	}
	s.Caches = cachesIn(s.Holds, s.UID)
}

// inTree finds a user's persistent keyring among those that the session keyring leads to.
func inTree(session *facts.Key, uid uint32) (found *facts.Keyring) {
	name := keyctl.PersistentName(uid)
	session.Walk(func(k, _ *facts.Key) {
		if found == nil && k.Type == "keyring" && k.UID == uid && k.Description == name {
			found = &facts.Keyring{UID: uid, Serial: k.Serial, State: facts.Valid,
				Keys: -1}
		}
	})
	return found
}
