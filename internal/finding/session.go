package finding

import "pam_persistent/internal/facts"

// attach gives a shell a session keyring with the persistent keyring in it. Where the kernel
// refuses that, the command says what to do instead.
var attach = Command("persistent-keyring attach")

// Status returns what is wrong with a user's persistent keyring, session, tickets and quota.
func Status(s *facts.Status) (findings []facts.Finding) {
	if s.NoPersistence != nil {
		findings = append(findings, wrong("no persistent keyring can be had: "+
			s.NoPersistence.Error(), Command("persistent-keyring doctor")))
	}
	findings = append(findings, Session(s)...)
	findings = append(findings, TicketsOf(s)...)
	if s.Quota != nil {
		if f, usedUp, _ := NearQuota(*s.Quota, CachesOf(s)); usedUp {
			f.Text = "the key quota is used up: " + f.Text
			findings = append(findings, f)
		}
	}
	return findings
}

// Session returns what is wrong with the persistent keyring and the session's way to it.
func Session(s *facts.Status) (findings []facts.Finding) {
	add := func(text string, fix ...facts.Fix) {
		findings = append(findings, wrong(text, fix...))
	}
	const noLogin = ": no login has gone through pam_persistent.so, or the garbage collector " +
		"has taken it"
	if s.SessionErr != nil && s.NoPersistence == nil {
		findings = append(findings, noSession(s.SessionErr))
	}
	switch {
	case s.Keyring == nil && s.NoPersistence != nil:
	case s.Keyring == nil && s.CannotLook():
		add("/proc/keys cannot be read and the session has no link: there may be a " +
			"persistent keyring or not")
	case s.Keyring == nil && s.Others:
		add(s.Short() + " has no persistent keyring" + noLogin)
	case s.Keyring == nil:
		add("there is no persistent keyring"+noLogin, attach)
	case s.Keyring.State == facts.Expired && s.Others:
		findings = append(findings, Expired("the persistent keyring", " "+s.Word()))
	case s.Keyring.State == facts.Expired:
		findings = append(findings, Expired("the persistent keyring", ""))
	case s.Keyring.State == facts.Revoked:
		add("the persistent keyring was revoked: the next login makes a new, empty one",
			attach)
	case !s.Possessed && s.SessionErr == nil && !s.Others:
		add("the session does not possess the persistent keyring: the login did not link "+
			"it, or the session keyring was replaced since", attach)
	}
	return findings
}

func noSession(err error) facts.Finding {
	return wrong("the session keyring cannot be used: "+err.Error(), attach)
}

// Expired says that a persistent keyring has expired; user is that of the command that renews it.
func Expired(keyring, user string) facts.Finding {
	return wrong(keyring+" has expired: its keys are out of reach, and gone when the garbage "+
		"collector takes it", Command("persistent-keyring renew"+user))
}

// logged says where modules give their reasons; try's child logs under the command's name.
const logged = "; modules give their reasons in the system log (journalctl -t " +
	"persistent-keyring, or auth.log)"

// Trial returns what is wrong with a session that was tried.
func Trial(r *facts.Trial) (findings []facts.Finding) {
	add := func(text string) { findings = append(findings, wrong(text)) }
	if r.Refused != nil {
		return []facts.Finding{wrong("nothing was tried: "+r.Refused.Text, r.Refused.Fix)}
	}
	if r.Problem != nil {
		return []facts.Finding{wrong("nothing could be tried: " + r.Problem.Error())}
	}
	switch {
	case r.OpenErr != nil:
		add(r.OpenErr.Error() + ": no session is opened for this user" + logged)
	case r.Inside.Session == nil && !r.Linked:
		add(noSession(r.Inside.Err).Text + logged)
	case !r.Linked:
		add("the session does not possess the persistent keyring: " + whyNotLinked(r) +
			logged)
	}
	if r.CloseErr != nil {
		add(r.CloseErr.Error())
	}
	return findings
}

// whyNotLinked says by the session keyring which module has not done its work.
func whyNotLinked(r *facts.Trial) string {
	if !r.Fresh {
		return "neither pam_keyinit.so nor pam_persistent.so has joined a session " +
			"keyring: it still has the one of before"
	}
	return "a session keyring was joined for it, but pam_persistent.so has not run, has " +
		"failed, or ran before that keyring was joined"
}
