package document

import (
	"pam_persistent/internal/facts"
)

// Document converts a key and all below it.
func KeyOf(k *facts.Key) Key {
	d := Key{
		Serial: k.Serial, State: string(k.State), Type: k.Type, Description: k.Description,
		Timer: TimerOf(k.Timeout), Bytes: k.Bytes, Again: k.Again,
		Principal: k.Principal, Ticket: ticketOf(k.Ticket), Keys: KeysOf(k.Keys),
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
func KeysOf(keys []*facts.Key) []Key {
	list := make([]Key, 0, len(keys))
	for _, key := range keys {
		list = append(list, KeyOf(key))
	}
	return list
}

func ticketOf(t *facts.Ticket) *Ticket {
	if t == nil {
		return nil
	}
	return &Ticket{Client: t.Client, Server: t.Server,
		Starts: Stamp(t.Starts), Ends: Stamp(t.Ends),
		RenewableUntil: Stamp(t.RenewableUntil), Setting: t.Setting}
}
