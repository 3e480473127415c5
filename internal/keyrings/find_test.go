package keyrings

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/internal/persistent"
	"pam_persistent/tests/support/uids"
)

var (
	user  = uids.Keyrings.Free().First
	other = user + 1
)

func TestMain(m *testing.M) { keyctltest.Main(m, user, other) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOf(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		if _, ok, err := Of(user); ok || err != nil {
			t.Errorf("found what is not there: %v", err)
		}
		serial, err := persistent.Link(user, keyctl.Session)
		check(t, err)
		_, err = keyctltest.AddKey("user", "x", []byte("1"), serial)
		check(t, err)
		if k, ok, err := Of(user); !ok || err != nil || k.Serial != serial ||
			k.State != facts.Valid || k.Keys != 1 || k.UID != user {
			t.Errorf("%+v, %v, %v", k, ok, err)
		}
		check(t, keyctl.Revoke(serial))
		if k, ok, err := Of(user); !ok || err != nil || k.State != facts.Revoked {
			t.Errorf("%+v, %v, %v", k, ok, err)
		}
		next, err := persistent.Renew(user)
		check(t, err)
		if k, ok, err := Of(user); !ok || err != nil || k.Serial != next ||
			k.State != facts.Valid || k.Keys != 0 {
			t.Errorf("%+v, %v, %v", k, ok, err)
		}
	})
}

// listed reports whether a line of /proc/keys, true or forged, begins like this.
func listed(t *testing.T, line string) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/keys")
	check(t, err)
	return strings.Contains(string(text), "\n"+line)
}

// Names and lines that only look like the kernel's are not believed.
func TestFindForged(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		fake, err := keyctltest.AddKey("keyring", keyctl.PersistentName(user), nil,
			keyctl.Session)
		check(t, err)
		// The kernel adds ": 1", the size of the key in whose name it stands: that passes
		// for the number of links.
		line := fmt.Sprintf("%08x I------     3  4w 1f030000 %5d 65534 keyring   %s", 3,
			user, keyctl.PersistentName(user))
		_, err = keyctltest.AddKey("user", "x\n"+line, []byte("1"), keyctl.Session)
		check(t, err)
		if !listed(t, line) {
			t.Fatal("the forged line is not in /proc/keys: the test has lost its point")
		}
		keys, _ := keyctl.ConfirmedKeys()
		if k, ok := Find(user, keys); ok {
			t.Errorf("%+v is believed, the forged keyring is %d", k, fake)
		}
		serial, err := persistent.Link(user, keyctl.Session)
		check(t, err)
		keys, _ = keyctl.ConfirmedKeys()
		if k, ok := Find(user, keys); !ok || k.Serial != serial {
			t.Errorf("%+v, want %d", k, serial)
		}
	})
}

// expiredLine makes up a line in the caller's /proc/keys that says of a key of the caller's which
// has expired that it is somebody's persistent keyring, and returns the serial. The line stands in
// the name of a key that has expired too, so the kernel gives neither of the two keys' names.
func expiredLine(t *testing.T, of uint32) keyctl.Serial {
	t.Helper()
	var made []keyctl.Serial
	name := "a key"
	// The line of the first key must not be shown, or the two lines would contradict each
	// other.
	for _, view := range []keyctl.Perm{0, keyctl.UsrView | keyctl.OthView} {
		key, err := keyctltest.AddKey("user", name, []byte("1"), keyctl.Session)
		check(t, err)
		check(t, keyctl.SetPerm(key,
			keyctl.PosView|keyctl.PosSearch|keyctl.PosSetattr|view))
		name = fmt.Sprintf("x\n%08x I------     3 expd 1f030000 %5d 65534 keyring   %s",
			uint32(key), of, keyctl.PersistentName(of))
		made = append(made, key)
	}
	for _, key := range made {
		check(t, keyctltest.SetTimeout(key, 1))
	}
	keyctltest.Eventually(t, "expired", func() bool {
		_, err := keyctl.Describe(made[1])
		return errors.Is(err, unix.EKEYEXPIRED)
	})
	return made[0]
}

// Nobody can make up that somebody's keyring has expired, in anybody's eyes but one's own. Whoever
// takes /proc/keys at its word believes the first, and without a look into the register the last.
func TestExpiredForged(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 300)
	keyctltest.AsUser(t, other, func() {
		lie := expiredLine(t, user)
		keyctltest.AsUser(t, user, func() {
			if !listed(t, fmt.Sprintf("%08x I------     3 expd 1f030000 %5d ",
				uint32(lie), user)) {
				t.Fatal("the made up line is not there")
			}
			if k, ok, err := Of(user); ok || err == nil {
				t.Errorf("of another's key: %+v, %v", k, err)
			}
		})
		keyctltest.AsRoot(t, func() {
			if k, ok, _ := Of(user); ok {
				t.Errorf("of another's key, as root: %+v", k)
			}
		})
	})
	keyctltest.AsUser(t, user, func() {
		expiredLine(t, user)
		keyctltest.AsRoot(t, func() {
			if k, ok, _ := Of(user); ok {
				t.Errorf("of the user's own key, as root: %+v", k)
			}
		})
	})
}

