package status

import (
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keytree"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/show"
)

// JSON is the JSON form of a [Status].
type JSON struct {
	UID             uint32            `json:"uid"`
	User            string            `json:"user"`
	Keyring         *KeyringJSON      `json:"keyring"`
	Session         SessionJSON       `json:"session"`
	Possessed       bool              `json:"possessed"`
	Through         []StepJSON        `json:"through"`
	Holds           []keytree.KeyJSON `json:"holds"`
	Quota           *QuotaJSON        `json:"quota"`
	RenewalSeconds  *uint32           `json:"renewal_s"`
	CredentialCache string            `json:"credential_cache"`
	Unseen          []string          `json:"unseen"`
	Findings        []string          `json:"findings"`
	Meaning         string            `json:"meaning"`
}

// KeyringJSON is the JSON form of a persistent keyring.
type KeyringJSON struct {
	Serial keyctl.Serial    `json:"serial"`
	State  persistent.State `json:"state"`
	Timer  *show.Timer      `json:"timer"`
	Keys   int              `json:"keys"`
}

// SessionJSON is the session keyring.
type SessionJSON struct {
	Serial      keyctl.Serial `json:"serial"`
	Description string        `json:"description"`
	Problem     string        `json:"problem"`
}

// StepJSON is one keyring on the way from the session to the persistent keyring.
type StepJSON struct {
	Serial      keyctl.Serial `json:"serial"`
	Description string        `json:"description"`
}

// QuotaJSON is what the user's keys cost, and may.
type QuotaJSON struct {
	KeysUsed  int `json:"keys_used"`
	KeysMax   int `json:"keys_max"`
	BytesUsed int `json:"bytes_used"`
	BytesMax  int `json:"bytes_max"`
}

// JSON converts a status.
func (s *Status) JSON() JSON {
	j := JSON{
		UID: s.UID, User: s.User, Session: SessionJSON{Serial: s.Session, Description: s.SessionName}, Possessed: s.Possessed,
		Through: []StepJSON{}, Holds: []keytree.KeyJSON{}, Quota: QuotaOf(s.Quota), RenewalSeconds: s.Setting,
		CredentialCache: s.Ccache, Unseen: []string{}, Findings: append([]string{}, s.Findings()...), Meaning: s.Meaning(),
	}
	if s.SessionErr != nil {
		j.Session.Problem = s.SessionErr.Error()
	}
	if s.Keyring != nil {
		j.Keyring = KeyringOf(*s.Keyring, s.TimerKnown)
	}
	for _, key := range s.Through {
		j.Through = append(j.Through, StepJSON{key.Serial, key.Description})
	}
	if s.Holds != nil {
		j.Holds = keytree.List(s.Holds.Keys)
	}
	for _, err := range s.Unseen {
		j.Unseen = append(j.Unseen, err.Error())
	}
	return j
}

// KeyringOf converts a persistent keyring.
func KeyringOf(k persistent.Keyring, timerKnown bool) *KeyringJSON {
	j := &KeyringJSON{Serial: k.Serial, State: k.State, Keys: k.Keys}
	if timerKnown {
		j.Timer = show.TimerOf(&k.Timeout)
	}
	return j
}

// QuotaOf converts a line of /proc/key-users; nil stays nil.
func QuotaOf(u *keyctl.KeyUser) *QuotaJSON {
	if u == nil {
		return nil
	}
	return &QuotaJSON{u.QuotaKeys, u.MaxKeys, u.QuotaBytes, u.MaxBytes}
}
