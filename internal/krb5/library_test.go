package krb5

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// The variable comes before the configuration, in which the library expands %{uid}.
func TestDefaultCache(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "krb5.conf")
	text := "[libdefaults]\n\tdefault_ccache_name = FILE:/nowhere/%{uid}\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KRB5_CONFIG", conf)
	t.Setenv("KRB5CCNAME", "")
	os.Unsetenv("KRB5CCNAME") // Setenv puts it back
	name := DefaultCache()
	if name == "" {
		t.Skip("libkrb5.so.3 is not installed here")
	}
	if want := fmt.Sprint("FILE:/nowhere/", os.Getuid()); name != want {
		t.Errorf("%q, want %q", name, want)
	}
	t.Setenv("KRB5CCNAME", "KCM:")
	if name := DefaultCache(); name != "KCM:" {
		t.Errorf("%q, want KCM:", name)
	}
}
