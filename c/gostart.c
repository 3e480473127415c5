/* Starts the Go runtime in the child, and only there.
 *
 * A Go shared object starts its runtime from .init_array, in every process that loads the object.
 * gostart.lds moves that one entry into a section of its own, between the two symbols below, and
 * the child calls it. The arguments are those that the dynamic loader would pass, except for the
 * environment: in a setuid host the caller chooses the inherited one. */
#define _GNU_SOURCE
#include <elf.h>
#include <stdint.h>
#include <sys/auxv.h>

#include "gostart.h"

typedef void (*go_entry)(int argc, char **argv);

/* Weak, because tests of the Go half are linked without the script. c/check-module fails if the
 * module is. */
extern const go_entry pp_go_start_begin[] __attribute__((weak)),
	pp_go_start_end[] __attribute__((weak));

/* What execve(2) puts on a new stack: arguments, environment, auxiliary vector, in this order. */
struct argument_block {
	char *argv[2];
	char *env[5];
	struct {
		uintptr_t type, value;
	} auxv[8];
};

static char name[] = "pam_persistent";
/* The child lives for milliseconds, so it needs no Go garbage collector, no second processor and no
 * signals to preempt goroutines. Watching the cgroup's CPU limit (Go 1.25 and later) would keep two
 * descriptors open. If the runtime gives up, the log line has room for the reason, but not for
 * stacks. */
static char maxprocs[] = "GOMAXPROCS=1", gc[] = "GOGC=off", traceback[] = "GOTRACEBACK=none",
	    debug[] = "GODEBUG=asyncpreemptoff=1,containermaxprocs=0,updatemaxprocs=0";

/* Static, because the runtime keeps pointers into this block. */
static struct argument_block block = {
	.argv = { name, 0 },
	.env = { maxprocs, gc, debug, traceback, 0 },
};

void pp_start_go(void)
{
	static const uintptr_t wanted[] = { AT_PAGESZ, AT_RANDOM, AT_SYSINFO_EHDR,
					    AT_HWCAP,  AT_HWCAP2, AT_SECURE };
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		uintptr_t value = getauxval(wanted[i]);

		if (value != 0) {
			block.auxv[n].type = wanted[i];
			block.auxv[n++].value = value;
		}
	}
	block.auxv[n].type = AT_NULL;
	for (const go_entry *entry = pp_go_start_begin; entry < pp_go_start_end; entry++)
		(*entry)(1, block.argv);
}
