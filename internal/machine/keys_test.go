package machine

import (
	"fmt"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl"
)

// Who eats a quota is said by the kind of keys, and forged lines do not count.
func TestLargest(t *testing.T) {
	const uid = 1000
	id := strings.Repeat("0123456789abcdef", 4)
	key := func(typ, description, info string) keyctl.KeyInfo {
		return keyctl.KeyInfo{UID: uid, Type: typ, Description: description, Info: info,
			Flags: "IQ"}
	}
	several := func(n int, make func(i int) keyctl.KeyInfo) (keys []keyctl.KeyInfo) {
		for i := range n {
			keys = append(keys, make(i))
		}
		return keys
	}
	containers := append(several(30, func(i int) keyctl.KeyInfo {
		return key("keyring", "_ses."+id[:60]+fmt.Sprint(i), "1")
	}), several(30, func(int) keyctl.KeyInfo { return key("keyring", id, "empty") })...)
	logins := several(40, func(int) keyctl.KeyInfo { return key("keyring", "_ses", "2") })
	tickets := several(9, func(i int) keyctl.KeyInfo {
		return key("user", fmt.Sprintf("host/%d@EXAMPLE.ORG", i), "1500")
	})
	others := several(500, func(int) keyctl.KeyInfo {
		return keyctl.KeyInfo{UID: uid + 1, Type: "user", Flags: "IQ"}
	})
	for _, test := range []struct {
		name             string
		keys             []keyctl.KeyInfo
		usedKeys, usedBy int
		want             string
	}{
		{"containers", append(containers, logins...), 199, 2000,
			"60 session keyrings of containers (_ses.ID)"},
		{"logins", append(logins, tickets...), 199, 2000,
			"40 session keyrings of logins (_ses), 520 bytes"},
		{"tickets", append(logins, tickets...), 49, 19999, "9 keys of Kerberos caches"},
		{"of others", append(others, logins...), 199, 2000, "40 session keyrings"},
		{"nothing readable", nil, 199, 2000, "0 , 0"},
	} {
		u := keyctl.KeyUser{UID: uid, QuotaKeys: test.usedKeys, MaxKeys: 200,
			QuotaBytes: test.usedBy, MaxBytes: 20000}
		most := largest(u, test.keys)
		got := fmt.Sprintf("%d %s, %d bytes", most.Keys, most.Kind, most.Bytes)
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestCost(t *testing.T) {
	for _, test := range []struct {
		typ, description, info string
		want                   int
	}{
		{"keyring", "_ses", "empty", 5}, {"keyring", "_ses", "3", 17},
		{"user", "abc", "100", 104}, {"logon", "a:b", "7", 11},
		{"big_key", "x", "9000", 18},
		{"asymmetri", "cert", "X509.rsa 1234", 5},
	} {
		if got := cost(keyctl.KeyInfo{Type: test.typ, Description: test.description,
			Info: test.info}); got != test.want {
			t.Errorf("%+v: got %d", test, got)
		}
	}
}
