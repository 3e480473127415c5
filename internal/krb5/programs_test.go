package krb5

import (
	"reflect"
	"testing"

	"pam_persistent/internal/facts"
)

// Lines as klist 1.20 prints them; tests/systems/kerberos has the real one.
func TestParseKlist(t *testing.T) {
	const top = "Principal name                 Cache name\n" +
		"--------------                 ----------\n"
	for text, want := range map[string][]facts.ListedCache{
		top: nil,
		top + "alice@EXAMPLE.ORG              FILE:/tmp/krb5cc_4210\n" +
			"a b/admin@EXAMPLE.ORG          DIR::/home/a/tkt (Expired)\n" +
			"a-principal-longer-than-its-column@EXAMPLE.ORG KCM:4210:1\n": {
			{Principal: "alice@EXAMPLE.ORG", Name: "FILE:/tmp/krb5cc_4210"},
			{Principal: "a b/admin@EXAMPLE.ORG", Name: "DIR::/home/a/tkt",
				Expired: true},
			{Principal: "a-principal-longer-than-its-column@EXAMPLE.ORG",
				Name: "KCM:4210:1"}},
	} {
		if got, ok := parseKlist(text); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", text, got, ok)
		}
	}
	// Heimdal's
	if got, ok := parseKlist("  Name  Cache name  Expires\n"); ok || got != nil {
		t.Errorf("%+v", got)
	}
}

func FuzzParseKlist(f *testing.F) {
	f.Add("Principal name Cache name\n--- ---\na@B FILE:/x (Expired)\n")
	f.Fuzz(func(t *testing.T, text string) {
		caches, ok := parseKlist(text)
		for _, cache := range caches {
			if !ok && len(text) == 0 || cache.Name == "" || cache.Principal == "" {
				t.Errorf("%+v", cache)
			}
		}
	})
}
