// Package document holds the types of the JSON documents that persistent-keyring prints with
// --json, named after its subcommands. schema.json says what each field means, and a test compares
// the two. The documents are a contract: a field may be added, none is renamed, removed or given
// another meaning.
package document

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"pam_persistent/internal/facts"
)

// Schema is the JSON Schema of the documents; each one is a definition, such as "status".
//
//go:embed schema.json
var Schema []byte

// Version is the version of the contract. It changes only with a document that breaks the contract.
const Version = 1

// Write writes a document in ASCII, because a terminal may take other characters for control
// characters. Bytes that are not UTF-8 become U+FFFD.
func Write(out io.Writer, document any) error {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, ascii(string(text))+"\n")
	return err
}

// ascii escapes DEL and what is not ASCII. In JSON that can only be within strings.
func ascii(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		if unit < 0x7f {
			b.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

type Status struct {
	Version         int               `json:"version"`
	UID             uint32            `json:"uid"`
	User            string            `json:"user"`
	Keyring         *Keyring          `json:"keyring"`
	Session         Session           `json:"session"`
	Possessed       bool              `json:"possessed"`
	Through         []Step            `json:"through"`
	Holds           []Key             `json:"holds"`
	Quota           *Quota            `json:"quota"`
	RenewalSeconds  *uint32           `json:"renewal_s"`
	CredentialCache string            `json:"credential_cache"`
	DefaultCache    string            `json:"default_cache"`
	Elsewhere       []CredentialCache `json:"elsewhere"`
	Unseen          []string          `json:"unseen"`
	Findings        []string          `json:"findings"`
	Meaning         string            `json:"meaning"`
}

// CredentialCache is a cache of Kerberos outside of the persistent keyring.
type CredentialCache struct {
	Name      string `json:"name"`
	Principal string `json:"principal"`
	Expired   bool   `json:"expired"`
}

// Keyring is a persistent keyring.
type Keyring struct {
	Serial facts.Serial `json:"serial"`
	State  string       `json:"state"`
	Timer  *Timer       `json:"timer"`
	Keys   int          `json:"keys"`
}

// Timer is the time that a key has left: at least AtLeast and less than LessThan seconds, both of
// which are 0 unless State is "running".
type Timer struct {
	State    string `json:"state"`
	AtLeast  uint64 `json:"at_least_s"`
	LessThan uint64 `json:"less_than_s"`
}

// Session is a session keyring.
type Session struct {
	Serial      facts.Serial `json:"serial"`
	Description string       `json:"description"`
	Problem     string       `json:"problem"`
}

// Step is a keyring on the way from the session keyring to the persistent keyring.
type Step struct {
	Serial      facts.Serial `json:"serial"`
	Description string       `json:"description"`
}

// Quota is the key quota of a user.
type Quota struct {
	KeysUsed  int `json:"keys_used"`
	KeysMax   int `json:"keys_max"`
	BytesUsed int `json:"bytes_used"`
	BytesMax  int `json:"bytes_max"`
}

// Key is a key, and all keys in it if it is a keyring.
type Key struct {
	Serial      facts.Serial `json:"serial"`
	State       string       `json:"state"`
	Type        string       `json:"type"`
	Description string       `json:"description"`
	UID         *uint32      `json:"uid"`
	Permissions string       `json:"permissions"`
	Timer       *Timer       `json:"timer"`
	Bytes       *int         `json:"bytes"`
	Again       bool         `json:"again"`
	Problem     string       `json:"problem"`
	Principal   string       `json:"principal"`
	Ticket      *Ticket      `json:"ticket"`
	Keys        []Key        `json:"keys"`
}

// Ticket is a Kerberos ticket; its times are RFC 3339, or empty.
type Ticket struct {
	Client         string `json:"client"`
	Server         string `json:"server"`
	Starts         string `json:"starts"`
	Ends           string `json:"ends"`
	RenewableUntil string `json:"renewable_until"`
	Setting        bool   `json:"setting"`
}

// Changes is the document of the subcommands keep and drop.
type Changes struct {
	Version int         `json:"version"`
	Keys    []KeyChange `json:"keys"`
}

// KeyChange is what was done with one key.
type KeyChange struct {
	Name        string       `json:"name"`
	Serial      facts.Serial `json:"serial"`
	Type        string       `json:"type"`
	Description string       `json:"description"`
	Result      string       `json:"result"`
	Problem     string       `json:"problem"`
}

type Attach struct {
	Version int          `json:"version"`
	PID     int          `json:"pid"`
	Program string       `json:"program"`
	Session facts.Serial `json:"session"`
	Keyring facts.Serial `json:"keyring"`
	Result  string       `json:"result"`
	Problem string       `json:"problem"`
}

type List struct {
	Version  int      `json:"version"`
	Keyrings []Listed `json:"keyrings"`
	Unseen   []string `json:"unseen"`
	Findings []string `json:"findings"`
}

// Listed is a persistent keyring and its owner.
type Listed struct {
	UID  uint32 `json:"uid"`
	User string `json:"user"`
	Keyring
	Quota *Quota `json:"quota"`
}

type Doctor struct {
	Version int      `json:"version"`
	Results []Result `json:"results"`
}

// Result is one line of an examination.
type Result struct {
	Check string `json:"check"`
	Level string `json:"level"`
	Text  string `json:"text"`
	Fix   Fix    `json:"fix"`
}

// Fix is what fixes a result; the zero value if nothing has to be done.
type Fix struct {
	Where string `json:"where"` // "in FILE after line N"; "" for a command
	Lines string `json:"lines"` // to be typed exactly as they are
}

type Try struct {
	Version    int      `json:"version"`
	Service    string   `json:"service"`
	User       string   `json:"user"`
	UID        uint32   `json:"uid"`
	Before     View     `json:"before"`
	After      View     `json:"after"`
	Linked     bool     `json:"linked"`
	OpenMillis float64  `json:"open_ms"`
	Messages   []string `json:"messages"`
	Ccache     string   `json:"credential_cache"`
	Findings   []string `json:"findings"`
	Setup      []Result `json:"setup"`
}

type Prune struct {
	Version int          `json:"version"`
	UID     uint32       `json:"uid"`
	User    string       `json:"user"`
	Caches  []Superseded `json:"caches"`
	Unread  []string     `json:"unread"`
}

// Superseded is a ticket cache that a newer one of the same principal supersedes.
type Superseded struct {
	Cache     string `json:"cache"`
	Principal string `json:"principal"`
	Ends      string `json:"ends"`
	Bytes     int    `json:"bytes"`
	By        string `json:"superseded_by"`
	ByEnds    string `json:"superseded_by_ends"`
	Removed   bool   `json:"removed"`
	Problem   string `json:"problem"`
}

type Renew struct {
	Version  int       `json:"version"`
	Users    []Renewal `json:"users"`
	Problems []string  `json:"problems"`
}

// Renewal is the result of renewing one user's persistent keyring, and the tickets in it.
type Renewal struct {
	UID     uint32          `json:"uid"`
	User    string          `json:"user"`
	Result  string          `json:"result"`
	Serial  facts.Serial    `json:"serial"`
	Before  *Timer          `json:"before"`
	After   *Timer          `json:"after"`
	New     bool            `json:"new"`
	Problem string          `json:"problem"`
	Caches  []TicketRenewal `json:"caches"`
}

// TicketRenewal is the result of renewing the ticket in one cache; the times are RFC 3339, or
// empty.
type TicketRenewal struct {
	Cache          string `json:"cache"`
	Principal      string `json:"principal"`
	Result         string `json:"result"`
	Before         string `json:"before"`
	After          string `json:"after"`
	RenewableUntil string `json:"renewable_until"`
	Problem        string `json:"problem"`
}

// View is what a user sees of the keyrings.
type View struct {
	Session *Key     `json:"session"`
	Keyring *Keyring `json:"keyring"`
	Holds   []Key    `json:"holds"`
	Problem string   `json:"problem"`
}
