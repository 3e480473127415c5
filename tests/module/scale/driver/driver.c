/* Thousands of logins, each as sshd or login(1) makes it: pam_start, pam_open_session, a look at
 * the session keyring, pam_close_session, pam_end.
 *
 *   hold N WIDTH SERVICE USER...
 *           N sessions, a process each, of which WIDTH are opened at any time; when all are open,
 *           they are held until the standard input ends
 *   load SECONDS WIDTH SERVICES USER...
 *           as many logins as the time allows, a process each, WIDTH at any time; commas separate
 *           the SERVICES
 *   abandon N SERVICE USER...
 *           N logins in a host that closes no session and reaps no child; then the host waits until
 *           the standard input ends
 *   daemon SECONDS HANDLES SERVICE USER...
 *           logins in one process that has HANDLES sessions open at any time; after the first 500,
 *           and at the end, the process waits for a line from the standard input
 *
 * Users take turns. Prints "held PID SERVICE CODE LINK" for each session that hold has opened,
 * "ready" when the program waits, and at the end "SERVICE CALL CODE LINK COUNT". LINK is linked,
 * unlinked, or quota: unlinked while the user's key quota is used up. */
#define _GNU_SOURCE
#include <linux/keyctl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_appl.h>

enum { OPEN, CLOSE, CALLS };
enum { LINKED, UNLINKED, QUOTA, LINKS };
enum { SERVICES = 4, CODES = 64 };
static const char *const call_names[] = { "open", "close" };
static const char *const link_names[] = { "linked", "unlinked", "quota" };

/* Shared with all sessions. */
struct tally {
	atomic_long count[CALLS][CODES][LINKS];
};
static struct tally *tallies;

static char *services[SERVICES + 1];

struct login {
	pam_handle_t *pamh;
	int service;
	uid_t uid;
	int link; /* as pam_open_session has left it */
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("driver: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	_exit(70);
}

static int no_talk(int n, const struct pam_message **m, struct pam_response **r, void *data)
{
	(void)n, (void)m, (void)r, (void)data;
	return PAM_CONV_ERR;
}

/* Reports whether the persistent keyring is directly in the session keyring. */
static int linked(uid_t uid)
{
	int32_t keys[64];
	char text[256], want[64];
	long n = syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, keys, sizeof keys) /
		 (long)sizeof *keys;

	snprintf(want, sizeof want, "_persistent.%u", uid);
	for (long i = 0; i < n && i < 64; i++) {
		long size = syscall(SYS_keyctl, KEYCTL_DESCRIBE, keys[i], text, sizeof text);
		const char *name = size > 0 ? strrchr(text, ';') : 0;

		if (name && !strcmp(name + 1, want))
			return 1;
	}
	return 0;
}

static int quota_used_up(uid_t uid)
{
	FILE *file = fopen("/proc/key-users", "re");
	char line[256];
	unsigned who;
	int keys, max_keys, bytes, max_bytes, used_up = 0;

	if (!file)
		die("/proc/key-users: %m");
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "%u: %*d %*d/%*d %d/%d %d/%d", &who, &keys, &max_keys, &bytes,
			   &max_bytes) == 5 &&
		    who == uid)
			used_up = keys >= max_keys * 9 / 10 || bytes >= max_bytes * 9 / 10;
	fclose(file);
	return used_up;
}

static void note(const struct login *l, int call, int code)
{
	if (code < 0 || code >= CODES)
		code = CODES - 1;
	atomic_fetch_add(&tallies[l->service].count[call][code][l->link], 1);
}

static int open_session(struct login *l, const char *user)
{
	static const struct pam_conv conv = { .conv = no_talk };
	struct passwd *pw = getpwnam(user);
	int code;

	if (!pw)
		die("no user %s", user);
	l->uid = pw->pw_uid;
	code = pam_start(services[l->service], user, &conv, &l->pamh);
	if (code != PAM_SUCCESS)
		die("pam_start: %d", code);
	code = pam_open_session(l->pamh, 0);
	l->link = linked(l->uid) ? LINKED : quota_used_up(l->uid) ? QUOTA : UNLINKED;
	note(l, OPEN, code);
	return code;
}

static void close_session(struct login *l)
{
	int code = pam_close_session(l->pamh, 0);

	note(l, CLOSE, code);
	pam_end(l->pamh, code);
	l->pamh = 0;
}

