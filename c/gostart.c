/* Does in the child, and only there, what the dynamic loader does for Go in every process that
 * loads a Go shared object: it relocates Go's data, and it starts the runtime.
 *
 * The loader applies the relocations in the file's table. defer-relocations takes Go's out of the
 * table: to apply them, each login process would copy some 40 pages that it never uses.
 *
 * The loader starts the runtime from .init_array. gostart.lds moves that one entry into a section
 * of its own, between the two symbols below, and the child calls it. The arguments are those that
 * the loader would pass, except for the environment: in a setuid host the caller chooses the
 * inherited one. */
#define _GNU_SOURCE
#include <elf.h>
#include <stdint.h>
#include <sys/auxv.h>

#include "gostart.h"

typedef void (*go_entry)(int argc, char **argv);

/* Weak, because tests of the Go half are linked without the script. c/check-module refuses a module
 * that was linked without it. */
extern const go_entry pp_go_start_begin[] __attribute__((weak)),
	pp_go_start_end[] __attribute__((weak));

/* The place of the relocations of Go's data. defer-relocations writes it into the linked file; in a
 * file without that step, both are zero. Volatile, so that the compiler does not assume the
 * zeros. */
static const volatile struct {
	uint64_t address, count;
} relocations __attribute__((section(".go_relocations")));

/* The first byte of the file, by which addresses in it become pointers. The linker defines it. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

/* What execve(2) puts on a new stack: arguments, environment, auxiliary vector, in this order. */
struct argument_block {
	char *argv[2];
	char *env[5];
	struct {
		uintptr_t type, value;
	} auxv[8];
};

static char name[] = "pam_persistent";
/* The child lives for milliseconds, so it needs no Go garbage collector, no second processor, no
 * profile of its memory and no signals to preempt goroutines. Watching the cgroup's CPU limit (Go
 * 1.25 and later) would keep two descriptors open. If the runtime gives up, the log line has room
 * for the reason, but not for stacks. */
static char maxprocs[] = "GOMAXPROCS=1", gc[] = "GOGC=off", traceback[] = "GOTRACEBACK=none",
	    debug[] = "GODEBUG=asyncpreemptoff=1,containermaxprocs=0,updatemaxprocs=0,"
		      "memprofilerate=0";

/* Static, because the runtime keeps pointers into this block. */
static struct argument_block block = {
	.argv = { name, 0 },
	.env = { maxprocs, gc, debug, traceback, 0 },
};

static void relocate(void)
{
	uintptr_t file = (uintptr_t)__ehdr_start;
	const Elf64_Rela *r = (const Elf64_Rela *)(file + relocations.address);

	for (uint64_t i = 0; i < relocations.count; i++)
		*(uintptr_t *)(file + r[i].r_offset) = file + (uintptr_t)r[i].r_addend;
}

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
	relocate();
	for (const go_entry *entry = pp_go_start_begin; entry < pp_go_start_end; entry++)
		(*entry)(1, block.argv);
}
