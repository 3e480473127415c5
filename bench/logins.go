package main

import "strconv"

// logins measures a login in a process of its own, call by call.
func logins(b budget) ([]row, error) {
	start := newRow("pam_start + pam_end, no session", "µs")
	open := newRow("pam_open_session after pam_keyinit", "µs")
	alone := newRow("pam_open_session without pam_keyinit", "µs")
	closing := newRow("pam_close_session", "µs")
	whole := newRow("all PAM calls of a login after pam_keyinit", "µs")
	dirty := newRow("private dirty memory with the session open", "kB")
	threads := newRow("threads left in the login process", "")
	files := newRow("descriptors left in the login process", "")

	user := userName(0)
	err := rounds(b, 3, variants, func(v variant) error {
		s, err := login("start", v.service(), user, "end")
		if err != nil {
			return err
		}
		start.add(v, s.micro("start", "end"))

		if s, err = login("usage", "before", "start", v.after(), user, "setcred", "open",
			"usage", "after", "close", "end"); err != nil {
			return err
		}
		open.add(v, s.micro("open"))
		closing.add(v, s.micro("close"))
		whole.add(v, s.micro("start", "setcred", "open", "close", "end"))
		dirty.add(v, s["after-dirty"])
		threads.add(v, s["after-threads"]-s["before-threads"])
		files.add(v, s["after-fds"]-s["before-fds"])

		if s, err = login("start", v.service(), user, "open", "close", "end"); err != nil {
			return err
		}
		alone.add(v, s.micro("open"))
		return nil
	})
	start.goal = &goal{text: "at most 1.6 × pam_keyinit", to: keyinit, limit: 1.6}
	closing.goal = &goal{text: "at most 0.05 × pam_open_session", to: ours, in: &open,
		limit: 0.05}
	dirty.goal = &goal{text: "at most 1.3 × pam_keyinit", to: keyinit, limit: 1.3}
	return []row{start, open, alone, closing, whole, dirty, threads, files}, err
}

// manyInOne measures logins in a process that has had others before: a daemon that opens its
// sessions itself.
func manyInOne(b budget) ([]row, error) {
	const n = 1000
	open := newRow("pam_open_session, median of "+strconv.Itoa(n), "µs")
	err := rounds(b, 1, variants, func(v variant) error {
		s, err := login("again", strconv.Itoa(n), v.after(), userName(0))
		if err != nil {
			return err
		}
		open.add(v, s.micro("again"))
		return nil
	})
	return []row{open}, err
}
