package finding

import (
	"fmt"
	"slices"

	"pam_persistent/internal/facts"
)

// attach gives a shell a session keyring with the persistent keyring in it. Where the kernel
// refuses that, the command says what to do instead.
var attach = Command("persistent-keyring attach")

// Status returns what is wrong with a user's persistent keyring, session and tickets, and what is
// wrong or nearly wrong with the quota. What else doctor notes stands in other fields of status.
func Status(s *facts.Status) (findings []facts.Finding) {
	findings = []facts.Finding{kernel(s.Kernel)}
	if s.Kernel.NoPersistent == nil {
		findings = append(findings, expiry(s.Kernel))
	}
	findings = OnlyWrong(slices.Concat(findings, Session(s), TicketsOf(s)))
	if s.Quota != nil {
		user := ""
		if s.Others {
			user = s.Short()
		}
		findings = append(findings, quota(user, *s.Quota, cachesIn(s), facts.Share{})...)
	}
	return findings
}

const notPossessed = "the session does not possess the persistent keyring: "

// Session returns what is wrong with the persistent keyring and the session's way to it.
func Session(s *facts.Status) (findings []facts.Finding) {
	add := func(text string, fix ...facts.Fix) {
		findings = append(findings, wrong(text, fix...))
	}
	const noLogin = ": no login has gone through pam_persistent.so, or the garbage collector " +
		"has taken it"
	if s.SessionErr != nil && s.Kernel.NoPersistent == nil {
		findings = append(findings, noSession(s.SessionErr))
	}
	switch {
	case s.Keyring == nil && s.Kernel.NoPersistent != nil:
	case s.Keyring == nil && s.CannotLook():
		add("/proc/keys cannot be read and the session has no link: there may be a " +
			"persistent keyring or not")
	case s.Keyring == nil && s.Others:
		add(s.Short() + " has no persistent keyring" + noLogin)
	case s.Keyring == nil:
		add("there is no persistent keyring"+noLogin, way(s))
	case s.Keyring.State != facts.Valid:
		findings = append(findings, unusable(*s.Keyring, s.Account, !s.Others)...)
	case !s.Possessed && s.SessionErr == nil && !s.Others:
		add(notPossessed+"the login did not link it, or the session keyring was "+
			"replaced since", way(s))
	}
	if s.Holds != nil && s.Holds.Nested() > facts.MostNested {
		add(fmt.Sprintf("keyrings are nested %d deep in the persistent keyring, and the "+
			"kernel links none with more than %d: no login finds it, and no renewal "+
			"resets its timer", s.Holds.Nested(), facts.MostNested),
			at("in a session that possesses it", "persistent-keyring clear"))
	}
	return findings
}

// way is a fix that gives the caller's session a way to the persistent keyring. The kernel does not
// let a command replace a session keyring of another user.
func way(s *facts.Status) facts.Fix {
	if s.SessionErr == nil && s.OthersSession {
		return Command("persistent-keyring exec $SHELL")
	}
	return attach
}

func noSession(err error) facts.Finding {
	return wrong("the session keyring cannot be used: "+err.Error(), attach)
}

// logged says where modules give their reasons; try's child logs under the command's name.
const logged = "; modules give their reasons in the system log (journalctl -t " +
	"persistent-keyring, or auth.log)"

// Trial returns what is wrong with a session that was tried.
func Trial(r *facts.Trial) (findings []facts.Finding) {
	add := func(text string) { findings = append(findings, wrong(text)) }
	switch {
	case r.Refused != nil:
		return []facts.Finding{wrong("nothing was tried: "+r.Refused.Text, r.Refused.Fix)}
	case r.Problem != nil:
		return []facts.Finding{wrong("nothing could be tried: " + r.Problem.Error())}
	case r.OpenErr != nil:
		add(r.OpenErr.Error() + ": no session is opened for this user" + logged)
	case r.Inside.Session == nil && !r.Linked:
		add(noSession(r.Inside.Err).Text + logged)
	case !r.Linked && r.Fresh:
		add(notPossessed + "a session keyring was joined for it, but pam_persistent.so " +
			"has not run, has failed, or ran before that keyring was joined" + logged)
	case !r.Linked:
		add(notPossessed + "neither pam_keyinit.so nor pam_persistent.so has joined a " +
			"session keyring: it still has the one of before" + logged)
	}
	if r.CloseErr != nil {
		add(r.CloseErr.Error())
	}
	return findings
}
