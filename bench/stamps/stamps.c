/* Linked into a copy of the module with --wrap: notes when some of its calls are made, in memory
 * that the login process shares with the children, and prints the times when the module is
 * unloaded. A stamp costs some 50 ns. */
#define _GNU_SOURCE
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

#include "../../c/guard.h"
#include "../../c/child.h"
#include "../../c/gostart.h"

enum { STAMPS = 64 };

struct log {
	_Atomic int n;
	struct {
		const char *what;
		int64_t ns;
	} stamp[STAMPS];
};
static struct log *stamps;

void bench_stamp(const char *what);
void bench_stamp(const char *what)
{
	struct timespec t;
	int i;

	if (!stamps || (i = stamps->n++) >= STAMPS)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	stamps->stamp[i].what = what;
	stamps->stamp[i].ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

__attribute__((constructor)) static void set_up(void)
{
	stamps = mmap(0, sizeof *stamps, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stamps == MAP_FAILED)
		stamps = 0;
}

__attribute__((destructor)) static void print(void)
{
	for (int i = 0; stamps && i < stamps->n && i < STAMPS; i++)
		fprintf(stderr, "%s %lld\n", stamps->stamp[i].what, (long long)stamps->stamp[i].ns);
}

#define WRAP(type, name, parameters, arguments, before, after) \
	type __real_##name parameters;                         \
	type __wrap_##name parameters;                         \
	type __wrap_##name parameters                          \
	{                                                      \
		type result;                                   \
		bench_stamp(before);                           \
		result = __real_##name arguments;              \
		bench_stamp(after);                            \
		return result;                                 \
	}

WRAP(int, pp_run_guarded, (void (*work)(void *), void *arg, char *stack, size_t size),
     (work, arg, stack, size), "call", "gone")
WRAP(pid_t, fork, (void), (), "guard", "forked")
WRAP(int, getpwnam_r,
     (const char *name, struct passwd *pw, char *buf, size_t size, struct passwd **found),
     (name, pw, buf, size, found), "lookup", "looked-up")
WRAP(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options), "wait",
     "waited")

void __real_pp_start_go(void);
void __wrap_pp_start_go(void);
void __wrap_pp_start_go(void)
{
	bench_stamp("start-go");
	__real_pp_start_go();
	bench_stamp("started");
}

struct pp_exchange *__real_pp_begin(void);
struct pp_exchange *__wrap_pp_begin(void);
struct pp_exchange *__wrap_pp_begin(void)
{
	bench_stamp("go");
	return __real_pp_begin();
}
