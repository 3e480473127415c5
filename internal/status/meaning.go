package status

import (
	"fmt"
	"strings"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keytree"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/show"
)

// Findings are what is not as it should be, each with what to do about it.
func (s *Status) Findings() (findings []string) {
	add := func(format string, args ...any) { findings = append(findings, fmt.Sprintf(format, args...)) }
	if s.NoPersistence != nil {
		add("no persistent keyring can be had: %v; persistent-keyring doctor tells why", s.NoPersistence)
	}
	if s.SessionErr != nil && s.NoPersistence == nil {
		add("the session keyring cannot be used: %v; log in anew, or run persistent-keyring exec", s.SessionErr)
	}
	switch {
	case s.Keyring == nil && s.NoPersistence == nil && s.cannotLook():
		add("/proc/keys cannot be read and the session has no link: there may be a persistent keyring or not")
	case s.Keyring == nil && s.NoPersistence == nil:
		add("there is no persistent keyring: log in through pam_persistent.so, or run persistent-keyring exec")
	case s.Keyring == nil:
	case s.Keyring.State == persistent.Expired:
		add("the persistent keyring has expired: persistent-keyring renew brings it back with its keys until the kernel collects it%s", s.soon())
	case s.Keyring.State == persistent.Revoked:
		add("the persistent keyring was revoked: the next login makes a new, empty one")
	case !s.Possessed:
		add("this session does not possess the persistent keyring: persistent-keyring exec runs a command that does; persistent-keyring doctor tells why a login did not link it")
	}
	if s.Quota != nil && UsedUp(*s.Quota) {
		add("the key quota is used up: no key and no session can be added; drop keys (keyctl unlink, kdestroy) or have kernel.keys.maxkeys and maxbytes raised")
	}
	return findings
}

func (s *Status) cannotLook() bool { return len(s.Unseen) > 0 && !s.TimerKnown }

func (s *Status) soon() string {
	if s.Collected == nil {
		return ""
	}
	return fmt.Sprintf(" (%s after expiry)", show.Duration(uint64(*s.Collected)))
}

// UsedUp tells that not even one more key (a session keyring takes one, and some
// bytes for its name) fits in.
func UsedUp(u keyctl.KeyUser) bool {
	const smallest = 10
	return u.QuotaKeys >= u.MaxKeys || u.QuotaBytes+smallest > u.MaxBytes
}

// Meaning says in one sentence what all this means for a logout now.
func (s *Status) Meaning() string {
	switch {
	case s.NoPersistence != nil:
		return "A logout now loses every key and ticket that this session keeps in keyrings: there are no persistent keyrings here."
	case s.Keyring == nil && s.cannotLook():
		return "What a logout now would leave cannot be seen."
	case s.Keyring == nil:
		return "A logout now loses every key and ticket that this session keeps in keyrings: there is no persistent keyring yet."
	case s.Keyring.State == persistent.Expired:
		return "A logout now changes nothing: the keyring has expired already, and what it held is lost unless it is renewed at once."
	case s.Keyring.State == persistent.Revoked:
		return "A logout now loses every key and ticket that this session keeps in keyrings: the persistent keyring was revoked."
	case s.Keyring.Keys == 0:
		return "A logout now leaves nothing behind: the persistent keyring is empty."
	}
	return fmt.Sprintf("A logout now leaves %s%s for the next login%s.%s", show.Count(s.Keyring.Keys, "key"), s.tickets(), s.within(), s.elsewhere())
}

// tickets names whose tickets are among the keys, and until when they are good.
func (s *Status) tickets() string {
	var caches []string
	if s.Holds != nil {
		s.Holds.Walk(func(key, in *keytree.Key) {
			if key.Ticket != nil && key.Ticket.Granting {
				caches = append(caches, fmt.Sprintf("%s (until %s)", show.Name(in.Principal), show.Time(key.Ticket.Ends)))
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
	text := ", if it comes before the keyring expires (" + s.left()
	if s.Setting != nil && *s.Setting > 0 {
		text += "; " + show.Duration(uint64(*s.Setting)) + " after a logout through pam_persistent.so"
	}
	return text + ")"
}

func (s *Status) elsewhere() string {
	if s.Possessed {
		return ""
	}
	return " What this session adds to its own keyrings is lost."
}
