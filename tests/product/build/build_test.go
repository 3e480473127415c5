// Package build tests what make builds, and what it says if it cannot.
package build

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../../.."

// tree copies the files that the build needs to a new directory.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"Makefile", "go.mod", "go.sum", "c", "pam_persistent",
		"internal", "packaging"} {
		if out, err := exec.Command("cp", "-r", filepath.Join(root, name), dir).
			CombinedOutput(); err != nil {
			t.Fatalf("cp: %v\n%s", err, out)
		}
	}
	return dir
}

func runMake(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("make", append([]string{"--no-print-directory", "-C", dir}, args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS")
	})
	out, err := cmd.CombinedOutput()
	return string(out), err
}

const module = "build/pam_persistent.so"

func TestReproducible(t *testing.T) {
	var sums [][32]byte
	for range 2 {
		dir := tree(t)
		if out, err := runMake(t, dir, module); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		so, err := os.ReadFile(filepath.Join(dir, module))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(so, []byte(dir)) {
			t.Error("it holds the name of the directory in which it was built")
		}
		sums = append(sums, sha256.Sum256(so))
	}
	if sums[0] != sums[1] {
		t.Errorf("two builds in two directories differ: %x %x", sums[0], sums[1])
	}
}

// The command that defers relocations is linked from the packages that the build of the module has
// compiled: with other flags it would compile the standard library once more.
func TestLibraryCompiledOnce(t *testing.T) {
	const command = "./c/defer-relocations"
	out, err := runMake(t, tree(t), "-n", module)
	_, flags, found := strings.Cut(out, "go run ")
	flags, _, ends := strings.Cut(flags, command)
	if err != nil || !found || !ends {
		t.Fatalf("%v\n%s", err, out)
	}
	ofModule := compiled(t, "-trimpath", "-buildmode=c-shared", "./pam_persistent")
	shared := 0
	for name, file := range compiled(t, append(strings.Fields(flags), command)...) {
		if other, ok := ofModule[name]; ok && other != file {
			t.Errorf("%s is compiled twice", name)
		} else if ok {
			shared++
		}
	}
	if shared < 30 {
		t.Errorf("only %d packages are compared", shared)
	}
}

// compiled returns the compiled file of each package of the standard library that a package needs.
func compiled(t *testing.T, args ...string) map[string]string {
	t.Helper()
	list := exec.Command("go", append([]string{"list", "-deps", "-export", "-f",
		"{{if .Standard}}{{.ImportPath}} {{.Export}}{{end}}"}, args...)...)
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[name] = file
	}
	return files
}

func TestArm64(t *testing.T) {
	if testing.Short() {
		t.Skip("downloads packages of Debian")
	}
	dir := tree(t)
	if out, err := runMake(t, dir, "build/arm64/pam_persistent.so"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	so, err := elf.Open(filepath.Join(dir, "build/arm64/pam_persistent.so"))
	if err != nil {
		t.Fatal(err)
	}
	defer so.Close()
	if so.Machine != elf.EM_AARCH64 {
		t.Errorf("machine is %v", so.Machine)
	}
	checkRelocations(t, so)
	checkProtection(t, so)
}

// The flags that protect the C half have reached the compiler. Some leave no trace in the file if
// no function needs them.
func TestProtection(t *testing.T) {
	so, err := elf.Open(filepath.Join(root, module))
	if err != nil {
		t.Fatal(err)
	}
	defer so.Close()
	checkProtection(t, so)
	// Any build has these, even without make.
	list := exec.Command("go", "list", "-f", "{{.CgoCFLAGS}}", "./c")
	list.Dir = root
	flags, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"-fstack-protector-strong", "-fstack-clash-protection",
		"-D_FORTIFY_SOURCE=2"} {
		if !strings.Contains(string(flags), flag) {
			t.Errorf("not compiled with %s", flag)
		}
	}
}

// checkProtection fails the test unless functions check the stack protector's value before they
// return, and begin with an instruction that an indirect call may branch to.
func checkProtection(t *testing.T, so *elf.File) {
	t.Helper()
	imported, err := so.ImportedSymbols()
	if err != nil || !slices.ContainsFunc(imported, func(s elf.ImportedSymbol) bool {
		return s.Name == "__stack_chk_fail"
	}) {
		t.Errorf("the stack is not protected: %v", err)
	}
	first := map[elf.Machine][]string{
		elf.EM_X86_64:  {"\xf3\x0f\x1e\xfa"},                     // endbr64
		elf.EM_AARCH64: {"\x5f\x24\x03\xd5", "\x3f\x23\x03\xd5"}, // bti c, paciasp
	}[so.Machine]
	text := so.Section(".text")
	symbols, err := so.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, symbol := range symbols {
		if !strings.HasPrefix(symbol.Name, "pam_sm_") {
			continue
		}
		begins := make([]byte, 4)
		_, err := text.ReadAt(begins, int64(symbol.Value-text.Addr))
		if err != nil || !slices.Contains(first, string(begins)) {
			t.Errorf("%s begins with %x: %v", symbol.Name, begins, err)
		}
	}
}

