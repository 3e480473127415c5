package vm

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// pack writes a directory in the format of the kernel's first file system: a cpio archive of format
// "newc" (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst). Everything in
// it belongs to root.
func pack(dir, file string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	w := bufio.NewWriterSize(out, 1<<20)
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return packFile(w, path, name)
	})
	if err == nil {
		err = header(w, "TRAILER!!!", 0, 0)
	}
	if err == nil {
		err = w.Flush()
	}
	return err
}

func packFile(w io.Writer, path, name string) error {
	var stat unix.Stat_t
	if err := unix.Lstat(path, &stat); err != nil {
		return err
	}
	var data []byte
	var err error
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		data, err = os.ReadFile(path)
	case unix.S_IFLNK:
		var target string
		target, err = os.Readlink(path)
		data = []byte(target)
	}
	if err != nil {
		return err
	}
	if err := header(w, name, stat.Mode, len(data)); err != nil {
		return err
	}
	return padded(w, data, len(data))
}

func header(w io.Writer, name string, mode uint32, size int) error {
	const noDevice, noTime, owner, links, inode, check = 0, 0, 0, 1, 0, 0
	text := "070701"
	for _, field := range []int{
		inode, int(mode), owner, owner, links, noTime, size, noDevice, noDevice, noDevice,
		noDevice, len(name) + 1, check,
	} {
		text += fmt.Sprintf("%08X", field)
	}
	text += name + "\x00"
	return padded(w, []byte(text), len(text))
}

// padded fills up to a multiple of four.
func padded(w io.Writer, data []byte, size int) error {
	if _, err := w.Write(data); err != nil {
		return err
	}
	_, err := w.Write(make([]byte, (4-size%4)%4))
	return err
}
