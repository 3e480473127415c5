// Package krb5 knows MIT Kerberos: it reads the credential caches that the library keeps in keys
// and the library's configuration, and runs its programs.
package krb5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"pam_persistent/internal/facts"
)

// Descriptions of keys. A collection of caches is a keyring named CollectionName. Each cache is a
// keyring in it, and a key named PrimaryKey holds the name of the cache that programs use by
// default. In a cache, a key named PrincipalKey holds the name of its principal, and every other
// key whose name does not begin with "__krb5_" holds one ticket. Payloads are in version 4 of the
// file format, without its header: big-endian numbers, and byte strings that follow their length.
//
// Source: MIT krb5, doc/formats/ccache_file_format and src/lib/krb5/ccache/cc_keyring.c.
const (
	CollectionName = "_krb"
	PrimaryKey     = facts.PrimaryKey
	PrincipalKey   = "__krb5_princ__"
)

// ParsePrincipal returns the name in the payload of a [PrincipalKey], in the form of
// krb5_unparse_name(3): "alice@EXAMPLE.ORG".
func ParsePrincipal(payload []byte) (string, error) {
	r := reader{rest: payload}
	p := r.principal()
	if err := r.end(); err != nil {
		return "", err
	}
	return p.String(), nil
}

// ParsePrimary returns the name of a cache in the payload of a [PrimaryKey].
func ParsePrimary(payload []byte) (string, error) {
	const known = 1
	r := reader{rest: payload}
	if version := r.number(); r.err == nil && version != known {
		return "", fmt.Errorf("unknown version %d (known: %d)", version, known)
	}
	name := string(r.bytes())
	if err := r.end(); err != nil {
		return "", err
	}
	return name, nil
}

// ParseTicket reads the payload of a ticket. It only checks that the parts after the times are
// complete, because they are useless without the server's key.
func ParseTicket(payload []byte) (facts.Ticket, error) {
	const settings = "X-CACHECONF:" // the realm of the library's settings
	r := reader{rest: payload}
	client, server := r.principal(), r.principal()
	r.skip(2) // encryption type of the session key
	r.bytes() // session key
	authenticated := r.time()
	t := facts.Ticket{
		Client: client.String(), Server: server.String(),
		Starts: r.time(), Ends: r.time(), RenewableUntil: r.time(),
		Setting: server.realm == settings,
		Granting: len(server.parts) == 2 && server.parts[0] == "krbtgt" &&
			server.parts[1] == client.realm && server.realm == client.realm,
	}
	if r.err != nil {
		return facts.Ticket{}, r.err
	}
	if t.Starts.IsZero() {
		t.Starts = authenticated
	}
	r.skip(1 + 4) // whether the session key is another ticket's; flags
	r.list()      // addresses
	r.list()      // authorization data
	r.bytes()     // the ticket
	r.bytes()     // the other ticket
	t.Whole = r.end() == nil
	return t, nil
}

type principal struct {
	realm string
	parts []string
}

// escape escapes special characters in names as krb5_unparse_name(3) does.
var escape = strings.NewReplacer(`\`, `\\`, "/", `\/`, "@", `\@`,
	"\n", `\n`, "\t", `\t`, "\b", `\b`, "\x00", `\0`)

func (p principal) String() string {
	parts := make([]string, len(p.parts))
	for i, part := range p.parts {
		parts[i] = escape.Replace(part)
	}
	return strings.Join(parts, "/") + "@" + escape.Replace(p.realm)
}

// reader reads one field after the other. After the first error, all fields are zero.
type reader struct {
	rest []byte
	err  error
}

// end returns the first error, or one about bytes that are left.
func (r *reader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = errors.New("extra bytes at the end")
	}
	return r.err
}

func (r *reader) skip(n uint32) []byte {
	if r.err != nil || uint64(n) > uint64(len(r.rest)) {
		r.err = errors.New("truncated")
		return nil
	}
	field := r.rest[:n]
	r.rest = r.rest[n:]
	return field
}

func (r *reader) number() uint32 {
	if field := r.skip(4); field != nil {
		return binary.BigEndian.Uint32(field)
	}
	return 0
}

func (r *reader) bytes() []byte { return r.skip(r.number()) }

// time reads seconds since 1970. MIT krb5 reads them as unsigned, so they last until 2106.
func (r *reader) time() time.Time {
	if seconds := r.number(); seconds != 0 {
		return time.Unix(int64(seconds), 0).UTC()
	}
	return time.Time{}
}

// list reads a number of byte strings, each with a type.
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
