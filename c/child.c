/* The child in which Go works: how it is made, what it is before Go starts, and how long it may take. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

/* Called from Go, so the runtime's handlers are in place by now. For a fault in C (a name service module's) its one would
 * send SIGQUIT to all its threads and wait seconds for them: a library's crash is meant to be loud. Here it is to be quick. */
struct pp_exchange *pp_asked(void)
{
	if (asked) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		signal(SIGFPE, SIG_DFL);
	}
	return asked;
}

/* Limits are inherited, and hosts set low ones for themselves (vsftpd, dovecot's auth, proftpd: address space) or
 * have pam_limits set those of the user: the Go runtime reserves address space and makes threads. This process is ours. */
static void lift_limits(void)
{
	static const int lifted[] = { RLIMIT_AS, RLIMIT_DATA, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_CPU };
	struct rlimit none = { 0, 0 };

	for (unsigned i = 0; i < sizeof lifted / sizeof *lifted; i++) {
		struct rlimit limit;

		if (getrlimit(lifted[i], &limit) < 0)
			continue;
		limit.rlim_cur = limit.rlim_max;
		if (lifted[i] == RLIMIT_NOFILE) {
			/* never unlimited: setrlimit refuses more than fs.nr_open */
			setrlimit(lifted[i], &limit);
			continue;
		}
		struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

		if (setrlimit(lifted[i], &unlimited) < 0)
			setrlimit(lifted[i], &limit);
	}
	/* A core file of this process would hold the host's secrets. */
	setrlimit(RLIMIT_CORE, &none);
}

/* Descriptors 0 to 2 may be the user's terminal or a protocol stream, or closed: nothing that a name service module or the
 * runtime prints may go there, and none of their files may become one of the three. */
static void quiet_standard_files(void)
{
	int fd = open("/dev/null", O_RDWR);

	for (int i = 0; i < 3; i++) {
		if (fd < 0)
			close(i);
		else if (fd != i)
			dup2(fd, i);
	}
	if (fd > 2)
		close(fd);
}

static _Noreturn void child(struct pp_exchange *x, pid_t guard)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(1);
	/* It is a copy of a process that may hold host keys and passwords, and is about to become the user. */
	prctl(PR_SET_DUMPABLE, 0);
	lift_limits();
	quiet_standard_files();
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

/* Dispositions are copied to the guard, not shared with it. A handler of the host's must not run in here or in the child;
 * an ignored SIGCHLD would let the kernel reap the child before anyone could ask how it ended. */
static void default_dispositions(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	for (int sig = 1; sig < SIGRTMAX; sig++)
		sigaction(sig, &dfl, 0);
}

/* Signals that a terminal or a user can send stay blocked in the child: a Ctrl-C at the login must not look like a failure.
 * Those that an instruction raises must not be, or the kernel kills without the runtime's being able to say why. */
static void unblock_faults(void)
{
	sigset_t faults;

	sigemptyset(&faults);
	for (unsigned i = 0; i < 7; i++)
		sigaddset(&faults, ((const int[]){ SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS })[i]);
	sigprocmask(SIG_UNBLOCK, &faults, 0);
}

static void run(void *p)
{
	struct run *r = p;
	pid_t guard = getpid(), pid;

	default_dispositions();
	pid = fork();
	if (pid == 0) {
		unblock_faults();
		child(r->x, guard);
	}
	if (pid < 0)
		failed(r->ending, "fork");
	else
		wait_for(pid, r->ending);
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
		ending->call = "clone or sigprocmask";
	}
	munmap(stack, GUARD_STACK);
}
