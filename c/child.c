/* The child in which Go works: how it is made, what it is before Go starts, and how long it may take. */
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
#define PP_DEADLINE_MS 10000 /* a login waits no longer for a name service that hangs */
#endif

/* The guard runs glibc's fork() on it, with the fork handlers of whatever library the host has loaded. */
enum { GUARD_STACK = 256 * 1024 };

static struct pp_exchange *asked;

static void set_soft(int resource, rlim_t soft)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) == 0) {
		limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
		setrlimit(resource, &limit);
	}
}

/* Limits are inherited, and hosts set low ones for themselves (vsftpd, dovecot's auth, proftpd: address space) or
 * have pam_limits set those of the user: the Go runtime reserves address space and makes threads. This process is ours. */
static void lift_limits(void)
{
	static const int lifted[] = { RLIMIT_AS, RLIMIT_DATA, RLIMIT_NPROC, RLIMIT_CPU };
	static const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY }, none = { 0, 0 };

	for (unsigned i = 0; i < sizeof lifted / sizeof *lifted; i++)
		if (setrlimit(lifted[i], &unlimited) < 0)
			set_soft(lifted[i], RLIM_INFINITY);
	/* A core file of this process would hold the host's secrets. */
	setrlimit(RLIMIT_CORE, &none);
}

/* What a process that lives for a millisecond does better without. Each was measured (docs/benchmarks.md). */
static void travel_light(void)
{
	int cpu = sched_getcpu();
	cpu_set_t here;

	/* Threads of the runtime that hand work to each other are faster than a wake-up of the other processor. */
	if (cpu >= 0) {
		CPU_ZERO(&here);
		CPU_SET((unsigned)cpu, &here);
		sched_setaffinity(0, sizeof here, &here);
	}
	/* Each new thread that calls malloc() would map a heap of its own. */
	mallopt(M_ARENA_MAX, 1);
	/* Go 1.25 and later read half a dozen files about the cgroup's CPU limit; with no descriptor left they give up at once.
	 * pp_asked() lifts it again (as today's package syscall does by itself). */
	set_soft(RLIMIT_NOFILE, 3);
}

/* Called from Go, so the runtime's handlers are in place by now. For a fault in C (a name service module's) its one would
 * send SIGQUIT to all its threads and wait seconds for them: a library's crash is meant to be loud. Here it is to be quick. */
struct pp_exchange *pp_asked(void)
{
	if (asked) {
		set_soft(RLIMIT_NOFILE, RLIM_INFINITY);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		signal(SIGFPE, SIG_DFL);
	}
	return asked;
}

/* Descriptors 0 to 2 may be the user's terminal or a protocol stream, or closed: nothing that a name service module or the
 * runtime prints may go there, and none of their files may become one of the three. Errors go to last_words, a higher one, if there is room for it. */
static void quiet_standard_files(int last_words)
{
	/* Closed first, so that there is room even for a host that has used up its descriptors. */
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	if (open("/dev/null", O_RDWR) == 0) {
		dup2(0, 1);
		dup2(last_words < 0 ? 0 : last_words, 2);
	}
}

/* When memory runs out, of the control group or the machine, this process is to go and not the login. */
static void go_first(void)
{
	static const char first[] = "1000";
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, first, sizeof first - 1) < 0) {
		/* The kernel chooses. */
	}
	close(fd);
}

/* A library that calls exit(3), of a name service for example, would run the host's exit handlers in here: pid files removed,
 * buffers written twice. The handler that was registered last comes first. */
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
	/* Before the next step: the files of a process that is not dumpable belong to root. */
	go_first();
	/* It is a copy of a process that may hold host keys and passwords, and is about to become the user. */
	prctl(PR_SET_DUMPABLE, 0);
	on_exit(end_quietly, 0);
	lift_limits();
	travel_light();
	asked = x;
	pp_start_go();
	for (;;)
		pause();
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

/* In the guard: SIGCHLD is blocked and comes to nobody else, so that it can be waited for with a limit. */
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
				return; /* in an uninterruptible wait: init will reap it */
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

/* Signals that an instruction raises: blocked, they would end the process before anybody could say why. */
static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
/* Those that the Go runtime unblocks in its threads. */
static const int unblocked[] = { SIGCHLD, SIGPROF, SIGSTKFLT };

/* Dispositions are copied to the guard, not shared with it. A handler of the host's must not run in here or in the child; and an
 * ignored SIGCHLD would let the kernel reap the child before anyone could ask how it ended. All other signals stay blocked, in the
 * child too: a Ctrl-C at the login must not look like a failure. */
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

	default_dispositions();
	/* The guard's own descriptors, not the host's. A child that prints a lot must not wait for a reader. */
	if (pipe2(last_words, O_CLOEXEC | O_NONBLOCK) < 0)
		last_words[0] = last_words[1] = -1;
	else if (last_words[1] < 3) /* in a host that has closed its own */
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
	/* Not MAP_SHARED: the child goes on with a copy of it. */
	stack = mmap(0, GUARD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED) {
		failed(ending, "mmap");
		return;
	}
	error = pp_guarded(run, &r, stack, GUARD_STACK);
	if (error < 0) {
		ending->error = -error;
		ending->call = error == -EXDEV ? "it would be PID 1, because the host has called unshare(CLONE_NEWPID)" :
						 "clone or sigprocmask";
	}
	if (error > 0)
		ending->guard_killed = error;
	munmap(stack, GUARD_STACK);
}
