/* The guard: a process beside the login process, for what must not be done in the login process.
 *
 * Why the login process does not fork(): the host would get a SIGCHLD (su --pty reads it from a
 * signalfd, cron and xrdp-sesman handle it), another thread's wait() could reap the child, and the
 * descriptors for talking to the child would be the host's. Hiding that (block the signal, consume
 * it, raise it again) would lose a signal of the host's own that arrives at the same moment. A
 * clone without an exit signal avoids all of this: wait() sees it only with __WALL.
 *
 * Why the guard shares the memory: it calls glibc's fork(), which takes malloc's locks against the
 * host's other threads before it copies the memory. A clone that copied the memory itself could
 * copy a lock of a thread that the copy does not have. The child's first malloc() would hang.
 *
 * Why a worker: GET_PERSISTENT searches all keyrings below the persistent keyring for cycles, with
 * one lock for the whole machine, and not even SIGKILL ends that. Any user can make others wait in
 * this way. A killed process stays until the kernel has finished, so its parent must be init, and
 * it must not hold the host's descriptors. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guard.h"

#ifndef PP_DEADLINE_MS
#define PP_DEADLINE_MS 10000 /* a login waits no longer for a name service or another user */
#endif

enum { WORKER_STACK = 16 * 1024 };

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

	return readlink(children, name, sizeof name) < 0 && errno == ENOENT &&
	       lstat(children, &link) == 0;
}

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Not MAP_SHARED, because a child that the guard forks continues on a copy of its stack. */
char *pp_map_stack(size_t size)
{
	char *low = mmap(0, page() + size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (low == MAP_FAILED)
		return 0;
	if (mprotect(low, page(), PROT_NONE) < 0) {
		munmap(low, page() + size);
		return 0;
	}
	return low + page();
}

void pp_unmap_stack(char *stack, size_t size)
{
	munmap(stack - page(), page() + size);
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

/* The guard stays on the processor that the kernel has chosen for it, and so do its children:
 * processes on one processor hand over work without waking up another. */
void pp_keep_to_one_processor(void)
{
	unsigned cpu;
	cpu_set_t here;

	/* Not sched_getcpu(3), which reads what the kernel has stored for the host's thread. */
	if (syscall(SYS_getcpu, &cpu, (void *)0, (void *)0) == 0) {
		CPU_ZERO(&here);
		CPU_SET(cpu, &here);
		sched_setaffinity(0, sizeof here, &here);
	}
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* SIGCHLD is blocked here and reaches no other thread, so sigtimedwait() can wait for it with a
 * limit. */
void pp_wait(pid_t pid, struct pp_ending *ending)
{
	int64_t end = now_ms() + PP_DEADLINE_MS;
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	for (;;) {
		pid_t reaped = waitpid(pid, &ending->status, WNOHANG);
		int64_t left = end - now_ms();

		if (reaped == pid) {
			ending->reaped = 1;
			return;
		}
		if (reaped < 0 && errno != EINTR) {
			ending->error = errno;
			ending->call = "waitpid";
			kill(pid, SIGKILL);
			return;
		}
		if (left <= 0) {
			if (ending->timed_out)
				return; /* in an uninterruptible wait: init will reap it */
			ending->timed_out = 1;
			kill(pid, SIGKILL);
			end += left = 1000;
		}
		sigtimedwait(&chld, 0, &(struct timespec){ left / 1000, left % 1000 * 1000000 });
	}
}

void pp_close_files(int first)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	if (syscall(SYS_close_range, first, UINT_MAX, 0) == 0)
		return;
	/* Linux before 5.9, or a seccomp filter. */
	getrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = first; fd < 65536 && (rlim_t)fd < limit.rlim_cur; fd++)
		close(fd);
}

struct worked {
	struct guarded work;
	char *stack;
	pid_t guard;
	int done;
	struct pp_ending ending;
};

static int worker(void *p)
{
	struct worked *w = p;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != w->guard)
		_exit(1);
	pp_close_files(0);
	w->work.work(w->work.arg);
	w->done = 1;
	_exit(0);
}

/* Runs in the guard. */
static void run_worker(void *p)
{
	struct worked *w = p;
	pid_t pid;

	pp_keep_to_one_processor();
	w->guard = getpid();
	signal(SIGCHLD, SIG_DFL);
	pid = clone(worker, w->stack + WORKER_STACK, CLONE_VM | SIGCHLD, w);
	if (pid > 0)
		pp_wait(pid, &w->ending);
	else
		w->ending.reaped = 1;
}

int pp_run_worker(void (*work)(void *), void *arg)
{
	/* The guard's stack is above the worker's. */
	struct worked w = { .work = { work, arg }, .stack = pp_map_stack(2 * WORKER_STACK) };
	int error;

	if (!w.stack)
		return 0;
	error = pp_run_guarded(run_worker, &w, w.stack, 2 * WORKER_STACK);
	/* A worker that may still be there keeps the stack. */
	if (w.ending.reaped || error < 0)
		pp_unmap_stack(w.stack, 2 * WORKER_STACK);
	return w.ending.timed_out ? -1 : w.done;
}
