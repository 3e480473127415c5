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
		{"nobody's where JOIN has failed",
			"\tif (q->join_error && r->uid != PP_NO_UID)\n\t\treturn 0;\n", ""},
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

		{"goes on with what was filled", "record->uid != PP_NO_UID && *user", "*user"},
		{"goes on for somebody", "PP_NO_UID && *user && ", "PP_NO_UID && "},
		{"goes on for the same user", " && strcmp(record->user, user) == 0 &&\n", " &&\n"},
		{"goes on with what the thread has",
			" &&\n\t       pp_is_session_keyring(record->keyring, " +
				"record->joined_by) > 0", ""},
		{"goes on only with what the thread is known to have",
			"pp_is_session_keyring(record->keyring, record->joined_by) > 0",
			"pp_is_session_keyring(record->keyring, record->joined_by) != 0"},
		{"goes on with what another thread has joined",
			"pp_is_session_keyring(record->keyring, record->joined_by)",
			"pp_is_session_keyring(record->keyring, gettid())"},
		{"goes on at all", "if (has_session_keyring(record, user))", "if (0)"},
		{"joins", "serial = pp_join_session_keyring();", "serial = 1;"},
		{"another user's variable", "\ttake_back_variable(pamh, record);\n", ""},
		{"a variable though JOIN fails", "\ttake_back_variable(pamh, record);\n",
			"\tif (serial >= 0)\n\t\ttake_back_variable(pamh, record);\n"},
		{"the child knows that JOIN has failed",
			"\t\tx->request.join_error = (int)-serial;\n", ""},
		{"another user's keyring where JOIN has failed",
			"record->keyring && pp_clear_keyring(record->keyring) < 0", "0"},
		{"nothing to clear", "record->keyring && pp_clear", "pp_clear"},
		{"a clear that takes too long", "pp_clear_keyring(record->keyring) < 0",
			"pp_clear_keyring(record->keyring) > 1"},
		{"a clear that does not", "pp_clear_keyring(record->keyring) < 0",
			"pp_clear_keyring(record->keyring) <= 0"},
		{"no keyring of a JOIN that has failed", "\t\treturn;\n\t}\n\trecord->keyring",
			"\t}\n\trecord->keyring"},
		{"the keyring is remembered", "\trecord->keyring = (int32_t)serial;\n", ""},
		{"a new keyring is nobody's", "\tpp_forget(record);\n\tif (serial < 0) {\n",
			"\tif (serial < 0) {\n\t\tpp_forget(record);\n"},
		{"a keyring where JOIN has failed is nobody's",
			"\tpp_forget(record);\n\tif (serial < 0) {\n",
			"\tif (serial >= 0)\n\t\tpp_forget(record);\n\tif (serial < 0) {\n"},
		{"who has joined it", "\trecord->joined_by = gettid();\n", ""},
		{"its user is remembered",
			"\tif (strlen(user) < sizeof record->user)\n" +
				"\t\tstrcpy(record->user, user);\n", ""},
		{"a user's name that is too long",
			"\tif (strlen(user) < sizeof record->user)\n" +
				"\t\tstrcpy(record->user, user);\n",
			"\tsnprintf(record->user, sizeof record->user, \"%s\", user);\n"},
		{"a user's name has an end", "strlen(user) < sizeof record->user", "1"},

		{"a child that failed", "\tif (!ask(x)) {\n\t\trecord->child_closes = 1;\n",
			"\tif (!ask(x)) {\n"},
		{"the failure of a child", "return x->request.failure;\n\t}\n\tlog_lines",
			"return r->status;\n\t}\n\tlog_lines"},
		{"lines of the log", "\t}\n\tlog_lines(pamh, r);\n", "\t}\n"},
		{"no variable", "\tif (r->env[0])\n", "\tif (1)\n"},
		{"an open whose child failed is nobody's",
			"\t\tif (x->request.action == PP_OPEN)\n\t\t\tpp_forget(record);\n" +
				"\t\treturn x->request.failure;\n\t}\n\tlog_lines",
			"\t\treturn x->request.failure;\n\t}\n\tlog_lines"},
		{"a refresh whose child failed leaves what is there",
			"\t\tif (x->request.action == PP_OPEN)\n\t\t\tpp_forget(record);\n" +
				"\t\treturn x->request.failure;\n\t}\n\tlog_lines",
			"\t\tpp_forget(record);\n" +
				"\t\treturn x->request.failure;\n\t}\n\tlog_lines"},
		{"an open that failed is nobody's",
			"\tif (r->status == failure)\n\t\tpp_forget(record);\n\telse if",
			"\tif"},
		{"an open that failed, whatever else it says", "\telse if (r->uid", "\tif (r->uid"},
		{"a line that links nothing leaves what is there",
			"\telse if (r->uid != PP_NO_UID)\n", "\telse\n"},
		{"the UID is remembered", "\t\trecord->uid = r->uid;\n", "\t\t;\n"},
		{"refresh says nothing about the session",
			"if (x->request.action == PP_OPEN)\n\t\topened",
			"if (x->request.action != PP_CLOSE)\n\t\topened"},
		{"close says nothing about another",
			"\telse if (x->request.action == PP_CLOSE && ",
			"\telse\n\t\topened(record, r, x->request.failure);\n" +
				"\tif (x->request.action == PP_CLOSE && "},
		{"one line forbids it",
			"\tif (!r->close_is_reset)\n\t\trecord->child_closes = 1;\n", ""},
		{"one line forbids it to all",
			"\tif (!r->close_is_reset)\n\t\trecord->child_closes = 1;\n",
			"\trecord->child_closes = !r->close_is_reset;\n"},
		{"the child knows whose session is closed",
			"\telse if (x->request.action == PP_CLOSE && r->uid != PP_NO_UID)\n" +
				"\t\trecord->closed_uid = r->uid;\n", ""},
		{"refresh closes nothing", "\telse if (x->request.action == PP_CLOSE && ",
			"\telse if ("},
		{"a session whose user is gone",
			"x->request.action == PP_CLOSE && r->uid != PP_NO_UID",
			"x->request.action == PP_CLOSE"},

		{"only open joins", "if (x->request.action == PP_OPEN)\n\t\tjoin",
			"if (1)\n\t\tjoin"},
		{"refresh does not join", "if (x->request.action == PP_OPEN)\n\t\tjoin",
			"if (x->request.action != PP_CLOSE)\n\t\tjoin"},
		{"only a child closes", "!record->child_closes && record->uid", "record->uid"},
		{"close for somebody", " && record->uid != PP_NO_UID;\n}", ";\n}"},
		{"a reset through the link that is there",
			"pp_reset_timer(record->uid, record->keyring)",
			"pp_reset_timer(record->uid, 0)"},
		{"a reset is enough", "\tif (done > 0)\n", "\tif (0)\n"},
		{"a reset is all", "status < 0 ? run(x, record) : status", "run(x, record)"},
		{"a reset that does not", "\tif (done == 0)\n", "\tif (0)\n"},
		{"a reset that takes too long", "\tif (done == 0)\n", "\tif (1)\n"},
		{"a session that is open is not closed",
			"\tif (x->request.action == PP_OPEN)\n\t\trecord->closed_by = 0;\n", ""},
		{"refresh opens nothing",
			"\tif (x->request.action == PP_OPEN)\n\t\trecord->closed_by = 0;\n",
			"\trecord->closed_by = 0;\n"},
		{"close is not forgotten", "\t\trecord->closed_by = gettid();\n", ""},
		{"whose session is closed", "\t\trecord->closed_uid = record->uid;\n", ""},
		{"only close closes", "if (x->request.action == PP_CLOSE) {\n",
			"if (x->request.action != PP_OPEN) {\n"},
		{"open does not close", "if (x->request.action == PP_CLOSE) {\n", "{\n"},
		{"the child knows the keyring", "\tx->request.keyring = record->keyring;\n", ""},
		{"the child knows whose it is", "\tx->request.held_uid = record->uid;\n", ""},
		{"a user without name", "*user ? user : \"unknown user\"", "user"},
		{"no memory for the reply", "if (x->reply == MAP_FAILED) {", "if (0) {"},
		{"a close where there was no memory",
			"errno_name(errno));\n\t\trecord->child_closes = 1;\n",
			"errno_name(errno));\n"},
		{"an open where there was no memory",
			"\t\tif (x->request.action == PP_OPEN)\n\t\t\tpp_forget(record);\n" +
				"\t\treturn x->request.failure;\n\t}\n\tmemcpy",
			"\t\treturn x->request.failure;\n\t}\n\tmemcpy"},
		{"a refresh where there was no memory",
			"\t\tif (x->request.action == PP_OPEN)\n\t\t\tpp_forget(record);\n" +
				"\t\treturn x->request.failure;\n\t}\n\tmemcpy",
			"\t\tpp_forget(record);\n" +
				"\t\treturn x->request.failure;\n\t}\n\tmemcpy"},
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
		{"the record is freed", "\tfree(record);\n\tpthread_setcancelstate",
			"\tpthread_setcancelstate"},
		{"the end leaves", "\t\tpp_leave(pamh, record);\n", "\t\t;\n"},
		{"an end of a copy does not leave", "(PAM_DATA_SILENT | PAM_DATA_REPLACE)",
			"PAM_DATA_REPLACE"},
		{"a record that is replaced does not leave",
			"(PAM_DATA_SILENT | PAM_DATA_REPLACE)", "PAM_DATA_SILENT"},
		{"an end after a failure leaves",
			"error_status & (PAM_DATA_SILENT | PAM_DATA_REPLACE)", "error_status"},
		{"cancellation is off at the end",
			"\tpthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);\n",
			"\tcancel = PTHREAD_CANCEL_ENABLE;\n"},
		{"cancellation is on after the end", "\tpthread_setcancelstate(cancel, 0);\n", ""},
		{"errno at the end", "\terrno = saved;\n", ""},
		{"the layout has a number", "\"pam_persistent.2\"", "\"pam_persistent\""},
		{"one record", " && kept)", " && 0)"},
		{"a spare record is empty", "\t*spare = empty;\n", ""},
		{"a record is empty", "\t\t*record = empty;\n", ""},
		{"a record is nobody's", "{ .uid = PP_NO_UID, ", "{ "},
		{"nobody's session is closed", ", .closed_uid = PP_NO_UID }", " }"},
		{"no memory", "\tif (record) {\n", "\t{\n"},
		{"pam_set_data fails", "\tif (error == PAM_SUCCESS)\n", "\tif (record)\n"},
		{"why there is no record",
			"\tpam_syslog(pamh, LOG_ERR, \"pam_set_data: %s\", pam_strerror(pamh, " +
				"error));\n", ""},
		{"the record that was refused is freed", "\tfree(record);\n\treturn spare;",
			"\treturn spare;"},
		{"the UID is forgotten", "\trecord->uid = PP_NO_UID;\n", ""},
		{"the user is forgotten", "\trecord->user[0] = 0;\n", ""},
	},
	"leave.c": {
		{"root is nobody's own", "uid != 0 && ", ""},
		{"the real user", "getuid() == uid && ", ""},
		{"the effective user", " && geteuid() == uid", ""},
		{"what the handle has joined",
			"\tif (r->keyring)\n\t\treturn pp_is_session_keyring(r->keyring, " +
				"r->joined_by) != 0;\n", ""},
		{"what cannot be found out is left",
			"return pp_is_session_keyring(r->keyring, r->joined_by) != 0",
			"return pp_is_session_keyring(r->keyring, r->joined_by) > 0"},
		{"another module's keyring stays",
			"return pp_is_session_keyring(r->keyring, r->joined_by) != 0", "return 1"},
		{"another module's keyring, whatever is in it",
			"\t\treturn pp_is_session_keyring(r->keyring, r->joined_by) != 0;\n",
			"\t\tif (pp_is_session_keyring(r->keyring, r->joined_by))\n" +
				"\t\t\treturn 1;\n"},
		{"who has joined it", "pp_is_session_keyring(r->keyring, r->joined_by)",
			"pp_is_session_keyring(r->keyring, gettid())"},
		{"a session of nobody known", "r->closed_uid != PP_NO_UID && ", ""},
		{"the user's own keyring stays", " && !is_user(r->closed_uid) &&\n", " &&\n"},
		{"a keyring without the user's persistent one stays",
			" &&\n\t       pp_finds_persistent(r->closed_uid);", ";"},
		{"a keyring of another handle",
			"\treturn r->closed_uid != PP_NO_UID && !is_user(r->closed_uid) &&\n" +
				"\t       pp_finds_persistent(r->closed_uid);\n", "\treturn 0;\n"},
		{"a service without name", " != PAM_SUCCESS || !service)", " != PAM_SUCCESS)"},
		{"the thread that has closed it", "r->closed_by != gettid() || ", ""},
		{"what is not the session's stays", " || !has_keyring_of_session(r))", ")"},
		{"leaves", "serial = pp_join_session_keyring();", "serial = 1;"},
		{"a keyring that is kept", "\tif (serial < 0 && ", "\tif (0 && "},
		{"a keyring that is left", "\tif (serial < 0 && ", "\tif ("},
		{"the user's own keyring is kept",
			"\tif (serial < 0 && !is_user(r->closed_uid))\n", "\tif (serial < 0)\n"},
		{"why it is kept", "(int)-serial);\n}", "(int)serial);\n}"},
		{"whose it is", "\t\tsnprintf(user, sizeof user, \"UID %u\", uid);\n", "\t\t;\n"},
		{"a UID has no sign", "\"UID %u\", uid", "\"UID %d\", (int)uid"},
		{"nobody known is no UID", "if (uid != PP_NO_UID)", "if (1)"},
		{"an errno without name", "name ? name : \"unknown errno\"", "name"},
	},
}

