package keytree

import (
	"time"

	"pam_persistent/internal/ccache"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/show"
)

// KeyJSON is the JSON form of a [Key].
type KeyJSON struct {
	Serial      keyctl.Serial `json:"serial"`
	State       State         `json:"state"`
	Type        string        `json:"type"`
	Description string        `json:"description"`
	UID         *uint32       `json:"uid"`
	Permissions string        `json:"permissions"`
	Timer       *show.Timer   `json:"timer"`
	Bytes       *int          `json:"bytes"`
	Again       bool          `json:"again"`
	Problem     string        `json:"problem"`
	Principal   string        `json:"principal"`
	Ticket      *TicketJSON   `json:"ticket"`
	Keys        []KeyJSON     `json:"keys"`
}

// TicketJSON is the JSON form of a [ccache.Ticket]; times are RFC 3339, or empty.
type TicketJSON struct {
	Client         string `json:"client"`
	Server         string `json:"server"`
	Starts         string `json:"starts"`
	Ends           string `json:"ends"`
	RenewableUntil string `json:"renewable_until"`
	Setting        bool   `json:"setting"`
}

// JSON converts a key and all below it.
func (k *Key) JSON() KeyJSON {
	j := KeyJSON{
		Serial: k.Serial, State: k.State, Type: k.Type, Description: k.Description,
		Timer: show.TimerOf(k.Timeout), Bytes: k.Bytes, Again: k.Again, Principal: k.Principal,
		Ticket: ticketJSON(k.Ticket), Keys: List(k.Keys),
	}
	if k.Type != "" {
		uid := k.UID
		j.UID, j.Permissions = &uid, k.Perm.String()
	}
	if k.Problem != nil {
		j.Problem = k.Problem.Error()
	}
	return j
}

// List converts keys; it is never nil, so that JSON has a list always.
func List(keys []*Key) []KeyJSON {
	list := make([]KeyJSON, 0, len(keys))
	for _, key := range keys {
		list = append(list, key.JSON())
	}
	return list
}

func ticketJSON(t *ccache.Ticket) *TicketJSON {
	if t == nil {
		return nil
	}
	return &TicketJSON{t.Client, t.Server, stamp(t.Starts), stamp(t.Ends), stamp(t.RenewableUntil), t.Setting}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
