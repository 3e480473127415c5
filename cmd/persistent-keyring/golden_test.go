package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/terminal"
	"pam_persistent/tests/support/world"
)

// TestGolden runs the commands in the files of testdata/golden and compares what they print, on
// which stream, and their exit statuses with the rest of the file. Each file is a situation: it
// begins on a good machine (see makeGood) on which nobody has keys, and looks like a terminal:
//
//	# What the situation is, or what comes next.
//
//	alice$ persistent-keyring status      a command for a shell of alice, bob, carol or root
//	> continued                           its standard output; then, if there is any,
//	[stderr]                              its standard error; and if it is not 0,
//	[exit 1]                              its exit status
//
// Commands of one user that follow each other run in one session. A command that ends with "# on a
// terminal" or "# on a terminal, types y" has a terminal. Shells find this command, the programs in
// tools and those in programs. {alice} is a UID; see names for what else differs from run to run.
//
// To write the output again, or into a new file that has only commands:
//
//	go test ./cmd/persistent-keyring -run TestGolden -update
//
// With "nothing" instead of "none" in what status prints, six files failed with those lines.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	keyctltest.SetSysctl(t, "gc_delay", 300) // takes the lock once for all files
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want := string(must(os.ReadFile(file))(t))
			got := newSituation(t).play(parseGolden(want))
			if *update {
				check(t, os.WriteFile(file, []byte(got), 0o644))
			} else if got != want {
				t.Errorf("go test -update rewrites it\n%s", diff(t, file, got))
			}
		})
	}
	check(t, makeGood())
}

// diff returns how a text differs from a file.
func diff(t *testing.T, file, text string) string {
	cmd := exec.Command("diff", "-U2", "--label", "want", "--label", "got", file, "-")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if len(out) == 0 {
		t.Error(err)
	}
	return string(out)
}

// A step is a command, who types it, and the comment before it.
type step struct{ comment, user, command string }

var (
	prompt = regexp.MustCompile(`^(alice|bob|carol|root)\$ (.*)\n`)
	// ambiguous is output that parseGolden would take for something else.
	ambiguous = regexp.MustCompile(`(?m)^(# |> |(alice|bob|carol|root)\$ )`)
)

// parseGolden returns the steps of a file without their output.
func parseGolden(text string) (steps []step) {
	comment, typing := "", false
	for line := range strings.Lines(text) {
		found := prompt.FindStringSubmatch(line)
		more, continued := strings.CutPrefix(line, "> ")
		switch {
		case found != nil:
			steps = append(steps, step{comment, found[1], found[2]})
			comment = ""
		case typing && continued:
			steps[len(steps)-1].command += "\n" + strings.TrimSuffix(more, "\n")
		case strings.HasPrefix(line, "# ") || comment != "": // an empty line may follow
			comment += line
		}
		typing = found != nil || typing && continued
	}
	return steps
}

// A situation is the machine while a file is played on it.
type situation struct {
	t         *testing.T
	namespace int // a process in the user namespace of the shells
	names     names
}

// tools are the programs of the distribution that shells find. Files bring their own klist and
// kinit.
var tools = strings.Fields("cat chmod chown cp keyctl mkdir mount mv rm rmdir setpriv sh sleep " +
	"touch true truncate")

// toolsDir is the only directory in which shells look for programs.
const toolsDir = "/home/bin"

// expiry is three and a half days, in seconds: the kernel shows whole days, rounded down, and would
// show three days as two from the next second on.
const expiry = 302400

func newSituation(t *testing.T) *situation {
	for setting, value := range map[string]uint32{"persistent_keyring_expiry": expiry,
		"gc_delay": 300, "maxkeys": 200, "maxbytes": 20000} {
		keyctltest.SetSysctl(t, setting, value) // files change them
	}
	for _, u := range world.Users {
		t.Cleanup(func() { keyctltest.Forget(t, u.UID) })
	}
	check(t, errors.Join(makeGood(), os.RemoveAll(toolsDir), os.Mkdir(toolsDir, 0o755)))
	links := map[string]string{"persistent-keyring": commandUnderTest}
	for name := range programs {
		links[name] = commandUnderTest + ".test"
	}
	for _, name := range tools {
		links[name] = must(exec.LookPath(name))(t)
	}
	for name, target := range links {
		check(t, os.Symlink(target, filepath.Join(toolsDir, name)))
	}
	return &situation{t: t, namespace: newNamespace(t),
		names: names{map[string]bool{}, map[string]string{}}}
}

// newNamespace makes a user namespace until the test is over, and returns a process in it. Only
// keys of root, alice, bob and carol can be seen there: a key that everybody may view and whose
// name has newlines would change what status prints. The namespace has persistent keyrings of its
// own, which end with it.
func newNamespace(t *testing.T) (process int) {
	t.Helper()
	cmd := inNamespace([]syscall.SysProcIDMap{{Size: 1},
		{ContainerID: int(alice), HostID: int(alice), Size: 3}}, "cat")
	stdin := must(cmd.StdinPipe())(t)
	check(t, cmd.Start())
	t.Cleanup(func() { check(t, errors.Join(stdin.Close(), cmd.Wait())) })
	return cmd.Process.Pid
}

