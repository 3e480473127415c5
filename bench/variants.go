package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A variant is what stands in the service file.
type variant struct {
	id   string // its services are called bench-ID and bench-ID-after
	name string
	line string // module and options
}

var (
	ours    = variant{"ours", "pam_persistent", built("pam_persistent.so")}
	plain   = variant{"plain", "plain Go module", built("tests/plain.so")}
	keyinit = variant{"keyinit", "pam_keyinit", "pam_keyinit.so force revoke"}
	direct  = variant{"direct", "C in-process", built("bench/direct.so")}
	permit  = variant{"permit", "pam_permit", "pam_permit.so"}

	// Of whole sessions alone.
	none    = variant{"none", "no module", ""}
	stock   = variant{"stock", "pam_keyinit (stock)", ""}
	fscrypt = variant{"fscrypt", "pam_fscrypt (Go)", "pam_fscrypt.so"}
	helper  = variant{"exec", "pam_exec of /bin/true", "pam_exec.so quiet /bin/true"}

	variants = append([]variant{ours, plain, keyinit, direct, permit}, also()...)
	columns  = append([]variant{none, stock, ours, plain, fscrypt, helper, keyinit, direct,
		permit}, also()...)
)

// also are the modules that the caller wants to see compared, such as an older build.
func also() []variant {
	var more []variant
	for i, path := range strings.Fields(os.Getenv("BENCH_ALSO")) {
		path, _ = filepath.Abs(path)
		more = append(more, variant{fmt.Sprintf("also%d", i), filepath.Base(path), path})
	}
	return more
}

func built(name string) string {
	path, err := filepath.Abs(filepath.Join("build", name))
	if err != nil {
		fail(err)
	}
	return path
}

func (v variant) service() string { return "bench-" + v.id }

// after is the service in which pam_keyinit comes before the module. There pam_keyinit works in
// pam_setcred, so that the time of pam_open_session is the module's alone.
func (v variant) after() string { return v.service() + "-after" }

func (v variant) file() string {
	file, _, _ := strings.Cut(v.line, " ")
	return file
}

func writeServices() error {
	for _, v := range append(variants, stamped) {
		before := keyinit.line
		if v == keyinit {
			before = permit.line
		}
		session := "session required " + v.line + "\n"
		if err := writeService(v.service(), session); err != nil {
			return err
		}
		if err := writeService(v.after(),
			"auth required "+before+"\n"+session); err != nil {
			return err
		}
	}
	return nil
}

func writeService(name, text string) error {
	return os.WriteFile(filepath.Join("/etc/pam.d", name), []byte(text), 0o644)
}
