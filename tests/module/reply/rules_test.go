package reply

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/tests/support/counts"
)

// A rule is a check or an action of the C half, and the same text without it.
type rule struct{ what, with, without string }

var rules = map[string][]rule{
	"call.c": {
		{"room for the end", "n < size - 1", "n < size"},
		{"only printable bytes", "*from >= ' ' && *from <= '~' ? *from : '?'", "*from"},
		{"PAM_USER may be unset", " == PAM_SUCCESS && user ? user : \"\"",
			" == PAM_SUCCESS ? user : \"\""},

		{"complete", "r->complete != PP_COMPLETE || ", ""},
		{"number of lines", " || r->lines > PP_LOG_LINES)", ")"},
		{"end of lines", "!terminated(r->log[i].text, PP_LOG_TEXT) || ", ""},
		{"lowest priority", "r->log[i].priority < LOG_ERR ||\n", "\n"},
		{"highest priority", "||\n\t\t    r->log[i].priority > LOG_DEBUG)", ")"},
		{"end of the variable", "!terminated(r->env, PP_ENV_TEXT) || ", ""},
		{"end of the user's name", " || !terminated(r->who, PP_WHO_TEXT))", ")"},
		{"close_is_reset is a bool", "r->close_is_reset != 1 || ", ""},
		{"close is a reset for somebody", "(r->close_is_reset != 1 || r->uid == PP_NO_UID)",
			"r->close_is_reset != 1"},
		{"nothing more is asked without close_is_reset", "if (r->close_is_reset && (",
			"if (("},
		{"the failure of this call", "r->status == q->failure",
			"r->status == PAM_SESSION_ERR || r->status == PAM_CRED_ERR"},
		{"no other code", "r->status == q->failure", "1"},

		{"lines of the unsound", "i < r->lines && i < PP_LOG_LINES", "i < r->lines"},
		{"ends of the unsound", "if (terminated(r->log[i].text, PP_LOG_TEXT))\n",
			"if (1)\n"},
		{"priority of the unsound", "r->log[i].priority & LOG_PRIMASK",
			"r->log[i].priority"},
		{"name of the unsound", "ending.reaped && terminated(r->who, PP_WHO_TEXT) ? ",
			"ending.reaped ? "},
		{"name of one that runs", "ending.reaped && terminated(r->who, PP_WHO_TEXT) ? ",
			"terminated(r->who, PP_WHO_TEXT) ? "},
		{"nothing of one that runs", "\tif (ending.reaped)\n", "\tif (1)\n"},
		{"last words as they are", "WEXITSTATUS(e->status), said, words);",
			"WEXITSTATUS(e->status), said, e->last_words);"},
		{"death of the guard", "else if (e->guard_killed)", "else if (0)"},
		{"an errno without name", "name ? name : \"unknown errno\"", "name"},
		{"a signal without name", "name ? name : \"?\"", "name"},

		{"reaped", "(ending.reaped && !ending.timed_out", "(!ending.timed_out"},
		{"time", " && !ending.timed_out && ", " && "},
		{"death", "WIFEXITED(ending.status) &&\n", "\n"},
		{"exit status", "WEXITSTATUS(ending.status) == 0 && ", ""},
		{"soundness", " && sound(&x->request, r))", ")"},

		{"a variable that was refused is not the module's", "\tif (error == PAM_SUCCESS)\n",
			"\tif (1)\n"},
		{"the variable is remembered",
			"memcpy(record->variable, r->env, sizeof record->variable);", ";"},
		{"there may be no variable", "\tif (!value)\n\t\treturn;\n", ""},
		{"a variable that is unset", "if (now && strcmp(now, value) == 0)",
			"if (strcmp(now, value) == 0)"},
		{"a variable that was changed", "if (now && strcmp(now, value) == 0)", "if (now)"},
		{"the variable is taken back", "\t\tpam_putenv(pamh, record->variable);\n",
			"\t\t;\n"},
		{"the variable is taken back once", "\trecord->variable[0] = 0;\n", ""},

		{"goes on with what was filled", "record->uid != PP_NO_UID && strcmp", "strcmp"},
		{"goes on for the same user", " && strcmp(record->user, user) == 0 &&\n", " &&\n"},
		{"goes on with what the thread has",
			" &&\n\t       pp_is_session_keyring(record->keyring)", ""},
		{"goes on at all", "if (has_session_keyring(record, user))", "if (0)"},
		{"joins", "serial = pp_join_session_keyring();", "serial = 1;"},
		{"another user's variable", "\ttake_back_variable(pamh, record);\n", ""},
		{"a variable though JOIN fails", "\ttake_back_variable(pamh, record);\n",
			"\tif (serial >= 0)\n\t\ttake_back_variable(pamh, record);\n"},
		{"the child knows that JOIN has failed",
			"\t\tx->request.join_error = (int)-serial;\n", ""},
		{"another user's keyring where JOIN has failed",
			"\t\tif (record->keyring)\n\t\t\tpp_clear_keyring(record->keyring);\n", ""},
		{"nothing to clear", "\t\tif (record->keyring)\n\t\t\tpp_clear", "\t\tpp_clear"},
		{"no keyring of a JOIN that has failed", "\t\treturn;\n\t}\n\trecord->keyring",
			"\t}\n\trecord->keyring"},
		{"the keyring is remembered", "\trecord->keyring = (int32_t)serial;\n", ""},
		{"a new keyring is nobody's", "\trecord->uid = PP_NO_UID;\n", ""},
		{"its user is remembered",
			"\tsnprintf(record->user, sizeof record->user, \"%s\", user);\n", ""},
		{"a user's name has an end",
			"snprintf(record->user, sizeof record->user, \"%s\", user)",
			"strcpy(record->user, user)"},

		{"a child that failed", "\tif (!ask(x)) {\n\t\trecord->child_closes = 1;\n",
			"\tif (!ask(x)) {\n"},
		{"the failure of a child", "return x->request.failure;\n\t}\n\tlog_lines",
			"return r->status;\n\t}\n\tlog_lines"},
		{"lines of the log", "\t}\n\tlog_lines(pamh, r);\n", "\t}\n"},
		{"no variable", "\tif (r->env[0])\n", "\tif (1)\n"},
		{"close and refresh say nothing about the UID",
			"x->request.action == PP_OPEN && r->uid", "r->uid"},
		{"a line that links nothing leaves what is there",
			"x->request.action == PP_OPEN && r->uid != PP_NO_UID",
			"x->request.action == PP_OPEN"},
		{"the UID is remembered", "\t\trecord->uid = r->uid;\n", "\t\t;\n"},
		{"close and refresh say nothing about close",
			"x->request.action == PP_OPEN && !r->close_is_reset", "!r->close_is_reset"},
		{"one line forbids it",
			"\tif (x->request.action == PP_OPEN && !r->close_is_reset)\n" +
				"\t\trecord->child_closes = 1;\n", ""},
		{"one line forbids it to all",
			"\tif (x->request.action == PP_OPEN && !r->close_is_reset)\n" +
				"\t\trecord->child_closes = 1;\n", "\tif (x->request.action == " +
				"PP_OPEN)\n\t\trecord->child_closes = !r->close_is_reset;\n"},

		{"only open joins", "if (x->request.action == PP_OPEN)\n\t\tjoin",
			"if (1)\n\t\tjoin"},
		{"refresh does not join", "if (x->request.action == PP_OPEN)\n\t\tjoin",
			"if (x->request.action != PP_CLOSE)\n\t\tjoin"},
		{"only a child closes", "!record->child_closes && ", ""},
		{"close for somebody", "record->uid != PP_NO_UID &&\n\t\t pp_reset_timer",
			"pp_reset_timer"},
		{"a reset is enough", "pp_reset_timer(record->uid, record->keyring))",
			"(pp_reset_timer(record->uid, record->keyring), 0))"},
		{"a reset that fails", "pp_reset_timer(record->uid, record->keyring))",
			"(pp_reset_timer(record->uid, record->keyring), 1))"},
		{"the child knows the keyring", "\tx->request.keyring = record->keyring;\n", ""},
		{"the child knows whose it is", "\tx->request.held_uid = record->uid;\n", ""},
		{"a user without name", "*user ? user : \"unknown user\"", "user"},
		{"no memory for the reply", "if (x->reply == MAP_FAILED) {", "if (0) {"},
		{"a close where there was no memory",
			"\t\trecord->child_closes = 1;\n\t\treturn x->request.failure;\n\t}\n" +
				"\tmemcpy", "\t\treturn x->request.failure;\n\t}\n\tmemcpy"},
		{"the name before the child says it",
			"\tmemcpy(x->reply->who, x->who, sizeof x->who);\n", ""},
		{"the reply is given back", "\tmunmap(x->reply, sizeof *x->reply);\n", ""},

		{"cancellation is off",
			"\tpthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);\n",
			"\tcancel = PTHREAD_CANCEL_ENABLE;\n"},
		{"cancellation is on again", "\tpthread_setcancelstate(cancel, 0);\n", ""},
		{"errno", "\terrno = saved;\n\treturn status;", "\treturn status;"},
	},
	"record.c": {
		{"the record is freed", "\t(void)pamh, (void)error_status;\n\tfree(record);",
			"\t(void)pamh, (void)error_status;"},
		{"one record", " && kept)", " && 0)"},
		{"a spare record is empty", "\t*spare = empty;\n", ""},
		{"a record is empty", "\t\t*record = empty;\n", ""},
		{"a record is nobody's", "{ .uid = PP_NO_UID }", "{ 0 }"},
		{"no memory", "\tif (record) {\n", "\t{\n"},
		{"pam_set_data fails", "\tif (error == PAM_SUCCESS)\n", "\tif (record)\n"},
		{"why there is no record",
			"\tpam_syslog(pamh, LOG_ERR, \"pam_set_data: %s\", pam_strerror(pamh, " +
				"error));\n", ""},
		{"the record that was refused is freed", "\tfree(record);\n\treturn spare;",
			"\treturn spare;"},
	},
}

