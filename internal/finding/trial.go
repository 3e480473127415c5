package finding

import "pam_persistent/internal/facts"

// logged says where modules give their reasons; try's child logs under the command's name.
const logged = "; modules give their reasons in the system log (journalctl -t " +
	"persistent-keyring, or auth.log)"

// Trial returns what is wrong with a session that was tried.
func Trial(r *facts.Trial) (findings []facts.Finding) {
	add := func(text string) { findings = append(findings, facts.Finding{Text: text}) }
	if r.Refused != nil {
		return []facts.Finding{{Text: "nothing was tried: " + r.Refused.Text,
			Fix: r.Refused.Fix}}
	}
	if r.Problem != nil {
		add("nothing could be tried: " + r.Problem.Error())
		return findings
	}
	switch {
	case r.OpenErr != nil:
		add(r.OpenErr.Error() + ": no session is opened for this user" + logged)
	case r.Inside.Session == nil && !r.Linked:
		add(NoSession(r.Inside.Err).Text + logged)
	case !r.Linked:
		add("the session does not possess the persistent keyring: " + whyNotLinked(r) + logged)
	}
	if r.CloseErr != nil {
		add(r.CloseErr.Error())
	}
	return findings
}

// whyNotLinked says by the session keyring which module has not done its work.
func whyNotLinked(r *facts.Trial) string {
	if !r.Fresh {
		return "neither pam_keyinit.so nor " + "pam_persistent.so" +
			" has joined a session keyring: it still has the one of before"
	}
	return "a session keyring was joined for it, but " + "pam_persistent.so" +
		" has not run, has failed, or ran before that keyring was joined"
}
