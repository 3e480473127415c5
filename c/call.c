/* One call of the module, from libpam's arguments to its return code. What to do is the child's to say; here it is done to the
 * login process, which is left as it was found in everything else. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <syslog.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "call.h"
#include "child.h"
#include "session_keyring.h"

/* Names under which the PAM handle keeps, from one call to the next, the serial of its session keyring, and the same if the
 * module joined it itself. The serial stands in the pointer: nothing to free, good in every process that has a copy. */
static const char session_data[] = "pam_persistent:session", created_data[] = "pam_persistent:created";

/* And the UID plus one for which closing the session is but restarting a timer. One line of a stack that wants more of its closing
 * (revoke) is enough to forbid that to all. */
static const char renew_data[] = "pam_persistent:renew";
enum { NEVER = -1 };

static int32_t kept(pam_handle_t *pamh, const char *name)
{
	const void *data = 0;

	return pam_get_data(pamh, name, &data) == PAM_SUCCESS ? (int32_t)(intptr_t)data : 0;
}

static void keep(pam_handle_t *pamh, const char *name, int32_t serial)
{
	int error = pam_set_data(pamh, name, (void *)(intptr_t)serial, 0);

	if (error != PAM_SUCCESS)
		pam_syslog(pamh, LOG_ERR, "pam_set_data %s: %s", name, pam_strerror(pamh, error));
}

/* A copy, as long as there is room, that is good in a line of a log. */
static void printable(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from && n < size - 1; from++)
		to[n++] = *from >= ' ' && *from <= '~' ? *from : '?';
	to[n] = 0;
}

/* How log lines name the user until the child knows better. A user name is whatever the network sent. */
static void name_user(pam_handle_t *pamh, char who[PP_WHO_TEXT])
{
	const void *user = 0;

	if (pam_get_item(pamh, PAM_USER, &user) != PAM_SUCCESS || !user)
		user = "unknown user";
	printable(who, PP_WHO_TEXT, user);
}

static int terminated(const char *text, size_t size)
{
	return memchr(text, 0, size) != 0;
}

/* The child may have been killed anywhere, and Go may have a bug: nothing of its reply is believed unseen. */
static int sound(const struct pp_request *q, const struct pp_reply *r)
{
	if (r->complete != PP_COMPLETE || r->lines > PP_LOG_LINES)
		return 0;
	for (uint32_t i = 0; i < r->lines; i++)
		if (!terminated(r->log[i].text, PP_LOG_TEXT) || r->log[i].priority < LOG_ERR || r->log[i].priority > LOG_DEBUG)
			return 0;
	if (!terminated(r->env, PP_ENV_TEXT) || !terminated(r->who, PP_WHO_TEXT) || r->session < 0)
		return 0;
	if (r->want_session)
		return r->want_session == 1 && q->run == 1 && r->uid != (uid_t)-1 && r->gid != (gid_t)-1;
	return r->status == PAM_SUCCESS || r->status == PAM_IGNORE || r->status == PAM_USER_UNKNOWN ||
	       r->status == q->failure;
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
		pam_syslog(pamh, LOG_ERR, "%s: no child to work in: %s: %s", who, e->call, errno_name(e->error));
	else if (e->guard_killed)
		pam_syslog(pamh, LOG_ERR, "%s: the child's guard was killed by SIG%s", who, signal_name(e->guard_killed));
	else if (e->timed_out)
		pam_syslog(pamh, LOG_ERR, "%s: the child did not answer in time and was killed", who);
	else if (WIFSIGNALED(e->status))
		pam_syslog(pamh, LOG_ERR, "%s: the child was killed by SIG%s%s%s", who, signal_name(WTERMSIG(e->status)), said, words);
	else if (!complete)
		pam_syslog(pamh, LOG_ERR, "%s: the child ended without an answer, exit status %d%s%s", who, WEXITSTATUS(e->status), said, words);
	else
		pam_syslog(pamh, LOG_ERR, "%s: the child's answer makes no sense", who);
}

