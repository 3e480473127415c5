package beside

import (
	"fmt"
	"os"
	"testing"

	"pam_persistent/tests/support/disk"
	"pam_persistent/tests/support/world"
)

// pam_fscrypt is Go too, and its runtime stays in the login process. It unlocks the user's home
// with the password when a session is opened, and locks it when the last one is closed. With policy
// version 1 the key goes into the user keyring, and is found through the session keyring's link;
// with version 2 it goes into the file system.
var (
	fscryptV1 = fscrypt("1", `/home/where logon "$(keyctl show @s |
		sed -n 's/.*logon: \(ext4:.*\)/\1/p')"; cat ~/file`, inUser+"\nfile of alice")
	fscryptV2 = fscrypt("2", "cat ~/file", "file of alice")
)

func fscrypt(version, look, works string) neighbour {
	return neighbour{
		host: "sshd", module: "pam_fscrypt", special: "policy version " + version,
		packages: []string{"libpam-fscrypt", "fscrypt", "e2fsprogs"},
		profile:  "fscrypt",
		setUp:    func(t *testing.T) { encryptHome(t, version) },
		look:     look, works: works,
		trace: func(*testing.T) string {
			if _, err := os.Stat(cryptHome + "/file"); err == nil {
				return "the home is still unlocked"
			}
			return ""
		},
	}
}

const cryptHome = "/home/disk/alice"

// encryptHome gives alice an encrypted home that her password unlocks, until the test is over.
func encryptHome(t *testing.T, version string) {
	t.Helper()
	again := disk.Encrypting(t, "/run/disk", "/home/disk")
	hideProtectors(t)
	t.Cleanup(func() { unlinkFromRoot(t) })
	world.Run(t, "sh", "-ec", `
		rm -f /etc/fscrypt.conf
		fscrypt setup --force --time=1ms --quiet
		sed -i 's/\("policy_version": \)"."/\1"'"$2"'"/' /etc/fscrypt.conf
		fscrypt setup /home/disk --quiet --all-users
		install -d -o alice -g alice -m 700 "$1"
		echo "$3" | fscrypt encrypt "$1" --user=alice --source=pam_passphrase --quiet \
			--no-recovery
		keyctl link @u @s # through which root finds the key
		echo file of alice >"$1/file"
		chown alice: "$1/file"
		fscrypt lock "$1" --user=alice --quiet`, "sh", cryptHome, version, world.Password)
	again()
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	world.Write(t, "/etc/passwd", string(passwd)) // restores it after the test
	world.Run(t, "sed", "-i", fmt.Sprintf("s,:/home/alice:,:%s:,", cryptHome), "/etc/passwd")
}

// hideProtectors lays an empty directory over this machine's /.fscrypt, where fscrypt keeps the
// protectors, which protect keys with login passwords.
func hideProtectors(t *testing.T) {
	t.Helper()
	const dir = "/.fscrypt"
	if err := os.Mkdir(dir, 0o755); err == nil {
		t.Cleanup(func() { os.Remove(dir) })
	} else if !os.IsExist(err) {
		t.Fatal(err)
	}
	world.Run(t, "sh", "-ec", `
		mount -t tmpfs -o mode=755 none "$1"
		mkdir -m 1777 "$1/policies" "$1/protectors"`, "sh", dir)
	t.Cleanup(func() { world.Run(t, "umount", dir) })
}

// unlinkFromRoot removes alice's user keyring from root's, which is the machine's: fscrypt leaves a
// link there, with which it finds keys of policy version 1.
func unlinkFromRoot(t *testing.T) {
	t.Helper()
	world.Run(t, "sh", "-c", fmt.Sprintf(
		`if ring=$(keyctl search @u keyring _uid.%d 2>/dev/null); then
			keyctl unlink "$ring" @u
		fi`, world.Alice.UID))
}
