// Package ccache reads what MIT Kerberos keeps in keys: the principal of a
// credential cache and the tickets in it.
//
// A collection of caches is a keyring named [CollectionName]. Each cache is a keyring in it, and a
// key named [PrimaryKey] holds the name of the one that programs use if they are not told another.
// In a cache, a key named [PrincipalKey] holds whose cache it is, and every other key whose name
// does not begin with "__krb5_" one ticket.
// Payloads have the form of version 4 of the file format, without its header:
// big-endian numbers, and byte strings that follow their length.
//
// Source: MIT krb5, doc/formats/ccache_file_format and src/lib/krb5/ccache/cc_keyring.c.
package krb5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"pam_persistent/internal/facts"
)

// Descriptions of keys.
const (
	PrincipalKey   = "__krb5_princ__" // makes a keyring a cache
	CollectionName = "_krb"           // the keyring of caches in a persistent keyring
	PrimaryKey     = "krb_ccache:primary"
)

// settingRealm is the realm of entries that are no tickets but settings of the
// library, such as which preauthentication was used.
const settingRealm = "X-CACHECONF:"

var errShort = errors.New("cut off in the middle")
var errLong = errors.New("more bytes than that has")

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

// ParsePrimary gives the name of a cache that the payload of a [PrimaryKey] holds.
func ParsePrimary(payload []byte) (string, error) {
	r := reader{rest: payload}
	if version := r.number(); r.err == nil && version != primaryVersion {
		return "", fmt.Errorf("form %d, and not %d", version, primaryVersion)
	}
	name := string(r.bytes())
	if r.err == nil && len(r.rest) > 0 {
		r.err = errLong
	}
	if r.err != nil {
		return "", r.err
	}
	return name, nil
}

const primaryVersion = 1

// ParseTicket reads the payload of a ticket. Of the parts that follow its times, of which the
// encrypted ones are of no use without the server's key, it only tells whether they are there.
func ParseTicket(payload []byte) (facts.Ticket, error) {
	r := reader{rest: payload}
	client, server := r.principal(), r.principal()
	r.skip(2) // encryption type of the session key, which nobody needs to see
	r.bytes()
	authenticated := r.time()
	t := facts.Ticket{
		Client:         client.String(),
		Server:         server.String(),
		Starts:         r.time(),
		Ends:           r.time(),
		RenewableUntil: r.time(),
		Setting:        server.realm == settingRealm,
		Granting: len(server.parts) == 2 && server.parts[0] == "krbtgt" &&
			server.parts[1] == client.realm && server.realm == client.realm,
	}
	if r.err != nil {
		return facts.Ticket{}, r.err
	}
	if t.Starts.IsZero() {
		t.Starts = authenticated
	}
	t.Whole = r.encrypted()
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

// encrypted reads what follows a ticket's times, and tells whether that is all that is left.
func (r *reader) encrypted() bool {
	r.skip(1 + 4) // whether the key is that of another ticket; flags
	r.list()      // addresses
	r.list()      // authorization data
	r.bytes()     // the ticket
	r.bytes()     // the other ticket
	return r.err == nil && len(r.rest) == 0
}

// list reads entries, each with a type.
func (r *reader) list() {
	for count := r.number(); count > 0 && r.err == nil; count-- {
		r.skip(2)
		r.bytes()
	}
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
