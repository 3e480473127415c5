package keyctl

import "golang.org/x/sys/unix"

// readFile reads a file of /proc. The size of such a file is not known, and each
// read(2) returns at most one page.
func readFile(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", wrap(err, "open", path)
	}
	defer unix.Close(fd)
	var text []byte
	var page [4096]byte
	for {
		n, err := unix.Read(fd, page[:])
		if err != nil {
			return "", wrap(err, "read", path)
		}
		if n == 0 {
			return string(text), nil
		}
		text = append(text, page[:n]...)
	}
}
