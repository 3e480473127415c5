package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// harmed are the modules of the first section, each as the only one in its stack.
var harmed = []variant{none, keyinit, ours, plain, fscrypt, helper, direct}

// A question is asked of each module in the same way; the answer is a number or words.
type question struct {
	text, unit string
	ask        func(variant) (answer, error)
	goal       *goal
}

type answer struct {
	number float64
	words  string
}

func counted(n float64) answer { return answer{number: n} }

func words(yes bool, then, otherwise string) answer {
	if yes {
		return answer{words: then}
	}
	return answer{words: otherwise}
}

var nothingLeft = &goal{text: "none", limit: 0}

var questions = []question{
	{"threads left in the login process", "", left("threads"), nothingLeft},
	{"descriptors left there", "", left("fds"), nothingLeft},
	{"signal handlers left there", "", handlers, nothingLeft},
	{"private memory with the session open, more than with no module", "kB", left("dirty"),
		nil},
	{"SIGCHLD that the host gets", "", sigchlds, nothingLeft},
	{"host that forks after pam_start: logins that hang", "", forks, nothingLeft},
	{"`su --pty -c true`: logins that hang", "", pty, nothingLeft},
	{"host with 24 MB of address space left (RLIMIT_AS)", "", lowAddressSpace, nil},
	{"GODEBUG in the host's environment", "", godebug, nil},
	{"key kept in the persistent keyring: request_key(2) in the next session", "", keptKey,
		nil},
	{"expiry timer of the persistent keyring at logout", "", timer, nil},
}

// tries is how often a login is tried that may hang.
func tries() int {
	if quick {
		return 5
	}
	return 25
}

func breaks(budget) ([]row, error) {
	if err := installStock(); err != nil { // for pam_fscrypt
		return nil, err
	}
	for _, v := range harmed {
		text := "auth sufficient pam_rootok.so\naccount required pam_permit.so\n" +
			"session required pam_permit.so\n"
		if v != none {
			text += "session optional " + v.line + "\n"
		}
		if err := writeService(v.harmed(), text); err != nil {
			return nil, err
		}
	}
	var rows []row
	for _, q := range questions {
		r := newRow(q.text, q.unit)
		r.goal = q.goal
		for _, v := range harmed {
			forget()
			a, err := q.ask(v)
			switch {
			case err != nil:
				return nil, fmt.Errorf("%s: %s: %w", v.name, q.text, err)
			case a.words == "":
				r.add(v, a.number)
			default:
				if r.cells == nil {
					r.cells = map[string]string{}
				}
				r.cells[v.id] = a.words
			}
		}
		rows = append(rows, r)
	}
	forget()
	return append(rows, row{note: fmt.Sprintf("Each module is the only one in its stack "+
		"beside pam_permit. Of logins that may hang there were %d, with two seconds for "+
		"each.", tries())}), nil
}

func (v variant) harmed() string { return v.service() + "-alone" }

// host runs pamhost with the variant's service.
func (v variant) host(lines ...string) pamhost.Result { return v.under(pamhost.Host{}, lines...) }

func (v variant) under(h pamhost.Host, lines ...string) pamhost.Result {
	return h.Try(setUpT{}, append([]string{"service " + v.harmed()}, lines...)...)
}

// ended is the output of a host that came to its end.
func ended(r pamhost.Result) (string, error) {
	if r.Err != nil {
		return "", fmt.Errorf("%w\n%s", r.Err, r.Out)
	}
	return r.Out, nil
}

func left(what string) func(variant) (answer, error) {
	return func(v variant) (answer, error) {
		usage := func(v variant) (sample, error) {
			return login("usage", "before", "start", v.harmed(), userName(0), "open",
				"usage", "after", "close", "end")
		}
		s, err := usage(v)
		if err != nil {
			return answer{}, err
		}
		if what != "dirty" {
			return counted(s["after-"+what] - s["before-"+what]), nil
		}
		bare, err := usage(none)
		return counted(s["after-dirty"] - bare["after-dirty"]), err
	}
}

func handlers(v variant) (answer, error) {
	out, err := ended(v.host("state start " + userName(0) + " open same"))
	return counted(float64(strings.Count(out, "changed: + disposition"))), err
}

func sigchlds(v variant) (answer, error) {
	out, err := ended(v.host("sigchld start " + userName(0) + " open close sigchlds"))
	if err != nil {
		return answer{}, err
	}
	_, number, _ := strings.Cut(out, "SIGCHLD ")
	var n int
	_, err = fmt.Sscan(number, &n)
	return counted(float64(n)), err
}

func forks(v variant) (answer, error) {
	hung := 0
	for range tries() {
		r := v.under(pamhost.Host{Limit: 2 * time.Second},
			"start "+userName(0)+" fork open close end")
		if errors.Is(r.Err, world.ErrHung) {
			hung++
		} else if r.Err != nil {
			return answer{}, r.Err
		}
	}
	return counted(float64(hung)), nil
}

func pty(v variant) (answer, error) {
	text := "auth sufficient pam_rootok.so\naccount required pam_permit.so\n" +
		"@include " + v.harmed() + "\n"
	if err := writeService("su", text); err != nil {
		return answer{}, err
	}
	hung := 0
	for range tries() {
		out, err := world.Try(2*time.Second, "su", "--pty", "-c", "true", userName(0))
		if errors.Is(err, world.ErrHung) {
			hung++
		} else if err != nil {
			return answer{}, fmt.Errorf("su: %w\n%s", err, out)
		}
	}
	return counted(float64(hung)), nil
}

func lowAddressSpace(v variant) (answer, error) {
	r := v.host("limit-as 24 start " + userName(0) + " open close end")
	return words(r.Err == nil, "works", "**dies**"), nil
}

func godebug(v variant) (answer, error) {
	out, err := ended(v.under(pamhost.Host{Under: []string{"env", "GODEBUG=inittrace=1"}},
		"start "+userName(0)+" open close end"))
	return words(strings.Contains(out, "init internal/"), "**obeyed**", "no effect"), err
}

func keptKey(v variant) (answer, error) {
	_, err := ended(v.host("start "+userName(0)+" open",
		"run keyctl add user kept text $(keyctl get_persistent @s) >/dev/null",
		"close end"))
	if err != nil {
		return answer{}, err
	}
	out, err := ended(v.host("start "+userName(0)+" open",
		"run keyctl request user kept >/dev/null 2>&1 && echo found || :", "close end"))
	return words(strings.Contains(out, "found\n"), "found", "not found"), err
}

// timer looks at the key calls of a logout: getting the persistent keyring resets its timer.
func timer(v variant) (answer, error) {
	_, trace := pamhost.Trace(setUpT{}, []string{"-f", "-e", "trace=keyctl,prctl"},
		"service "+v.harmed()+" start "+userName(0)+" open mark close mark end")
	atLogout := pamhost.Marked(setUpT{}, trace)
	return words(strings.Contains(atLogout, "KEYCTL_GET_PERSISTENT"), "reset", "runs on"), nil
}
