package finding

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pam_persistent/internal/facts"
)

const me = 4210

type (
	status = facts.Status
	trial  = facts.Trial
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// good is a session in which nothing is wrong. A row of a table changes what it is about.
func good() *facts.Status {
	setting := uint32(259200)
	holds := &facts.Key{Serial: 7, State: facts.Valid, Type: "keyring", Keys: []*facts.Key{
		{Serial: 8, State: facts.Valid, Type: "user", Description: "kept"}}}
	return &facts.Status{Account: facts.Account{UID: me, Name: "alice"}, Now: noon,
		Session: 5, SessionName: "_ses", Kernel: facts.Kernel{Expiry: setting},
		TimerKnown: true, Possessed: true, Holds: holds,
		Keyring: &facts.Keyring{UID: me, Serial: 7, State: facts.Valid, Keys: 1,
			Timeout: facts.Timeout{Kind: facts.Running, Seconds: 172800, Unit: 86400}},
		Setting: &setting,
		Quota: &facts.Quota{UID: me, QuotaKeys: 3, MaxKeys: 200, QuotaBytes: 99,
			MaxBytes: 20000}}
}

// Each row is a change of a session in which all is good, the only finding of it, and how the
// sentence for a logout begins.
func TestStatus(t *testing.T) {
	const lost = "If you log out now, every key and ticket that this session has in keyrings " +
		"is lost: "
	for name, row := range map[string]struct {
		change  func(*status)
		finding string
		meaning string
	}{
		"good": {func(*status) {}, "",
			"If you log out now, 1 key stays for 2 to 3 days."},
		"no persistent keyrings": {func(s *status) {
			s.Kernel.NoPersistent, s.Keyring = errors.New("EOPNOTSUPP"), nil
			s.Kernel.Unsupported = true
		}, "EOPNOTSUPP; fix: in the kernel's configuration: CONFIG_PERSISTENT_KEYRINGS=y",
			lost + "there are no persistent keyrings here."},
		"keyctl forbidden": {func(s *status) {
			s.Kernel.NoPersistent, s.Keyring = errors.New("EPERM"), nil
			s.Kernel.Forbidden, s.Kernel.Container = true, "Podman"
		}, "EPERM; this is a container (Podman); fix: as an option of podman run, with",
			lost + "there are no persistent keyrings here."},
		"no keys": {func(s *status) { s.Kernel.NoKeys = errors.New("EPERM") },
			"persistent keyrings are available, but programs cannot store or find",
			"If you log out now, 1 key stays"},
		"too short an expiry": {func(s *status) { s.Kernel.Expiry = 90 },
			"a persistent keyring expires 90 seconds after the last login or logout",
			"If you log out now, 1 key stays"},
		"a session keyring of bob's": {func(s *status) {
			s.OthersSession, s.Possessed = true, false
		}, "the session does not possess the persistent keyring: the login did not link " +
			"it, or the session keyring was replaced since; fix: persistent-keyring " +
			"exec",
			"If you log out now, 1 key stays"},
		"nested too deep": {func(s *status) {
			for range 7 {
				s.Holds = &facts.Key{State: facts.Valid, Type: "keyring",
					Keys: []*facts.Key{s.Holds}}
			}
		}, "keyrings are nested 7 deep in the persistent keyring, and the kernel links " +
			"none with more than 6: no login finds it, and no renewal resets its " +
			"timer; fix: in a session that possesses it: persistent-keyring clear",
			"If you log out now, 1 key stays"},
		"dead session": {func(s *status) {
			s.SessionErr, s.Possessed = errors.New("EKEYREVOKED"), false
		}, "the session keyring cannot be used: EKEYREVOKED; fix: persistent-keyring " +
			"attach",
			"If you log out now, 1 key stays for 2 to 3 days. What this session adds"},
		"/proc/keys unreadable": {func(s *status) {
			s.Keyring, s.TimerKnown, s.Unseen = nil, false, []error{errors.New(
				"EACCES")}
		}, "/proc/keys cannot be read and the session has no link: there may be",
			"It is not known what a logout now would leave."},
		"none": {func(s *status) { s.Keyring = nil },
			"there is no persistent keyring: no login has gone through " +
				"pam_persistent.so",
			lost + "there is no persistent keyring yet."},
		"another's none": {func(s *status) { s.Keyring, s.Others = nil, true },
			"alice has no persistent keyring: no login has gone through",
			"For the next login of alice, nothing is kept: there is no persistent"},
		"expired": {func(s *status) { s.Keyring.State = facts.Expired },
			"the persistent keyring has expired: its keys are out of reach, and gone " +
				"when the garbage collector takes it; fix: persistent-keyring " +
				"renew",
			"If you log out now, nothing stays: the keyring has expired already"},
		"another's revoked": {func(s *status) {
			s.Keyring.State, s.Others = facts.Revoked, true
		}, "the persistent keyring of alice was revoked: the next login makes a new, " +
			"empty one",
			"For the next login of alice, nothing is kept"},
		"another's expired": {func(s *status) {
			s.Keyring.State, s.Others = facts.Expired, true
		}, "the persistent keyring of alice has expired: its keys are out of reach, and " +
			"gone when the garbage collector takes it; fix: persistent-keyring renew " +
			"alice",
			"For the next login of alice, nothing stays"},
		"revoked": {func(s *status) { s.Keyring.State = facts.Revoked },
			"the persistent keyring was revoked: the next login makes a new, empty one",
			lost + "the persistent keyring was revoked."},
		"not possessed": {func(s *status) { s.Possessed = false },
			"the session does not possess the persistent keyring: the login did not",
			"If you log out now, 1 key stays for 2 to 3 days. What this session adds"},
		"another's, not possessed": {func(s *status) {
			s.Possessed, s.Others = false, true
		}, "", "For the next login of alice, 1 key stays for 2 to 3 days."},
		"empty": {func(s *status) { s.Keyring.Keys = 0 }, "",
			"If you log out now, nothing stays: the persistent keyring is empty."},
		"quota used up": {func(s *status) { s.Quota.QuotaKeys = 200 },
			"the key quota is used up: 200 of 200 keys and 99 of 20000 bytes used",
			"If you log out now, 1 key stays"},
		"another's quota": {func(s *status) { s.Quota.QuotaKeys, s.Others = 200, true },
			"the key quota of alice is used up: 200 of 200 keys and 99 of 20000 bytes",
			"For the next login of alice, 1 key stays"},
		"quota nearly used up": {func(s *status) { s.Quota.QuotaKeys = 190 },
			"the key quota is nearly used up: 190 of 200 keys and 99 of 20000 bytes " +
				"used",
			"If you log out now, 1 key stays"},
		"never expires": {func(s *status) { s.Keyring.Timeout.Kind = facts.Never },
			"", "If you log out now, 1 key stays permanently."},
		"less than the full time": {func(s *status) {
			s.Keyring.Timeout = facts.Timeout{Kind: facts.Running, Seconds: 3600,
				Unit: 3600}
		}, "", "If you log out now, 1 key stays for 1 to 2 hours (3 days after a logout " +
			"through pam_persistent.so)."},
		"ended tickets": {func(s *status) {
			ticket := &facts.Ticket{Ends: noon.Add(-time.Hour), Granting: true}
			s.Holds.Keys[0] = &facts.Key{State: facts.Valid, Type: "user",
				Ticket: ticket}
		}, "", "If you log out now, nothing stays: all that the persistent keyring holds"},
		"the name of the primary cache alone": {func(s *status) {
			s.Holds.Keys[0].Description = facts.PrimaryKey
		}, "", "If you log out now, nothing stays: the persistent keyring holds no key of"},
	} {
		s := good()
		row.change(s)
		findings := Status(s)
		texts := ""
		for _, f := range findings {
			texts += f.String()
			if f.Level != facts.Wrong && !strings.Contains(name, "nearly") {
				t.Errorf("%s: level %q of %s", name, f.Level, f)
			}
		}
		if len(findings) > 1 || !strings.HasPrefix(texts, row.finding) ||
			(texts == "") != (row.finding == "") {
			t.Errorf("%s: findings %v, want %q", name, findings, row.finding)
		}
		if got := Meaning(s); !strings.HasPrefix(got, row.meaning) {
			t.Errorf("%s: %q, want %q", name, got, row.meaning)
		}
	}
}

// A session that was tried: what is wrong with it, or nothing.
func TestTrial(t *testing.T) {
	session := &facts.Key{Serial: 5, State: facts.Valid, Type: "keyring"}
	linked := facts.Trial{Fresh: true, Linked: true, Inside: facts.View{Session: session}}
	for name, row := range map[string]struct {
		change func(*trial)
		want   string
	}{
		"good": {func(*trial) {}, ""},
		"not opened": {func(r *trial) { r.OpenErr = errors.New("pam_open_session: x") },
			"pam_open_session: x: no session is opened for this user; modules give"},
		"not closed": {func(r *trial) { r.CloseErr = errors.New("pam_end: x") },
			"pam_end: x"},
		"no session keyring": {func(r *trial) {
			r.Linked, r.Inside = false, facts.View{Err: errors.New("EKEYREVOKED")}
		}, "the session keyring cannot be used: EKEYREVOKED; modules give"},
		"no keyring joined": {func(r *trial) { r.Linked, r.Fresh = false, false },
			"the session does not possess the persistent keyring: neither " +
				"pam_keyinit.so"},
		"not linked": {func(r *trial) { r.Linked = false },
			"the session does not possess the persistent keyring: a session keyring " +
				"was"},
		"nothing tried": {func(r *trial) { r.Problem = errors.New("EDQUOT") },
			"nothing could be tried: EDQUOT"},
		"refused": {func(r *trial) {
			r.Refused = &facts.Finding{Text: "/x is damaged", Fix: Command("fix it")}
		}, "nothing was tried: /x is damaged; fix: fix it"},
	} {
		r := linked
		row.change(&r)
		findings := Trial(&r)
		got := ""
		for _, f := range findings {
			got += f.String()
		}
		if len(findings) > 1 || !strings.HasPrefix(got, row.want) ||
			(got == "") != (row.want == "") {
			t.Errorf("%s: %v, want %q", name, findings, row.want)
		}
	}
}
