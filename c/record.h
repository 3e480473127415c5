/* What the module keeps with the PAM handle from one call to the next. */
#ifndef PP_RECORD_H
#define PP_RECORD_H

#include "exchange.h"

/* Invariant: `uid` is set only while `keyring` holds the link that was made for that user, and
 * `user` only while `keyring` serves that user's session. A join or an open that fails clears
 * both. */
struct pp_record {
	int32_t keyring;  /* the last session keyring that was joined under this handle; 0: none */
	pid_t joined_by;  /* the thread that joined it */
	uid_t uid;        /* whose persistent keyring `keyring` holds; PP_NO_UID: nobody's */
	char user[256];   /* PAM_USER at the join; "": none, or too long */
	int child_closes; /* closing needs a child: resetting the timer is not enough */
	pid_t closed_by;  /* the thread that closed the session last; 0: open, or never opened */
	uid_t closed_uid; /* whose session that was; PP_NO_UID: unknown */
	char variable[PP_ENV_TEXT]; /* NAME=value that the module put into the PAM environment */
};

/* pp_record returns the record of the handle. The first call makes it; pam_end(3) calls pp_leave()
 * with it and frees it. If there is no memory, pp_record logs that and returns `spare`, which later
 * calls do not see. */
struct pp_record *pp_record(pam_handle_t *pamh, struct pp_record *spare);

/* pp_forget notes that the record's keyring serves no session, because a join or an open has
 * failed. */
void pp_forget(struct pp_record *record);

#endif
