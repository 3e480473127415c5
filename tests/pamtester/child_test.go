package pamtester

import (
	"testing"

	"pam_persistent/tests/world"
)

// A child that goes wrong in any way costs the login nothing but the link. The broken module is the C half of the real one, with a
// deadline of half a second instead of ten.
func TestBrokenChildren(t *testing.T) {
	const who = "err: alice: "
	for kind, want := range map[string][]string{
		"segfault":         {who + "the child was killed by SIGSEGV"},
		"abort":            {who + "the child was killed by SIGABRT"},
		"throw":            {who + "the child was killed by SIGABRT"},
		"panic":            {who + "the child was killed by SIGABRT"},
		"exit0":            {who + "the child ended without an answer, exit status 0"},
		"exit2":            {who + "the child ended without an answer, exit status 2"},
		"hang":             {who + "the child did not answer in time and was killed"},
		"stop":             {who + "the child did not answer in time and was killed"},
		"wrong-code":       {who + "the child's answer makes no sense"},
		"negative-session": {who + "the child's answer makes no sense"},
		"root-session":     {who + "the child's answer makes no sense"},
		"rubbish":          {"err: *: the child's answer makes no sense"},
		"success-then-die": {who + "the child was killed by SIGKILL"},
		"endless":          {who + "the child's answer makes no sense"},
	} {
		t.Run(kind, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "tests/broken.so"), "session required pam_persistent.so "+kind+"\n")
			world.TakeLog(t)
			expect(t, "open-log sigchld state start SERVICE alice open same sigchlds", "open = session_err", "SIGCHLD 0")
			match(t, "log", want, world.TakeLog(t))
		})
	}
}
