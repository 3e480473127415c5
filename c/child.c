/* The child in which Go runs: how it is made, how it is set up before Go starts, and how long it
 * may take. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "gostart.h"
#include "guard.h"

#ifndef PP_DEADLINE_MS
#define PP_DEADLINE_MS 10000 /* a login waits no longer than this for a name service that hangs */
#endif

/* The guard calls glibc's fork() on this stack, which runs the fork handlers of the host's
 * libraries. */
enum { GUARD_STACK = 256 * 1024 };

/* In the child: the exchange that it serves. NULL in any other process. */
static struct pp_exchange *served;

static void set_soft(int resource, rlim_t soft)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) == 0) {
		limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
		setrlimit(resource, &limit);
	}
}

/* The child inherits the host's limits. vsftpd, dovecot's auth and proftpd lower their address
 * space, and pam_limits may have set the user's limits; but the Go runtime reserves address space
 * and makes threads. */
static void lift_limits(void)
{
	static const int lifted[] = { RLIMIT_AS, RLIMIT_DATA, RLIMIT_NPROC, RLIMIT_CPU };
	static const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY }, none = { 0, 0 };

	for (unsigned i = 0; i < sizeof lifted / sizeof *lifted; i++)
		if (setrlimit(lifted[i], &unlimited) < 0)
			set_soft(lifted[i], RLIM_INFINITY);
	/* A core file of the child would hold the host's secrets. */
	setrlimit(RLIMIT_CORE, &none);
}

/* Saves time in a process that lives for a millisecond. docs/benchmarks.md has what each step
 * saves. */
static void save_time(void)
{
	/* Without this, each thread that calls malloc() maps a heap of its own. */
	mallopt(M_ARENA_MAX, 1);
	/* The runtime's monitor sleeps for 20 µs at a time, and would wake up often in a child that
	 * has one processor. This lets timers in the child be 10 ms late. */
	prctl(PR_SET_TIMERSLACK, 10000000UL);
	/* Go 1.25 and later read the files of the cgroup's CPU limit at start. With this limit
	 * their first open fails and they stop. pp_begin() raises the limit again. */
	set_soft(RLIMIT_NOFILE, 3);
}

/* Go has installed its signal handlers by the time it calls pp_begin(). After a fault in C (in a
 * name service module, for example) Go's handler would send SIGQUIT to every thread and wait
 * seconds. Restore the default dispositions, so that the child dies at once. */
struct pp_exchange *pp_begin(void)
{
	if (served) {
		set_soft(RLIMIT_NOFILE, RLIM_INFINITY);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		signal(SIGFPE, SIG_DFL);
	}
	return served;
}

/* Opens /dev/null as descriptors 0 to 2. The host's may be a terminal or a network connection, to
 * which a name service module or the runtime must not write; or they may be closed, and then a file
 * that the child opens would become one of them. Standard error goes to `last_words`, a higher
 * descriptor, if there is one. */
static void quiet_standard_files(int last_words)
{
	/* Close first: the host may have used up its descriptors. */
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	if (open("/dev/null", O_RDWR) == 0) {
		dup2(0, 1);
		dup2(last_words < 0 ? 0 : last_words, 2);
	}
}

/* If the control group or the machine runs out of memory, the kernel kills the child rather than
 * the login process. */
static void go_first(void)
{
	static const char first[] = "1000";
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, first, sizeof first - 1) < 0) {
		/* Then the kernel chooses by size. */
	}
	close(fd);
}

/* If a library (a name service module, for example) calls exit(3), the host's exit handlers must
 * not run in the child: they would remove pid files or write buffers twice. The handler that was
 * registered last runs first, and this one ends the process. */
static void end_quietly(int status, void *unused)
{
	(void)unused;
	_exit(status);
}

static _Noreturn void child(struct pp_exchange *x, pid_t guard, int last_words)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(1);
	quiet_standard_files(last_words);
	/* Before PR_SET_DUMPABLE: afterwards root owns the files of this process in /proc. */
	go_first();
	/* The child's memory is a copy of the host's, which may hold host keys and passwords, and
	 * the child is about to take the user's UID. */
	prctl(PR_SET_DUMPABLE, 0);
	on_exit(end_quietly, 0);
	lift_limits();
	save_time();
	served = x;
	pp_start_go();
	for (;;)
		pause();
}

