// Package renewal resets the expiry timers of persistent keyrings in a child, which can be killed.
//
// KEYCTL_GET_PERSISTENT searches everything below the keyring, along each way that leads there, and
// holds a mutex of the whole machine meanwhile. A user who nests keyrings can make one search last
// half a minute, and no signal ends it. A thread that possesses such a keyring searches it whenever
// it looks at any key. So each link ends with a thread that does not look at other keys.
package renewal

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/persistent"
)

// Command is the hidden first argument of the child that [Each] starts.
const Command = "renew-keyrings"

// answer is what the child writes of one user.
type answer struct {
	Before, After facts.Keyring
	None          bool
	Problem       string
}

func (a answer) renewal(user facts.Account) facts.Renewal {
	r := facts.Renewal{User: user, Before: a.Before, After: a.After, None: a.None}
	if a.Problem != "" {
		r.Err = errors.New(a.Problem)
	}
	return r
}

// Main is the child: it renews the keyring of each UID that it reads.
func Main() {
	uids, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var uid uint32
		if uids.Decode(&uid) != nil {
			os.Exit(0)
		}
		r := renew(uid)
		a := answer{r.Before, r.After, r.None, ""}
		if r.Err != nil {
			a.Problem = persistent.Explain(r.Err).Error()
		}
		if answers.Encode(a) != nil {
			os.Exit(1)
		}
	}
}

// renew looks before and after, on a thread that possesses nothing.
func renew(uid uint32) (r facts.Renewal) {
	var ok bool
	r.Before, ok, r.Err = keyrings.Of(uid)
	switch {
	case !ok && r.Err != nil:
		return r
	case !ok || r.Before.State == facts.Revoked:
		r.None, r.Err = true, nil
		return r
	}
	if r.Err = reset(uid); r.Err != nil {
		return r
	}
	if r.After, ok, r.Err = keyrings.Of(uid); ok {
		r.Err = nil
	} else if r.Err == nil {
		r.Err = unix.ENOKEY
	}
	return r
}

// reset resets the timer on a thread of its own, whose link ends with it.
func reset(uid uint32) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		_, err := persistent.Renew(uid)
		done <- err
	}()
	return <-done
}