// play runs the steps and returns the text of the file.
func (s *situation) play(steps []step) (text string) {
	var results []result
	uids := map[string]uint32{"root": 0, "alice": alice, "bob": bob, "carol": carol}
	for rest := steps; len(rest) > 0; {
		uid, session := uids[rest[0].user], 1
		for session < len(rest) && rest[session].user == rest[0].user {
			session++
		}
		keyctltest.AsRoot(s.t, func() {
			own := must(keyctl.SessionKeyring())(s.t)
			// It stays root's if the user's quota is full, as in a login.
			if err := keyctl.Chown(own, uid, uid); !errors.Is(err, unix.EDQUOT) {
				check(s.t, err)
			}
			for _, one := range rest[:session] {
				s.settle(own)
				results = append(results, s.shell(uid, one.command))
			}
			s.settle(own)
		})
		rest = rest[session:]
	}
	for i, r := range results { // all serials are known now
		text += s.text(steps[i], r)
	}
	return strings.TrimSuffix(text, "\n")
}

// text returns a step and its output as they stand in the file, with an empty line below.
func (s *situation) text(one step, r result) string {
	if ambiguous.MatchString(r.out + "\n" + r.err) {
		s.t.Errorf("%s: output looks like a command or a comment:\n%s%s", one.command,
			r.out, r.err)
	}
	r = s.names.withoutStrangers(r)
	text := whole(r.out)
	if r.err != "" {
		text += "[stderr]\n" + whole(r.err)
	}
	if r.status != 0 {
		text += fmt.Sprintf("[exit %d]\n", r.status)
	}
	command := strings.ReplaceAll(one.command, "\n", "\n> ")
	return one.comment + one.user + "$ " + command + "\n" + s.names.normal(text) + "\n"
}

// whole returns a text that ends with a newline, or says that it did not.
func whole(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "[no newline]\n"
}

// onATerminal is the end of a command that gets a terminal.
var onATerminal = regexp.MustCompile(` # on a terminal(?:, types (.*))?$`)

// shell runs a command as a user with the session keyring of the calling thread.
func (s *situation) shell(uid uint32, command string) result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), world.Hung)
	defer cancel()
	id := fmt.Sprint(uid)
	script := strings.ReplaceAll(world.Fill(command), "MODULES", moduleDir)
	cmd := exec.CommandContext(ctx, "nsenter", "--target", fmt.Sprint(s.namespace), "--user",
		"--mount", "--setuid", id, "--setgid", id,
		"/bin/sh", "-c", script+"\nexit $?") // the shell that attach works on stays
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + toolsDir, "TZ=UTC", "LANG=C", "TERM=xterm"}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	shown := func() string { return "" }
	if found := onATerminal.FindStringSubmatch(command); found != nil {
		shown = giveTerminal(s.t, cmd, found[1])
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		s.t.Fatalf("%s: %v", command, errors.Join(err, ctx.Err()))
	}
	return result{out.String() + shown(), errOut.String(), cmd.ProcessState.ExitCode()}
}

// giveTerminal gives a command a terminal on which something has been typed. Call the result after
// the command has ended: it returns what the terminal shows.
func giveTerminal(t *testing.T, cmd *exec.Cmd, types string) (shown func() string) {
	t.Helper()
	master, slave, err := terminal.Open()
	check(t, err)
	// Wide, because serials differ in length, and text would be folded elsewhere.
	check(t, unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ,
		&unix.Winsize{Row: 1000, Col: 1000}))
	settings := must(unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS))(t)
	settings.Lflag &^= unix.ECHO
	settings.Oflag &^= unix.OPOST
	check(t, unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, settings))
	if types != "" {
		must(master.WriteString(types + "\n"))(t)
	}
	terminal.Give(cmd, slave)
	var screen terminal.Screen
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		screen.Show(master, nil)
	}()
	return func() string {
		slave.Close()
		<-closed
		master.Close()
		return strings.ReplaceAll(screen.String(), "\x1b", `\x1b`)
	}
}

// settle waits until the kernel no longer counts what has ended or was unlinked: keyrings of
// processes (see the program settle), keys, and users who have no key. own is the session keyring
// of the calling thread.
func (s *situation) settle(own keyctl.Serial) {
	s.t.Helper()
	keyctltest.Eventually(s.t, "no keyring of a process is left", func() bool {
		quiet := must(settled(alice, bob, carol))(s.t)
		for _, u := range world.Users {
			counted := must(counted([]uint32{u.UID}))(s.t)
			keyctltest.OnThread(s.t, func() {
				check(s.t, keyctltest.DropTo(u.UID, u.UID))
				keys, _ := keyctl.ConfirmedKeys() // errors are about keys of others
				for _, key := range keys {
					if key.UID != u.UID {
						continue
					}
					counted = nil
					s.names.learn(key.Serial.String())
					quiet = quiet && (key.Serial == own || !isOfProcess(key))
				}
			})
			quiet = quiet && len(counted) == 0
		}
		return quiet
	})
}

