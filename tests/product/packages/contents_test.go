package packages

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pam_persistent/internal/machine"
	"pam_persistent/tests/support/world"
)

// Contents of the packages: mode, owner and name of every file. %s is the directory of modules.
var (
	common = []string{
		"-rwxr-xr-x root/root /usr/bin/persistent-keyring",
		"-rw-r--r-- root/root /usr/lib/systemd/system/persistent-keyring-renew.service",
		"-rw-r--r-- root/root /usr/lib/systemd/system/persistent-keyring-renew.timer",
		"-rw-r--r-- root/root %s/pam_persistent.so",
		"-rw-r--r-- root/root /usr/share/bash-completion/completions/persistent-keyring",
		"-rw-r--r-- root/root /usr/share/fish/vendor_completions.d/persistent-keyring.fish",
		"-rw-r--r-- root/root /usr/share/man/man1/persistent-keyring.1.gz",
		"-rw-r--r-- root/root /usr/share/man/man8/pam_persistent.8.gz",
		"-rw-r--r-- root/root /usr/share/persistent-keyring/schema.json",
	}
	onlyDeb = []string{
		"-rwxr-xr-x root/root /usr/libexec/libpam-persistent/in-use",
		"-rwxr-xr-x root/root /usr/libexec/libpam-persistent/systemd-user",
		"-rw-r--r-- root/root /usr/share/doc/libpam-persistent/changelog.gz",
		"-rw-r--r-- root/root /usr/share/doc/libpam-persistent/copyright",
		"-rw-r--r-- root/root /usr/share/lintian/overrides/libpam-persistent",
		"-rw-r--r-- root/root /usr/share/pam-configs/pam_persistent",
		"-rw-r--r-- root/root /usr/share/zsh/vendor-completions/_persistent-keyring",
	}
	onlyRpm = []string{
		"-rwxr-xr-x root/root /usr/libexec/pam_persistent/in-use",
		"-rwxr-xr-x root/root /usr/libexec/pam_persistent/rhel-enable",
		"-rw-r--r-- root/root /usr/share/doc/pam_persistent/rhel.md",
		"-rw-r--r-- root/root /usr/share/licenses/pam_persistent/LICENSE",
		"-rw-r--r-- root/root /usr/share/selinux/packages/pam_persistent.cil",
		"-rw-r--r-- root/root /usr/share/zsh/site-functions/_persistent-keyring",
	}
)

// variants are the packages, with %s for the version.
var variants = map[string]struct {
	pamdir  string
	more    []string
	machine elf.Machine
}{
	"libpam-persistent_%s_amd64.deb": {"/usr/lib/x86_64-linux-gnu/security", onlyDeb,
		elf.EM_X86_64},
	"libpam-persistent_%s_arm64.deb": {"/usr/lib/aarch64-linux-gnu/security", onlyDeb,
		elf.EM_AARCH64},
	"pam_persistent-%s-1.x86_64.rpm":  {"/usr/lib64/security", onlyRpm, elf.EM_X86_64},
	"pam_persistent-%s-1.aarch64.rpm": {"/usr/lib64/security", onlyRpm, elf.EM_AARCH64},
}

func testContents(t *testing.T, dir string) {
	for pattern, v := range variants {
		name := fmt.Sprintf(pattern, shipped)
		docdir := "/usr/share/doc/" + strings.SplitN(pattern, "%s", 2)[0]
		docdir = docdir[:len(docdir)-1]
		want := adminPages(t, docdir)
		for _, line := range slices.Concat(common, v.more, bills(docdir)) {
			want = append(want, strings.ReplaceAll(line, "%s", v.pamdir))
		}
		got := list(t, filepath.Join(dir, name))
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s has\n%s\nand not\n%s", name, strings.Join(got, "\n"),
				strings.Join(want, "\n"))
		}
		root := unpack(t, filepath.Join(dir, name))
		for _, file := range []string{v.pamdir + "/pam_persistent.so",
			"/usr/bin/persistent-keyring"} {
			binary, err := elf.Open(root + file)
			if err != nil {
				t.Error(err)
				continue
			}
			if binary.Machine != v.machine {
				t.Errorf("%s: %s is for %v", name, file, binary.Machine)
			}
			testBill(t, root+file, root+docdir+"/"+filepath.Base(file)+".cdx.json")
			if built, err := machine.VersionOf(root + file); built != shipped {
				t.Errorf("%s: %s says version %q, %v", name, file, built, err)
			}
			binary.Close()
		}
	}
}

// testMakeDeb compares the package of make deb with that of a release: it lacks the bills, whose
// tool takes longer to fetch and build than everything else.
func testMakeDeb(t *testing.T, release, made string) {
	want := slices.DeleteFunc(list(t, release), func(file string) bool {
		return slices.Contains(bills("/usr/share/doc/libpam-persistent"), file)
	})
	if got := list(t, made); !slices.Equal(got, want) {
		t.Errorf("make deb makes\n%s\nand not\n%s", strings.Join(got, "\n"),
			strings.Join(want, "\n"))
	}
}