/* Threads and processes on one processor hand over work without waking up another processor. The
 * guard stays on the one that the kernel has chosen for it, and the child inherits the choice. */
static void keep_to_one_processor(void)
{
	int cpu = sched_getcpu();
	cpu_set_t here;

	if (cpu >= 0) {
		CPU_ZERO(&here);
		CPU_SET((unsigned)cpu, &here);
		sched_setaffinity(0, sizeof here, &here);
	}
}

struct run {
	struct pp_exchange *x;
	struct pp_ending *ending;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void failed(struct pp_ending *ending, const char *call)
{
	ending->error = errno;
	ending->call = call;
}

/* Runs in the guard, where SIGCHLD is blocked and comes to no other thread. So sigtimedwait() can
 * wait for it with a limit. */
static void wait_for(pid_t pid, struct pp_ending *ending)
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
			failed(ending, "waitpid");
			kill(pid, SIGKILL);
			return;
		}
		if (left <= 0) {
			if (ending->timed_out)
				return; /* in an uninterruptible wait: init will reap the child */
			ending->timed_out = 1;
			kill(pid, SIGKILL);
			end += left = 1000;
		}
		sigtimedwait(&chld, 0, &(struct timespec){ left / 1000, left % 1000 * 1000000 });
	}
}

static void listen_to(int last_words, struct pp_ending *ending)
{
	char *words = ending->last_words;
	ssize_t n = last_words < 0 ? 0 : read(last_words, words, PP_LAST_WORDS - 1);

	while (n > 0 && words[n - 1] == '\n')
		n--;
	words[n > 0 ? n : 0] = 0;
	for (; n > 0; n--)
		if (words[n - 1] == '\n')
			words[n - 1] = ' ';
}

/* Signals that an instruction raises. If they were blocked, the kernel would kill the process
 * before the runtime could print why. */
static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
/* Signals that the Go runtime unblocks in its threads. */
static const int unblocked[] = { SIGCHLD, SIGPROF, SIGSTKFLT };

/* The guard has a copy of the host's dispositions. The host's handlers must not run in the guard or
 * in the child; and if SIGCHLD were ignored, the kernel would reap the child, and its status would
 * be lost. All other signals stay blocked, in the child too: a Ctrl-C at the login must not look
 * like a failure. */
static void default_dispositions(void)
{
	for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
		signal(faults[i], SIG_DFL);
	for (unsigned i = 0; i < sizeof unblocked / sizeof *unblocked; i++)
		signal(unblocked[i], SIG_DFL);
}

static void unblock_faults(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
		sigaddset(&set, faults[i]);
	sigprocmask(SIG_UNBLOCK, &set, 0);
}

static void run(void *p)
{
	struct run *r = p;
	pid_t guard = getpid(), pid;
	int last_words[2];

	keep_to_one_processor();
	default_dispositions();
	/* The pipe's descriptors are the guard's, not the host's. The pipe does not block, so that
	 * a child that prints a lot does not wait for a reader. */
	if (pipe2(last_words, O_CLOEXEC | O_NONBLOCK) < 0)
		last_words[0] = last_words[1] = -1;
	else if (last_words[1] < 3) /* the host has closed its standard files */
		last_words[1] = fcntl(last_words[1], F_DUPFD_CLOEXEC, 3);
	pid = fork();
	if (pid == 0) {
		unblock_faults();
		child(r->x, guard, last_words[1]);
	}
	if (pid < 0) {
		failed(r->ending, "fork");
		return;
	}
	wait_for(pid, r->ending);
	listen_to(last_words[0], r->ending);
}

void pp_run_child(struct pp_exchange *x, struct pp_ending *ending)
{
	struct run r = { x, ending };
	char *stack;
	int error;

	*ending = (struct pp_ending){ 0 };
	/* Not MAP_SHARED, because the child continues on a copy of the guard's stack. */
	stack = mmap(0, GUARD_STACK, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED) {
		failed(ending, "mmap");
		return;
	}
	error = pp_run_guarded(run, &r, stack, GUARD_STACK);
	if (error < 0) {
		ending->error = -error;
		ending->call = error == -EXDEV ? "it would be PID 1 after unshare(CLONE_NEWPID)" :
						 "clone or sigprocmask";
	}
	if (error > 0)
		ending->guard_killed = error;
	munmap(stack, GUARD_STACK);
}
