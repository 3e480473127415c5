/* Preloaded into a host: sets a limit on its address space only as a soft limit, so that the
 * module's child can lift it. A process with CAP_SYS_RESOURCE can do so anyway; this is for
 * machines whose root lacks it. */
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int soft(__rlimit_resource_t resource, const struct rlimit *limit)
{
	struct rlimit changed = *limit;

	if (resource == RLIMIT_AS || resource == RLIMIT_DATA)
		changed.rlim_max = RLIM_INFINITY;
	return (int)syscall(SYS_prlimit64, 0, resource, &changed, 0);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	return soft(resource, limit);
}

int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit)
{
	return soft(resource, (const struct rlimit *)limit);
}
