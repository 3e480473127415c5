package build

import (
	"encoding/binary"
	"io/fs"
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
	install := func() {
		t.Helper()
		if out, err := runMake(t, root, "install", "DESTDIR="+to); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	install()
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
	install()
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
