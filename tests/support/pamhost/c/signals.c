/* Signals, and children that cause SIGCHLD. */
#include "pamhost.h"

#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t chlds;

static void on_chld(int sig)
{
	(void)sig;
	chlds++;
}

static void sigchld(void)
{
	sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = on_chld }, 0);
}

static void ignore_sigchld(void)
{
	signal(SIGCHLD, SIG_IGN);
}

static void sigchlds(void)
{
	printf("SIGCHLD %d\n", (int)chlds);
}

static pid_t brood_child;

static void brood(const char *ms)
{
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &chld, 0);
	brood_child = fork();
	if (brood_child == 0) {
		usleep((useconds_t)atoi(ms) * 1000);
		_exit(7);
	}
}

static void reap(void)
{
	sigset_t chld;
	siginfo_t info = { 0 };
	int status = 0;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	int sig = sigtimedwait(&chld, &info, &(struct timespec){ 5, 0 });
	pid_t pid = waitpid(brood_child, &status, 0);

	printf("signal %s, child %s\n",
	       sig == SIGCHLD && info.si_pid == brood_child ? "came" : "lost",
	       pid == brood_child && WEXITSTATUS(status) == 7 ? "reaped" : "lost");
}

static sem_t reaping;

static void *reap_all(void *unused)
{
	(void)unused;
	sem_post(&reaping);
	for (;;)
		if (wait(0) < 0)
			usleep(10);
	return 0;
}

/* AddressSanitizer holds locks while a thread starts, and does not release them in a forked
 * child. */
static void reaper(void)
{
	if (sem_init(&reaping, 0, 0))
		die("sem_init: %m");
	spawn_thread(reap_all);
	while (sem_wait(&reaping)) /* a signal has come */
		;
}

static volatile sig_atomic_t handled, misplaced;
static uid_t own_uid;

/* A host's handler may do things that only the host may do. */
static void on_signal(int sig)
{
	(void)sig;
	if (getpid() == host && getuid() == own_uid)
		handled = 1;
	else
		misplaced = 1;
}

static void bombard(void)
{
	own_uid = getuid();
	if (setpgid(0, 0))
		die("setpgid: %m");
	signal(SIGUSR1, on_signal);
	if (fork()) {
		/* After the first signal, the child dies with this process. */
		while (!handled)
			usleep(20);
		handled = 0;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGUSR1, SIG_IGN);
	for (;;) {
		kill(0, SIGUSR1);
		usleep(20);
	}
}

static void at_terminal(void)
{
	own_uid = getuid();
	signal(SIGINT, on_signal);
	signal(SIGQUIT, on_signal);
	signal(SIGTSTP, on_signal);
}

static void bombarded(void)
{
	printf("signals: %s\n", misplaced ? "misplaced" : handled ? "handled in place" : "none");
}

/* clang-format off */
const struct command signal_commands[] = {
	{ "sigchld", 0, { .none = sigchld }, "handle SIGCHLD and count" },
	{ "sigchlds", 0, { .none = sigchlds }, "print how often SIGCHLD has come" },
	{ "ignore-sigchld", 0, { .none = ignore_sigchld },
	  "ignore SIGCHLD, as hosts like inetd do" },
	{ "brood", 1, { .one = brood },
	  "MS: block SIGCHLD and have a child that ends after MS milliseconds" },
	{ "reap", 0, { .none = reap }, "print whether signal and child of brood have come" },
	{ "reaper", 0, { .none = reaper }, "start a thread that only calls wait(2) for any child" },
	{ "bombard", 0, { .none = bombard },
	  "handle SIGUSR1, and have a child that sends it to the process group in a loop" },
	{ "at-terminal", 0, { .none = at_terminal }, "handle SIGINT, SIGQUIT and SIGTSTP" },
	{ "bombarded", 0, { .none = bombarded },
	  "print whether all these signals were handled by the host, with its own UID" },
	{ 0 },
};