// The corpus alone, without any luck, notices the absence of each rule of the C half.
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

// mutants builds this package's tests with the C half as it is, and with one copy for each rule
// that lacks the rule, under names of its own. The variable RULE, an index into order, chooses the
// copy that serves the calls.
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
					"spare)\n#define pp_forget pp_forget_%[1]d\n"+
					"#define pp_leave pp_leave_%[1]d\n%s%s%s",
					i, text["leave.c"], text["record.c"], text["call.c"]))
			fmt.Fprintf(&declarations,
				"int pp_call_%[1]d(pam_handle_t *, enum pp_action, int, int, "+
					"const char **);\n"+
					"struct pp_record *pp_record_%[1]d(pam_handle_t *, "+
					"struct pp_record *);\n", i)
			fmt.Fprintf(&table, "{ pp_call_%[1]d, pp_record_%[1]d }, ", i)
		}
	}
	add("mutants.c", "#include <stdlib.h>\n#include \"host.h\"\n"+declarations.String()+
		"__attribute__((constructor)) static void choose(void)\n{\n"+
		"\tstatic const struct module all[] = { "+table.String()+
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
	// The corpus is found only from here, so the program must run here.
	if out, err := exec.Command(dir+"/mutants", "-test.run=^FuzzReply$").
		CombinedOutput(); err != nil {
		t.Fatalf("nothing is forgotten, and yet %v\n%s", err, out)
	}
	return dir + "/mutants", order
}
