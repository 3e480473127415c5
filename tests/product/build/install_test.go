package build

import (
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// While make install replaces an older version, each file is always complete: its name changes from
// the old file to the new one in one step. With install(1) alone the name disappears for a moment,
// and then names an incomplete file.
func TestInstallInOneStep(t *testing.T) {
	to := t.TempDir()
	makeFor(t, "install", to)
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(watch)
	files := map[string]bool{} // whether it was moved to its name
	err = filepath.WalkDir(to, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			files[entry.Name()] = false
			return err
		}
		_, err = unix.InotifyAddWatch(watch, path, unix.IN_CREATE|unix.IN_DELETE|
			unix.IN_MODIFY|unix.IN_MOVED_FROM|unix.IN_MOVED_TO)
		return err
	})
	if err != nil || len(files) < 7 { // the completion of bash has the command's name
		t.Fatalf("installed are %v: %v", files, err)
	}
	makeFor(t, "install", to)
	for name, mask := range events(t, watch) {
		switch {
		case strings.HasSuffix(name, ".new"):
		case mask != unix.IN_MOVED_TO:
			t.Errorf("%s: events %#x, not only that it was moved there", name, mask)
		default:
			files[name] = true
		}
	}
	for name, moved := range files {
		if strings.HasSuffix(name, ".new") || !moved {
			t.Errorf("%s was not moved to its name, or is left", name)
		}
	}
}

// make uninstall removes the project's own directories, unless a file of somebody else's is there.
func TestUninstallDirectories(t *testing.T) {
	to := t.TempDir()
	makeFor(t, "install", to)
	foreign := filepath.Join(to, "usr/share/persistent-keyring/foreign")
	if err := os.WriteFile(foreign, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	makeFor(t, "uninstall", to)
	if _, err := os.Stat(foreign); err != nil {
		t.Error(err)
	}
	os.Remove(foreign)
	makeFor(t, "uninstall", to)
	err := filepath.WalkDir(to, func(path string, entry fs.DirEntry, err error) error {
		switch entry.Name() {
		case "persistent-keyring", "pam_persistent", "admin":
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func makeFor(t *testing.T, target, destination string) {
	t.Helper()
	if out, err := runMake(t, root, target, "DESTDIR="+destination); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// events returns the inotify(7) events of each name.
func events(t *testing.T, watch int) map[string]uint32 {
	t.Helper()
	masks := map[string]uint32{}
	buffer := make([]byte, 64<<10)
	for {
		n, err := unix.Read(watch, buffer)
		if err == unix.EAGAIN {
			return masks
		} else if err != nil {
			t.Fatal(err)
		}
		for rest := buffer[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			mask := binary.NativeEndian.Uint32(rest[4:])
			length := int(binary.NativeEndian.Uint32(rest[12:]))
			name, _, _ := strings.Cut(
				string(rest[unix.SizeofInotifyEvent:][:length]), "\x00")
			masks[name] |= mask
			rest = rest[unix.SizeofInotifyEvent+length:]
		}
	}
}