// The corpus alone, without any luck, notices each rule that the C half forgets.
func TestCorpusKnowsEachRule(t *testing.T) {
	program, order := mutants(t)
	counts.Check(t, "`TestCorpusKnowsEachRule`", "%d", len(order))
	for i, name := range order {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(program, "-test.run=^FuzzReply$", "-test.timeout=2m")
			cmd.Env = append(os.Environ(), fmt.Sprint("RULE=", i))
			if out, err := cmd.CombinedOutput(); err == nil {
				t.Errorf("not noticed: %s", out)
			}
		})
	}
}

// mutants builds this package's tests with the C half as it is, and beside it once more without
// each rule, under names of its own. Which one serves the calls is said by RULE, an index into
// order.
func mutants(t *testing.T) (program string, order []string) {
	t.Helper()
	dir := t.TempDir()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	overlay := map[string]string{}
	add := func(file, text string) {
		overlay[filepath.Join(here, file)] = filepath.Join(dir, file)
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	source := map[string]string{}
	for file := range rules {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source[file] = string(text)
	}
	var declarations, table strings.Builder
	for file, rules := range rules {
		for _, rule := range rules {
			if strings.Count(source[file], rule.with) != 1 {
				t.Errorf("%s: c/%s has changed: %q", rule.what, file, rule.with)
			}
			i := len(order)
			order = append(order, file+"/"+rule.what)
			text := maps.Clone(source)
			text[file] = strings.Replace(text[file], rule.with, rule.without, 1)
			add(fmt.Sprintf("mutant_%d.c", i),
				fmt.Sprintf("#define _GNU_SOURCE\n#define pp_call pp_call_%[1]d\n"+
					"#define pp_record(pamh, spare) pp_record_%[1]d(pamh, "+
					"spare)\n%s%s",
					i, text["record.c"], text["call.c"]))
			fmt.Fprintf(&declarations,
				"int pp_call_%d(pam_handle_t *, enum pp_action, int, int, const "+
					"char **);\n", i)
			fmt.Fprintf(&table, "pp_call_%d, ", i)
		}
	}
	add("mutants.c", "#include <stdlib.h>\n#include \"host.h\"\n"+declarations.String()+
		"__attribute__((constructor)) static void choose(void)\n{\n"+
		"\tstatic const host_serves all[] = { "+table.String()+
		"};\n\tconst char *rule = getenv(\"RULE\");\n\n\tif (rule)\n"+
		"\t\thost_served_by = all[atoi(rule)];\n}\n")
	list, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/overlay", list, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "test", "-c", "-o", dir+"/mutants", "-overlay", dir+"/overlay",
		"-vet=off", "-ldflags=-s -w", ".")
	cmd.Env = append(os.Environ(), "CGO_CFLAGS=-w -O1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// The corpus is found from here, where the program runs.
	if out, err := exec.Command(dir+"/mutants", "-test.run=^FuzzReply$").
		CombinedOutput(); err != nil {
		t.Fatalf("nothing is forgotten, and yet %v\n%s", err, out)
	}
	return dir + "/mutants", order
}
