package reply

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The corpus alone, without any luck, notices each rule that c/call.c forgets.
func TestCorpusKnowsEachRule(t *testing.T) {
	source, err := os.ReadFile("call.c")
	if err != nil {
		t.Fatal(err)
	}
	for name, rule := range map[string][2]string{
		"complete":                 {"r->complete != PP_COMPLETE || ", ""},
		"number of lines":          {" || r->lines > PP_LOG_LINES)", ")"},
		"end of lines":             {"!terminated(r->log[i].text, PP_LOG_TEXT) || ", ""},
		"lowest priority":          {"r->log[i].priority < LOG_ERR || ", ""},
		"highest priority":         {" || r->log[i].priority > LOG_DEBUG", ""},
		"end of the variable":      {"!terminated(r->env, PP_ENV_TEXT) || ", ""},
		"end of the user's name":   {"!terminated(r->who, PP_WHO_TEXT) || ", ""},
		"session is a serial":      {" || r->session < 0)", ")"},
		"want_session is a bool":   {"r->want_session == 1 && ", ""},
		"joins once":               {"q->run == 1 && ", ""},
		"joins for a user":         {"r->uid != (uid_t)-1 && ", ""},
		"joins for a group":        {" && r->gid != (gid_t)-1", ""},
		"the failure of this call": {"r->status == q->failure", "r->status == PAM_SESSION_ERR || r->status == PAM_CRED_ERR"},
		"no other code":            {"r->status == q->failure", "1"},
		"lines of the unsound":     {"i < r->lines && i < PP_LOG_LINES", "i < r->lines"},
		"ends of the unsound":      {"if (terminated(r->log[i].text, PP_LOG_TEXT))\n", "if (1)\n"},
		"priority of the unsound":  {"r->log[i].priority & LOG_PRIMASK", "r->log[i].priority"},
		"name of the unsound":      {"ending.reaped && terminated(r->who, PP_WHO_TEXT) ? ", "ending.reaped ? "},
		"nothing of one that runs": {"\tif (ending.reaped)\n", "\tif (1)\n"},
		"exit status":              {" && WEXITSTATUS(ending.status) == 0", ""},
		"death":                    {"WIFEXITED(ending.status) && ", ""},
		"time":                     {"!ending.timed_out && ", ""},
		"second answer is its own": {"r->complete = 0;", ""},
		"stuck":                    {"if (joined->stuck) {", "if (0) {"},
		"room for the end":         {"n < size - 1", "n < size"},
		"only printable bytes":     {"*from >= ' ' && *from <= '~' ? *from : '?'", "*from"},
		"last words as they are":   {"exit status %d%s%s\", who, WEXITSTATUS(e->status), said, words);", "exit status %d%s%s\", who, WEXITSTATUS(e->status), said, e->last_words);"},
		"errno":                    {"status = serve(pamh, &x);", "status = serve(pamh, &x);\n\tsaved = errno;"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(string(source), rule[0]) != 1 {
				t.Fatalf("c/call.c has changed: %q", rule[0])
			}
			dir := t.TempDir()
			here, _ := filepath.Abs("call.c")
			overlay, _ := json.Marshal(map[string]any{"Replace": map[string]string{here: dir + "/call.c"}})
			for file, text := range map[string]string{"call.c": strings.Replace(string(source), rule[0], rule[1], 1), "overlay": string(overlay)} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("go", "test", "-overlay", dir+"/overlay", "-count=1", "-vet=off", "-ldflags=-s -w", "-timeout=2m", "-run=^FuzzReply$", ".")
			cmd.Env = append(os.Environ(), "CGO_CFLAGS=-w")
			out, err := cmd.CombinedOutput()
			if err == nil || strings.Contains(string(out), "build failed") {
				t.Errorf("not noticed: %v\n%s", err, out)
			}
		})
	}
}
