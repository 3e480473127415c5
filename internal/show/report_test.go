package show

import (
	"bytes"
	"testing"

	"pam_persistent/internal/facts"
)

// A fault that services have by a file which all of them include is one, with one fix. What is good
// in the same way is one line too, though the places differ.
func TestReport(t *testing.T) {
	bad := facts.Finding{Level: facts.Wrong, Text: "common-session:2 is bad",
		Fix: facts.Fix{Lines: "the fix"}}
	good := facts.Finding{Level: facts.OK, Alike: "after pam_keyinit.so"}
	of := func(service, text string, f facts.Finding) facts.Finding {
		f.Check = service
		f.Text += text
		return f
	}
	findings := []facts.Finding{of("module", "", bad), of("service a", "", bad),
		of("service b", "sshd:1", good), of("service c", "", bad),
		of("service d", "login:1", good), of("service e", " too", bad)}
	var out bytes.Buffer
	p := &Printer{Out: &out}
	p.Report(findings)
	p.Verdict(findings)
	const want = `WRONG  module: common-session:2 is bad
         the fix
WRONG  services a, c: common-session:2 is bad
         the fix
ok     services b, d: after pam_keyinit.so
WRONG  service e: common-session:2 is bad too
         the fix
3 faults found
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
	out.Reset()
	if p.Verdict(findings[2:3]); out.String() != "no fault found\n" {
		t.Errorf("%q", out.String())
	}
}
