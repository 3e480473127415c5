package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// programs are for the shells of TestGolden: this test binary under other names.
var programs = map[string]func(args []string) error{
	"alone": alone, "cache": addCache, "forbid": forbid, "namespace": namespace,
	"primary": setPrimary, "settle": settle,
}

// run runs a program and ends the process.
func run(program func([]string) error, args []string) {
	err := program(args)
	var exit *exec.ExitError
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	}
	fmt.Fprintln(os.Stderr, os.Args[0]+":", err)
	os.Exit(99)
}

// become is execvp(3).
func become(command []string) error {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, command, os.Environ())
}

// alone COMMAND... runs a command as root on a machine on which root has no keys. Which keys root
// has, and how many, differs from machine to machine.
func alone(args []string) error {
	all, err := os.ReadFile("/proc/key-users")
	if err != nil {
		return err
	}
	others := ""
	for line := range strings.Lines(string(all)) {
		if uid, _, _ := strings.Cut(strings.TrimSpace(line), ":"); uid != "0" {
			others += line
		}
	}
	const file = "/run/key-users"
	if err := errors.Join(os.WriteFile(file, []byte(others), 0o644),
		unix.Unshare(unix.CLONE_NEWNS),
		unix.Mount(file, "/proc/key-users", "", unix.MS_BIND, "")); err != nil {
		return err
	}
	return become(args)
}

// namespace COMMAND... runs a command in another user namespace, in which carol is root.
func namespace(args []string) error {
	var ids []syscall.SysProcIDMap
	for i, name := range []string{"carol", "alice", "bob"} {
		who, err := user.Lookup(name)
		if err != nil {
			return err
		}
		uid, err := strconv.Atoi(who.Uid)
		if err != nil {
			return err
		}
		ids = append(ids, syscall.SysProcIDMap{ContainerID: min(i, 1) * uid, HostID: uid,
			Size: 1})
	}
	c := inNamespace(ids, args...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	return c.Run()
}

// inNamespace returns a command that runs as root in a new user namespace with its own mounts.
func inNamespace(ids []syscall.SysProcIDMap, command ...string) *exec.Cmd {
	c := exec.Command(command[0], command[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{}}
	return c
}

// settle [_ses] waits until the keyrings of the user's processes that have ended are gone, also
// those of sessions if it is told that the user has none left. The kernel charges them to the user
// for some milliseconds more.
func settle(args []string) error {
	me := uint32(os.Getuid())
	for range 1000 {
		quiet, err := settled(me)
		keys, _ := keyctl.ConfirmedKeys() // none where a file has made it unreadable
		left := slices.DeleteFunc(keys, func(key keyctl.KeyInfo) bool {
			return key.UID != me || !isOfProcess(key) ||
				key.Description == "_ses" && len(args) == 0
		})
		if err != nil || quiet && len(left) == 0 {
			return err
		}
	}
	return errors.New("keyrings of processes that have ended are left over")
}

// settled reports whether no key of these users has gone meanwhile. The kernel frees keys after a
// grace period of RCU, and some keyrings in two steps.
func settled(uids ...uint32) (bool, error) {
	before, err := counted(uids)
	for range 2 {
		const global = 1 // MEMBARRIER_CMD_GLOBAL waits for a grace period; membarrier(2)
		_, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0)
		if err == nil && errno != 0 {
			err = errno
		}
	}
	after, errAfter := counted(uids)
	return slices.Equal(before, after), errors.Join(err, errAfter)
}

// counted returns what the kernel counts of users who have keys.
func counted(uids []uint32) (lines []keyctl.KeyUser, err error) {
	users, err := keyctl.ProcKeyUsers()
	for _, uid := range uids {
		if line := keyctl.KeyUserOf(users, uid); line != nil {
			line.Usage = 0 // who looks adds to it
			lines = append(lines, *line)
		}
	}
	return lines, err
}

// isOfProcess reports whether a keyring belongs to a thread, a process or a session.
func isOfProcess(key keyctl.KeyInfo) bool {
	return slices.Contains([]string{"_tid", "_pid", "_ses"}, key.Description)
}

// inCollection puts keys into the collection of ticket caches in the caller's persistent keyring.
func inCollection(put func(collection keyctl.Serial) error) error {
	keyring, err := keyctl.GetPersistent(uint32(os.Getuid()), keyctl.Thread)
	if err != nil {
		return err
	}
	collection, err := keyctltest.Search(keyring, "keyring", "_krb")
	if errors.Is(err, unix.ENOKEY) {
		collection, err = keyctltest.AddKey("keyring", "_krb", nil, keyring)
	}
	if err != nil {
		return err
	}
	return put(collection)
}

// addCache is the program cache NAME PRINCIPAL STARTS ENDS RENEWABLE BYTES. It makes a ticket cache
// with one ticket of about so many bytes. The times are years, so that what is printed does not
// depend on the day; RENEWABLE may be never.
func addCache(args []string) error {
	if len(args) != 6 {
		return fmt.Errorf("6 arguments are needed, and not %q", args)
	}
	var times [3]uint32
	for i, year := range args[2:5] {
		if year == "never" {
			continue
		}
		n, err := strconv.Atoi(year)
		if err != nil {
			return err
		}
		times[i] = uint32(time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	}
	bytes, err := strconv.Atoi(args[5])
	if err != nil {
		return err
	}
	ticket := ticketBytes(args[1], times[0], times[1], times[2], bytes)
	return inCollection(func(collection keyctl.Serial) error {
		cache, err := keyctltest.AddKey("keyring", args[0], nil, collection)
		if err != nil {
			return err
		}
		_, err = keyctltest.AddKey("user", "__krb5_princ__", principalBytes(args[1]), cache)
		if err != nil {
			return err
		}
		_, err = keyctltest.AddKey("user", "krbtgt/EXAMPLE.ORG@EXAMPLE.ORG", ticket, cache)
		return err
	})
}

// setPrimary is the program primary NAME. It makes the cache of this name the primary one.
func setPrimary(args []string) error {
	payload := append(binary.BigEndian.AppendUint32(nil, 1), field(args[0])...)
	return inCollection(func(collection keyctl.Serial) error {
		_, err := keyctltest.AddKey("user", "krb_ccache:primary", payload, collection)
		return err
	})
}