// The table that the dynamic loader reads ends where the child's begins, and the child writes to no
// page that the loader has made read-only, such as those of .got, of which only arm64 has some.
func TestRelocationsOfGo(t *testing.T) {
	so, err := elf.Open(filepath.Join(root, module))
	if err != nil {
		t.Fatal(err)
	}
	defer so.Close()
	checkRelocations(t, so)
}

func checkRelocations(t *testing.T, so *elf.File) {
	t.Helper()
	var child struct{ Address, Count uint64 }
	read(t, so, ".go_relocations", &child)
	table := make([]elf.Rela64, so.Section(".rela.dyn").Size/24)
	read(t, so, ".rela.dyn", table)
	size, err := so.DynValue(elf.DT_RELASZ)
	if err != nil || len(size) != 1 {
		t.Fatal(size, err)
	}
	if first := so.Section(".rela.dyn").Addr; child.Address != first+size[0] ||
		size[0]/24+child.Count != uint64(len(table)) || child.Count < 5000 {
		t.Fatalf("the loader's: %d bytes at %#x, the child's: %+v, together: %d", size[0],
			first, child, len(table))
	}
	for _, r := range table[size[0]/24:] {
		for _, p := range so.Progs {
			if p.Type == elf.PT_GNU_RELRO && r.Off >= p.Vaddr-p.Vaddr%4096 &&
				r.Off < p.Vaddr+p.Memsz {
				t.Fatalf("%#x is read-only then", r.Off)
			}
		}
	}
}

func read(t *testing.T, so *elf.File, section string, into any) {
	t.Helper()
	if err := binary.Read(so.Section(section).Open(), so.ByteOrder, into); err != nil {
		t.Fatalf("%s: %v", section, err)
	}
}

// The oldest glibc that the module must run with is that of RHEL 9.
func TestGlibcVersions(t *testing.T) {
	so, err := elf.Open(filepath.Join(root, module))
	if err != nil {
		t.Fatal(err)
	}
	defer so.Close()
	symbols, err := so.ImportedSymbols()
	if err != nil || len(symbols) == 0 {
		t.Fatalf("no imported symbols: %v", err)
	}
	for _, symbol := range symbols {
		if version, ok := strings.CutPrefix(symbol.Version, "GLIBC_2."); ok &&
			len(version) == 2 && version > "34" {
			t.Errorf("%s needs glibc 2.%s", symbol.Name, version)
		}
	}
}

// Each way in which the build must fail, and its message.
func TestBuildFailures(t *testing.T) {
	// It prints its version like Debian 12's, with which the build ended in "invalid go version
	// '1.24.0'".
	oldGo := filepath.Join(t.TempDir(), "go")
	if err := os.WriteFile(oldGo, []byte("#!/bin/sh\n[ \"$*\" = version ] &&\n"+
		"\techo go version go1.19.8 linux/amd64\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	run := "go run -trimpath -buildmode=pie ./c/defer-relocations"
	twice := `twice() { ` + run + ` "$$@" && ` + run + ` "$$@"; }; twice`
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"the start of Go is in .init_array": {[]string{"GOSTART="},
			"the start of the Go runtime is still in .init_array"},
		"the loader relocates Go's data": {[]string{"DEFER=true"},
			"c/defer-relocations has left those of Go"},
		"Go's relocations are deferred twice": {[]string{"DEFER=" + twice},
			"cannot defer the relocations of Go: DT_RELASZ is "},
		"everything is exported": {[]string{"EXPORTS="},
			", not only 'pam_sm_authenticate"},
		"another linker": {[]string{"CC=gcc -fuse-ld=gold"},
			"is not GNU ld"},
		"an old Go": {[]string{"GO=" + oldGo},
			"Go 1.24.0 or later is needed; '" + oldGo + "' is 1.19.8 (Debian 13: "},
		"no Go": {[]string{"GO=no-such-go"},
			"Go 1.24.0 or later is needed; 'no-such-go' is not installed (Debian 13: "},
		"no compiler": {[]string{"CC=no-such-compiler"},
			"no C compiler 'no-such-compiler'"},
		"no libpam headers": {[]string{"CC=gcc -nostdinc"},
			"libpam's headers are missing"},
		"a 32-bit ABI": {[]string{"CC=gcc -U__LP64__"},
			"pam_persistent needs a 64-bit ABI"},
		"not hardened": {[]string{"HARDEN="},
			"not linked with -z now"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t)
			out, err := runMake(t, dir, append(test.args, module)...)
			if err == nil || !strings.Contains(out, test.says) {
				t.Errorf("%v\n%s\nwanted: %s", err, out, test.says)
			}
			if _, err := os.Stat(filepath.Join(dir, module)); err == nil {
				t.Error("the file exists nevertheless")
			}
		})
	}
}
