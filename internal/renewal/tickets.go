package renewal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/child"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/krb5"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/phrase"
)

// TicketsCommand is the hidden first argument of the child that [Tickets] starts.
const TicketsCommand = "renew-tickets"

// Tickets renews the tickets of a user with MIT's kinit, whose path is program. It does so in a
// child that has the user's IDs, a clean environment, no terminal, and a session keyring that holds
// only the user's persistent keyring. The user controls the child, so its answer is not trusted.
func Tickets(user facts.Account, program string) ([]facts.TicketRenewal, error) {
	c := child.Self(TicketsCommand, program)
	if err := setIdentity(c, user); err != nil {
		return nil, err
	}
	var text []byte
	done := make(chan error, 1)
	go func() {
		// Never unlocked: the thread ends with the goroutine, and with it the session
		// keyring.
		runtime.LockOSThread()
		// Joined before the IDs change, so that the user never possesses the caller's keys.
		_, err := keyctl.JoinSession()
		if err == nil {
			text, err = runTickets(c)
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, persistent.Explain(err)
		}
		return parseTickets(text)
	case <-time.After(child.Tickets + child.Grace):
		return nil, errTicketsLate
	}
}

// TicketsMain is the child of [Tickets]. program is MIT's kinit.
func TicketsMain(program string) {
	var a ticketsAnswer
	var err error
	if a.Caches, err = renewAll(uint32(os.Getuid()), program); err != nil {
		a.Problem = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// ticketsAnswer is what the child writes on its standard output.
type ticketsAnswer struct {
	Caches  []facts.TicketRenewal
	Problem string
}

var errTicketsLate = fmt.Errorf("the tickets were not renewed within %s",
	phrase.Duration(uint64(child.Tickets.Seconds())))

func runTickets(c *exec.Cmd) ([]byte, error) {
	if err := closeInherited(); err != nil {
		return nil, err
	}
	out := &limited{}
	c.Stdout = out
	switch err := child.Run(c, child.Tickets); err {
	case nil:
		return out.Bytes(), nil
	case child.ErrLate:
		return nil, errTicketsLate
	default:
		return nil, fmt.Errorf("the process that renews the tickets: %w", err)
	}
}

// closeInherited keeps the child from inheriting descriptors that this process has inherited.
// close_range(2) can do that only since Linux 5.11.
func closeInherited() error {
	const standard = 3 // descriptors, which [exec.Cmd] replaces
	open, err := os.ReadDir("/proc/self/fd")
	for _, file := range open {
		if fd, err := strconv.Atoi(file.Name()); err == nil && fd >= standard {
			unix.CloseOnExec(fd)
		}
	}
	return err
}

// limited is a buffer that is large enough for an answer about all tickets of a full quota.
type limited struct{ bytes.Buffer }

func (l *limited) Write(text []byte) (int, error) {
	if l.Len()+len(text) > 1<<20 {
		return 0, errors.New("the answer is too long")
	}
	return l.Buffer.Write(text)
}

// parseTickets refuses what the schema of the document does not allow.
func parseTickets(text []byte) ([]facts.TicketRenewal, error) {
	var a ticketsAnswer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("the process that renews the tickets: %w", err)
	}
	if a.Problem != "" {
		return nil, errors.New(phrase.Quote(a.Problem))
	}
	for _, r := range a.Caches {
		if !r.Result.Known() {
			return nil, errors.New("invalid answer from the process that renews " +
				"the tickets")
		}
	}
	return a.Caches, nil
}

// setIdentity gives a command the credential and the environment of a user's process.
func setIdentity(c *exec.Cmd, a facts.Account) error {
	c.Dir, c.SysProcAttr = "/", &syscall.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	c.Env = []string{"LC_ALL=C"} // the messages of kinit are parsed
	// The paths of Kerberos' configuration and of programs are the caller's.
	for _, name := range []string{"KRB5_CONFIG", "PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	found, err := user.LookupId(keyctl.FormatID(a.UID))
	if err == nil {
		c.Env = append(c.Env, "HOME="+found.HomeDir, "USER="+found.Username,
			"LOGNAME="+found.Username)
	}
	if a.UID == uint32(os.Geteuid()) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot look up the user's groups: %w", err)
	}
	c.SysProcAttr.Credential, err = credentialOf(found)
	return err
}

func credentialOf(u *user.User) (*syscall.Credential, error) {
	groups, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	var ids []uint32
	for _, text := range append([]string{u.Uid, u.Gid}, groups...) {
		id, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, err
		}
		ids = append(ids, uint32(id))
	}
	return &syscall.Credential{Uid: ids[0], Gid: ids[1], Groups: ids[2:]}, nil
}

