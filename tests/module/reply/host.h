/* libpam, the kernel and the child around c/call.c, all of them as a test says. A thread's session
 * keyring is its own. */
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
	const char *service;    /* PAM_SERVICE; NULL: none */
	int set_data, putenv;   /* what pam_set_data and pam_putenv answer */
	int no_malloc, no_mmap; /* no memory there */
	/* The one variable for which the PAM environment has room; "": none. */
	char environment[PP_ENV_TEXT + 1];
	pid_t thread;       /* the calling thread */
	int32_t keyring;    /* its session keyring */
	int64_t joined;     /* what the kernel answers to JOIN */
	int resets, clears; /* what pp_reset_timer and pp_clear_keyring return */
	int finds;          /* what pp_finds_persistent returns */
	int blind;          /* the kernel does not let the thread look at its session keyring */
	uid_t uid, euid;    /* of the calling thread */
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

/* What serves the calls: pp_call and pp_record, or for a test of this test another version. */
struct module {
	int (*call)(pam_handle_t *pamh, enum pp_action action, int failure, int argc,
		    const char **argv);
	struct pp_record *(*record)(pam_handle_t *pamh, struct pp_record *spare);
};
extern struct module host_served_by;

/* host_record gives the handle a record, for the caller to fill as an earlier call would have left
 * it. */
struct pp_record *host_record(struct host *h);
void host_call(struct host *h, int action, int failure);
/* host_end is pam_end(3), and looks for what was left. */
void host_end(struct host *h, int status);

#endif
