#ifndef PP_GUARD_H
#define PP_GUARD_H

#include <stddef.h>

/* pp_run_guarded runs work(arg) on the given stack in a guard: a process that shares the caller's
 * memory and nothing else, while the calling thread sleeps. Credentials, descriptors, signal
 * handlers and children of the guard are not the caller's. The caller gets no SIGCHLD, and no
 * wait() of another thread can reap the guard. Signals to the calling thread are blocked meanwhile.
 *
 * Returns 0 when the guard has exited; the number of the signal that killed it (a seccomp filter's,
 * for example); -EXDEV if the guard would have become PID 1 of a new namespace, and was not made;
 * or -errno of pthread_sigmask(3) or clone(2). `work` leaves its results in memory. An emulator
 * that turns this clone into a plain fork loses them, except in shared mappings. */
int pp_run_guarded(void (*work)(void *), void *arg, char *stack, size_t size);

#endif