// adminPages returns the pages of docs/admin below the package's directory of documents.
func adminPages(t *testing.T, docdir string) (files []string) {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(world.Root, "docs/admin/*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("pages: %q, %v", pages, err)
	}
	for _, page := range pages {
		files = append(files, "-rw-r--r-- root/root "+docdir+"/admin/"+filepath.Base(page))
	}
	return files
}

// bills returns the bills of materials.
func bills(docdir string) (files []string) {
	for _, binary := range []string{"pam_persistent.so", "persistent-keyring"} {
		files = append(files, "-rw-r--r-- root/root "+docdir+"/"+binary+".cdx.json")
	}
	return files
}

// list returns the files of a package, without directories.
func list(t *testing.T, path string) (files []string) {
	t.Helper()
	if strings.HasSuffix(path, ".deb") {
		for line := range strings.Lines(world.RunIn(t, "", "dpkg-deb", "-c", path)) {
			if f := strings.Fields(line); !strings.HasPrefix(f[0], "d") {
				files = append(files,
					f[0]+" "+f[1]+" "+strings.TrimPrefix(f[5], "."))
			}
		}
		return files
	}
	query := `[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]`
	for line := range strings.Lines(world.RunIn(t, "", "rpm", "-qp", "--queryformat", query,
		path)) {
		if !strings.HasPrefix(line, "d") {
			files = append(files, strings.TrimSpace(line))
		}
	}
	return files
}

func unpack(t *testing.T, path string) string {
	t.Helper()
	root := t.TempDir()
	if strings.HasSuffix(path, ".deb") {
		world.RunIn(t, "", "dpkg-deb", "-x", path, root)
	} else {
		world.RunIn(t, root, "sh", "-ec", `rpm2cpio "$1" >payload
			cpio -idm --quiet <payload
			rm payload`, "sh", path)
	}
	return root
}

// The packages require the glibc and libpam that the two files need. 2.34 is that of RHEL 9.
func testNeeds(t *testing.T, dir string) {
	for pattern, v := range variants {
		name := fmt.Sprintf(pattern, shipped)
		root := unpack(t, filepath.Join(dir, name))
		newest := 0
		extension := false
		for _, file := range []string{v.pamdir + "/pam_persistent.so",
			"/usr/bin/persistent-keyring"} {
			binary, err := elf.Open(root + file)
			if err != nil {
				t.Fatal(err)
			}
			defer binary.Close()
			symbols, err := binary.ImportedSymbols()
			if err != nil {
				t.Fatal(err)
			}
			for _, symbol := range symbols {
				var minor int
				if n, _ := fmt.Sscanf(symbol.Version, "GLIBC_2.%d",
					&minor); n == 1 {
					newest = max(newest, minor)
				}
				extension = extension || symbol.Version == "LIBPAM_EXTENSION_1.0"
			}
			libraries, err := binary.ImportedLibraries()
			slices.Sort(libraries)
			// On arm64 the value that protects the stack is in the loader.
			libraries = slices.DeleteFunc(libraries, func(name string) bool {
				return name == "ld-linux-aarch64.so.1"
			})
			if err != nil ||
				!slices.Equal(libraries, []string{"libc.so.6", "libpam.so.0"}) {
				t.Errorf("%s: %s needs %q (%v)", name, file, libraries, err)
			}
		}
		var depends string
		want := []string{fmt.Sprintf("libc6 (>= 2.%d)", newest), "libpam0g (>= 0.99.7.1)",
			"libpam-runtime (>= 1.0.1-6)"}
		if strings.HasSuffix(name, ".deb") {
			depends = world.RunIn(t, dir, "dpkg-deb", "-f", name, "Pre-Depends",
				"Depends")
		} else {
			depends = world.RunIn(t, dir, "rpm", "-qp", "--requires", name)
			want = []string{fmt.Sprintf("libc.so.6(GLIBC_2.%d)(64bit)", newest),
				"libpam.so.0(LIBPAM_EXTENSION_1.0)(64bit)"}
		}
		if newest != 34 || !extension {
			t.Errorf("%s: the files ask for glibc 2.%d, LIBPAM_EXTENSION_1.0: %v", name,
				newest, extension)
		}
		for _, what := range want {
			if !strings.Contains(depends, what) {
				t.Errorf("%s: depends on %q, not %s", name, depends, what)
			}
		}
	}
}

