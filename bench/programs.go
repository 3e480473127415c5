package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"pam_persistent/tests/support/loopback"
)

// programs measures real ones, from the start of the process to its end.
func programs(b budget) ([]row, error) {
	user := userName(0)
	su, err := program(b/2, "su", "su -c true", func() (time.Duration, error) {
		return timedSpawn("/usr/bin/su", "-c", "true", user)
	})
	if err != nil {
		return nil, err
	}
	stop, port, err := startSSHD(user)
	if errors.Is(err, exec.ErrNotFound) {
		return append(su,
			row{name: "ssh localhost true",
				note: "left out: there is no sshd on this machine"}), nil
	}
	if err != nil {
		return nil, err
	}
	defer stop()
	ssh, err := program(b/2, "sshd", "ssh localhost true", func() (time.Duration, error) {
		return timedSpawn("/usr/bin/ssh", "-F", "none", "-i", "/home/key", "-p", port,
			"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
			"-o", "LogLevel=ERROR", user+"@127.0.0.1", "true")
	})
	return append(su, ssh...), err
}

// program has one row for the time itself, and one for what it is longer than with pam_permit in
// the same round.
func program(b budget, service, name string, run func() (time.Duration, error)) ([]row, error) {
	whole := newRow(name, "µs")
	err := rounds(b, 3, variants, func(v variant) error {
		if err := writeService(service, serviceText(v)); err != nil {
			return err
		}
		took, err := run()
		whole.add(v, float64(took.Nanoseconds())/1000)
		return err
	})
	if err != nil {
		return nil, err
	}
	added := newRow(name+": longer than with pam_permit", "µs")
	for _, v := range variants {
		if v == permit {
			continue
		}
		for i, took := range whole.values[v.id] {
			added.add(v, took-whole.values[permit.id][i])
		}
	}
	return []row{whole, added}, nil
}

func serviceText(v variant) string {
	text := "auth sufficient pam_rootok.so\nauth required pam_deny.so\n" +
		"account required pam_permit.so\n"
	if v != keyinit {
		text += "session required " + keyinit.line + "\n"
	}
	return text + "session required " + v.line + "\n"
}

// startSSHD starts one that listens on the loopback interface only and lets the user in with a key
// made for it.
func startSSHD(user string) (stop func(), port string, err error) {
	path := "/usr/sbin/sshd"
	if _, err := os.Stat(path); err != nil {
		return nil, "", exec.ErrNotFound
	}
	const dir = "/home"
	for _, name := range []string{"key", "hostkey"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
			filepath.Join(dir, name)).CombinedOutput(); err != nil {
			return nil, "", fmt.Errorf("ssh-keygen: %w\n%s", err, out)
		}
	}
	port = loopback.FreePort()
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		return nil, "", err
	}
	config := "ListenAddress 127.0.0.1:" + port + "\nHostKey " + dir +
		"/hostkey\nPidFile none\nUsePAM yes\nAllowUsers " + user +
		"\nAuthorizedKeysFile " + dir +
		"/key.pub\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n" +
		"PrintMotd no\nLogLevel FATAL\n"
	if err := os.WriteFile(dir+"/sshd_config", []byte(config), 0o600); err != nil {
		return nil, "", err
	}
	cmd := exec.Command(path, "-D", "-e", "-f", dir+"/sshd_config")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	stop = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	for deadline := time.Now().
		Add(10 * time.Second); !loopback.Listening("127.0.0.1:" +
		port)(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			stop()
			return nil, "", fmt.Errorf("sshd does not listen on port %s", port)
		}
	}
	return stop, port, nil
}
