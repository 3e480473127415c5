package persistent

import (
	"errors"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/fsuid"
	"pam_persistent/internal/keyctl"
)

// registerName is the keyring in which the kernel keeps the persistent keyrings of
// a user namespace. No user can make a keyring whose name begins with a dot.
const registerName = ".persistent_register"

// List is every persistent keyring that could be seen.
type List struct {
	Keyrings []Keyring // in the order of the UIDs
	// Unseen are entries of the register whose owner could not be found out.
	Unseen []keyctl.Serial
	// Problems are the reasons why there may be more than that.
	Problems []error
}

// All lists the persistent keyrings of the user namespace: those of every user who
// has keys there (/proc/key-users), each seen with the owner's filesystem UID, and
// checks the result against the kernel's register. It needs CAP_SETUID.
func All() (List, error) {
	// The register is read first: what is made meanwhile is not missed.
	registered, registerErr := register()
	users, err := keyctl.ProcKeyUsers()
	if users == nil && err != nil {
		return List{}, err
	}
	var list List
	list.note(err)
	for _, user := range users {
		keyring, ok, err := Of(user.UID)
		if errors.Is(err, unix.EPERM) {
			return List{}, err
		}
		if err != nil {
			list.note(errors.New("UID " + strconv.FormatUint(uint64(user.UID), 10) +
				": " + err.Error()))
		}
		if ok {
			list.Keyrings = append(list.Keyrings, keyring)
		}
	}
	if len(list.Keyrings) > 0 || !errors.Is(registerErr, errNoRegister) {
		list.note(registerErr)
	}
	list.Unseen = slices.DeleteFunc(registered, func(serial keyctl.Serial) bool {
		return gone(serial) || slices.ContainsFunc(list.Keyrings, func(k Keyring) bool {
			return k.Serial == serial
		})
	})
	return list, nil
}

func (l *List) note(err error) {
	if err != nil {
		l.Problems = append(l.Problems, err)
	}
}

// Of looks for the persistent keyring of a user; another one's needs CAP_SETUID. An
// error with ok tells that /proc/keys has lines which cannot be believed.
func Of(uid uint32) (keyring Keyring, ok bool, err error) {
	asErr := fsuid.As(uid, func() error {
		var keys []keyctl.KeyInfo
		keys, err = keyctl.ConfirmedKeys()
		keyring, ok = Find(uid, keys)
		return nil
	})
	if asErr != nil {
		return Keyring{}, false, asErr
	}
	// The kernel does not describe what has expired, and users can deceive themselves about
	// their own keys: root asks the register, which nobody else can write.
	if keyring.State == Expired && uid != uint32(unix.Geteuid()) &&
		!registered(keyring.Serial) {
		return Keyring{}, false, err
	}
	return keyring, ok, err
}

// registered tells whether the kernel's register has a keyring, or cannot be seen.
func registered(keyring keyctl.Serial) bool {
	serials, err := register()
	return err != nil || slices.Contains(serials, keyring)
}

// gone tells whether a serial of the register is that of a key which has ended since, or was
// revoked.
func gone(serial keyctl.Serial) bool {
	_, err := keyctl.Describe(serial)
	return errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYREVOKED)
}

var errNoRegister = errors.New("the kernel's register of persistent keyrings is out of sight " +
	"(that of a user namespace always is): whoever has no line in /proc/key-users is missing")

// register reads the kernel's list. There is none as long as nobody has had a
// persistent keyring; it belongs to the root of the machine, even that of a user namespace.
func register() ([]keyctl.Serial, error) {
	keys, err := keyctl.ConfirmedKeys()
	for _, key := range keys {
		if key.Type == "keyring" && key.Description == registerName &&
			stateOf(key) == Valid {
			return keyctl.ReadKeyring(key.Serial)
		}
	}
	if keys == nil && err != nil {
		return nil, err
	}
	return nil, errNoRegister
}
