#ifndef PP_CHILD_H
#define PP_CHILD_H

#include "exchange.h"

enum { PP_LAST_WORDS = 160 };

/* How a child ended. */
struct pp_ending {
	int error;     /* errno of the call that kept it from running or from being waited for; 0: none */
	const char *call; /* that call */
	int guard_killed; /* signal that has killed the guard, and with it the child; 0: none */
	int status;    /* as from waitpid(2) */
	int timed_out; /* it was killed because its time was over */
	int reaped;    /* it is gone, and so writes no more */
	char last_words[PP_LAST_WORDS]; /* what it has printed, with a final NUL: of a runtime that gives up, the reason */
};

/* pp_run_child answers x->request in a child process: Go fills in *x->reply, a shared mapping. Takes at most PP_DEADLINE_MS (and a second
 * more if the child cannot be killed at once). */
void pp_run_child(struct pp_exchange *x, struct pp_ending *ending);

/* In the child: what it was asked. NULL elsewhere. */
struct pp_exchange *pp_asked(void);

#endif
