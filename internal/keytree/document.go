package keytree

import (
	"pam_persistent/internal/ccache"
	"pam_persistent/internal/document"
)

// Document converts a key and all below it.
func (k *Key) Document() document.Key {
	d := document.Key{
		Serial: k.Serial, State: string(k.State), Type: k.Type, Description: k.Description,
		Timer: document.TimerOf(k.Timeout), Bytes: k.Bytes, Again: k.Again,
		Principal: k.Principal, Ticket: ticket(k.Ticket), Keys: Documents(k.Keys),
	}
	if k.Type != "" {
		uid := k.UID
		d.UID, d.Permissions = &uid, k.Perm.String()
	}
	if k.Problem != nil {
		d.Problem = k.Problem.Error()
	}
	return d
}

// Documents converts keys; it is never nil, so that JSON has a list always.
func Documents(keys []*Key) []document.Key {
	list := make([]document.Key, 0, len(keys))
	for _, key := range keys {
		list = append(list, key.Document())
	}
	return list
}

func ticket(t *ccache.Ticket) *document.Ticket {
	if t == nil {
		return nil
	}
	return &document.Ticket{Client: t.Client, Server: t.Server,
		Starts: document.Stamp(t.Starts), Ends: document.Stamp(t.Ends),
		RenewableUntil: document.Stamp(t.RenewableUntil), Setting: t.Setting}
}
