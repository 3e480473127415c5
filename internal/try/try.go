// Package try opens a PAM session to see what becomes of the user's keyrings.
package try

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/msteinert/pam/v2"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/machine"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/phrase"
)

// Report is what was seen before, in and after the session.
type Report struct {
	Service string
	facts.Account
	Before   View
	Inside   View
	Linked   bool // the session possesses the persistent keyring
	Fresh    bool // the session has a session keyring that was joined when it was opened
	OpenErr  error
	CloseErr error
	Took     time.Duration // of pam_open_session
	Messages []string      // what modules had to say to the user
	Ccache   string        // KRB5CCNAME of the session
	Setup    []facts.Finding
	Problem  error // why nothing could be tried
	// Refused is a module that was not loaded, because the process would die of it.
	Refused *facts.Finding
}

// View is what there is to see with the user's eyes.
type View struct {
	Session    *facts.Key     // nil: the session keyring cannot be used
	Persistent *facts.Keyring // nil: none
	// the persistent keyring with all in it; nil: none, or out of use
	Keys      *facts.Key
	Possessed bool
	Err       error
}

// Run opens and closes the session in this process, which may be changed by that in any
// way: it must be one of its own, and the goroutine locked to its thread.
func Run(service string, user facts.Account) *Report {
	m := machine.LookForSession(service, user.UID)
	r := &Report{Service: service, Account: user, Setup: finding.Setup(m)}
	if r.Refused = finding.CutOff(m); r.Refused != nil {
		return r
	}
	// As a daemon has one. Nothing that modules do gets into the keyring of whoever tries.
	if _, err := keyctl.JoinSession(); err != nil {
		r.Problem = err
		return r
	}
	r.Before = look(user.UID)
	t, err := pam.StartFunc(service, user.Name, r.converse)
	if err != nil {
		r.OpenErr = fmt.Errorf("pam_start: %w", err)
		return r
	}
	r.session(t)
	if err := t.End(); err != nil && r.CloseErr == nil {
		r.CloseErr = fmt.Errorf("pam_end: %w", err)
	}
	return r
}

func (r *Report) session(t *pam.Transaction) {
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
	r.Setup = append(r.Setup, finding.SessionTickets(r.Ccache, machine.LookForTickets())...)
	if err := t.CloseSession(0); err != nil {
		r.CloseErr = fmt.Errorf("pam_close_session: %w", err)
	}
}

// converse keeps what modules say and gives no answers: nobody is asked for a password.
func (r *Report) converse(style pam.Style, message string) (string, error) {
	switch style {
	case pam.ErrorMsg, pam.TextInfo:
		r.Messages = append(r.Messages, message)
		return "", nil
	}
	r.Messages = append(r.Messages, "asked: "+message)
	return "", errors.New("nobody is there to answer")
}

func look(uid uint32) (v View) {
	v.Err = keyctl.As(uid, func() error {
		keys, _ := keyctl.ConfirmedKeys() // without it there are no timers
		reader := keyrings.NewReader(keys)
		session, err := keyctl.SessionKeyring()
		if err == nil {
			v.Session = reader.Tree(session)
		}
		keyring, ok := keyrings.Find(uid, keys)
		if !ok {
			return err
		}
		v.Persistent = &keyring
		if keyring.State == facts.Valid {
			_, notPossessed := keyctl.KeyringID(keyring.Serial, false)
			v.Possessed = notPossessed == nil
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

// logged tells where modules say why.
const logged = "; modules give their reasons in the system log (journalctl -t " + logName +
	", or auth.log)"

// Findings are what is not as it should be.
func (r *Report) Findings() (findings []facts.Finding) {
	add := func(text string) { findings = append(findings, facts.Finding{Text: text}) }
	if r.Refused != nil {
		return []facts.Finding{{Text: "nothing was tried: " + r.Refused.Text,
			Fix: r.Refused.Fix}}
	}
	if r.Problem != nil {
		add("nothing could be tried: " + persistent.Explain(r.Problem).Error())
		return findings
	}
	switch {
	case r.OpenErr != nil:
		add(r.OpenErr.Error() + ": no session is opened for this user" + logged)
	case r.Inside.Session == nil && !r.Linked:
		add(finding.NoSession(r.Inside.Err).Text + logged)
	case !r.Linked:
		add("the session does not possess the persistent keyring: " + r.whyNot() + logged)
	}
	if r.CloseErr != nil {
		add(r.CloseErr.Error())
	}
	return findings
}

// whyNot tells from the session keyring which module has not done its work.
func (r *Report) whyNot() string {
	if !r.Fresh {
		return "neither pam_keyinit.so nor " + facts.Module +
			" has joined a session keyring: it still has the one of before"
	}
	return "a session keyring was joined for it, but " + facts.Module +
		" has not run, has failed, or ran before that keyring was joined"
}

// Good tells whether there is nothing to fix.
func (r *Report) Good() bool {
	return len(r.Findings()) == 0 && len(finding.OnlyWrong(r.Setup)) == 0
}

// message is what a module said, harmless.
func message(text string) string { return phrase.Quote(strings.TrimSpace(text)) }
