package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/world/accounts"
)

// The users who log in; nobody else has these UIDs. Several, so that logins side by side are those of different users.
const firstUID, lastUID = 99980, 99987

func userName(n int) string { return fmt.Sprintf("bench%d", n%(lastUID-firstUID+1)) }

// stage is the environment variable that tells the process in the world from the one outside.
const stage = "PAM_PERSISTENT_BENCH"

// enter runs this program once more in namespaces of its own, and destroys the users' keys before and after.
func enter() int {
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, unix.SIGINT, unix.SIGTERM) // and clean up: the world ends by itself or is ended below
	return keyctltest.Run(func() int {
		defer forget()
		cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
		cmd.Env = append(os.Environ(), stage+"=1")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Pdeathsig:  syscall.SIGKILL,
			Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC,
		}
		if err := cmd.Start(); err != nil {
			fail(err)
		}
		go func() {
			<-interrupt
			cmd.Process.Kill()
		}()
		if err := cmd.Wait(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			return 1
		}
		return 0
	}, firstUID, lastUID)
}

// buildWorld lays users and service files over the machine's; all is gone with the mount namespace.
func buildWorld() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	for _, step := range []func() error{
		func() error { return unix.Mount("proc", "/proc", "proc", 0, "") },
		func() error { return unix.Mount("tmpfs", "/home", "tmpfs", 0, "mode=755") },
		copyEtc,
		addUsers,
		writeServices,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	// A daemon's session keyring, for its logins to inherit. Keyrings belong to threads: main is locked to its own (keyctltest).
	_, err := keyctl.JoinSession()
	return err
}

// copyEtc puts a copy in the place of /etc. Not of single files: as soon as somebody outside replaces /etc/passwd, which useradd
// does by rename(2), the kernel takes away what is mounted over it in any namespace.
func copyEtc() error {
	if out, err := exec.Command("cp", "-a", "/etc", "/home/etc").CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w\n%s", err, out)
	}
	if err := unix.Mount("/home/etc", "/etc", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind to /etc: %w", err)
	}
	// What libpam reads besides: it would load the modules of the machine's logins into ours.
	return os.WriteFile("/etc/pam.d/other", nil, 0o644)
}

func addUsers() error {
	if err := accounts.HideCache(); err != nil {
		return err
	}
	var lines accounts.Lines
	for uid := firstUID; uid <= lastUID; uid++ {
		name := userName(uid - firstUID)
		home := filepath.Join("/home", name)
		lines.Passwd += fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh\n", name, uid, uid, home)
		if err := os.Mkdir(home, 0o700); err != nil {
			return err
		}
		if err := os.Chown(home, uid, uid); err != nil {
			return err
		}
	}
	return accounts.Install("/etc", lines)
}
