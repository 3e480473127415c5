/* A process beside the login process, for what must not be done in it.
 *
 * Why not fork() from the login process: the host would get a SIGCHLD (su --pty reads it from a signalfd, cron and
 * xrdp-sesman handle it), another thread's wait() could reap the child, the descriptors for talking to it would be
 * the host's, and hiding all that again (block, consume, raise anew) loses a signal of the host's own that arrives at the
 * same moment. A clone with exit signal 0 raises none of these questions: wait() does not see it without __WALL.
 *
 * Why the memory is shared: a fork() from in here is still glibc's own, which takes malloc's locks against the host's
 * other threads before it copies. A clone that copied the memory itself would copy locks held by threads that it
 * does not have, and the first malloc() of the child would hang.
 */
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

	/* The sleeping thread may be killed; nothing of ours should live on. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	g->work(g->arg);
	_exit(0);
}

/* After unshare(CLONE_NEWPID) the host's next child becomes PID 1 of a new namespace. Were that the guard, the namespace would
 * die with it, and every later fork of the host would fail. /proc has the file from Linux 4.12 on; it leads nowhere as long as
 * there is no PID 1. */
static int next_child_is_pid_1(void)
{
	static const char children[] = "/proc/thread-self/ns/pid_for_children";
	struct stat link;
	char name[64];

	return lstat(children, &link) == 0 && readlink(children, name, sizeof name) < 0 && errno == ENOENT;
}

int pp_guarded(void (*work)(void *), void *arg, char *stack, size_t size)
{
	struct guarded g = { work, arg };
	int saved = errno, status = 0, error;
	sigset_t all, before;
	pid_t pid;

	if (next_child_is_pid_1()) {
		errno = saved;
		return -EXDEV;
	}
	/* A handler of the host's, run in here, would work on the host's memory with another process's descriptors. */
	sigfillset(&all);
	error = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (error)
		return -error;
	/* The stack grows down from its end; both supported architectures want 16-byte alignment, which clone() sees to. */
	pid = clone(guard, stack + size, CLONE_VM | CLONE_VFORK, &g);
	if (pid < 0)
		error = -errno;
	/* __WALL: without it waitpid() knows no child whose exit signal is not SIGCHLD. */
	while (pid > 0 && waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	if (error == 0 && WIFSIGNALED(status))
		error = WTERMSIG(status);
	pthread_sigmask(SIG_SETMASK, &before, 0);
	errno = saved; /* the guard shares our thread-local storage, errno too */
	return error;
}
