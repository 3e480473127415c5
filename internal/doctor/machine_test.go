package doctor

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/pamconf"
	"pam_persistent/internal/show"
)

var update = flag.Bool("update", false, "write the findings of testdata/machines anew")

// TestMachines examines the machines of testdata/machines: each file has a line that says what is
// examined, the files of the machine, and the findings. "ROOT" is where the machine is laid out.
func TestMachines(t *testing.T) {
	files, err := filepath.Glob("testdata/machines/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			setUp, want, found := strings.Cut(string(text), "-- findings --\n")
			if !found {
				t.Fatal("no line of findings")
			}
			root := t.TempDir()
			e := examination{config: layOut(t, root, setUp)}
			examined, _, _ := strings.Cut(setUp, "\n")
			e.examine(t, examined)
			var out bytes.Buffer
			(&show.Printer{Out: &out}).Report(e.Report)
			got := strings.ReplaceAll(out.String(), root, "")
			if *update {
				err = os.WriteFile(file, []byte(setUp+"-- findings --\n"+got),
					0o644)
			} else if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// layOut writes the files of a machine, and says where they are. Its module directory has the
// module.
func layOut(t *testing.T, root, setUp string) config {
	t.Helper()
	modules := root + "/lib/security"
	files := map[string]string{modules + "/" + Module: ""}
	path := ""
	for line := range strings.Lines(setUp) {
		if name, found := strings.CutPrefix(line, "-- "); found {
			path = root + strings.TrimSuffix(name, " --\n")
			files[path] = ""
		} else if path != "" {
			files[path] += strings.ReplaceAll(line, "ROOT", root)
		}
	}
	for path, text := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var pam pamconf.Config
	for _, dir := range pamconf.System.Dirs {
		pam.Dirs = append(pam.Dirs, root+dir)
	}
	return config{
		root: root, pam: pam, modules: []string{modules},
		sshd:     root + "/etc/ssh/sshd_config",
		kerberos: []string{root + "/etc/krb5.conf"},
		enforce:  root + "/sys/fs/selinux/enforce",
		audit:    root + "/var/log/audit/audit.log",
		ring:     func() (string, error) { return "", unix.EPERM },
	}
}

func (e *examination) examine(t *testing.T, what string) {
	t.Helper()
	name, argument, _ := strings.Cut(what, " ")
	switch name {
	case "service":
		e.service(argument)
	case "services":
		e.services()
	case "sshd":
		e.openssh()
	case "kerberos":
		if strings.HasPrefix(argument, "KEYRING:persistent:1000") && os.Geteuid() != 0 {
			t.Skip("needs root, to whom the caches of all users are good")
		}
		e.ccache = argument
		e.tickets()
	case "module":
		if os.Geteuid() != 0 {
			t.Skip("needs root, to whom modules have to belong")
		}
		e.module()
	case "reinstall":
		path := filepath.Join(e.modules[0], argument)
		e.add("module", facts.Wrong, path, e.reinstallOther(path))
	case "module-of":
		uid, _ := strconv.Atoi(argument)
		if os.Geteuid() != 0 {
			t.Skip("needs root, who alone can give files away")
		}
		if err := os.Chown(e.moduleFile(), uid, uid); err != nil {
			t.Fatal(err)
		}
		e.module()
	case "forbidden":
		errno := map[string]unix.Errno{"EPERM": unix.EPERM, "ENOSYS": unix.ENOSYS}
		e.noPersistent(&keyctl.Error{Call: "keyctl", Errno: errno[argument]})
		e.tickets()
	case "no-keys":
		e.noKeys(&keyctl.Error{Call: argument, Errno: unix.ENOSYS})
	case "AppArmor":
		e.apparmor()
	case "SELinux":
		e.selinux()
	default:
		t.Fatalf("nothing to examine is %q", what)
	}
}
