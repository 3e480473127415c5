package machine

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/pamconf"
	"pam_persistent/internal/show"
)

var update = flag.Bool("update", false, "rewrite the findings of testdata/machines")

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
			p := layOut(t, root, setUp)
			examined, _, _ := strings.Cut(setUp, "\n")
			var out bytes.Buffer
			(&show.Printer{Out: &out}).Report(examine(t, p, examined))
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
func layOut(t *testing.T, root, setUp string) places {
	t.Helper()
	modules := root + "/lib/security"
	files := map[string]string{modules + "/" + facts.Module: ""}
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
	return places{
		root: root, pam: pam, modules: []string{modules},
		kerberos: []string{root + "/etc/krb5.conf"},
		ring:     func() (string, error) { return "", unix.EPERM },
	}
}

// onMachine are the facts of a machine on which the kernel does what it should, and root asks.
func onMachine(p places, only ...string) *facts.Machine {
	m := p.machine()
	m.UID, m.Root, m.Kernel = 0, true, keyrings.Kernel(p.root, nil, nil)
	p.lookAtFiles(m, only)
	return m
}

// examine judges a machine, and returns the findings about the subject of its first line.
func examine(t *testing.T, p places, what string) []facts.Finding {
	t.Helper()
	name, argument, _ := strings.Cut(what, " ")
	var only []string
	checks := []string{name}
	switch name {
	case "service":
		only, checks = []string{argument}, []string{what}
	case "services":
		checks = []string{"service"}
	case "kerberos":
		p.ccache = argument
	case "module-of":
		checks = []string{"module"}
	case "forbidden":
		checks = []string{"kernel", "container", "kerberos"}
	case "no-keys":
		checks = []string{"kernel"}
	}
	m := onMachine(p, only...)
	switch name {
	case "module", "module-of":
		// Without root, the files of a machine belong to the user who runs the test.
		f := p.stat(p.modulePath())
		if f.Owner != uint32(os.Geteuid()) || f.Fault != "" {
			t.Errorf("UID %d owns the module: %+v", os.Geteuid(), f)
		}
		uid, _ := strconv.Atoi(argument)
		f.Owner, f.Unmapped = uint32(uid), p.unmapped(uint32(uid))
		m.Module = examined(f)
		if !f.Trusted() && m.Module.Fault != "" {
			t.Error("a module that is not root's was looked into")
		}
	case "reinstall":
		m.CutOff = &facts.ModuleFile{Path: filepath.Join(p.modules[0], argument)}
		return []facts.Finding{{Check: "module", Level: facts.Wrong, Text: m.CutOff.Path,
			Fix: finding.CutOff(m).Fix}}
	case "forbidden":
		errno := map[string]unix.Errno{"EPERM": unix.EPERM, "ENOSYS": unix.ENOSYS}
		err := &keyctl.Error{Call: "keyctl", Errno: errno[argument]}
		m.Kernel = keyrings.Kernel(p.root, err, nil)
	case "no-keys":
		err := &keyctl.Error{Call: argument, Errno: unix.ENOSYS}
		m.Kernel = keyrings.Kernel(p.root, nil, err)
	}
	all := slices.DeleteFunc(finding.Doctor(m), func(f facts.Finding) bool {
		return !slices.ContainsFunc(checks, func(check string) bool {
			return f.Check == check || check == "service" &&
				strings.HasPrefix(f.Check, check)
		})
	})
	if len(all) == 0 {
		t.Errorf("nothing to examine is %q", what)
	}
	return all
}

// The services of a healthy machine are on a screen of 80 columns in two lines and what these are
// folded into. Each had a line of its own, which with the other checks was more than a screen.
func TestScreen(t *testing.T) {
	root := t.TempDir()
	p := layOut(t, root, "services\n-- /etc/pam.d/common-session --\n"+
		"session required pam_permit.so\nsession optional "+facts.Module+"\n")
	for i := range 30 {
		text := "@include common-session\n"
		if i%2 == 0 {
			text = "session optional pam_keyinit.so force revoke\n" + text
		}
		file := filepath.Join(root, "etc/pam.d", fmt.Sprintf("service%d", i))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all := examine(t, p, "services")
	var out bytes.Buffer
	(&show.Printer{Out: &out, Width: 80}).Report(all)
	lines := strings.Count(out.String(), "\n")
	if lines > 8 || len(finding.OnlyWrong(all)) > 0 {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
	if len(all) != 30 ||
		!strings.Contains(all[0].Text, "common-session:2, after pam_keyinit.so (") {
		t.Errorf("not a finding for each service: %+v", all)
	}
}
