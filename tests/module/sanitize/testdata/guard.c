#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "guard.h"

/* For valgrind, which turns the guard's clone(2) into a plain fork(2), so that the guard's results
 * would be lost, and refuses the worker's. Here the login process does the work itself: memcheck
 * sees the same code from end to end. The guard's own traces (dispositions, descriptors of its
 * pipe) remain in the login process; other tests check those. */
int pp_run_guarded(void (*work)(void *), void *arg, char *stack, size_t size)
{
	int saved = errno;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* The stack is not used, but must exist. */
	stack[0] = stack[size - 1] = 0;
	work(arg);
	pthread_sigmask(SIG_SETMASK, &before, 0);
	errno = saved;
	return 0;
}

int pp_run_worker(void (*work)(void *), void *arg)
{
	work(arg);
	return 1;
}
