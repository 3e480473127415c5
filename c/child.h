#ifndef PP_CHILD_H
#define PP_CHILD_H

#include "exchange.h"

enum { PP_LAST_WORDS = 160 };

/* How a child ended. */
struct pp_ending {
	int error;        /* errno of the call without which the child cannot be run; 0: none */
	const char *call; /* the name of that call */
	int guard_killed; /* signal that killed the guard, and the child with it; 0: none */
	int status;       /* of the child, as waitpid(2) gives it */
	int timed_out;    /* the child was killed because its time was over */
	int reaped;       /* the child is gone, so it cannot write to the reply any more */
	/* What the child wrote to standard error, NUL-terminated: why a Go runtime gave up. */
	char last_words[PP_LAST_WORDS];
};

/* pp_run_child runs a child that serves x->request and fills in *x->reply, a shared mapping. It
 * takes at most PP_DEADLINE_MS, and one second more if the child cannot be killed at once. */
void pp_run_child(struct pp_exchange *x, struct pp_ending *ending);

/* pp_begin returns the exchange that this child has to serve, and makes the process ready for it.
 * Returns NULL in any other process. To be called from Go. */
struct pp_exchange *pp_begin(void);

#endif
