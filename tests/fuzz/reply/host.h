/* libpam, the kernel and the children around c/call.c, all of them as a test says. */
#ifndef HOST_H
#define HOST_H

#include "call.h"
#include "child.h"

/* What a child writes before it ends, and how it ends. */
struct child {
	int writes;
	struct pp_reply reply;
	struct pp_ending ending;
};

struct host {
	const char *user; /* PAM_USER; NULL: none */
	int set_data, putenv; /* what pam_set_data and pam_putenv answer */
	int32_t session, renew; /* what earlier calls have kept under the handle */
	int64_t renewed; /* what the kernel answers to the renewal at close */
	struct pp_joined joined;
	struct child child[2]; /* of the first run and the second */

	/* What came of it: each effect as "what with", one after the other, each with its NUL. */
	int status, errno_changed, runs;
	char effects[64 * 1024];
	size_t used;
};

void host_call(struct host *h, int action, int failure);

#endif
