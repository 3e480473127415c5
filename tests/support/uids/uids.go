// Package uids is the register of the UIDs that tests use. No two packages share one, because go
// test runs packages side by side and a user's keys are the same in all of them.
//
// All of them are outside of the ranges of accounts, subordinate UIDs and systemd's dynamic users,
// and below UID 99990, which tests/demo uses. If this machine has an account with one of them,
// [Range.Free] finds others.
package uids

import (
	"os/user"
	"strconv"
)

// A Range is the UIDs of one package's tests, which destroy all keys of these UIDs.
type Range struct{ First, Count uint32 }

// For packages that need only UIDs.
var (
	Keyctl     = take(3)
	Keyctltest = take(1)
	_          = take(3)
	Keyrings   = take(2)
)

// For worlds (see package world): the first five are alice, bob and carol with one unused UID
// before and one after them; all others are user0, user1...
var (
	Arm64     = take(5)
	Attackers = take(5)
	Bench     = take(5 + 8)
	Booted    = take(5)
	Beside    = take(5)
	Command   = take(5)
	Container = take(5 + 16)
	Faults    = take(5)
	Hosts     = take(5)
	Kerberos  = take(5)
	Keyusers  = take(5)
	Krb5      = take(5)
	Limits    = take(5)
	Manual    = take(5)
	OCI       = take(5)
	Packages  = take(5)
	Pamtester = take(5)
	Remote    = take(5)
	Sanitize  = take(5)
	Scale     = take(5 + 50)
	Releases  = take(5)
	SELinux   = take(5)
	Suites    = take(5)
	World     = take(5 + 1)
	Pamtest   = take(5)
)

// Liar owns a key that all tests see; see keyctltest.
var Liar = take(1)

// Also for packages that need only UIDs.
var Renewal = take(2)

// Check is of an ordinary user, who runs make check.
var Check = take(1)

var next uint32 = 99200

func take(n uint32) Range {
	next += n
	return Range{next - n, n}
}

// Last returns the last UID of the range.
func (r Range) Last() uint32 { return r.First + r.Count - 1 }

// Free returns the range, or the nearest one some thousands below it in which this machine has no
// account. The register is shorter than a thousand, so the result is no other package's either.
func (r Range) Free() Range {
	for r.hasAccount() && r.First > 70000 {
		r = r.Next()
	}
	return r
}

// Next returns the range a thousand below, for a package that cannot use this one.
func (r Range) Next() Range { return Range{r.First - 1000, r.Count} }

func (r Range) hasAccount() bool {
	for uid := r.First; uid <= r.Last(); uid++ {
		if _, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
			return true
		}
	}
	return false
}
