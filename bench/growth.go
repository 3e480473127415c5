package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"pam_persistent/internal/keyctl"
)

// growing are the variants that are compared where a measure shows how the cost grows.
var growing = append([]variant{ours, plain, keyinit, direct}, variants[5:]...)

func grow(b budget, sizes []int, unit string, prepare func(int) error,
	words func(variant, int) []string) ([]row, error) {
	var rows []row
	for _, size := range sizes {
		if err := prepare(size); err != nil {
			return nil, err
		}
		open := newRow(group(size)+" "+unit, "µs")
		open.x = float64(size)
		err := rounds(b/budget(len(sizes)), 3, growing, func(v variant) error {
			s, err := login(words(v, size)...)
			if err == nil {
				open.add(v, s.micro("open"))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows, open)
	}
	return rows, nil
}

func nothing(int) error { return nil }

// keys measures logins by the number of keys in the session keyring. A user's quota (20000 bytes, 4
// for each link) allows no session keyring with more than 5000.
func keys(b budget) ([]row, error) {
	defer waitForQuota(several()[0].UID) // or the next section's logins find no room
	return grow(b, []int{1, 100, 1000, 4500}, "keys", nothing, func(v variant, n int) []string {
		if v == keyinit { // it makes the session keyring
			return []string{"start", v.after(), userName(0), "open"}
		}
		waitForQuota(several()[0].UID)
		return []string{"start", v.after(), userName(0), "setcred", "fill", strconv.Itoa(n),
			"open"}
	})
}

// waitForQuota waits until the session keyrings of earlier rounds, which are freed some time after
// their processes, cost the user nothing.
func waitForQuota(uid uint32) {
	for range 1000 {
		users, err := keyctl.ProcKeyUsers()
		if err != nil ||
			!slices.ContainsFunc(users,
				func(u keyctl.KeyUser) bool {
					return u.UID == uid &&
						u.QuotaBytes > 500
				}) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// users measures logins by the number of users, because C libraries read /etc/passwd from its
// beginning to the name.
func users(b budget) ([]row, error) {
	original, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return nil, err
	}
	prepare := func(n int) error {
		var text bytes.Buffer
		for i := range n {
			fmt.Fprintf(&text, "other%d:x:%d:%d::/home/other%d:/bin/sh\n", i,
				2000000000+i, 2000000000+i, i)
		}
		text.Write(original)
		return os.WriteFile("/etc/passwd", text.Bytes(), 0o644)
	}
	rows, err := grow(b, []int{10, 1000, 10000, 100000}, "lines", prepare,
		func(v variant, _ int) []string {
			return []string{"start", v.after(), userName(0), "setcred", "open"}
		})
	if err := prepare(0); err != nil {
		return nil, err
	}
	return rows, err
}

// memory measures logins by the memory of the login process, because fork(2) copies the page tables
// of all that is in use.
func memory(b budget) ([]row, error) {
	sizes := []int{10, 100, 1000, 4000}
	if quick {
		sizes = sizes[:3]
	}
	rows, err := grow(b, sizes, "MB in small pages", nothing, func(v variant, mb int) []string {
		return []string{"resident", strconv.Itoa(mb), "start", v.after(), userName(0),
			"setcred", "open"}
	})
	return append(rows, row{note: "The time that grows with the memory of the host is the " +
		"price of fork(2): the child is a copy of the host, and the kernel copies the " +
		"page tables of all memory that is in use."}), err
}
