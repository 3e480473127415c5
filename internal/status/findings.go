package status

import (
	"fmt"
	"strings"

	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keytree"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/safe"
	"pam_persistent/internal/show"
)

// Findings are what is not as it should be.
func (s *Status) Findings() (findings []finding.Finding) {
	if s.NoPersistence != nil {
		findings = append(findings, finding.NoPersistent(s.NoPersistence))
	}
	findings = append(findings, s.SessionFindings()...)
	if s.Quota != nil {
		if f, usedUp, _ := finding.NearQuota(*s.Quota, s.Caches()); usedUp {
			f.Text = "the key quota is used up: " + f.Text
			findings = append(findings, f)
		}
	}
	return findings
}

// SessionFindings are those about the session and its way to the persistent keyring.
func (s *Status) SessionFindings() (findings []finding.Finding) {
	add := func(f finding.Finding) { findings = append(findings, f) }
	if s.SessionErr != nil && s.NoPersistence == nil {
		add(finding.NoSession(s.SessionErr))
	}
	switch {
	case s.Keyring == nil && s.NoPersistence != nil:
	case s.Keyring == nil && s.cannotLook():
		add(finding.Finding{Text: "/proc/keys cannot be read and the session has no " +
			"link: there may be a persistent keyring or not"})
	case s.Keyring == nil:
		add(finding.NoKeyring())
	case s.Keyring.State == persistent.Expired:
		add(finding.Expired("the persistent keyring", "persistent-keyring renew"))
	case s.Keyring.State == persistent.Revoked:
		add(finding.Revoked())
	case !s.Possessed && s.SessionErr == nil:
		add(finding.NotPossessed())
	}
	return findings
}

func (s *Status) cannotLook() bool { return len(s.Unseen) > 0 && !s.TimerKnown }

const lost = "A logout now loses every key and ticket that this session keeps in keyrings: "

// Meaning says in one sentence what all this means for a logout now.
func (s *Status) Meaning() string {
	switch {
	case s.NoPersistence != nil:
		return lost + "there are no persistent keyrings here."
	case s.Keyring == nil && s.cannotLook():
		return "What a logout now would leave cannot be seen."
	case s.Keyring == nil:
		return lost + "there is no persistent keyring yet."
	case s.Keyring.State == persistent.Expired:
		return "A logout now changes nothing: the keyring has expired already, " +
			"and what it held is lost unless it is renewed at once."
	case s.Keyring.State == persistent.Revoked:
		return lost + "the persistent keyring was revoked."
	case s.Keyring.Keys == 0:
		return "A logout now leaves nothing behind: the persistent keyring is empty."
	}
	return fmt.Sprintf("A logout now leaves %s%s for the next login%s.%s",
		show.Count(s.Keyring.Keys, "key"), s.tickets(), s.within(), s.elsewhere())
}

// tickets names whose tickets are among the keys, and until when they are good.
func (s *Status) tickets() string {
	var caches []string
	if s.Holds != nil {
		s.Holds.Walk(func(key, in *keytree.Key) {
			if key.Ticket != nil && key.Ticket.Granting {
				caches = append(caches, fmt.Sprintf("%s (until %s)",
					safe.Name(in.Principal), show.Time(key.Ticket.Ends)))
			}
		})
	}
	if len(caches) == 0 {
		return ""
	}
	return ", the tickets of " + strings.Join(caches, " and ") + " among them,"
}

func (s *Status) within() string {
	switch {
	case !s.TimerKnown:
		return ", as long as the keyring has not expired"
	case s.Keyring.Timeout.Kind == keyctl.Permanent:
		return ", whenever that is"
	}
	text := ", if it comes before the keyring expires (" + show.Expires(s.Keyring.Timeout)
	if s.Setting != nil && *s.Setting > 0 {
		text += "; " + show.Duration(uint64(*s.Setting)) +
			" after a logout through pam_persistent.so"
	}
	return text + ")"
}

func (s *Status) elsewhere() string {
	if s.Possessed {
		return ""
	}
	return " What this session adds to its own keyrings is lost."
}
