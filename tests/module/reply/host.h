/* libpam, the kernel and the child around c/call.c, which all behave as a test says. A session
 * keyring belongs to one thread. */
#ifndef HOST_H
#define HOST_H

#include "call.h"
#include "child.h"
#include "record.h"

/* A child's reply and how it ends. */
struct child {
	int writes;
	struct pp_reply reply;
	struct pp_ending ending;
};

struct host {
	const char *user;       /* PAM_USER; NULL: none */
	const char *service;    /* PAM_SERVICE; NULL: none */
	int set_data, putenv;   /* results of pam_set_data and pam_putenv */
	int no_malloc, no_mmap; /* allocation fails there */
	/* The one variable for which the PAM environment has room; "": none. */
	char environment[PP_ENV_TEXT + 1];
	pid_t thread;       /* the calling thread */
	int32_t keyring;    /* its session keyring */
	int64_t joined;     /* result of JOIN */
	int resets, clears; /* what pp_reset_timer and pp_clear_keyring return */
	int finds;          /* what pp_finds_persistent returns */
	int blind;          /* the kernel does not let the thread look at its session keyring */
	uid_t uid, euid;    /* of the calling thread */
	struct child child;

	/* What pam_set_data has stored. */
	void *data;
	void (*cleanup)(pam_handle_t *, void *, int);

	/* The results. Each effect is a text, one after the other, each with its NUL. */
	int status;
	char effects[128 * 1024];
	size_t used;
	int allocated, mapped; /* what the module has not released */
};

/* The functions that serve the calls: pp_call and pp_record, or other versions in a test of this
 * test. */
struct module {
	int (*call)(pam_handle_t *pamh, enum pp_action action, int failure, int argc,
		    const char **argv);
	struct pp_record *(*record)(pam_handle_t *pamh, struct pp_record *spare);
};
extern struct module host_served_by;

/* host_record gives the handle a record, which the caller fills as an earlier call would have. */
struct pp_record *host_record(struct host *h);
void host_call(struct host *h, int action, int failure);
/* host_end calls pam_end(3), and counts what is left. */
void host_end(struct host *h, int status);

#endif