static void print_tallies(void)
{
	for (int s = 0; services[s]; s++)
		for (int call = 0; call < CALLS; call++)
			for (int code = 0; code < CODES; code++)
				for (int link = 0; link < LINKS; link++) {
					long n = atomic_load(&tallies[s].count[call][code][link]);

					if (n)
						printf("%s %s %d %s %ld\n", services[s],
						       call_names[call], code, link_names[link], n);
				}
	fflush(stdout);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void await_end_of_input(void)
{
	char c;

	while (read(0, &c, 1) > 0)
		;
}

/* Returns the child's PID in the parent, and 0 in the child, which dies with its parent. */
static pid_t spawn(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %m");
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Ends when no process has the write end of the pipe any more. */
static void held_session(const char *user, int report, int release)
{
	struct login l = { .service = 0 };
	char line[128], c;
	int code = open_session(&l, user);
	int n = snprintf(line, sizeof line, "held %d %s %d %s\n", getpid(), services[0], code,
			 link_names[l.link]);

	if (write(report, line, (size_t)n) != n)
		die("report: %m");
	close(report);
	if (read(release, &c, 1) != 0)
		die("release: %m");
	close_session(&l);
	_exit(0);
}

static void hold(int n, int width, char **users, int n_users)
{
	int report[2], release[2], started = 0, opened = 0;
	char text[4096];

	if (pipe(report) || pipe(release))
		die("pipe: %m");
	while (opened < n) {
		for (; started < n && started < opened + width; started++)
			if (spawn() == 0) {
				close(release[1]);
				held_session(users[started % n_users], report[1], release[0]);
			}
		ssize_t size = read(report[0], text, sizeof text);

		if (size <= 0)
			die("report: %m");
		fwrite(text, 1, (size_t)size, stdout);
		for (ssize_t i = 0; i < size; i++)
			opened += text[i] == '\n';
	}
	ready();
	await_end_of_input();
	close(release[1]);
	while (wait(0) > 0)
		;
	print_tallies();
}

static void login_and_out(int service, const char *user)
{
	struct login l = { .service = service };

	open_session(&l, user);
	close_session(&l);
	_exit(0);
}

static void load(double seconds, int width, char **users, int n_users)
{
	int64_t end = now() + (int64_t)(seconds * 1000);
	int n_services = 0, running = 0, status;

	while (services[n_services])
		n_services++;
	for (int i = 0; now() < end; i++) {
		if (running++ == width && wait(&status) > 0) {
			running--;
			if (status)
				die("a login ended with status %#x", (unsigned)status);
		}
		if (spawn() == 0) /* a user has every service in turn */
			login_and_out((i + i / n_users) % n_services, users[i % n_users]);
	}
	while (wait(0) > 0)
		;
	print_tallies();
}

static void abandon(int n, char **users, int n_users)
{
	siginfo_t info;

	for (int i = 0; i < n; i++) {
		pid_t pid = spawn();

		if (pid == 0) {
			open_session(&(struct login){ 0 }, users[i % n_users]);
			_exit(0);
		}
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	}
	ready();
	await_end_of_input();
	while (wait(0) > 0)
		;
}

static void pause_for_measuring(void)
{
	char line[16];

	ready();
	if (!fgets(line, sizeof line, stdin))
		die("nobody says go");
}

static void daemon_of(double seconds, int handles, char **users, int n_users)
{
	enum { WARM = 500 };
	struct login *ring = calloc((size_t)handles, sizeof *ring);
	int64_t end = 0;

	if (!ring)
		die("no memory");
	for (long i = 0; !end || now() < end; i++) {
		struct login *l = &ring[i % handles];

		if (i == WARM) {
			pause_for_measuring();
			end = now() + (int64_t)(seconds * 1000);
		}
		if (l->pamh)
			close_session(l);
		open_session(l, users[i % n_users]);
	}
	pause_for_measuring();
	for (int i = 0; i < handles; i++)
		if (ring[i].pamh)
			close_session(&ring[i]);
	free(ring);
	print_tallies();
}

int main(int argc, char **argv)
{
	/* The number of arguments before the services. */
	static const struct {
		const char *name;
		int numbers;
	} commands[] = { { "hold", 2 }, { "load", 2 }, { "abandon", 1 }, { "daemon", 2 } };
	unsigned c = 0;

	while (c < sizeof commands / sizeof *commands && argc > 1 &&
	       strcmp(argv[1], commands[c].name))
		c++;
	if (argc < 2 || c == sizeof commands / sizeof *commands || argc < 4 + commands[c].numbers)
		die("see the comment at the top of its source");
	double first = atof(argv[2]);
	int second = atoi(argv[3]), n = 0;
	char **rest = argv + 2 + commands[c].numbers;

	for (char *service = strtok(*rest, ","); service && n < SERVICES; service = strtok(0, ","))
		services[n++] = service;
	rest++;
	n = (int)(argv + argc - rest);
	tallies = mmap(0, SERVICES * sizeof *tallies, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tallies == MAP_FAILED)
		die("mmap: %m");
	switch (c) {
	case 0: hold((int)first, second, rest, n); break;
	case 1: load(first, second, rest, n); break;
	case 2: abandon((int)first, rest, n); break;
	case 3: daemon_of(first, second, rest, n); break;
	}
	return fflush(stdout) != 0;
}
