/* A name service with the fault that the user is named after. If it answers at all, the user has
 * the UID in the environment variable TROUBLE_UID. */
#define _GNU_SOURCE
#include <errno.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum nss_status _nss_trouble_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t size,
					int *error);

static void segfault(struct passwd *pw)
{
	static volatile int *volatile nowhere;

	*nowhere = (int)pw->pw_uid;
}

static void die(struct passwd *pw)
{
	(void)pw;
	abort();
}

static void end(struct passwd *pw)
{
	(void)pw;
	exit(3);
}

static void hang(struct passwd *pw)
{
	(void)pw;
	for (;;)
		pause();
}

static void spin(struct passwd *pw)
{
	for (;;)
		(void)*(volatile uid_t *)&pw->pw_uid;
}

static int frame(volatile int depth)
{
	volatile char stack[4096];

	stack[0] = 0;
	return depth < 0 ? stack[0] : frame(depth + 1) + stack[0];
}

static void deep(struct passwd *pw)
{
	(void)pw;
	frame(0);
}

/* Uses as much stack as name service modules that ask a server may use. */
static void greedy(struct passwd *pw)
{
	volatile char buffer[300 * 1024];

	for (size_t i = 0; i < sizeof buffer; i += 4096)
		buffer[i] = (char)pw->pw_uid;
	(void)buffer[0];
}

static void *idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void thread(struct passwd *pw)
{
	pthread_t thread;

	(void)pw;
	if (pthread_create(&thread, 0, idle, 0))
		abort();
}

static void leave_child(struct passwd *pw)
{
	(void)pw;
	if (fork() == 0) {
		sleep(2);
		_exit(0);
	}
}

static void print(struct passwd *pw)
{
	(void)pw;
	for (int i = 0; i < 10000; i++) {
		puts("a line of the name service, on standard output");
		fputs("a line of the name service, on standard error\n", stderr);
	}
	fflush(stdout);
}

static void ignore(int sig)
{
	(void)sig;
}

/* Changes everything that a library can change in a process. */
static void settle(struct passwd *pw)
{
	sigset_t all;

	(void)pw;
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, ignore);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, 0);
	alarm(1);
	umask(0777);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 20, 20 });
	clearenv();
	if (chdir("/proc"))
		abort();
	for (int fd = 0; fd < 1024; fd++)
		close(fd);
}

static void slow(struct passwd *pw)
{
	(void)pw;
	usleep(200000);
}

static void nameless(struct passwd *pw)
{
	pw->pw_name = pw->pw_dir = pw->pw_shell = pw->pw_gecos = pw->pw_passwd = 0;
}

static void unprintable(struct passwd *pw)
{
	static char name[] = "a\n<33>b\033[31m%n%s";

	pw->pw_name = name;
}

static void endless_name(struct passwd *pw)
{
	static char name[1 << 20];

	memset(name, 'a', sizeof name - 1);
	pw->pw_name = name;
}

static void minus_one(struct passwd *pw)
{
	pw->pw_uid = pw->pw_gid = (uid_t)-1;
}

/* clang-format off */
static const struct {
	const char *name;
	void (*happen)(struct passwd *);
} troubles[] = {
	{ "segfault", segfault }, { "abort", die }, { "exit", end }, { "hang", hang },
	{ "spin", spin }, { "deep", deep }, { "thread", thread }, { "fork", leave_child },
	{ "print", print }, { "settle", settle }, { "slow", slow }, { "nameless", nameless },
	{ "unprintable", unprintable }, { "long", endless_name }, { "minus-one", minus_one },
	{ "greedy", greedy },
};
/* clang-format on */

enum nss_status _nss_trouble_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t size,
					int *error)
{
	const char *uid = getenv("TROUBLE_UID");

	(void)buf, (void)size;
	if (!uid || !strcmp(name, "alice"))
		return NSS_STATUS_NOTFOUND;
	if (!strcmp(name, "endless")) { /* no buffer is large enough */
		*error = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	}
	if (!strcmp(name, "broken")) {
		*error = EIO;
		return NSS_STATUS_UNAVAIL;
	}
	if (!strcmp(name, "illegal"))
		return (enum nss_status)42;
	*pw = (struct passwd){ .pw_name = "alice",
			       .pw_passwd = "x",
			       .pw_gecos = "",
			       .pw_dir = "/",
			       .pw_shell = "/bin/sh" };
	pw->pw_uid = pw->pw_gid = (uid_t)strtoul(uid, 0, 10);
	for (unsigned i = 0; i < sizeof troubles / sizeof *troubles; i++)
		if (!strcmp(troubles[i].name, name)) {
			troubles[i].happen(pw);
			return NSS_STATUS_SUCCESS;
		}
	return NSS_STATUS_NOTFOUND;
}
