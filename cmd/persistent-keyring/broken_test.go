package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

const keyinitLine = "session optional pam_keyinit.so force revoke\n"

// setup is a machine on which sessions of alice through sshd lack their tickets for one reason.
type setup struct {
	name   string
	break_ func(t *testing.T) (environment []string, filter string)
	doctor []string // what doctor says, the line or command that fixes it among it
	try    []string // what try says
	linked bool     // the session has its keyring all the same
}

// files breaks nothing but files.
func files(pathsAndTexts ...string) func(*testing.T) ([]string, string) {
	return func(t *testing.T) ([]string, string) {
		for i := 0; i < len(pathsAndTexts); i += 2 {
			put(t, pathsAndTexts[i], pathsAndTexts[i+1])
		}
		return nil, ""
	}
}

var setups = []setup{
	{
		name:   "wrong order",
		break_: files(pamDir+"/sshd", "session optional pam_persistent.so\n"+keyinitLine),
		doctor: []string{"WRONG  service sshd: /etc/pam.d/sshd:1 is before " +
			"pam_keyinit.so (/etc/pam.d/sshd:2)", "in /etc/pam.d/sshd move line 1 " +
			"below line 2:\n             session optional pam_persistent.so\n"},
		try: []string{"a session keyring was joined for it, but pam_persistent.so",
			"in /etc/pam.d/sshd move line 1 below line 2:\n" +
				"             session optional pam_persistent.so\n"},
	},
	{
		name:   "wrong order in an included file",
		break_: files(pamDir+"/sshd", "@include common-session\n"+keyinitLine),
		doctor: []string{"WRONG  service sshd: /etc/pam.d/common-session:2 is before",
			"in /etc/pam.d/sshd after line 2:\n" +
				"             session optional pam_persistent.so\n"},
		try: []string{"a session keyring was joined for it, but pam_persistent.so",
			"in /etc/pam.d/sshd after line 2:\n" +
				"             session optional pam_persistent.so\n"},
	},
	{
		name:   "missing line",
		break_: files(pamDir+"/sshd", keyinitLine+"session include common-plain-session\n"),
		doctor: []string{"WRONG  service sshd: no session line with pam_persistent.so",
			"in /etc/pam.d/sshd after line 1:\n" +
				"             session optional pam_persistent.so\n"},
		try: []string{"a session keyring was joined for it, but pam_persistent.so",
			"in /etc/pam.d/sshd after line 1:\n" +
				"             session optional pam_persistent.so\n"},
	},
	{
		name:   "UsePAM no",
		break_: files("/etc/ssh/sshd_config", "Port 22\nUsePAM no\n"),
		doctor: []string{"WRONG  sshd: UsePAM is no",
			"in /etc/ssh/sshd_config line 2 (then systemctl reload sshd):\n" +
				"             UsePAM yes\n"},
		try: []string{"WRONG  sshd: UsePAM is no",
			"in /etc/ssh/sshd_config line 2 (then systemctl reload sshd):\n" +
				"             UsePAM yes\n"},
		linked: true,
	},
	{
		name:   "UsePAM not set",
		break_: files("/etc/ssh/sshd_config", "Port 22\n"),
		doctor: []string{"WRONG  sshd: UsePAM is not set",
			"in /etc/ssh/sshd_config (then systemctl reload sshd):\n" +
				"             UsePAM yes\n"},
		try:    []string{"WRONG  sshd: UsePAM is not set", "UsePAM yes\n"},
		linked: true,
	},
	{
		name: "keyctl blocked by seccomp",
		break_: func(*testing.T) ([]string, string) {
			return nil, "EPERM"
		},
		doctor: []string{"WRONG  kernel: KEYCTL_GET_PERSISTENT", "EPERM",
			"forbids keyctl(2)", "this process has a seccomp filter"},
		try: []string{"nothing could be tried: KEYCTL_JOIN_SESSION_KEYRING (anonymous): " +
			"EPERM", "allow keyctl, add_key and request_key"},
	},
	{
		name: "quota full",
		break_: func(t *testing.T) ([]string, string) {
			keyctltest.SetSysctl(t, "maxkeys", 200)
			keepFull(t, alice)
			return nil, ""
		},
		doctor: []string{"WRONG  quota: the key quota of alice is used up: 200 of 200 keys",
			" keys of type user, ",
			"sysctl -w kernel.keys.maxkeys=400"},
		try: []string{"WRONG  quota: the key quota of alice is used up: 200 of 200 keys",
			"sysctl -w kernel.keys.maxkeys=400"},
		// neither the session keyring, which stays root's, nor the persistent one is
		// charged to alice
		linked: true,
	},
	{
		name: "expired",
		break_: func(t *testing.T) ([]string, string) {
			keyctltest.SetSysctl(t, "gc_delay", 300)
			expire(t, alice)
			return nil, ""
		},
		doctor: []string{"WRONG  keyrings: the persistent keyring of alice has expired",
			"persistent-keyring renew alice"},
		try:    []string{", expired", "it had expired, and this login restored it"},
		linked: true,
	},
	{
		name: "FILE ccache",
		break_: files("/etc/krb5.conf",
			"[libdefaults]\n default_ccache_name = FILE:/tmp/krb5cc_%{uid}\n"),
		doctor: []string{"WRONG  kerberos: /etc/krb5.conf line 2 names " +
			"FILE:/tmp/krb5cc_%{uid}: tickets are in files", "in /etc/krb5.conf line " +
			"2:\n             default_ccache_name = KEYRING:persistent:%{uid}\n"},
		try: []string{"names FILE:/tmp/krb5cc_%{uid}: tickets are in files",
			"default_ccache_name = KEYRING:persistent:%{uid}"},
		linked: true,
	},
	{
		name: "module missing",
		break_: func(t *testing.T) ([]string, string) {
			remove(t, filepath.Join(moduleDir, moduleName))
			return nil, ""
		},
		doctor: []string{"WRONG  module: ", "pam_persistent.so is missing",
			"make install PAMDIR="},
		try: []string{"has not run, has failed", "pam_persistent.so is missing"},
	},
	{
		// To load it killed doctor's child and try itself by SIGBUS: 100 lines of a Go
		// traceback, and "the process of the session: exit status 2".
		name: "module cut off",
		break_: func(t *testing.T) ([]string, string) {
			path := filepath.Join(moduleDir, moduleName)
			put(t, path, string(must(os.ReadFile(path))(t)[:100000]))
			return nil, ""
		},
		doctor: []string{"WRONG  module: ",
			"is damaged: it was truncated at 100000 of at least ",
			"make install PAMDIR="},
		try: []string{"WRONG     nothing was tried: /usr/lib",
			"is damaged: it was truncated at 100000 of at least "},
	},
	{
		// sshd's lines were found good, though libpam found neither module.
		name: "carriage returns",
		break_: files(pamDir+"/sshd", strings.ReplaceAll(keyinitLine+
			"session optional pam_persistent.so\n", "\n", "\r\n")),
		doctor: []string{"WRONG  service sshd: /etc/pam.d/sshd:1 ends in CR and LF",
			`sed -i 's/\r$//' /etc/pam.d/sshd`},
		try: []string{"pam_persistent.so has not run", "ends in CR and LF"},
	},
	{
		// This was a note with exit status 0.
		name: "sufficient before the line",
		break_: files(pamDir+"/sshd", "session sufficient pam_permit.so\n"+
			"session optional pam_persistent.so\n"),
		doctor: []string{"WRONG  service sshd: /etc/pam.d/sshd:2 does not run if " +
			"pam_permit.so succeeds", "in /etc/pam.d/sshd move line 2 above line 1:"},
		try: []string{"neither pam_keyinit.so nor pam_persistent.so has joined",
			"/etc/pam.d/sshd:2 does not run"},
	},
	{
		name: "wrong mode",
		break_: func(t *testing.T) ([]string, string) {
			path := filepath.Join(moduleDir, moduleName)
			check(t, os.Chmod(path, 0o666))
			t.Cleanup(func() { check(t, os.Chmod(path, 0o644)) })
			return nil, ""
		},
		doctor: []string{"WRONG  module: ",
			"has mode 0666: users other than root can change it",
			"chmod 644 /usr/lib"},
		try: []string{"has mode 0666: users other than root can change it",
			"chmod 644 /usr/lib"},
		linked: true,
	},
	{
		name: "minimum_uid that is no number",
		break_: files(pamDir+"/sshd",
			keyinitLine+"session optional pam_persistent.so minimum_uid=1k\n"),
		doctor: []string{`WRONG  service sshd: /etc/pam.d/sshd:2: "minimum_uid=1k": ` +
			"not a UID: the module excludes every user"},
		try: []string{"a session keyring was joined for it, but pam_persistent.so",
			`"minimum_uid=1k": not a UID`},
	},
}