/* 1: there is an answer to go by. */
static int ask(pam_handle_t *pamh, struct pp_exchange *x)
{
	struct pp_reply *r = x->reply;
	struct pp_ending ending;

	r->complete = 0;
	r->want_session = r->want_again = r->renewable = 0;
	r->env[0] = 0;
	x->request.run++;
	pp_run_child(x, &ending);
	if (ending.reaped && !ending.timed_out && WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 0 &&
	    sound(&x->request, r))
		return 1;
	/* One that could not be killed at once may still write there. */
	if (ending.reaped)
		log_lines(pamh, r);
	log_ending(pamh, ending.reaped && terminated(r->who, PP_WHO_TEXT) ? r->who : x->who, &ending, r->complete == PP_COMPLETE);
	return 0;
}

/* Returns the PAM code. */
static int apply(pam_handle_t *pamh, const struct pp_exchange *x)
{
	const struct pp_reply *r = x->reply;

	log_lines(pamh, r);
	if (r->env[0]) {
		int error = pam_putenv(pamh, r->env);

		if (error != PAM_SUCCESS)
			pam_syslog(pamh, LOG_ERR, "%s: pam_putenv %s: %s", r->who, r->env, pam_strerror(pamh, error));
	}
	if (r->session > 0) {
		if (r->session != x->request.session)
			keep(pamh, session_data, r->session);
		if (kept(pamh, renew_data) != NEVER)
			keep(pamh, renew_data, r->renewable ? (int32_t)(r->uid + 1) : NEVER);
		/* From here on it is an old one for every other PAM handle of this process. */
		pp_see_session(r->session);
	}
	return r->status;
}

/* Three days from now on: one key call, on a session keyring that the child has found good when the session was opened, and named by
 * its serial, so that nothing of this process changes. If anything is not as it was then, the child has to look again. */
static int renewed(pam_handle_t *pamh)
{
	int32_t session = kept(pamh, session_data), uid_plus_one = kept(pamh, renew_data);

	return session > 0 && uid_plus_one != 0 && uid_plus_one != NEVER &&
	       pp_link_persistent((uid_t)uid_plus_one - 1, session) > 0;
}

static int serve(pam_handle_t *pamh, struct pp_exchange *x)
{
	struct pp_joined *joined = &x->request.joined;

	if (!ask(pamh, x))
		return x->request.failure;
	if (!x->reply->want_session)
		return apply(pamh, x);
	pp_join_session(x->reply->uid, x->reply->gid, joined);
	if (joined->stuck) {
		log_lines(pamh, x->reply);
		/* With another user's real ID the host must not run on: no code says "end" louder. */
		pam_syslog(pamh, LOG_CRIT, "%s: the login process cannot get its own user and group ID back", x->reply->who);
		return PAM_ABORT;
	}
	if (joined->serial > 0) {
		x->request.created = (int32_t)joined->serial;
		keep(pamh, created_data, x->request.created);
	}
	if (joined->serial > 0 && joined->persistent > 0 && !joined->user_link && !x->reply->want_again) {
		x->reply->session = (int32_t)joined->serial;
		x->reply->status = PAM_SUCCESS;
		return apply(pamh, x);
	}
	/* What has failed, and whether it matters, is Go's to say. */
	return ask(pamh, x) ? apply(pamh, x) : x->request.failure;
}

int pp_call(pam_handle_t *pamh, enum pp_action action, int failure, int argc, const char **argv)
{
	struct pp_exchange x = {
		.request = {
			.pamh = pamh, .action = action, .failure = failure, .argc = argc, .argv = argv,
			.seen = pp_seen_session(), .session = kept(pamh, session_data), .created = kept(pamh, created_data),
		},
	};
	int cancel, status, saved = errno;

	if (action == PP_CLOSE && renewed(pamh)) {
		errno = saved;
		return PAM_SUCCESS;
	}
	name_user(pamh, x.who);
	x.reply = mmap(0, sizeof *x.reply, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (x.reply == MAP_FAILED) {
		pam_syslog(pamh, LOG_ERR, "%s: no child to work in: mmap: %s", x.who, errno_name(errno));
		errno = saved;
		return failure;
	}
	memcpy(x.reply->who, x.who, sizeof x.who);

	/* A thread cancelled half way would leave the mapping behind, or a child. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	status = serve(pamh, &x);
	pthread_setcancelstate(cancel, 0);
	munmap(x.reply, sizeof *x.reply);
	errno = saved;
	return status;
}
