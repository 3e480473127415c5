/* A PAM application that times its PAM calls. One process is one login; the driver starts a fresh
 * one for every sample, because the price of a runtime's start is paid once in each process.
 *
 *   resident MB            have so much memory in use, in small pages: what a fork has to copy
 *                          page tables for
 *   start SERVICE USER     pam_start
 *   authenticate, account, setcred, reinitialize, delete, open, close, end
 *                          the PAM calls of these names; the fourth to sixth are flags of
 *                          pam_setcred, and setcred is PAM_ESTABLISH_CRED
 *   silent                 the next PAM call has PAM_SILENT
 *   password TEXT          what a prompt without echo is answered with
 *   tty NAME, user NAME    PAM_TTY, PAM_USER
 *   in-child CALL          the PAM call in a child
 *   fork                   go on in a child
 *   drop                   become the user of the PAM handle
 *   wait                   print, then wait for the end of the standard input
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
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

static const char *password;

/* Answers prompts for a password; what modules want to show is read by nobody. */
static int talk(int n, const struct pam_message **m, struct pam_response **r, void *data)
{
	(void)data;
	if (!(*r = calloc((size_t)n, sizeof **r)))
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++)
		if (m[i]->msg_style == PAM_PROMPT_ECHO_OFF && password)
			(*r)[i].resp = strdup(password);
	return PAM_SUCCESS;
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
	static const struct pam_conv conv = { .conv = talk };
	int64_t begin = now();

	return took("start", pam_start(service, user, &conv, &pamh), begin);
}

static const struct {
	const char *name;
	int (*function)(pam_handle_t *, int);
	int flags;
} calls[] = {
	{ "authenticate", pam_authenticate, 0 },
	{ "account", pam_acct_mgmt, 0 },
	{ "setcred", pam_setcred, PAM_ESTABLISH_CRED },
	{ "reinitialize", pam_setcred, PAM_REINITIALIZE_CRED },
	{ "delete", pam_setcred, PAM_DELETE_CRED },
	{ "open", pam_open_session, 0 },
	{ "close", pam_close_session, 0 },
	{ "end", pam_end, PAM_SUCCESS },
};

static int silent; /* PAM_SILENT or 0, for the next call */

static int64_t call(const char *name)
{
	if (!pamh)
		die("%s before start", name);
	for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
		if (!strcmp(name, calls[i].name)) {
			int flags = calls[i].flags | silent;

			silent = 0;
			int64_t begin = now();

			return took(name, calls[i].function(pamh, flags), begin);
		}
	die("unknown word %s", name);
}

static void ended_well(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child)
		die("fork: %m");
	if (status)
		die("a child ended with status %#x", (unsigned)status);
}

static int64_t call_in_child(const char *name)
{
	int64_t *time =
		mmap(0, sizeof *time, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (time == MAP_FAILED)
		die("mmap: %m");
	pid_t child = fork();

	if (child == 0) {
		*time = call(name);
		_exit(0);
	}
	silent = 0;
	ended_well(child);
	return *time;
}

static void go_on_in_child(void)
{
	pid_t child = fork();

	if (child == 0)
		return;
	ended_well(child);
	_exit(0); /* the child prints what was measured before, too */
}

static void item(int type, const char *value)
{
	if (!pamh || pam_set_item(pamh, type, value) != PAM_SUCCESS)
		die("pam_set_item %s", value);
}

static void drop(void)
{
	const void *name = 0;
	struct passwd *pw;

	if (!pamh || pam_get_item(pamh, PAM_USER, &name) != PAM_SUCCESS || !name ||
	    !(pw = getpwnam(name)) || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid))
		die("drop: %m");
}

static void wait_for_end(void)
{
	char c;

	putchar('\n');
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
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
		} else if (!strcmp(word, "silent")) {
			silent = PAM_SILENT;
		} else if (!strcmp(word, "password") && i + 1 < argc) {
			password = argv[++i];
		} else if (!strcmp(word, "tty") && i + 1 < argc) {
			item(PAM_TTY, argv[++i]);
		} else if (!strcmp(word, "user") && i + 1 < argc) {
			item(PAM_USER, argv[++i]);
		} else if (!strcmp(word, "in-child") && i + 1 < argc) {
			i++;
			printf("%s %lld ", argv[i], (long long)call_in_child(argv[i]));
		} else if (!strcmp(word, "fork")) {
			go_on_in_child();
		} else if (!strcmp(word, "drop")) {
			drop();
		} else if (!strcmp(word, "wait")) {
			wait_for_end();
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
