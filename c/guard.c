/* The guard: a process beside the login process, for what must not be done in the login process.
 *
 * Why the login process does not fork(): the host would get a SIGCHLD (su --pty reads it from a
 * signalfd, cron and xrdp-sesman handle it), another thread's wait() could reap the child, and the
 * descriptors for talking to the child would be the host's. To hide that (block the signal, consume
 * it, raise it again) would lose a signal of the host's own that arrives at the same moment. A
 * clone without an exit signal avoids all of this: wait() sees it only with __WALL.
 *
 * Why the guard shares the memory: it calls glibc's fork(), which takes malloc's locks against the
 * host's other threads before it copies the memory. A clone that copied the memory itself could
 * copy a lock of a thread that the copy does not have. The child's first malloc() would hang. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"

struct guarded {
	void (*work)(void *);
	void *arg;
};

static int guard(void *p)
{
	struct guarded *g = p;

	/* If the thread that sleeps is killed, the guard must not live on. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	g->work(g->arg);
	_exit(0);
}

/* After unshare(CLONE_NEWPID) the host's next child becomes PID 1 of a new namespace. If that were
 * the guard, the namespace would die with it, and every later fork of the host would fail. The link
 * in /proc (Linux 4.12 and later) cannot be read as long as the namespace has no PID 1. */
static int next_child_is_pid_1(void)
{
	static const char children[] = "/proc/thread-self/ns/pid_for_children";
	struct stat link;
	char name[64];

	return lstat(children, &link) == 0 && readlink(children, name, sizeof name) < 0 &&
	       errno == ENOENT;
}

int pp_run_guarded(void (*work)(void *), void *arg, char *stack, size_t size)
{
	struct guarded g = { work, arg };
	int saved = errno, status = 0, error;
	sigset_t all, before;
	pid_t pid;

	if (next_child_is_pid_1()) {
		errno = saved;
		return -EXDEV;
	}
	/* A handler of the host that ran in the guard would change the host's memory while it uses
	 * another process's descriptors. */
	sigfillset(&all);
	error = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (error)
		return -error;
	/* The stack grows down from its end. clone() aligns it to 16 bytes. */
	pid = clone(guard, stack + size, CLONE_VM | CLONE_VFORK, &g);
	if (pid < 0)
		error = -errno;
	/* Without __WALL, waitpid() ignores children whose exit signal is not SIGCHLD. */
	while (pid > 0 && waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	if (error == 0 && WIFSIGNALED(status))
		error = WTERMSIG(status);
	pthread_sigmask(SIG_SETMASK, &before, 0);
	errno = saved; /* the guard shares this thread's errno */
	return error;
}
