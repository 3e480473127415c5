#ifndef PP_GUARD_H
#define PP_GUARD_H

#include <stddef.h>
#include <sys/types.h>

enum { PP_LAST_WORDS = 160 };

/* How a process that the guard has made ended: a child or a worker. */
struct pp_ending {
	int error;        /* errno of the call without which it cannot run; 0: none */
	const char *call; /* the name of that call */
	int guard_killed; /* signal that killed the guard, and the process with it; 0: none */
	int status;       /* as waitpid(2) gives it */
	int timed_out;    /* it was killed at the deadline */
	int reaped;       /* it is gone, so it cannot write to shared memory any more */
	/* What it wrote to standard error, NUL-terminated: why a Go runtime gave up. */
	char last_words[PP_LAST_WORDS];
};

/* pp_map_stack maps a stack for a guard, with an inaccessible page below it. Returns its lower end,
 * or NULL with the errno of mmap(2) or mprotect(2). */
char *pp_map_stack(size_t size);
void pp_unmap_stack(char *stack, size_t size);

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

/* pp_keep_to_one_processor, called in a guard, binds it to the processor on which it runs. */
void pp_keep_to_one_processor(void);

/* pp_wait, called in a guard, waits for a child of the guard and fills in status, timed_out and
 * reaped. It takes at most PP_DEADLINE_MS, then kills the child, and waits for one second more. A
 * child that is in an uninterruptible call even then is left to init. SIGCHLD must be blocked, and
 * must have its default disposition. */
void pp_wait(pid_t pid, struct pp_ending *ending);

/* pp_run_worker runs work(arg) in a worker: a child of a guard that shares the caller's memory too,
 * but not its descriptors. It is for key calls that may wait for a lock of the kernel: a worker
 * that is late is killed, and the caller continues, though the kernel may still be busy with it.
 * `work` may make only system calls in which the kernel writes nothing to memory.
 *
 * Returns 1 if the worker has done its work, 0 if it could not be made or was killed, -1 if it was
 * late. */
int pp_run_worker(void (*work)(void *), void *arg);

/* pp_close_files closes this process's descriptors from `first` on. */
void pp_close_files(int first);

#endif
