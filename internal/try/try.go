// Package try opens a PAM session, and compares the user's keyrings before and in it.
package try

import (
	"errors"
	"fmt"
	"time"

	"github.com/msteinert/pam/v2"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/machine"
	"pam_persistent/internal/persistent"
)

// Run opens and closes a session in this process. Modules may change the process in any way, so it
// must do nothing else, and the goroutine must be locked to its thread.
func Run(service string, user facts.Account) *facts.Trial {
	m := machine.LookForSession(service, user.UID)
	r := &facts.Trial{Service: service, Account: user, Setting: keyrings.Setting(),
		Setup: finding.Setup(m)}
	if r.Refused = finding.CutOff(m); r.Refused != nil {
		return r
	}
	// A daemon has a session keyring too. Modules cannot reach the caller's.
	if _, err := keyctl.JoinSession(); err != nil {
		r.Problem = persistent.Explain(err)
		return r
	}
	r.Before = look(user.UID)
	t, err := pam.StartFunc(service, user.Name, converse(r))
	if err != nil {
		r.OpenErr = fmt.Errorf("pam_start: %w", err)
		return r
	}
	session(r, t)
	if err := t.End(); err != nil && r.CloseErr == nil {
		r.CloseErr = fmt.Errorf("pam_end: %w", err)
	}
	return r
}

func session(r *facts.Trial, t *pam.Transaction) {
	start := time.Now()
	err := t.OpenSession(0)
	r.Took = time.Since(start)
	r.Inside = look(r.UID)
	r.Fresh = serial(r.Inside.Session) != serial(r.Before.Session)
	r.Linked = r.Inside.Possessed
	if err != nil {
		r.OpenErr = fmt.Errorf("pam_open_session: %w", err)
		return
	}
	r.Ccache = t.GetEnv("KRB5CCNAME")
	r.Setup = append(r.Setup, finding.SessionTickets(r.Ccache, r.UID,
		machine.LookForTickets())...)
	if err := t.CloseSession(0); err != nil {
		r.CloseErr = fmt.Errorf("pam_close_session: %w", err)
	}
}

// converse returns a conversation that stores what modules say, and answers no questions.
func converse(r *facts.Trial) func(pam.Style, string) (string, error) {
	return func(style pam.Style, message string) (string, error) {
		if style == pam.ErrorMsg || style == pam.TextInfo {
			r.Messages = append(r.Messages, message)
			return "", nil
		}
		r.Messages = append(r.Messages, "asked: "+message)
		return "", errors.New("no user is present to answer")
	}
}

// look looks at the session keyring and the persistent keyring of a user, as the user sees them.
func look(uid uint32) (v facts.View) {
	v.Err = keyctl.As(uid, func() error {
		keys, _ := keyctl.ConfirmedKeys() // without it there are no timers
		reader := keyrings.NewReader(keys)
		session, err := keyctl.SessionKeyring()
		if err == nil {
			v.Session = reader.Tree(session)
		}
		keyring, ok := keyrings.Find(uid, keys)
		if ok {
			v.Persistent = &keyring
		}
		if keyring.State == facts.Valid {
			v.Possessed = keyrings.Possessed(keyring.Serial)
			v.Keys = keyrings.NewReader(keys).Tree(keyring.Serial)
		}
		return err
	})
	return v
}

func serial(k *facts.Key) keyctl.Serial {
	if k == nil {
		return 0
	}
	return k.Serial
}