func TestBrokenSetups(t *testing.T) {
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			t.Cleanup(func() { keyctltest.Forget(t, alice) })
			environment, filter := s.break_(t)
			as(t, 0, func() {
				r := runWith(t, environment, filter, "doctor", "--service", "sshd")
				r.want(t, 1, s.doctor...)
				r = runWith(t, environment, filter, "doctor")
				r.want(t, 1, s.doctor...)
				status := 1
				if s.name == "expired" {
					status = 0 // the login has fixed it
				}
				r = runWith(t, environment, filter, "try", "sshd", "alice")
				r.want(t, status, s.try...)
				linked := strings.Contains(r.out,
					"ok        the session possesses the persistent keyring")
				if linked != s.linked {
					t.Errorf("linked is %v:\n%s", linked, r.out)
				}
				j := decode[document.Try](t, runWith(t, environment, filter, "try",
					"--json", "sshd", "alice"))
				if j.Linked != s.linked || j.Linked != (len(j.Findings) == 0) {
					t.Errorf("linked is %v, findings %q", j.Linked, j.Findings)
				}
			})
		})
	}
}

// The fix that doctor prints works: the machine is good after it.
func TestFixes(t *testing.T) {
	for _, test := range []struct{ name, sshd string }{
		{"wrong order", keyinitLine + "session optional pam_persistent.so\n"},
		{"included", "@include common-session\n" + keyinitLine +
			"session optional pam_persistent.so\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Cleanup(func() { keyctltest.Forget(t, alice) })
			put(t, pamDir+"/sshd", test.sshd)
			as(t, 0, func() {
				good(t, "sshd")
				runCommand(t, "try", "sshd", "alice").want(t, 0,
					"ok        the session possesses the persistent keyring")
			})
		})
	}
}