// cpio(1) unpacks the rpm's files below the working directory. The first packages had absolute
// names in the payload, so cpio and rpmlint unpacked them over the system itself.
func testPayload(t *testing.T, dir string) {
	root := t.TempDir()
	payload := func(command string) string {
		return world.RunIn(t, root, "sh", "-ec", command+` >payload
			cpio -it --quiet <payload`, "sh", dir)
	}
	for pattern := range variants {
		name := fmt.Sprintf(pattern, shipped)
		if strings.HasSuffix(name, ".deb") {
			continue
		}
		for path := range strings.Lines(payload(`rpm2cpio "$1"/` + name)) {
			if !strings.HasPrefix(path, "./usr/") {
				t.Errorf("%s: the payload has %s", name, path)
			}
		}
		before := snapshot(t)
		files := strings.Fields(world.RunIn(t, root, "sh", "-ec",
			"mkdir there; cd there; cpio -idm --quiet <../payload; "+
				`find . -type f -printf '/%P\n'; rm -r ../there`))
		if want := list(t, filepath.Join(dir, name)); len(files) != len(want) {
			t.Errorf("%s: unpacked are %q", name, files)
		}
		if after := snapshot(t); after != before {
			t.Errorf("%s: unpacked over the system:\n%s", name, diff(t, before, after))
		}
	}
	// An absolute name, for comparison.
	before := snapshot(t)
	world.Write(t, "/usr/lib/absolute", "")
	payload("echo /usr/lib/absolute | cpio -o -H newc --quiet")
	os.Remove("/usr/lib/absolute")
	world.RunIn(t, root, "sh", "-ec", "mkdir there; cd there; cpio -idm --quiet <../payload")
	if after := snapshot(t); after == before {
		t.Error("an absolute name is unpacked below the working directory")
	}
}

func testCheckers(t *testing.T, dir, tree string) {
	for _, name := range names(shipped) {
		if strings.HasSuffix(name, ".deb") {
			if out, err := world.TryIn(dir, "lintian", "--allow-root", "--fail-on",
				"error,warning", name); err != nil || out != "" {
				t.Errorf("lintian %s: %v\n%s", name, err, out)
			}
		} else if out, err := world.TryIn(dir, "rpmlint", "--strict", "-c",
			tree+"/packaging/rpm/rpmlint.toml", name); err != nil {
			t.Errorf("rpmlint %s: %v\n%s", name, err, out)
		}
	}
}

// make uninstall removes everything that make install has installed, for any choice of directories.
func testMakeInstall(t *testing.T, tree string) {
	files := func(root string) []string {
		out := strings.Split(strings.TrimSpace(world.RunIn(t, root, "find", ".", "-type",
			"f", "-printf", "%M:/%P\n")), "\n")
		slices.Sort(out)
		return out
	}
	for _, test := range []struct {
		name, prefix, pamdir string
		args                 []string
	}{
		{"as it is", "/usr", strings.TrimSpace(world.RunIn(t, tree, "packaging/pamdir")),
			nil},
		{"local", "/usr/local", "/opt/with blank/security",
			[]string{"PREFIX=/usr/local", "PAMDIR=/opt/with blank/security"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "a root")
			args := append([]string{"make", "DESTDIR=" + root}, test.args...)
			world.RunIn(t, tree, append(args, "install")...)
			var want []string
			for _, line := range slices.Concat(common,
				adminPages(t, "/usr/share/doc/pam_persistent"),
				[]string{"-rw-r--r-- root/root " +
					"/usr/share/zsh/site-functions/_persistent-keyring"}) {
				mode, path, _ := strings.Cut(strings.ReplaceAll(line, " root/root ",
					":"), ":")
				if rest, ok := strings.CutPrefix(path, "%s"); ok {
					path = test.pamdir + rest
				} else {
					path = test.prefix +
						strings.TrimSuffix(strings.TrimPrefix(path, "/usr"),
							".gz")
				}
				want = append(want, mode+":"+path)
			}
			slices.Sort(want)
			if got := files(root); !slices.Equal(got, want) {
				t.Errorf("installed:\n%s\nwanted:\n%s", strings.Join(got, "\n"),
					strings.Join(want, "\n"))
			}
			for shell, path := range map[string]string{
				"bash": "share/bash-completion/completions/persistent-keyring",
				"zsh":  "share/zsh/site-functions/_persistent-keyring",
				"fish": "share/fish/vendor_completions.d/persistent-keyring.fish",
			} {
				text, err := os.ReadFile(filepath.Join(root, test.prefix, path))
				if err != nil ||
					string(text) != world.RunIn(t, tree,
						"build/persistent-keyring", "completion", shell) {
					t.Errorf("%s is not what the command prints for %s: %v",
						path, shell, err)
				}
			}

			service := filepath.Join(root, "etc/pam.d/sshd")
			os.MkdirAll(filepath.Dir(service), 0o755)
			os.WriteFile(service, []byte("session optional pam_persistent.so\n"), 0o644)
			before := files(root)
			if out, err := world.TryIn(tree,
				append(args, "uninstall")...); err == nil ||
				!strings.Contains(out,
					"is still in use; remove its lines first: ") {
				t.Errorf("make uninstall while a service names the module: %v\n%s",
					err, out)
			}
			if got := files(root); !slices.Equal(got, before) {
				t.Errorf("the refusal left only %q", got)
			}
			os.WriteFile(service, []byte("# session optional pam_persistent.so\n"),
				0o644)
			os.WriteFile(service+".bak", []byte("session optional pam_persistent.so\n"),
				0o644)
			world.RunIn(t, tree, append(args, "uninstall")...)
			if got := files(root); !slices.Equal(got, []string{
				"-rw-r--r--:/etc/pam.d/sshd",
				"-rw-r--r--:/etc/pam.d/sshd.bak"}) {
				t.Errorf("left: %q", got)
			}
		})
	}
}
