package keyctl_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestSerialString(t *testing.T) {
	for serial, want := range map[keyctl.Serial]string{
		keyctl.Thread:      "@t",
		keyctl.Process:     "@p",
		keyctl.Session:     "@s",
		keyctl.User:        "@u",
		keyctl.UserSession: "@us",
		-6:                 "-6",
		0:                  "0",
		2147483647:         "2147483647",
	} {
		if got := serial.String(); got != want {
			t.Errorf("%d: %q, want %q", int32(serial), got, want)
		}
	}
}

func TestNames(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		persistent := good(keyctl.GetPersistent(userA, keyctl.Session))(t)
		for keyring, want := range map[keyctl.Serial]string{
			keyctl.User:        keyctl.UserName(userA),
			keyctl.UserSession: keyctl.UserSessionName(userA),
			persistent:         keyctl.PersistentName(userA),
		} {
			serial := good(keyctl.KeyringID(keyring, true))(t)
			if d := good(keyctl.Describe(serial))(t); d.Text != want {
				t.Errorf("%v is %q, not %q", keyring, d.Text, want)
			}
		}
	})
}

func TestPermString(t *testing.T) {
	for perm, want := range map[keyctl.Perm]string{
		0:                                   "------------------------",
		0x3f010000:                          "alswrv-----v------------",
		0x1f030000:                          "-lswrv----rv------------",
		0x3f3f3f3f:                          "alswrvalswrvalswrvalswrv",
		0xc0c0c0c0:                          "------------------------",
		keyctl.PosSetattr | keyctl.OthView:  "a----------------------v",
		keyctl.UsrLink | keyctl.GrpSearch:   "-------l------s---------",
		keyctl.GrpWrite | keyctl.OthRead:    "---------------w------r-",
		keyctl.PosLink | keyctl.UsrSetattr:  "-l----a-----------------",
		keyctl.GrpSetattr | keyctl.OthWrite: "------------a--------w--",
	} {
		if got := perm.String(); got != want {
			t.Errorf("%08x: %s, want %s", uint32(perm), got, want)
		}
	}
}

// Each named bit is the one that the kernel means: without it the owner of a key, who does not
// possess it, cannot do what it is for.
func TestPermBits(t *testing.T) {
	const all = keyctl.UsrView | keyctl.UsrRead | keyctl.UsrWrite | keyctl.UsrSearch |
		keyctl.UsrLink | keyctl.UsrSetattr
	for _, test := range []struct {
		name string
		bit  keyctl.Perm
		use  func(key keyctl.Serial) error
	}{
		{"view", keyctl.UsrView,
			func(key keyctl.Serial) error {
				_, err := keyctl.Describe(key)
				return err
			}},
		{"read", keyctl.UsrRead,
			func(key keyctl.Serial) error { _, err := keyctl.Read(key); return err }},
		{"write", keyctl.UsrWrite,
			func(key keyctl.Serial) error {
				return keyctltest.Update(key, []byte("x"))
			}},
		{"search", keyctl.UsrSearch,
			func(key keyctl.Serial) error {
				_, err := keyctl.KeyringID(key, false)
				return err
			}},
		{"link", keyctl.UsrLink,
			func(key keyctl.Serial) error { return keyctl.Link(key, keyctl.Session) }},
		{"setattr", keyctl.UsrSetattr,
			func(key keyctl.Serial) error { return keyctltest.SetTimeout(key, 1000) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			keyctltest.AsUser(t, userA, func() {
				key := addKey(t, "key", keyctl.Session)
				for _, perm := range []keyctl.Perm{all, all &^ test.bit} {
					done(t, keyctl.SetPerm(key, perm|keyctl.PosSetattr))
					keyctltest.AsUser(t, userA, func() {
						if err := test.use(key); perm == all {
							done(t, err)
						} else {
							fails(t, err, unix.EACCES)
						}
					})
				}
			})
		})
	}
}
