package machine

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pam_persistent/internal/facts"
)

func setting(value, file string, line int) facts.Setting {
	return facts.Setting{Value: value, File: file, Line: line}
}

func TestFind(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  facts.Setting
		found bool
	}{
		{"none", map[string]string{"sshd_config": "Port 22\n"}, facts.Setting{}, false},
		{"plain",
			map[string]string{"sshd_config": "# UsePAM no\n\nusepam yes # good\n" +
				"UsePAM no\n"}, setting("yes", "sshd_config", 3), true},
		{"equals and quotes", map[string]string{"sshd_config": "UsePAM = \"no\"\n"},
			setting("no", "sshd_config", 1), true},
		{"included first",
			map[string]string{"sshd_config": "Include d/*.conf\nUsePAM yes\n",
				"d/a.conf": "Port 1\n", "d/b.conf": "UsePAM no\n"},
			setting("no", "d/b.conf", 1), true},
		{"included in vain",
			map[string]string{"sshd_config": "Include d/*.conf nowhere\nUsePAM yes\n"},
			setting("yes", "sshd_config", 2), true},
		{"a bad line after it", map[string]string{"sshd_config": "UsePAM no\nInclude [\n"},
			setting("no", "sshd_config", 1), true},
		{"after Match", map[string]string{"sshd_config": "Match user x\nUsePAM yes\n"},
			facts.Setting{}, false},
		{"Match ends with its file",
			map[string]string{"sshd_config": "Include m\nUsePAM yes\n",
				"m": "Match all\nPort 1\n"}, setting("yes", "sshd_config", 2),
			true},
	} {
		dir := t.TempDir()
		for name, text := range test.files {
			os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text),
				0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := lookAtSshd(filepath.Join(dir, "sshd_config"))
		var got facts.Setting
		if s.UsePAM != nil {
			got = *s.UsePAM
		}
		got.File = strings.TrimPrefix(got.File, dir+"/")
		if got != test.want || (s.UsePAM != nil) != test.found || s.Err != nil {
			t.Errorf("%s: got %+v, %v, want %+v", test.name, got, s.Err, test.want)
		}
	}
}

func TestFindLoop(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sshd_config")
	if err := os.WriteFile(file, []byte("Include "+file+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := lookAtSshd(file).Err; err == nil ||
		!strings.Contains(err.Error(), "include each other") {
		t.Errorf("got %v", err)
	}
}

func TestParse(t *testing.T) {
	got := parseSshdConfig("a b\n#c\nD 'e f' \"\" g#h #i\nj=k\n")
	want := []directive{{"a", []string{"b"}, 1}, {"d", []string{"e f", "", "g#h"}, 3},
		{"j", []string{"k"}, 4}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func FuzzParseSshdConfig(f *testing.F) {
	f.Add("UsePAM yes\nMatch user \"a b\"\n")
	f.Add("a=b=c '\n' \"")
	f.Add("Include /etc/ssh/sshd_config.d/*.conf # x\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range parseSshdConfig(text) {
			if d.Line < 1 || d.Line > strings.Count(text, "\n")+1 ||
				d.Keyword != strings.ToLower(d.Keyword) {
				t.Errorf("%+v", d)
			}
		}
	})
}

// sshd does not start with UsePAM in a Match block, but "Match all" ends the block before.
func TestInMatch(t *testing.T) {
	for text, want := range map[string]int{
		"UsePAM yes\nMatch user x\nPort 1\n":                0,
		"UsePAM yes\nMatch user x\nUsePAM no\n":             3,
		"Match user x\nPort 1\nMatch all\nUsePAM yes\n":     0,
		"Match all\nUsePAM yes\nmatch host y\nusepam yes\n": 4,
	} {
		file := filepath.Join(t.TempDir(), "sshd_config")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := lookAtSshd(file)
		if got := s.InMatch; (got != nil) != (want > 0) || got != nil && got.Line != want ||
			s.Err != nil {
			t.Errorf("%q: got %+v, %v, want line %d", text, got, s.Err, want)
		}
	}
}