// names replaces what differs from run to run, or from machine to machine. Words, their order,
// columns and exit statuses stay.
type names struct {
	known map[string]bool   // serials of keys
	given map[string]string // S1, S2... for serials, in the order of their first appearance
}

// learn notes that a number is a serial. A number of few digits hardly ever is, and often is
// something else.
func (n names) learn(serial string) { n.known[serial] = len(serial) > 4 }

// serialAt finds serials of keys that were gone before anybody could learn them, by the words
// before them. number finds all numbers, with the blanks around them.
var (
	serialAt = regexp.MustCompile(`(?m)(?:^| \(|(?:key|keyring|keyring[,:]|keyring  ) |` +
		`"(?:serial|session|keyring)": |KEYCTL_[A-Z_]+ |(?:into|from|to) )(\d{4,10})\b`)
	number = regexp.MustCompile(`( *)(\d+)( ?)`)
)

// others are the parts that differ, besides serials and UIDs.
var others = []struct {
	found *regexp.Regexp
	name  string
}{
	{regexp.MustCompile(`\(process \d+\)`), "(process PID)"},
	{regexp.MustCompile(`"pid": \d+`), `"pid": PID`},
	{regexp.MustCompile(`took \d+\.\d ms`), "took T ms"},
	{regexp.MustCompile(`"open_ms": [0-9.]+`), `"open_ms": T`},
	{regexp.MustCompile(`of at least \d+ bytes`), "of at least N bytes"},
	{regexp.MustCompile(regexp.QuoteMeta(moduleDir)), "MODULES"},
}

func (n names) normal(text string) string {
	for _, other := range others {
		text = other.found.ReplaceAllString(text, other.name)
	}
	uids := map[string]string{}
	for _, u := range world.Users {
		uids[fmt.Sprint(u.UID)] = "{" + u.Name + "}"
	}
	for _, found := range serialAt.FindAllStringSubmatch(text, -1) {
		n.learn(found[1])
	}
	return number.ReplaceAllStringFunc(text, func(found string) string {
		part := number.FindStringSubmatch(found)
		before, digits, after := part[1], part[2], part[3]
		if name, ok := uids[digits]; ok {
			return before + name + after
		}
		if !n.known[digits] {
			return found
		}
		if n.given[digits] == "" {
			n.given[digits] = fmt.Sprint("S", len(n.given)+1)
		}
		name := n.given[digits]
		if len(before) > 1 && after != "" { // at the right of a column
			before += strings.Repeat(" ", len(digits)-len(name))
		}
		return before + name + after
	})
}

// stranger is a line of list about a keyring in the register of another user namespace, which root
// can see. unseen is the beginning of any line about what list cannot see.
var (
	stranger = regexp.MustCompile(
		`(?m)^(?:\S*unseen\S*  | +")keyring (\d+) of the kernel's register.*\n`)
	unseen = regexp.MustCompile(`(?m)^\S*unseen|"unseen": \[\n +"`)
)

// withoutStrangers removes from the output of list the keyrings of users who are not in our
// namespace: their lines, in JSON the comma before them, and the exit status.
func (n names) withoutStrangers(r result) result {
	before := r.out
	r.out = stranger.ReplaceAllStringFunc(r.out, func(line string) string {
		if n.known[stranger.FindStringSubmatch(line)[1]] {
			return line
		}
		return ""
	})
	if r.out == before {
		return r
	}
	tidy := strings.NewReplacer("\"unseen\": [\n  ]", `"unseen": []`, "\",\n  ]", "\"\n  ]")
	r.out = tidy.Replace(r.out)
	if !unseen.MatchString(r.out) {
		r.status = 0
	}
	return r
}

// Names replace what differs from run to run, and nothing else.
func TestGoldenNames(t *testing.T) {
	n := names{map[string]bool{}, map[string]string{}}
	for _, serial := range []string{"123456789", "98765", "200"} {
		n.learn(serial)
	}
	for _, test := range []struct{ text, want string }{
		{"  keyring   123456789, empty", "  keyring   S1, empty"},
		{"alice     123456789     2", "alice            S1     2"},
		{"bob           98765    98", "bob              S2    98"},
		{"200 of 200 keys, 12345 bytes", "200 of 200 keys, 12345 bytes"},
		{world.Fill("_persistent.{alice} {bob}"), "_persistent.{alice} {bob}"},
		{"KEYCTL_LINK 55555555 into 98765: EDQUOT", "KEYCTL_LINK S3 into S2: EDQUOT"},
		{`"session": 666666666,`, `"session": S4,`},
		{"until 2050-01-01 00:00 UTC", "until 2050-01-01 00:00 UTC"},
		{"see keyrings(7), in 4 to 5 days", "see keyrings(7), in 4 to 5 days"},
	} {
		if got := n.normal(test.text); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}
