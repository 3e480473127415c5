/* Resource limits. */
#include "pamhost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void limit_as(const char *mb)
{
	char line[256];
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (!f || !fgets(line, sizeof line, f) || (pages = atol(line)) <= 0)
		die("/proc/self/statm: %m");
	fclose(f);
	rlim_t bytes = (rlim_t)pages * 4096 + (rlim_t)atol(mb) * 1024 * 1024;

	/* The hard limit stays: root in a container may lack CAP_SYS_RESOURCE, and could then not
	 * raise it again. */
	if (setrlimit(RLIMIT_AS, &(struct rlimit){ bytes, RLIM_INFINITY }))
		die("setrlimit: %m");
}

static rlim_t value(const char *text, rlim_t now)
{
	if (!strcmp(text, "-"))
		return now;
	return strcmp(text, "inf") ? (rlim_t)strtoull(text, 0, 0) : RLIM_INFINITY;
}

static void limit(const char *name, const char *soft, const char *hard)
{
	static const struct {
		const char *name;
		int resource;
	} limits[] = {
		{ "AS", RLIMIT_AS },           { "CORE", RLIMIT_CORE },
		{ "CPU", RLIMIT_CPU },         { "DATA", RLIMIT_DATA },
		{ "FSIZE", RLIMIT_FSIZE },     { "LOCKS", RLIMIT_LOCKS },
		{ "MEMLOCK", RLIMIT_MEMLOCK }, { "MSGQUEUE", RLIMIT_MSGQUEUE },
		{ "NOFILE", RLIMIT_NOFILE },   { "NPROC", RLIMIT_NPROC },
		{ "RSS", RLIMIT_RSS },         { "RTTIME", RLIMIT_RTTIME },
		{ "STACK", RLIMIT_STACK },     { "SIGPENDING", RLIMIT_SIGPENDING },
	};
	struct rlimit both;

	for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
		if (strcmp(limits[i].name, name))
			continue;
		getrlimit(limits[i].resource, &both);
		both.rlim_cur = value(soft, both.rlim_cur);
		both.rlim_max = value(hard, both.rlim_max);
		if (setrlimit(limits[i].resource, &both))
			die("setrlimit %s: %m", name);
		return;
	}
	die("no such limit: %s", name);
}

/* clang-format off */
const struct command limit_commands[] = {
	{ "limit", 3, { .three = limit },
	  "NAME SOFT HARD: RLIMIT_NAME; inf: no limit; -: as it is" },
	{ "limit-as", 1, { .one = limit_as },
	  "MB: soft RLIMIT_AS, counted on top of what is mapped now" },
	{ 0 },
};
