#ifndef PP_GUARD_H
#define PP_GUARD_H

#include <stddef.h>

/* pp_guarded runs work(arg) on the given stack in a process of its own that shares this one's memory and nothing else,
 * while the calling thread sleeps: credentials, descriptors, signal handlers and children made there are not the
 * caller's. The caller sees no SIGCHLD, and no wait() of another thread can take the process away.
 *
 * Signals to this thread wait meanwhile. Returns 0 once the process is gone, the number of the signal that killed it (a seccomp
 * filter's), or -errno of pthread_sigmask(3) or clone(2); -EXDEV if the process would have become PID 1 of a new namespace,
 * and so was not made. `work` leaves its results in memory (an emulator that turns this clone into a plain fork loses all
 * but shared mappings).
 */
int pp_guarded(void (*work)(void *), void *arg, char *stack, size_t size);

#endif
