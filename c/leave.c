/* The end of a session: the login process leaves the session keyring.
 *
 * A host that serves one user after another in one thread would otherwise give the previous user's
 * session keyring to every process that it starts, even for users whose sessions it opens without
 * this module. The processes of the session keep the keyring. The thread leaves when the handle
 * ends, because other modules use the session keyring when they close the session. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_ext.h>

#include "leave.h"
#include "session_keyring.h"

/* Reports whether this process runs as the user, who is not root. */
static int is_user(uid_t uid)
{
	return uid != 0 && getuid() == uid && geteuid() == uid;
}

/* Reports whether the thread has the session keyring of the session that it closed. Where that is
 * unknown, leaving is safe.
 *
 * A host that makes a handle for each call (pamela) closes the session under a handle that has
 * joined nothing. There the persistent keyring shows whose session keyring the thread has. A
 * program that runs as that user keeps the keyring, which is that of its own session. */
static int has_keyring_of_session(const struct pp_record *r)
{
	if (r->keyring)
		return pp_is_session_keyring(r->keyring, r->joined_by) != 0;
	return r->closed_uid != PP_NO_UID && !is_user(r->closed_uid) &&
	       pp_finds_persistent(r->closed_uid);
}

/* libpam no longer puts the module and the service into log lines. */
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

	/* Processes that the host has forked also end their copy of the handle. */
	if (r->closed_by != gettid() || !has_keyring_of_session(r))
		return;
	serial = pp_join_session_keyring();
	if (serial < 0 && !is_user(r->closed_uid))
		log_kept(pamh, r->closed_uid, (int)-serial);
}
