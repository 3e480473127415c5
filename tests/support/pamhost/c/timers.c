/* Timers, and the CPU time that some of them count. */
#include "pamhost.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

long cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* In user mode, not in the kernel: some timers count only that. */
void burn_ms(long ms)
{
	for (long end = cpu_ms() + ms; cpu_ms() < end;)
		for (volatile int i = 0; i < 100000; i++)
			;
}

static void burn(const char *ms)
{
	burn_ms(atol(ms));
}

static const int interval_timers[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
enum { INTERVAL_TIMERS = sizeof interval_timers / sizeof *interval_timers };

static volatile sig_atomic_t ticks[NSIG], misplaced;
static timer_t posix_timer;
static uid_t own_uid;

static void on_tick(int sig)
{
	ticks[sig]++;
	if (getpid() != host || getuid() != own_uid)
		misplaced = 1;
}

static void timers(void)
{
	static const struct itimerval each_ms = { { 0, 1000 }, { 0, 1000 } };
	static const struct itimerspec posix_each_ms = { { 0, 1000000 }, { 0, 1000000 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	const struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	const int signals[] = { SIGALRM, SIGVTALRM, SIGPROF, SIGRTMIN };

	own_uid = getuid();
	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &action, 0);
	for (int i = 0; i < INTERVAL_TIMERS; i++)
		setitimer(interval_timers[i], &each_ms, 0);
	if (timer_create(CLOCK_MONOTONIC, &event, &posix_timer) ||
	    timer_settime(posix_timer, 0, &posix_each_ms, 0))
		die("timer_create: %m");
}

/* Each timer must be armed as before, and its signal must come again. */
static void timed(void)
{
	struct itimerspec posix = { 0 };
	int armed = timer_gettime(posix_timer, &posix) == 0 && posix.it_interval.tv_nsec == 1000000;

	for (int i = 0; i < INTERVAL_TIMERS; i++) {
		struct itimerval now = { 0 };

		getitimer(interval_timers[i], &now);
		armed &= now.it_interval.tv_usec == 1000;
	}
	for (int i = 0; i < NSIG; i++)
		ticks[i] = 0;
	int ticking = 0;

	for (long end = cpu_ms() + 5000; !ticking && cpu_ms() < end; burn_ms(10))
		ticking = ticks[SIGALRM] && ticks[SIGVTALRM] && ticks[SIGPROF] && ticks[SIGRTMIN];
	printf("timers: %s, %s, %s\n", armed ? "armed" : "disarmed", ticking ? "ticking" : "lost",
	       misplaced ? "misplaced" : "in place");
}

/* clang-format off */
const struct command timer_commands[] = {
	{ "timers", 0, { .none = timers },
	  "SIGALRM, SIGVTALRM, SIGPROF and SIGRTMIN each millisecond, handled" },
	{ "timed", 0, { .none = timed }, "print whether these timers still work" },
	{ "burn", 1, { .one = burn }, "MS: use this many milliseconds of CPU time" },
	{ 0 },
};
