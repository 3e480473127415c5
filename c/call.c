/* One call of the module, from libpam's arguments to its return code. The login process joins the
 * session keyring itself, because no other process can. The child decides everything else, and the
 * functions here carry out its reply. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "call.h"
#include "child.h"
#include "record.h"
#include "session_keyring.h"

static const char too_long[] = "the kernel has not answered in time";

/* Copies what fits. Bytes that could forge a log line become '?'. */
static void printable(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from && n < size - 1; from++)
		to[n++] = *from >= ' ' && *from <= '~' ? *from : '?';
	to[n] = 0;
}

/* The name is not trusted: it may be whatever a client sent over the network. */
static const char *user_name(pam_handle_t *pamh)
{
	const void *user = 0;

	return pam_get_item(pamh, PAM_USER, &user) == PAM_SUCCESS && user ? user : "";
}

static int terminated(const char *text, size_t size)
{
	return memchr(text, 0, size) != 0;
}

/* Checks every field before it is used: the child may have been killed at any point, and Go may
 * have a bug. */
static int sound(const struct pp_request *q, const struct pp_reply *r)
{
	if (r->complete != PP_COMPLETE || r->lines > PP_LOG_LINES)
		return 0;
	for (uint32_t i = 0; i < r->lines; i++)
		if (!terminated(r->log[i].text, PP_LOG_TEXT) || r->log[i].priority < LOG_ERR ||
		    r->log[i].priority > LOG_DEBUG)
			return 0;
	if (!terminated(r->env, PP_ENV_TEXT) || !terminated(r->who, PP_WHO_TEXT))
		return 0;
	if (r->close_is_reset && (r->close_is_reset != 1 || r->uid == PP_NO_UID))
		return 0;
	if (q->join_error && r->uid != PP_NO_UID)
		return 0;
	return r->status == PAM_SUCCESS || r->status == PAM_IGNORE ||
	       r->status == PAM_USER_UNKNOWN || r->status == q->failure;
}

static const char *signal_name(int signal)
{
	const char *name = sigabbrev_np(signal);

	return name ? name : "?";
}

static const char *errno_name(int error)
{
	const char *name = strerrorname_np(error);

	return name ? name : "unknown errno";
}

static void log_lines(pam_handle_t *pamh, const struct pp_reply *r)
{
	for (uint32_t i = 0; i < r->lines && i < PP_LOG_LINES; i++)
		if (terminated(r->log[i].text, PP_LOG_TEXT))
			pam_syslog(pamh, r->log[i].priority & LOG_PRIMASK, "%s", r->log[i].text);
}

static void log_ending(pam_handle_t *pamh, const char *who, const struct pp_ending *e, int complete)
{
	char words[PP_LAST_WORDS];
	const char *said = e->last_words[0] ? ": " : "";

	printable(words, sizeof words, e->last_words);

	if (e->error)
		pam_syslog(pamh, LOG_ERR, "%s: cannot run the child: %s: %s", who, e->call,
			   errno_name(e->error));
	else if (e->guard_killed)
		pam_syslog(pamh, LOG_ERR, "%s: the child's guard was killed by SIG%s", who,
			   signal_name(e->guard_killed));
	else if (e->timed_out)
		pam_syslog(pamh, LOG_ERR, "%s: the child did not answer in time and was killed",
			   who);
	else if (WIFSIGNALED(e->status))
		pam_syslog(pamh, LOG_ERR, "%s: the child was killed by SIG%s%s%s", who,
			   signal_name(WTERMSIG(e->status)), said, words);
	else if (!complete)
		pam_syslog(pamh, LOG_ERR,
			   "%s: the child ended without an answer, exit status %d%s%s", who,
			   WEXITSTATUS(e->status), said, words);
	else
		pam_syslog(pamh, LOG_ERR, "%s: the child's answer is not valid", who);
}

/* Returns 1 if the child's reply is complete and valid; otherwise logs why it is not. */
static int ask(struct pp_exchange *x)
{
	pam_handle_t *pamh = x->request.pamh;
	struct pp_reply *r = x->reply;
	struct pp_ending ending;

	pp_run_child(x, &ending);
	if (ending.reaped && !ending.timed_out && WIFEXITED(ending.status) &&
	    WEXITSTATUS(ending.status) == 0 && sound(&x->request, r))
		return 1;
	/* A child that was not reaped may still write to the reply. */
	if (ending.reaped)
		log_lines(pamh, r);
	log_ending(pamh, ending.reaped && terminated(r->who, PP_WHO_TEXT) ? r->who : x->who,
		   &ending, r->complete == PP_COMPLETE);
	return 0;
}

static void put_variable(pam_handle_t *pamh, struct pp_record *record, const struct pp_reply *r)
{
	int error = pam_putenv(pamh, r->env);

	if (error == PAM_SUCCESS)
		memcpy(record->variable, r->env, sizeof record->variable);
	else
		pam_syslog(pamh, LOG_ERR, "%s: pam_putenv %s: %s", r->who, r->env,
			   pam_strerror(pamh, error));
}

