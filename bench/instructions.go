package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// instructions counts what the processor executed, which no other process disturbs: with the
// processor's own counter where there is one, and in valgrind for what runs there.
func instructions(budget) ([]row, error) {
	login := []string{"start", "SERVICE", userName(0), "setcred", "open", "close", "end"}
	all, err := count("a login after pam_keyinit, with all children", variants, login,
		perfCount)
	if err != nil {
		return nil, err
	}
	// valgrind gives up on a Go runtime in its process (it meets a mapping it has no room for)
	// and in children that fork.
	host, err := count("a process with pam_start and pam_end alone, valgrind",
		[]variant{ours, keyinit, direct, permit},
		[]string{"start", "SERVICE", userName(0), "end"}, valgrindCount)
	return []row{all, host}, err
}

// count has one row with a value for each variant, or a note that says why it has no value.
func count(name string, of []variant, words []string,
	counter func([]string) (float64, string, error)) (row, error) {
	r := newRow(name, "thousand")
	for _, v := range of {
		command := []string{built("bench/host")}
		for _, word := range words {
			if word == "SERVICE" {
				word = v.after()
			}
			command = append(command, word)
		}
		n, why, err := counter(command)
		if err != nil {
			return r, err
		}
		if why != "" {
			return row{name: name, note: "left out: " + why}, nil
		}
		r.add(v, n/1000)
	}
	return r, nil
}

func perfCount(command []string) (n float64, why string, err error) {
	perf, err := exec.LookPath("perf")
	if err != nil {
		return 0, "there is no perf on this machine", nil
	}
	cmd := exec.Command(perf,
		append([]string{"stat", "-x", ";", "-e", "instructions:u"}, command...)...)
	var out strings.Builder
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil {
		return 0, "", fmt.Errorf("perf: %w\n%s", err, &out)
	}
	text, _, _ := strings.Cut(strings.TrimSpace(out.String()), ";")
	if n, err = strconv.ParseFloat(text, 64); err != nil {
		return 0, "this machine's processor counts no instructions for perf: " + text, nil
	}
	return n, "", nil
}

var collected = regexp.MustCompile(`(?m)^==(\d+)== Collected : (\d+)`)

func valgrindCount(command []string) (n float64, why string, err error) {
	valgrind, err := exec.LookPath("valgrind")
	if err != nil {
		return 0, "there is no valgrind on this machine", nil
	}
	cmd := exec.Command(valgrind,
		append([]string{"--tool=callgrind", "--callgrind-out-file=/dev/null"},
			command...)...)
	var out strings.Builder
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil {
		fmt.Fprint(os.Stderr, &out)
		return 0, "valgrind cannot run it: " + err.Error(), nil
	}
	for _, found := range collected.FindAllStringSubmatch(out.String(), -1) {
		// and not the process that looks at the session keyring
		if found[1] == strconv.Itoa(cmd.Process.Pid) {
			n, err = strconv.ParseFloat(found[2], 64)
			return n, "", err
		}
	}
	return 0, "valgrind printed no count", nil
}
