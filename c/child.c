/* The child in which Go runs: how it is made, how it is set up before Go starts, and how long it
 * may take. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "gostart.h"
#include "guard.h"

/* The guard calls glibc's fork() on this stack, which runs the fork handlers of the host's
 * libraries. */
enum { GUARD_STACK = 256 * 1024, THREAD_STACK = 1024 * 1024 };

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

/* glibc gives new threads a stack of the size that RLIMIT_STACK had when the program started. The
 * caller of a setuid host chooses that limit. Modules of the name service run on such a thread with
 * the host's rights, and need more than the minimum of 16 kB. */
static void size_thread_stacks(void)
{
	pthread_attr_t attr;

	if (pthread_attr_init(&attr) == 0) {
		if (pthread_attr_setstacksize(&attr, THREAD_STACK) == 0)
			pthread_setattr_default_np(&attr);
		pthread_attr_destroy(&attr);
	}
}

/* Saves time in a process that lives for a millisecond. docs/benchmarks.md shows how much each step
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
 * seconds. Restore the default dispositions, so that the child dies immediately. */
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
 * which a name service module or the runtime must not write. If they are closed, a file that the
 * child opens would become one of them. Standard error goes to `last_words`, a higher descriptor,
 * if there is one. */
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
	size_thread_stacks();
	save_time();
	served = x;
	pp_start_go();
	for (;;)
		pause();
}

struct run {
	struct pp_exchange *x;
	struct pp_ending *ending;
};

static void failed(struct pp_ending *ending, const char *call)
{
	ending->error = errno;
	ending->call = call;
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

	pp_keep_to_one_processor();
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
	pp_wait(pid, r->ending);
	listen_to(last_words[0], r->ending);
}

void pp_run_child(struct pp_exchange *x, struct pp_ending *ending)
{
	struct run r = { x, ending };
	char *stack = pp_map_stack(GUARD_STACK);
	int error;

	*ending = (struct pp_ending){ 0 };
	if (!stack) {
		failed(ending, "mmap or mprotect");
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
	pp_unmap_stack(stack, GUARD_STACK);
}
