/* A library with a helper thread that must not exist during a fork: its pthread_atfork(3) handlers
 * end the thread before the fork and start it again in the parent.
 */
#include "pamhost.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_t helper;
static int running;
static sem_t started;
static atomic_int helper_tid;
static atomic_int ends;
static atomic_ulong rounds;

static void *help(void *unused)
{
	(void)unused;
	helper_tid = gettid();
	sem_post(&started);
	for (; !ends; rounds++)
		usleep(100);
	return 0;
}

static void start(void)
{
	ends = 0;
	helper_tid = 0;
	running = pthread_create(&helper, 0, help, 0) == 0;
	while (running && sem_wait(&started)) /* a signal has come */
		;
}

static void stop(void)
{
	if (!running)
		return;
	ends = 1;
	pthread_join(helper, 0);
	running = 0;
}

/* A forked child has no helper thread. */
static void forget(void)
{
	running = 0;
}

static void atfork_thread(void)
{
	if (sem_init(&started, 0, 0) || pthread_atfork(stop, start, forget))
		die("pthread_atfork: %m");
	start();
}

/* The kernel knows whether the thread belongs to this process; if so, its work must continue. */
static void alive(void)
{
	unsigned long before = rounds;
	int there = helper_tid != 0;

	while (there && rounds == before) {
		there = syscall(SYS_tgkill, getpid(), helper_tid, 0) == 0;
		usleep(100);
	}
	printf("helper thread: %s\n", there ? "alive" : "dead");
}

/* clang-format off */
const struct command atfork_commands[] = {
	{ "atfork-thread", 0, { .none = atfork_thread },
	  "start a helper thread that ends before each fork and starts again in the parent" },
	{ "atfork-thread-alive", 0, { .none = alive },
	  "print whether this process has that thread and it works" },
	{ 0 },
};
