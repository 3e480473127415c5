/* What helps a tracer of this process to find its place. */
#include "pamhost.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void await_tracer(void)
{
	for (int traced = 0; !traced; usleep(200)) {
		FILE *f = fopen("/proc/self/status", "r");
		char line[256];

		while (f && fgets(line, sizeof line, f))
			if (sscanf(line, "TracerPid: %d", &traced) == 1)
				break;
		if (f)
			fclose(f);
	}
}

/* A tracer that counts the calls of each process makes the n-th one fail: once this process has
 * made more than n, only those of its children fail. */
static void pad(const char *nr)
{
	for (int i = 0; i < 100; i++)
		syscall(atol(nr), -1L, -1L, -1L, -1L, -1L, -1L);
}

static void mark(void)
{
	prctl(0x70706d);
}

/* clang-format off */
const struct command tracer_commands[] = {
	{ "await-tracer", 0, { .none = await_tracer },
	  "wait until somebody has attached to this process" },
	{ "pad", 1, { .one = pad },
	  "NR: make that system call a hundred times, with arguments that do nothing" },
	{ "mark", 0, { .none = mark },
	  "a system call that a tracer recognises: prctl(2) with option 0x70706d" },
	{ 0 },
};
