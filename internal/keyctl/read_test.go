package keyctl_test

import (
	"bytes"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestReadAnySize(t *testing.T) {
	keyctltest.AsRoot(t, func() {
		for _, size := range []int{1, 255, 256, 257, 4095, 32767} {
			want := bytes.Repeat([]byte{'a', 0, 0xff}, size)[:size]
			key := good(keyctl.AddKey("user", "key", want, keyctl.Session))(t)
			if got := good(keyctl.Read(key))(t); !bytes.Equal(got, want) {
				t.Errorf("%d bytes written, others read", size)
			}
		}
	})
}

func TestReadErrors(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		logon := good(keyctl.AddKey("logon", "service:name", []byte("secret"),
			keyctl.Session))(t)
		_, err := keyctl.Read(logon)
		fails(t, err, unix.EOPNOTSUPP)
		_, err = keyctl.Read(1)
		fails(t, err, unix.ENOKEY)
		// "secret" has 6 bytes
		_, err = keyctl.ReadKeyring(addKey(t, "no keyring", keyctl.Session))
		fails(t, err, unix.ENOTDIR)
		_, err = keyctl.ReadKeyring(0)
		fails(t, err, unix.ENOKEY) // and not EINVAL: KEYCTL_READ has its own way
	})
}

// A keyring may have more links than fit into the first buffer; a read that does
// not notice gets a part.
func TestReadKeyringAnySize(t *testing.T) {
	keyctltest.AsRoot(t, func() {
		var want []keyctl.Serial
		for i := range 1000 {
			want = append(want, addKey(t, strconv.Itoa(i), keyctl.Session))
			if i%250 == 0 || i == 999 {
				got := good(keyctl.ReadKeyring(keyctl.Session))(t)
				slices.Sort(got)
				sorted := slices.Sorted(slices.Values(want))
				if !slices.Equal(got, sorted) {
					t.Fatalf("%d links, others read", i+1)
				}
			}
		}
		buffer := make([]byte, 256)
		if n := good(unix.KeyctlBuffer(unix.KEYCTL_READ, int(keyctl.Session), buffer,
			0))(t); n <= len(buffer) {
			t.Errorf("without the care: %d", n)
		}
	})
}

// Links come and go while others read: each read is of one moment.
func TestReadKeyringWhileItGrows(t *testing.T) {
	keyctltest.AsRoot(t, func() {
		keyring := addKeyring(t, "growing", keyctl.Session)
		shared := keyctl.PosView | keyctl.PosRead | keyctl.PosWrite | keyctl.PosSearch |
			keyctl.UsrRead
		done(t, keyctl.SetPerm(keyring, shared))
		stop := make(chan struct{})
		read := make(chan error)
		go func() { // on any thread of root, which does not possess the keyring
			defer close(read)
			for {
				keys, err := keyctl.ReadKeyring(keyring)
				if err == nil && slices.Contains(keys, 0) {
					t.Errorf("%d links, one of them 0", len(keys))
				}
				if err != nil {
					read <- err
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
		for range 5 {
			for i := range 300 {
				addKey(t, strconv.Itoa(i), keyring)
			}
			done(t, keyctl.Clear(keyring))
		}
		close(stop)
		for err := range read {
			t.Error(err)
		}
	})
}
