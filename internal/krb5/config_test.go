package krb5

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pam_persistent/internal/facts"
)

func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)),
			0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func setting(value, file string, line int) facts.Setting {
	return facts.Setting{Value: value, File: file, Line: line}
}

func TestLook(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  facts.Setting // zero: none
	}{
		{"plain",
			map[string]string{"a": "[libdefaults]\n\tdefault_realm = X\n" +
				"  default_ccache_name = KEYRING:persistent:%{uid}\n"},
			setting("KEYRING:persistent:%{uid}", "a", 3)},
		{"commented out",
			map[string]string{"a": "[libdefaults]\n# default_ccache_name = A\n" +
				";default_ccache_name = B\n"}, facts.Setting{}},
		{"other section", map[string]string{"a": "[realms]\ndefault_ccache_name = A\n"},
			facts.Setting{}},
		{"in braces",
			map[string]string{"a": "[libdefaults]\n X = {\n default_ccache_name = A\n" +
				" }\n Y = { }\n default_ccache_name = B\n"}, setting("B", "a", 6)},
		{"quoted",
			map[string]string{"a": "[libdefaults]\ndefault_ccache_name = \"FILE:/x " +
				"y\"\n"}, setting("FILE:/x y", "a", 2)},
		{"includedir",
			map[string]string{"a": "includedir DIR/d\n[libdefaults]\n" +
				"default_ccache_name = A\n",
				"d/not.this~": "[libdefaults]\ndefault_ccache_name = C\n",
				"d/kcm":       "[libdefaults]\ndefault_ccache_name = KCM:\n"},
			setting("KCM:", "d/kcm", 2)},
		{"include", map[string]string{"a": "include DIR/x\n",
			"x": "[libdefaults]\ndefault_ccache_name = A\n"}, setting("A", "x", 2)},
		{"second file",
			map[string]string{"a": "[libdefaults]\n",
				"b": "[libdefaults]\ndefault_ccache_name = B\n"},
			setting("B", "b", 2)},
	} {
		dir := write(t, test.files)
		k := Look(dir, []string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}, "")
		var got facts.Setting
		if k.Setting != nil {
			got = *k.Setting
		}
		got.File = strings.TrimPrefix(got.File, dir+"/")
		if got != test.want || k.Missing || k.Err != nil {
			t.Errorf("%s: got %+v, want %+v", test.name, k, test.want)
		}
	}
}

func TestLookProblems(t *testing.T) {
	dir := write(t, map[string]string{"loop": "include DIR/loop\n",
		"hole": "include DIR/nowhere\n"})
	for _, name := range []string{"loop", "hole"} {
		k := Look(dir, []string{filepath.Join(dir, name)}, "")
		if k.Err == nil || k.Missing {
			t.Errorf("%s: %+v", name, k)
		}
	}
	k := Look(dir, []string{filepath.Join(dir, "none")}, "")
	if k.Setting != nil || !k.Missing || k.Err != nil {
		t.Errorf("no file: %+v", k)
	}
}

func TestConfigFiles(t *testing.T) {
	t.Setenv("KRB5_CONFIG", "/a:/b")
	if got := ConfigFiles(); !reflect.DeepEqual(got, []string{"/a", "/b"}) {
		t.Error(got)
	}
	t.Setenv("KRB5_CONFIG", "")
	if got := ConfigFiles(); !reflect.DeepEqual(got, []string{"/etc/krb5.conf"}) {
		t.Error(got)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add("[libdefaults]\n default_ccache_name = KCM:\n")
	f.Add("include /x\n[a\nb = \"c\n}\n}\nd* = {\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range parseConfig(text) {
			if e.line < 1 || e.line > strings.Count(text, "\n")+1 ||
				e.section == "" && e.key != "include" && e.key != "includedir" {
				t.Errorf("%+v", e)
			}
		}
	})
}
