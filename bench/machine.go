package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// describeMachine is what a reader has to know to compare the numbers with his own.
func describeMachine() ([]string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, err
	}
	memory, err := field("/proc/meminfo", "MemTotal")
	if err != nil {
		return nil, err
	}
	// Not every architecture has it.
	cpu, err := field("/proc/cpuinfo", "model name")
	if err != nil {
		cpu = "unknown"
	}
	libc, err := exec.Command("getconf", "GNU_LIBC_VERSION").Output()
	if err != nil {
		return nil, fmt.Errorf("getconf: %w", err)
	}
	system, _ := field("/etc/os-release", "PRETTY_NAME")
	return []string{
		"date: " + time.Now().UTC().Format("2006-01-02"),
		fmt.Sprintf("processor: %s, %d cores%s", cpu, runtime.NumCPU(), virtual()),
		"memory: " + memory,
		"kernel: " + unix.ByteSliceToString(name.Sysname[:]) + " " +
			unix.ByteSliceToString(name.Release[:]) + ", " +
			unix.ByteSliceToString(name.Machine[:]),
		"system: " + strings.Trim(system, `"`),
		"Go: " + strings.TrimPrefix(runtime.Version(), "go") + ", libc: " +
			strings.TrimSpace(string(libc)),
	}, nil
}

// virtual reports whether this is a virtual machine, where page faults and system calls cost more.
func virtual() string {
	if flags, _ := field("/proc/cpuinfo", "flags"); strings.Contains(flags, " hypervisor ") {
		return ", a virtual machine"
	}
	return ""
}

// field finds "name : value" or name=value in a file.
func field(path, name string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		key, value, found := strings.Cut(line, ":")
		if !found {
			key, value, found = strings.Cut(line, "=")
		}
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("%s has no %q", path, name)
}
