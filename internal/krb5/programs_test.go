package krb5

import (
	"os"
	"path/filepath"
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

// kinit begins its message with the name of its file, which Debian may have given a suffix.
func TestRenewNamesKinitOnce(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"kinit", "kinit.mit"} {
		path := filepath.Join(dir, name)
		script := "#!/bin/sh\necho \"${0##*/}: Cannot contact any KDC\" >&2\nexit 1\n"
		if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		const want = "kinit: Cannot contact any KDC"
		if err := Renew(path, "FILE:/nowhere"); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
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
