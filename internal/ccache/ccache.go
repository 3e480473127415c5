// Package ccache reads what MIT Kerberos keeps in keys: the principal of a
// credential cache and the tickets in it.
//
// A cache is a keyring; in it a key named [PrincipalKey] holds whose cache it is,
// and every other key whose name does not begin with "__krb5_" one ticket.
// Payloads have the form of version 4 of the file format, without its header:
// big-endian numbers, and byte strings that follow their length.
//
// Source: MIT krb5, doc/formats/ccache_file_format and src/lib/krb5/ccache/cc_keyring.c.
package ccache

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// PrincipalKey is the description of the key that makes a keyring a cache.
const PrincipalKey = "__krb5_princ__"

// settingRealm is the realm of entries that are no tickets but settings of the
// library, such as which preauthentication was used.
const settingRealm = "X-CACHECONF:"

// Ticket is one credential. Times that the cache does not state are zero.
type Ticket struct {
	Client, Server string
	Starts, Ends   time.Time
	RenewableUntil time.Time
	Setting        bool // no ticket, but a setting of the library
	Granting       bool // a ticket-granting ticket of the client's realm
}

var errShort = errors.New("cut off in the middle")
var errLong = errors.New("more bytes than a principal has")

// ParsePrincipal gives the name that the payload of a [PrincipalKey] holds, in the
// form of krb5_unparse_name(3): "alice@EXAMPLE.ORG".
func ParsePrincipal(payload []byte) (string, error) {
	r := reader{rest: payload}
	p := r.principal()
	if r.err == nil && len(r.rest) > 0 {
		r.err = errLong
	}
	if r.err != nil {
		return "", r.err
	}
	return p.String(), nil
}

// ParseTicket reads the payload of a ticket as far as its times; the encrypted
// parts that follow them are of no use without the server's key.
func ParseTicket(payload []byte) (Ticket, error) {
	r := reader{rest: payload}
	client, server := r.principal(), r.principal()
	r.skip(2) // encryption type of the session key, which nobody needs to see
	r.bytes()
	r.time() // of the first authentication
	t := Ticket{
		Client:         client.String(),
		Server:         server.String(),
		Starts:         r.time(),
		Ends:           r.time(),
		RenewableUntil: r.time(),
		Setting:        server.realm == settingRealm,
		Granting: len(server.parts) == 2 && server.parts[0] == "krbtgt" &&
			server.parts[1] == client.realm,
	}
	if r.err != nil {
		return Ticket{}, r.err
	}
	return t, nil
}

type principal struct {
	realm string
	parts []string
}

// escape is what krb5_unparse_name(3) does to the characters that have a meaning
// in a name.
var escape = strings.NewReplacer(`\`, `\\`, "/", `\/`, "@", `\@`, "\n", `\n`, "\t", `\t`, "\b",
	`\b`, "\x00", `\0`)

func (p principal) String() string {
	parts := make([]string, len(p.parts))
	for i, part := range p.parts {
		parts[i] = escape.Replace(part)
	}
	return strings.Join(parts, "/") + "@" + escape.Replace(p.realm)
}

// reader takes one field after the other; after the first error all are zero.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) skip(n uint32) []byte {
	if r.err != nil || uint64(n) > uint64(len(r.rest)) {
		r.err = errShort
		return nil
	}
	field := r.rest[:n]
	r.rest = r.rest[n:]
	return field
}

func (r *reader) number() uint32 {
	field := r.skip(4)
	if field == nil {
		return 0
	}
	return binary.BigEndian.Uint32(field)
}

func (r *reader) bytes() []byte { return r.skip(r.number()) }

// time reads seconds since 1970. MIT krb5 takes them as unsigned, good until 2106.
func (r *reader) time() time.Time {
	seconds := r.number()
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

func (r *reader) principal() (p principal) {
	r.skip(4) // name type
	count := r.number()
	p.realm = string(r.bytes())
	for ; count > 0 && r.err == nil; count-- {
		p.parts = append(p.parts, string(r.bytes()))
	}
	return p
}
