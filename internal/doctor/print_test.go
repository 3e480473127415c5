package doctor

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/internal/show"
)

// The services of a healthy machine are on a screen of 80 columns in two lines and what these are
// folded into. Each had a line of its own, which with the other checks was more than a screen.
func TestScreen(t *testing.T) {
	root := t.TempDir()
	e := examination{config: layOut(t, root, "services\n-- /etc/pam.d/common-session --\n"+
		"session required pam_permit.so\n"+line+"\n")}
	for i := range 30 {
		text := "@include common-session\n"
		if i%2 == 0 {
			text = "session optional pam_keyinit.so force revoke\n" + text
		}
		file := filepath.Join(root, "etc/pam.d", fmt.Sprintf("service%d", i))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e.services()
	var out bytes.Buffer
	(&show.Printer{Out: &out, Width: 80}).Report(e.Report)
	if lines := strings.Count(out.String(), "\n"); lines > 8 || !e.Good() {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
	if results := e.Report; len(results) != 30 ||
		!strings.Contains(results[0].Text, "common-session:2, after pam_keyinit.so (") {
		t.Errorf("not a result for each service: %+v", results)
	}
}
