/* Memory, and threads that allocate it. */
#include "pamhost.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <stdio.h>
#include <unistd.h>

static void *allocate(void *unused)
{
	(void)unused;
	for (unsigned seed = (unsigned)(uintptr_t)&seed;;) {
		void *kept[64];

		for (int i = 0; i < 64; i++)
			kept[i] = malloc((unsigned)rand_r(&seed) % 70000 + 1);
		for (int i = 0; i < 64; i++)
			free(kept[i]);
	}
	return 0;
}

static void busy(const char *n)
{
	for (int i = atoi(n); i > 0; i--)
		spawn_thread(allocate);
}

static void *volatile held;

/* Written to, so that it is really allocated. */
static void hold(const char *mb)
{
	size_t size = (size_t)atol(mb) << 20;
	char *memory = malloc(size);

	if (!memory)
		die("malloc: %m");
	for (size_t i = 0; i < size; i += 4096)
		((volatile char *)memory)[i] = 1;
	held = memory;
}

static void lock_memory(void)
{
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die("mlockall: %m");
}

static void own_malloc_locked(void)
{
	void (*lock)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "pamhost_lock_malloc");

	if (!lock)
		die("own-malloc-locked needs LD_PRELOAD=pamhost-malloc.so");
	lock();
}

static void fork_allocates(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		held = malloc(1);
		_exit(!held);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		die("fork: %m");
	printf("malloc in a child: %s\n", status == 0 ? "works" : "fails");
}

/* clang-format off */
const struct command memory_commands[] = {
	{ "busy", 1, { .one = busy }, "N: have N threads that only call malloc and free" },
	{ "hold", 1, { .one = hold }, "MB: allocate this much memory and keep it" },
	{ "lock-memory", 0, { .none = lock_memory }, "mlockall(2), also for later mappings" },
	{ "own-malloc-locked", 0, { .none = own_malloc_locked },
	  "from now on a thread holds the lock of this host's own malloc, "
	  "preload/malloc.c, at any fork" },
	{ "fork-allocates", 0, { .none = fork_allocates },
	  "print whether a forked child can call malloc; hangs if the child hangs" },
	{ 0 },
};
