package doctor

import (
	"os"
	"strings"

	"pam_persistent/internal/facts"
)

// containers are kinds of containers: the file that shows one, its name, and how it is told to
// allow the calls for keys.
var containers = []struct {
	file, name string
	allow      facts.Fix
}{
	{"/.dockerenv", "Docker", profile("docker", "/etc/docker")},
	{"/run/.containerenv", "Podman", profile("podman", "/etc/containers")},
	{"/run/systemd/container", "systemd-nspawn or the like",
		at("in the container's .nspawn file, in its section [Exec]", filterOfSystemd)},
}

const (
	calls           = "keyctl, add_key and request_key"
	filterOfSystemd = "SystemCallFilter=@keyring"
)

func profile(command, dir string) facts.Fix {
	return at("to "+command+" run, with a profile that allows "+calls,
		"--security-opt seccomp="+dir+"/keyrings.json")
}

// allow says what lets this process make the calls for keys.
func (m config) allow() facts.Fix {
	for _, one := range containers {
		if m.exists(one.file) {
			return one.allow
		}
	}
	return at("in the unit of the service", filterOfSystemd)
}

// container tells in which kind of container this is, or "".
func (m config) container() string {
	for _, one := range containers {
		if m.exists(one.file) {
			return one.name
		}
	}
	return ""
}

// blocks tells what can be what blocks a system call.
func (m config) blocks() (text string) {
	status, _ := os.ReadFile(m.root + "/proc/self/status") // without it nothing is known
	if strings.Contains(string(status), "\nSeccomp:\t2") {
		text = "; a seccomp filter is on this process"
	}
	if kind := m.container(); kind != "" {
		text += "; this is a container (" + kind + ")"
	}
	return text
}
