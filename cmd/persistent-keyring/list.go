package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/show"
	"pam_persistent/internal/status"
)

func listCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Show every user's persistent keyring (root)",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if os.Geteuid() != 0 {
				return usagef("list is for root, who can look with each owner's eyes; persistent-keyring status shows yours")
			}
			l, err := look()
			if err != nil {
				return err
			}
			p := out()
			if asJSON {
				if err := show.JSON(os.Stdout, l); err != nil {
					return err
				}
			} else {
				l.print(p)
			}
			return finish(p, len(l.Unseen) > 0)
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

// listJSON is the JSON form of the list.
type listJSON struct {
	Keyrings []listedJSON `json:"keyrings"`
	Unseen   []string     `json:"unseen"`
}

type listedJSON struct {
	UID  uint32 `json:"uid"`
	User string `json:"user"`
	status.KeyringJSON
	Quota *status.QuotaJSON `json:"quota"`

	timeout keyctl.Timeout
}

func look() (*listJSON, error) {
	list, err := persistent.All()
	if err != nil {
		return nil, err
	}
	users, _ := keyctl.ProcKeyUsers() // All has reported what is wrong with it
	l := &listJSON{[]listedJSON{}, []string{}}
	for _, keyring := range list.Keyrings {
		owner := byUID(keyring.UID)
		l.Keyrings = append(l.Keyrings, listedJSON{owner.uid, owner.name, *status.KeyringOf(keyring, true), quotaOf(users, owner.uid), keyring.Timeout})
	}
	for _, serial := range list.Unseen {
		l.Unseen = append(l.Unseen, fmt.Sprintf("keyring %d of the kernel's register: its owner has no line in /proc/key-users", serial))
	}
	for _, err := range list.Problems {
		l.Unseen = append(l.Unseen, err.Error())
	}
	return l, nil
}

func quotaOf(users []keyctl.KeyUser, uid uint32) *status.QuotaJSON {
	for _, u := range users {
		if u.UID == uid {
			return status.QuotaOf(&u)
		}
	}
	return nil
}

func (l *listJSON) print(p *show.Printer) {
	const row = "%-20s %10s %5s %11s  %s"
	p.Heading(fmt.Sprintf(row, "USER", "SERIAL", "KEYS", "QUOTA BYTES", "EXPIRES"))
	for _, k := range l.Keyrings {
		name := show.Name(k.User)
		if k.User == "" {
			name = fmt.Sprint(k.UID)
		}
		p.Verbatim(0, fmt.Sprintf(row, name, fmt.Sprint(k.Serial), known(k.Keys), k.bytes(), k.expiry()))
	}
	for _, what := range l.Unseen {
		p.Labelled(0, 8, show.Note, "unseen", what)
	}
}

func known(n int) string {
	if n < 0 {
		return "?"
	}
	return fmt.Sprint(n)
}

// bytes is what all keys of the user cost, those in the persistent keyring among them.
func (k listedJSON) bytes() string {
	if k.Quota == nil {
		return "?"
	}
	return fmt.Sprint(k.Quota.BytesUsed)
}

func (k listedJSON) expiry() string {
	started, _ := keyctl.Expiry() // without it the text is less exact
	if k.State == persistent.Revoked {
		return "revoked"
	}
	return show.Left(k.timeout, started)
}