// good checks that nothing is wrong with a service and all that it depends on. It leaves out quotas
// and keyrings, because other tests that run on this machine use theirs up.
func good(t *testing.T, service string) {
	t.Helper()
	r := runCommand(t, "doctor", "--json", "--service", service)
	for _, one := range decode[document.Doctor](t, r).Results {
		if one.Level == string(facts.Wrong) &&
			one.Check != "quota" && one.Check != "keyrings" {
			t.Errorf("%+v", one)
		}
	}
}

// keepFull lets a user have as many keys as the quota has, until the test is over.
func keepFull(t *testing.T, uid uint32) {
	t.Helper()
	full, over := make(chan error), make(chan struct{})
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		keyctltest.OnThread(t, func() {
			err := keyctltest.DropTo(uid, uid)
			if err == nil {
				_, err = keyctl.JoinSession()
			}
			for i := 0; err == nil; i++ {
				_, err = keyctltest.AddKey("user", strconv.Itoa(i), []byte("1"),
					keyctl.Session)
			}
			full <- err
			<-over
		})
	}()
	t.Cleanup(func() { close(over); <-gone })
	if err := <-full; !errors.Is(err, unix.EDQUOT) {
		t.Fatal(err)
	}
}

// expire leaves a user with a persistent keyring whose time is over.
func expire(t *testing.T, uid uint32) {
	t.Helper()
	t.Run("make it expire", func(t *testing.T) {
		keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1)
		keyctltest.OnThread(t, func() {
			check(t, keyctltest.DropTo(uid, uid))
			must(keyctl.JoinSession())(t)
			keyring := persistentIn(t, uid, keyctl.Session)
			must(keyctltest.AddKey("user", "ticket", []byte("1"), keyring))(t)
			keyctltest.Eventually(t, "expired", func() bool {
				_, err := keyctl.Describe(keyring)
				return errors.Is(err, unix.EKEYEXPIRED)
			})
		})
	})
}
