package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pam_persistent/internal/pamconf"
)

const line = "session optional pam_persistent.so\n"

// The files that libpam reads block a removal. doctor and packaging/in-use, which make uninstall
// and the packages call, have the same rule.
func TestInUse(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		named string // the files that block a removal
	}{
		{"nothing", nil, ""},
		{"a service", map[string]string{"etc/pam.d/sshd": line}, "etc/pam.d/sshd"},
		{"a vendor's service", map[string]string{"usr/lib/pam.d/sshd": line},
			"usr/lib/pam.d/sshd"},
		{"a vendor's file that is not read", map[string]string{"etc/pam.d/sshd": "",
			"usr/lib/pam.d/sshd": line, "usr/share/pam/pam.d/sshd": line}, ""},
		{"a comment", map[string]string{"etc/pam.d/sshd": "# " + line}, ""},
		{"a module that is continued", map[string]string{
			"etc/pam.d/su": "session \\\noptional \\\n pam_persistent.so\n"},
			"etc/pam.d/su"},
		{"what pam-auth-update --force leaves", map[string]string{"etc/pam.d/sshd": "",
			"etc/pam.d/common-session.pam-old": line}, ""},
		{"what editors and package managers leave", map[string]string{
			"etc/pam.d/sshd": "", "etc/pam.d/sshd.bak": line, "etc/pam.d/sshd~": line,
			"etc/pam.d/#sshd#": line, "etc/pam.d/.sshd.swp": line,
			"etc/pam.d/su.dpkg-old": line, "etc/pam.d/su.rpmsave": line,
			"etc/pam.d/su.old": line, "etc/pam.d/su.orig": line,
			"etc/pam.d/su.save": line, "etc/pam.d/su.ucf-old": line}, ""},
		{"such a file that is included", map[string]string{
			"etc/pam.d/sshd":     "@include sshd.bak\n",
			"etc/pam.d/sshd.bak": line}, "etc/pam.d/sshd.bak"},
		{"included by what is not read", map[string]string{
			"etc/pam.d/sshd.old": "@include sshd.bak\n",
			"etc/pam.d/sshd.bak": line}, ""},
		{"all kinds of includes", map[string]string{
			"etc/pam.d/a": "\t@include  1.bak # why\n-session\tINCLUDE 2.bak\n" +
				"session \\\nsubstack 3.bak\n# @include 4.bak\n",
			"etc/pam.d/1.bak": line, "etc/pam.d/2.bak": line, "etc/pam.d/3.bak": line +
				"session include 5.bak", "etc/pam.d/4.bak": line,
			"usr/lib/pam.d/5.bak": "session required pam_unix.so\n" + line},
			"etc/pam.d/1.bak etc/pam.d/2.bak etc/pam.d/3.bak usr/lib/pam.d/5.bak"},
		{"files that include each other", map[string]string{
			"etc/pam.d/a":     "@include b.bak\n",
			"etc/pam.d/b.bak": "@include a\n" + line},
			"etc/pam.d/b.bak"},
		{"a file that is missing", map[string]string{
			"etc/pam.d/a": "@include b\n" + line}, "etc/pam.d/a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range test.files {
				write(t, filepath.Join(dir, name), text)
			}
			out, err := exec.Command(root+"/packaging/in-use", dir).CombinedOutput()
			_, list, _ := strings.Cut(strings.TrimSpace(string(out)), "lines first: ")
			named := strings.Fields(strings.ReplaceAll(list, dir+"/", ""))
			slices.Sort(named)
			if strings.Join(named, " ") != test.named ||
				(err == nil) != (test.named == "") {
				t.Errorf("in-use: %v: %s, not %q", err, out, test.named)
			}
			if read := doctors(t, dir); read != test.named {
				t.Errorf("doctor finds %q, not %q", read, test.named)
			}
		})
	}
}

// doctors returns the files whose lines doctor would examine.
func doctors(t *testing.T, dir string) string {
	t.Helper()
	var config pamconf.Config
	for _, d := range pamconf.System.Dirs {
		config.Dirs = append(config.Dirs, dir+d)
	}
	services, err := config.Services()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, service := range services {
		for _, line := range config.Stack(service, "session").Lines {
			if line.Is("pam_persistent.so") {
				found = append(found, strings.TrimPrefix(line.File, dir+"/"))
			}
		}
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " ")
}

// A file included by an absolute name is read too.
func TestInUseAbsolute(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/etc/pam.d/sshd", "session include /etc/local/pam.bak\n")
	if out, err := exec.Command(root+"/packaging/in-use", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	write(t, dir+"/etc/local/pam.bak", line)
	out, err := exec.Command(root+"/packaging/in-use", dir).CombinedOutput()
	if err == nil || !strings.HasSuffix(string(out), dir+"/etc/local/pam.bak\n") {
		t.Errorf("%v: %s", err, out)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
