/* What the module must leave as it was, in the process and in the calling thread. */
#include "pamhost.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_limits(FILE *out)
{
	struct rlimit limit;

	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit((int)i, &limit) == 0)
			fprintf(out, "limit %u: %llu %llu\n", i, (unsigned long long)limit.rlim_cur,
				(unsigned long long)limit.rlim_max);
}

static void write_signals(FILE *out)
{
	sigset_t mask, pending;

	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction a;

		if (sigaction(sig, 0, &a) == 0)
			fprintf(out, "disposition of %d: %p %#x\n", sig, (void *)a.sa_handler,
				(unsigned)a.sa_flags);
	}
	pthread_sigmask(SIG_SETMASK, 0, &mask);
	sigpending(&pending);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&mask, sig) || sigismember(&pending, sig))
			fprintf(out, "signal %d: blocked %d pending %d\n", sig,
				sigismember(&mask, sig), sigismember(&pending, sig));
}

static void write_descriptors(FILE *out)
{
	char path[64], link[512];
	struct stat st;

	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		if (fstat(fd, &st))
			continue;
		ssize_t n = readlink(path, link, sizeof link - 1); /* fails without /proc */

		fprintf(out, "descriptor %d: %.*s %llu %#x\n", fd, n > 0 ? (int)n : 0, link,
			(unsigned long long)st.st_ino, fcntl(fd, F_GETFD));
	}
}

/* IDs, capabilities and more, from /proc. */
static void write_status(FILE *out)
{
	static const char *const keys[] = { "Umask:",   "Uid:",         "Gid:", "Groups:",
					    "Threads:", "SigBlk:",      "Cap",  "NoNewPrivs:",
					    "Seccomp:", "Cpus_allowed:" };
	FILE *status = fopen("/proc/thread-self/status", "r");
	char line[512];

	while (status && fgets(line, sizeof line, status))
		for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
			if (!strncmp(line, keys[i], strlen(keys[i])))
				fputs(line, out);
	if (status)
		fclose(status);
}

static void write_file(FILE *out, const char *name, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[512];

	while (f && fgets(line, sizeof line, f))
		fprintf(out, "%s: %s%s", name, line, strchr(line, '\n') ? "" : "\n");
	if (f)
		fclose(f);
}

static void write_rest(FILE *out)
{
	char directory[512];
	int deathsig = 0;

	for (char **e = environ; *e; e++)
		fprintf(out, "environment: %s\n", *e);
	fprintf(out, "working directory: %s\n",
		getcwd(directory, sizeof directory) ? directory : "none");
	prctl(PR_GET_PDEATHSIG, &deathsig);
	fprintf(out, "prctl: dumpable %d keepcaps %d death signal %d\n", prctl(PR_GET_DUMPABLE),
		prctl(PR_GET_KEEPCAPS), deathsig);
}

/* One "name: value" a line. */
static char *look(void)
{
	char *text = 0;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct rlimit nofile;

	if (!out)
		die("open_memstream: %m");
	write_limits(out);
	/* Looking takes a descriptor, which a host at its limit lacks. */
	getrlimit(RLIMIT_NOFILE, &nofile);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ nofile.rlim_max, nofile.rlim_max });
	write_signals(out);
	write_descriptors(out);
	write_status(out);
	write_file(out, "children", "/proc/thread-self/children");
	write_file(out, "current", "/proc/thread-self/attr/current");
	write_rest(out);
	setrlimit(RLIMIT_NOFILE, &nofile);
	if (fclose(out) || !text)
		die("open_memstream: %m");
	return text;
}

static char *before;

static void state(void)
{
	before = look();
}

static int has_line(const char *text, const char *line, size_t n)
{
	for (; *text; text = strchr(text, '\n') + 1)
		if (!strncmp(text, line, n + 1))
			return 1;
	return 0;
}

static void print_missing(const char *mark, const char *from, const char *in)
{
	for (const char *line = from, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!has_line(in, line, (size_t)(end - line)))
			printf("changed: %s %.*s\n", mark, (int)(end - line), line);
	}
}

static void same(void)
{
	char *after = look();

	if (!before)
		die("state has to come first");
	print_missing("-", before, after);
	print_missing("+", after, before);
}

/* clang-format off */
const struct command state_commands[] = {
	{ "state", 0, { .none = state }, "record what the module must not change" },
	{ "same", 0, { .none = same }, "print what has changed since; on the same thread" },
	{ 0 },
};
