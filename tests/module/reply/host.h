/* libpam, the kernel and the child around c/call.c, all of them as a test says. */
#ifndef HOST_H
#define HOST_H

#include "call.h"
#include "child.h"
#include "record.h"

/* What a child writes before it ends, and how it ends. */
struct child {
	int writes;
	struct pp_reply reply;
	struct pp_ending ending;
};

struct host {
	const char *user;       /* PAM_USER; NULL: none */
	int set_data, putenv;   /* what pam_set_data and pam_putenv answer */
	int no_malloc, no_mmap; /* no memory there */
	/* The one variable for which the PAM environment has room; "": none. */
	char environment[PP_ENV_TEXT + 1];
	int32_t thread; /* session keyring of the calling thread */
	int64_t joined; /* what the kernel answers to JOIN */
	int resets;     /* whether pp_reset_timer succeeds */
	struct child child;

	/* What libpam keeps of pam_set_data. */
	void *data;
	void (*cleanup)(pam_handle_t *, void *, int);

	/* What came of it: each effect as "what with", one after the other, each with its NUL. */
	int status;
	char effects[128 * 1024];
	size_t used;
	int allocated, mapped; /* what the module has not given back */
};

/* What serves the calls: pp_call, or for a test of this test another version of it. */
typedef int (*host_serves)(pam_handle_t *pamh, enum pp_action action, int failure, int argc,
			   const char **argv);
extern host_serves host_served_by;

/* host_record gives the handle a record, for the caller to fill as an earlier call would have left
 * it. */
struct pp_record *host_record(struct host *h);
void host_call(struct host *h, int action, int failure);
/* host_end is pam_end(3), and looks for what was left. */
void host_end(struct host *h);

#endif
