package facts

import (
	"fmt"
	"io/fs"
	"slices"

	"pam_persistent/internal/keyctl"
)

// Machine is what doctor examines. What was not looked at is zero.
type Machine struct {
	UID  uint32 // the caller
	Root bool   // the caller has root's rights

	Kernel      Kernel
	Users       []UserQuota // of /proc/key-users
	UsersErr    error
	Keyrings    []OwnedKeyring // everybody's for root, else the caller's
	KeyringsErr error
	Mine        *Status // the caller's; nil for root

	Module      ModuleFile
	CutOff      *ModuleFile // the first module of the session's service that is cut off
	Dirs        []string    // with service files, the administrator's first
	Services    []Service
	ServicesErr error
	Only        []Service // those to be examined; none: all
	Sshd        Sshd
	Kerberos    Kerberos
	SELinux     *SELinux        // nil: not in use
	AppArmor    *AppArmor       // nil: not in use
	Files       map[string]bool // whether those that package machine names exist
}

// Lines are the lines of all services' auth and session stacks, each once.
func (m *Machine) Lines() (lines []Line) {
	seen := map[string]bool{}
	for _, service := range m.Services {
		for _, line := range slices.Concat(service.Auth.Lines, service.Session.Lines) {
			if where := line.Where() + line.Kind; !seen[where] {
				seen[where] = true
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// UserKeyring reports whether a line of the module has the option user_keyring.
func (m *Machine) UserKeyring() bool {
	return slices.ContainsFunc(m.Lines(), func(l Line) bool {
		return l.Is(Module) && l.Has("user_keyring")
	})
}

// Kernel is what the kernel offers to the caller.
type Kernel struct {
	NoPersistent error // why there are no persistent keyrings
	Unsupported  bool  // the kernel was built without them
	Forbidden    bool  // keyctl(2) is forbidden
	NoKeys       error // why programs cannot make keys or find them

	Expiry    uint32 // in seconds, 0: never
	ExpiryErr error
	NoExpiry  bool    // the kernel has no such setting
	GCDelay   *uint32 // in seconds; nil: not known

	Filtered  bool   // by seccomp(2)
	Container string // its kind: "Docker"; "": none is known
}

// UserQuota is what a user takes of the kernel's limits.
type UserQuota struct {
	Quota keyctl.KeyUser
	Owner Account // zero if the user takes little
	Most  Share   // what takes most of it; zero: not known, or the user takes little
}

// Share is what keys of one kind take of a quota.
type Share struct {
	Kind        string // "keys of type user"
	Keys, Bytes int
}

// OwnedKeyring is a persistent keyring, its owner, and what others can find out about it.
type OwnedKeyring struct {
	Keyring
	Owner         Account
	Ways          uint64 // in which keyrings in it are linked
	InUserKeyring bool   // it is linked in its owner's user keyring
}

// Module is the file name of the module; libpam looks for it in the directory that has Neighbour,
// a module of Linux-PAM itself.
const (
	Module    = "pam_persistent.so"
	Neighbour = "pam_permit.so"
)

// ModuleFile is the file of a PAM module.
type ModuleFile struct {
	Path     string // "": the directory of the modules was not found
	Err      error
	Missing  bool
	Mode     fs.FileMode
	Owner    uint32
	Unmapped bool   // the owner has no UID in this user namespace
	Fault    string // why it cannot be loaded; only trusted files are examined
}

// Trusted reports whether root alone can change the file.
func (f ModuleFile) Trusted() bool {
	return f.Path != "" && f.Err == nil && f.Mode.IsRegular() &&
		(f.Owner == 0 || f.Unmapped) && f.Mode.Perm()&0o022 == 0
}

// Service is a service of PAM.
type Service struct {
	Name          string
	Own           bool // it has a file
	Auth, Session Stack
	Missing       []string // our modules in its lines that are missing
}

// Sshd is the configuration of OpenSSH's server.
type Sshd struct {
	File    string
	Err     error
	Missing bool
	UsePAM  *Setting
	InMatch *Setting // UsePAM where it is not allowed
}

// SELinux is what it has denied.
type SELinux struct {
	Err        error
	Permissive bool
	Log        string
	LogErr     error
	Denials    []string
}

// AppArmor is what it has denied.
type AppArmor struct {
	Err     error
	LogErr  error
	Denials []ProfileDenial
}

// ProfileDenial is what a profile does not allow.
type ProfileDenial struct{ Profile, File, Mask string }

// Setting is a value of a configuration file, and where it was set.
type Setting struct {
	Value string
	File  string
	Line  int // counted from 1
}

// MaxDepth is how deep files may include each other: the limit of libpam
// (PAM_SUBSTACK_MAX_LEVEL) and of OpenSSH. It also ends a file that includes itself.
const MaxDepth = 16

// TooDeep is the error of a file that lies deeper.
func TooDeep(file string) error {
	return fmt.Errorf("%s: files include each other more than %d deep", file, MaxDepth)
}