/* Removes the variable that an earlier call set for another user, unless it was changed since. */
static void take_back_variable(pam_handle_t *pamh, struct pp_record *record)
{
	char *value = strchr(record->variable, '=');
	const char *now;

	if (!value)
		return;
	*value++ = 0;
	now = pam_getenv(pamh, record->variable);
	if (now && strcmp(now, value) == 0)
		pam_putenv(pamh, record->variable);
	record->variable[0] = 0;
}

/* The handle's session keyring serves this call too if an earlier call filled it for the same user
 * and this thread still has it. Session keyrings belong to threads, and pam_keyinit may have joined
 * another one since. */
static int has_session_keyring(const struct pp_record *record, const char *user)
{
	return record->uid != PP_NO_UID && *user && strcmp(record->user, user) == 0 &&
	       pp_is_session_keyring(record->keyring, record->joined_by) > 0;
}

static void join(struct pp_exchange *x, struct pp_record *record, const char *user)
{
	pam_handle_t *pamh = x->request.pamh;
	int64_t serial;

	if (has_session_keyring(record, user))
		return;
	serial = pp_join_session_keyring();
	take_back_variable(pamh, record);
	pp_forget(record);
	if (serial < 0) {
		x->request.join_error = (int)-serial;
		/* The thread may still have a keyring that was filled for another user. */
		if (record->keyring && pp_clear_keyring(record->keyring) < 0)
			pam_syslog(pamh, LOG_ERR, "%s: KEYCTL_CLEAR %d: %s", x->who,
				   record->keyring, too_long);
		return;
	}
	record->keyring = (int32_t)serial;
	record->joined_by = gettid();
	if (strlen(user) < sizeof record->user)
		strcpy(record->user, user);
}

/* If one line of the stack needs a child to close, all lines run one. */
static void opened(struct pp_record *record, const struct pp_reply *r, int failure)
{
	if (!r->close_is_reset)
		record->child_closes = 1;
	if (r->status == failure)
		pp_forget(record);
	else if (r->uid != PP_NO_UID)
		record->uid = r->uid;
}

/* Returns the PAM code. */
static int serve(struct pp_exchange *x, struct pp_record *record)
{
	pam_handle_t *pamh = x->request.pamh;
	const struct pp_reply *r = x->reply;

	if (!ask(x)) {
		record->child_closes = 1;
		if (x->request.action == PP_OPEN)
			pp_forget(record);
		return x->request.failure;
	}
	log_lines(pamh, r);
	if (r->env[0])
		put_variable(pamh, record, r);
	if (x->request.action == PP_OPEN)
		opened(record, r, x->request.failure);
	else if (x->request.action == PP_CLOSE && r->uid != PP_NO_UID)
		record->closed_uid = r->uid;
	return r->status;
}

static int reset_is_enough(const struct pp_record *record)
{
	return !record->child_closes && record->uid != PP_NO_UID;
}

/* Refreshes or closes a session without a child. Returns a PAM code, or -1 if a child must try. */
static int reset(struct pp_exchange *x, const struct pp_record *record)
{
	int done = pp_reset_timer(record->uid, record->keyring);

	if (done > 0)
		return PAM_SUCCESS;
	if (done == 0)
		return -1;
	pam_syslog(x->request.pamh, LOG_ERR, "%s: KEYCTL_GET_PERSISTENT of UID %u: %s", x->who,
		   record->uid, too_long);
	return x->request.failure;
}

static int run(struct pp_exchange *x, struct pp_record *record)
{
	pam_handle_t *pamh = x->request.pamh;
	int status;

	x->request.keyring = record->keyring;
	x->request.held_uid = record->uid;
	x->reply = mmap(0, sizeof *x->reply, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			0);
	if (x->reply == MAP_FAILED) {
		pam_syslog(pamh, LOG_ERR, "%s: cannot run the child: mmap: %s", x->who,
			   errno_name(errno));
		record->child_closes = 1;
		if (x->request.action == PP_OPEN)
			pp_forget(record);
		return x->request.failure;
	}
	memcpy(x->reply->who, x->who, sizeof x->who);
	status = serve(x, record);
	munmap(x->reply, sizeof *x->reply);
	return status;
}

static int call(struct pp_exchange *x)
{
	const char *user = user_name(x->request.pamh);
	struct pp_record spare, *record = pp_record(x->request.pamh, &spare);
	int status = -1;

	printable(x->who, sizeof x->who, *user ? user : "unknown user");
	if (x->request.action == PP_OPEN)
		record->closed_by = 0;
	if (x->request.action == PP_CLOSE) {
		record->closed_by = gettid();
		record->closed_uid = record->uid;
	}
	/* Join first: whatever fails later, the session no longer has the caller's keyring. */
	if (x->request.action == PP_OPEN)
		join(x, record, user);
	else if (reset_is_enough(record))
		status = reset(x, record);
	return status < 0 ? run(x, record) : status;
}

int pp_call(pam_handle_t *pamh, enum pp_action action, int failure, int argc, const char **argv)
{
	struct pp_exchange x = {
		.request = { pamh, action, failure, argc, argv, .held_uid = PP_NO_UID },
	};
	int cancel, status, saved = errno;

	/* A thread cancelled during the call would leave the mapping or a child behind. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	status = call(&x);
	pthread_setcancelstate(cancel, 0);
	errno = saved;
	return status;
}
