/* The start of the Go runtime, taken out of the hands of dlopen(3).
 *
 * A Go shared object starts its runtime from .init_array, in whatever process loads it. gostart.lds moves that one entry to
 * a section of its own, between the two symbols below; here the child calls it, with the arguments the dynamic loader
 * would give but an environment of our own: in a setuid host the inherited one is the caller's choice.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdint.h>
#include <sys/auxv.h>

#include "gostart.h"

typedef void (*go_entry)(int argc, char **argv);

/* Weak, for programs that are linked without the script (tests of the Go half); c/check-module sees that the module is not. */
extern const go_entry pp_go_start_begin[] __attribute__((weak)), pp_go_start_end[] __attribute__((weak));

/* What execve(2) puts on a new stack: argv, environment, auxiliary vector, one after the other. */
struct argument_block {
	char *argv[2];
	char *env[5];
	struct {
		uintptr_t type, value;
	} auxv[8];
};

static char name[] = "pam_persistent";
/* The child lives for milliseconds: it needs no garbage collector, no second processor and no signals to
 * preempt itself; watching the cgroup's CPU limit would keep two descriptors open (Go 1.25 and later); and of a runtime that gives up
 * the log has room for the reason, not for the stack. */
static char maxprocs[] = "GOMAXPROCS=1", gc[] = "GOGC=off", traceback[] = "GOTRACEBACK=none",
	    debug[] = "GODEBUG=asyncpreemptoff=1,containermaxprocs=0,updatemaxprocs=0";

/* The runtime keeps pointers into it. */
static struct argument_block block = {
	.argv = { name, 0 },
	.env = { maxprocs, gc, debug, traceback, 0 },
};

void pp_start_go(void)
{
	static const uintptr_t wanted[] = { AT_PAGESZ, AT_RANDOM, AT_SYSINFO_EHDR, AT_HWCAP, AT_HWCAP2, AT_SECURE };
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
