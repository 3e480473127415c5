/* A PAM application that times its PAM calls. One process is one login; the driver starts a fresh
 * one for every sample, because the price of a runtime's start is paid once in each process.
 *
 *   resident MB            have so much memory in use, in small pages: what a fork has to copy
 *                          page tables for
 *   start SERVICE USER     pam_start
 *   setcred, open, close, end
 *                          the PAM calls of these names
 *   again N SERVICE USER   N more logins in this process: start, setcred, open of each; the median
 *                          open is printed
 *   fill N                 link N keys of root's into the session keyring
 *   usage WORD             print threads, descriptors and private dirty kB under names that begin
 *                          with WORD
 *
 * Prints "name value" pairs on one line, times in nanoseconds. A PAM call that does not succeed
 * ends the program with status 1.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/keyctl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_appl.h>

static pam_handle_t *pamh;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("bench host: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static int no_talk(int n, const struct pam_message **m, struct pam_response **r, void *data)
{
	(void)n, (void)m, (void)r, (void)data;
	return PAM_CONV_ERR;
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t took(const char *call, int code, int64_t begin)
{
	int64_t end = now();

	if (code != PAM_SUCCESS)
		die("%s: %s", call, pam_strerror(0, code));
	return end - begin;
}

static int64_t start(const char *service, const char *user)
{
	static const struct pam_conv conv = { .conv = no_talk };
	int64_t begin = now();

	return took("start", pam_start(service, user, &conv, &pamh), begin);
}

static int64_t call(const char *name)
{
	int64_t begin = now();

	if (!pamh)
		die("%s before start", name);
	if (!strcmp(name, "setcred"))
		return took(name, pam_setcred(pamh, PAM_ESTABLISH_CRED), begin);
	if (!strcmp(name, "open"))
		return took(name, pam_open_session(pamh, 0), begin);
	if (!strcmp(name, "close"))
		return took(name, pam_close_session(pamh, 0), begin);
	if (!strcmp(name, "end"))
		return took(name, pam_end(pamh, PAM_SUCCESS), begin);
	die("unknown word %s", name);
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void again(int n, const char *service, const char *user)
{
	int64_t *opens = calloc((size_t)n, sizeof *opens);

	if (!opens)
		die("no memory");
	for (int i = 0; i < n; i++) {
		start(service, user);
		call("setcred");
		opens[i] = call("open");
	}
	qsort(opens, (size_t)n, sizeof *opens, ascending);
	printf("again %lld ", (long long)opens[n / 2]);
	free(opens);
}

static void resident(size_t mb)
{
	char *p = mmap(0, mb << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || madvise(p, mb << 20, MADV_NOHUGEPAGE) < 0)
		die("%zu MB of memory", mb);
	memset(p, 1, mb << 20);
}

static void fill(int n)
{
	char name[32];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof name, "bench:%d", i);
		if (syscall(SYS_add_key, "user", name, "x", 1, KEY_SPEC_SESSION_KEYRING) < 0)
			die("add_key %d: %m", i);
	}
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = -1; /* the directory's own */

	if (!dir)
		die("/proc/self/fd: %m");
	for (struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static long field(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	char line[256];
	long value = -1;

	if (!file)
		die("%s: %m", path);
	while (fgets(line, sizeof line, file))
		if (!strncmp(line, name, strlen(name)))
			value = strtol(line + strlen(name), 0, 10);
	fclose(file);
	return value;
}

static void usage(const char *word)
{
	printf("%s-threads %ld %s-fds %d %s-dirty %ld ", word,
	       field("/proc/self/status", "Threads:"), word, descriptors(), word,
	       field("/proc/self/smaps_rollup", "Private_Dirty:"));
}

int main(int argc, char **argv)
{
	static char out[4096];

	setvbuf(stdout, out, _IOFBF, sizeof out); /* one write, also when many of us share a file */
	for (int i = 1; i < argc; i++) {
		char *word = argv[i];

		if (!strcmp(word, "resident") && i + 1 < argc) {
			resident(strtoul(argv[++i], 0, 10));
		} else if (!strcmp(word, "fill") && i + 1 < argc) {
			fill(atoi(argv[++i]));
		} else if (!strcmp(word, "usage") && i + 1 < argc) {
			usage(argv[++i]);
		} else if (!strcmp(word, "again") && i + 3 < argc) {
			again(atoi(argv[i + 1]), argv[i + 2], argv[i + 3]);
			i += 3;
		} else if (!strcmp(word, "start") && i + 2 < argc) {
			printf("start %lld ", (long long)start(argv[i + 1], argv[i + 2]));
			i += 2;
		} else {
			printf("%s %lld ", word, (long long)call(word));
		}
	}
	putchar('\n');
	return fflush(stdout) != 0;
}
