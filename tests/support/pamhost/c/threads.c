/* Threads that carry out commands: a host with one thread for each login, or with a pool.
 *
 * Commands still run one after another: the main thread hands a command over and waits until it is
 * done. Only the main thread makes these threads, so each begins with the credentials, and thus the
 * session keyring, that the main thread has at that moment.
 */
#include "pamhost.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

struct thread {
	const char *name;
	sem_t work, done;
	const struct command *command;
	char **args;
};

static struct thread threads[16];
static struct thread *current; /* 0: the main thread */

pthread_t spawn_thread(void *(*body)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, 0, body, 0))
		die("pthread_create: %m");
	return thread;
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore)) /* a signal has come */
		;
}

static void *body(void *argument)
{
	struct thread *thread = argument;

	for (;;) {
		wait_for(&thread->work);
		call(thread->command, thread->args);
		sem_post(&thread->done);
	}
	return 0;
}

static struct thread *named(const char *name)
{
	pthread_t id;
	struct thread *t = threads;

	for (; t->name; t++)
		if (!strcmp(t->name, name))
			return t;
	if (t == threads + sizeof threads / sizeof *threads - 1)
		die("too many threads");
	t->name = name;
	if (sem_init(&t->work, 0, 0) || sem_init(&t->done, 0, 0) || pthread_create(&id, 0, body, t))
		die("cannot make thread %s", name);
	return t;
}

static void on(const char *name)
{
	current = strcmp(name, "main") ? named(name) : 0;
}

static void worker(const char *name)
{
	named(name);
}

void carry_out(const struct command *command, char **args)
{
	if (!current || command->one == on || command->one == worker) {
		call(command, args);
		return;
	}
	current->command = command;
	current->args = args;
	sem_post(&current->work);
	wait_for(&current->done);
}

int on_main_thread(void)
{
	return gettid() == getpid();
}

/* A forked child has only the main thread. */
void forget_threads(void)
{
	memset(threads, 0, sizeof threads);
	current = 0;
}

/* clang-format off */
const struct command thread_commands[] = {
	{ "on", 1, { .one = on },
	  "NAME: run the next commands on the thread of that name, which is made if "
	  "missing; \"on main\": on the main thread" },
	{ "worker", 1, { .one = worker }, "NAME: make that thread, without switching to it" },
	{ 0 },
};