// renewAll renews the tickets that are due in a user's persistent keyring, which it links into the
// session keyring for kinit.
func renewAll(uid uint32, program string) (list []facts.TicketRenewal, _ error) {
	keyring, err := persistent.Link(uid, keyctl.Session)
	if err != nil {
		return nil, err
	}
	for _, cache := range keyrings.Caches(uid, keyring).Caches {
		r := renewTicket(uid, program, cache)
		if r.Result == facts.Renewed || r.Result == facts.Failed {
			r.After = ends(again(uid, keyring, cache))
		}
		if r.Result == facts.Renewed && r.After.Equal(r.Before) {
			r.Result = facts.Failed
			r.Problem = "the KDC's new ticket is valid no longer than the old one"
		}
		list = append(list, r)
	}
	return list, nil
}

func renewTicket(uid uint32, program string, cache facts.Cache) facts.TicketRenewal {
	r := facts.TicketRenewal{Cache: cache.Name, Principal: cache.Principal,
		Result: finding.Due(cache, time.Now()), Before: ends(cache), After: ends(cache)}
	if cache.Granting != nil {
		r.RenewableUntil = cache.Granting.RenewableUntil
	}
	switch r.Result {
	case facts.Unread:
		r.Problem = cache.Problem.Error()
	case facts.Renewed:
		err := fits(uid, cache)
		if err == nil {
			err = krb5.Renew(program, cache.Name)
		}
		if err != nil {
			r.Result, r.Problem = facts.Failed, err.Error()
		}
	}
	return r
}

// again looks at a cache once more; it returns the zero value if the cache is gone.
func again(uid uint32, keyring keyctl.Serial, cache facts.Cache) facts.Cache {
	for _, found := range keyrings.Caches(uid, keyring).Caches {
		if found.Name == cache.Name {
			return found
		}
	}
	return facts.Cache{}
}

// ends returns when the ticket-granting ticket of a cache ends; zero if it has none.
func ends(cache facts.Cache) time.Time {
	if cache.Granting == nil {
		return time.Time{}
	}
	return cache.Granting.Ends
}

// What kinit needs beside the new ticket: its process keyring, the principal, and a ticket that is
// somewhat larger than the old one.
const (
	moreKeys  = 4
	moreBytes = 300
)

// fits returns an error if kinit would lose the ticket. kinit empties the cache and fills it again,
// but the kernel takes what was in it off the quota some milliseconds later, and until then a quota
// that is nearly full refuses the new ticket.
func fits(uid uint32, cache facts.Cache) error {
	users, err := keyctl.ProcKeyUsers()
	u := keyctl.KeyUserOf(users, uid)
	switch {
	case u == nil && err == nil:
		return errors.New("no entry for the user in /proc/key-users")
	case u == nil:
		return err
	case u.MaxKeys-u.QuotaKeys < moreKeys ||
		u.MaxBytes-u.QuotaBytes < cache.TicketBytes+moreBytes:
		return errors.New("the key quota has no room for the old and the new ticket; " +
			"persistent-keyring prune may free some")
	}
	return nil
}
