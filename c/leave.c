/* The end of a session: the login process leaves the session keyring.
 *
 * A host that serves one user after the other in one thread would give the session keyring of the
 * user before to every process that it starts: for a user whose session it does not open with this
 * module, too. The processes of the session keep the keyring. The time for this is the end of the
 * handle, because other modules look into the session keyring when they close the session. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_ext.h>

#include "leave.h"
#include "session_keyring.h"

/* Reports whether this process is the user's and can be nobody else's. */
static int is_user(uid_t uid)
{
	return uid != 0 && getuid() == uid && geteuid() == uid;
}

/* Reports whether the thread has the session keyring of the session that it closed. If that cannot
 * be found out, it is safe to leave.
 *
 * A host that makes a handle for each call (pamela) closes the session under a handle that has
 * joined nothing. There the persistent keyring tells whose session keyring the thread has. A
 * program that runs as that user keeps it: that keyring is its own session's. */
static int has_keyring_of_session(const struct pp_record *r)
{
	if (r->keyring)
		return pp_is_session_keyring(r->keyring, r->joined_by) != 0;
	return r->closed_uid != PP_NO_UID && !is_user(r->closed_uid) &&
	       pp_finds_persistent(r->closed_uid);
}

/* libpam no longer names the module and the service in log lines. */
static void log_kept(pam_handle_t *pamh, uid_t uid, int error)
{
	const char *name = strerrorname_np(error);
	char user[32] = "an unknown user";
	const void *service = 0;

	if (pam_get_item(pamh, PAM_SERVICE, &service) != PAM_SUCCESS || !service)
		service = "?";
	if (uid != PP_NO_UID)
		snprintf(user, sizeof user, "UID %u", uid);
	pam_syslog(pamh, LOG_ERR,
		   "pam_persistent(%s): the login process keeps the session keyring of %s: "
		   "KEYCTL_JOIN_SESSION_KEYRING: %s",
		   (const char *)service, user, name ? name : "unknown errno");
}

void pp_leave(pam_handle_t *pamh, const struct pp_record *r)
{
	int64_t serial;

	/* Processes that the host has forked end their copy of the handle, too. */
	if (r->closed_by != gettid() || !has_keyring_of_session(r))
		return;
	serial = pp_join_session_keyring();
	if (serial < 0 && !is_user(r->closed_uid))
		log_kept(pamh, r->closed_uid, (int)-serial);
}
