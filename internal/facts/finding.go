package facts

// Finding is a judgement of facts.
type Finding struct {
	Check string // what was examined, such as "kernel" or "service sshd"
	Level Level
	Text  string
	Fix   Fix
	// Alike says what is good about a service if many are good in the same way: they share a line.
	Alike string
}

// Level is what a finding means.
type Level string

const (
	OK    Level = "ok"
	Note  Level = "note"  // good to know; nothing is broken by it
	Wrong Level = "wrong" // sessions lack the persistent keyring, or it lacks the tickets
)

// Fix is what fixes a finding; the zero value where nothing has to be done.
type Fix struct {
	Where string // "in FILE after line N"; "" for a command
	Lines string // exactly as they are typed
}

// String returns a finding in one line.
func (f Finding) String() string {
	switch {
	case f.Fix.Lines == "":
		return f.Text
	case f.Fix.Where == "":
		return f.Text + "; fix: " + f.Fix.Lines
	}
	return f.Text + "; fix: " + f.Fix.Where + ": " + f.Fix.Lines
}