// A key of another type that has the name of the kernel's register is not taken for it, though a
// line says that it is a keyring.
func TestRegisterForged(t *testing.T) {
	var serial keyctl.Serial
	keyctltest.AsUser(t, user, func() {
		var err error
		serial, err = persistent.Link(user, keyctl.Session)
		check(t, err)
		for i := range 40 { // some stand before the register in the order of serials
			ring, err := keyctltest.AddKey("keyring", strconv.Itoa(i), nil,
				keyctl.Session)
			check(t, err)
			key, err := keyctltest.AddKey("user", registerName, []byte("1"), ring)
			check(t, err)
			liar, err := keyctltest.AddKey("user", fmt.Sprintf(
				"x\n%08x I------     3 perm 1f0b0000     0     0 keyring   %s",
				uint32(key), registerName), []byte("1"), ring)
			check(t, err)
			for _, one := range []keyctl.Serial{key, liar} {
				check(t, keyctl.SetPerm(one, keyctl.OthView|keyctl.OthRead))
			}
		}
		keyctltest.AsRoot(t, func() {
			all, err := readRegisters()
			if !slices.Contains(slices.Concat(all...), serial) {
				t.Errorf("the registers have %v, without %v (%v)", all, serial, err)
			}
		})
	})
}

func TestAll(t *testing.T) {
	var want []keyctl.Serial
	for _, uid := range []uint32{user, other} {
		keyctltest.AsUser(t, uid, func() {
			serial, err := persistent.Link(uid, keyctl.Session)
			check(t, err)
			want = append(want, serial)
			if _, err := All(); !errors.Is(err, unix.EPERM) {
				t.Errorf("as a user: %v, want EPERM", err)
			}
		})
	}
	keyctltest.AsRoot(t, func() {
		list, err := All()
		check(t, err)
		for _, serial := range want {
			if !slices.ContainsFunc(list.Keyrings,
				func(k facts.Keyring) bool { return k.Serial == serial }) ||
				slices.Contains(list.Unseen, serial) {
				t.Errorf("%d is not listed: %+v", serial, list)
			}
		}
	})
}

// inNamespace makes a user namespace in which the user has the UID as, with a persistent keyring of
// the user's, and returns the keyring. The namespace lasts until stop.
func inNamespace(t *testing.T, as uint32) (serial keyctl.Serial, stop func()) {
	t.Helper()
	own := []syscall.SysProcIDMap{{ContainerID: int(as), HostID: int(user), Size: 1}}
	cmd := exec.Command("sh", "-c", "keyctl get_persistent @p && read -r line")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: own,
		GidMappings: own,
		Credential:  &syscall.Credential{Uid: as, Gid: as, NoSetGroups: true},
	}
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	stop = func() {
		in.Close()
		_ = cmd.Wait()
	}
	if _, err := fmt.Fscan(out, &serial); err != nil {
		stop()
		t.Fatalf("no persistent keyring in the namespace: %v", err)
	}
	return serial, stop
}

// foreign is inNamespace for the rest of the test. It tries to let the register of another user
// namespace stand before that of own in /proc/keys, where the order is random.
func foreign(t *testing.T, as uint32, own keyctl.Serial) keyctl.Serial {
	t.Helper()
	for tries := 1; ; tries++ {
		serial, stop := inNamespace(t, as)
		keys, _ := keyctl.ConfirmedKeys()
		first := slices.IndexFunc(keys, func(key keyctl.KeyInfo) bool {
			return key.Description == registerName
		})
		serials, _ := keyctl.ReadKeyring(keys[first].Serial)
		if !slices.Contains(serials, own) || tries == 200 {
			t.Cleanup(stop)
			return serial
		}
		stop()
	}
}

// The register of a user namespace, which any user can make, hides no keyring of the machine's, and
// what it alone has is no entry without an owner. Both cases fail if only the first register is
// read, and the second one if the largest register does not come first.
func TestRegisterOfUserNamespace(t *testing.T) {
	for name, as := range map[string]uint32{"another UID": 0, "the same UID": user} {
		t.Run(name, func(t *testing.T) {
			keyctltest.SetSysctl(t, "gc_delay", 300)
			var own keyctl.Serial
			link := func(uid uint32) {
				keyctltest.AsUser(t, uid, func() {
					var err error
					own, err = persistent.Link(uid, keyctl.Session)
					check(t, err)
				})
			}
			link(other)
			keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1)
			link(user)
			keyctltest.SetSysctl(t, "persistent_keyring_expiry", 3600)
			keyctltest.AsRoot(t, func() {
				ns := foreign(t, as, own)
				keyctltest.Eventually(t, "expired", func() bool {
					_, err := keyctl.Describe(own)
					return errors.Is(err, unix.EKEYEXPIRED)
				})
				for _, state := range []facts.State{facts.Expired, facts.Valid} {
					if state == facts.Valid {
						_, err := persistent.Renew(user)
						check(t, err)
					}
					one, ok, err := Of(user)
					if !ok || one.Serial != own || one.State != state {
						t.Errorf("%+v (%v), want %d, %s", one, err, own,
							state)
					}
					list, err := All()
					check(t, err)
					if !slices.Contains(list.Keyrings, one) {
						t.Errorf("%+v is not in %+v", one, list)
					}
					if slices.Contains(list.Unseen, ns) ||
						slices.Contains(list.Unseen, own) {
						t.Errorf("%d or %d is in %+v", ns, own, list)
					}
				}
			})
		})
	}
}
