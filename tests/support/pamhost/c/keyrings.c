/* Keyrings of the calling thread, and the quota for keys. */
#include "pamhost.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void ring_named(const char *owner, const char *name)
{
	struct passwd *pw = user(owner);
	uid_t before = getuid();

	if (syscall(SYS_setresuid, pw->pw_uid, -1, -1) ||
	    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) < 0 ||
	    syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING) < 0 ||
	    syscall(SYS_setresuid, before, -1, -1))
		die("cannot join a session keyring of %s: %m", owner);
}

static void ring(const char *owner)
{
	ring_named(owner, 0);
}

static void caller(const char *name)
{
	ring(name);
	if (syscall(SYS_setresuid, user(name)->pw_uid, -1, -1))
		die("setresuid: %m");
}

static int described(long key, uid_t *owner, char *name, size_t size)
{
	char text[256];
	long n = syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, text, sizeof text);
	char *last = n < 0 ? 0 : strrchr(text, ';');

	if (!last || sscanf(text, "%*[^;];%u", owner) != 1)
		return 0;
	snprintf(name, size, "%s", last + 1);
	return 1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void tree(void)
{
	int32_t keys[64];
	char names[64][128], name[128];
	uid_t owner;
	long n;

	if (!described(KEY_SPEC_SESSION_KEYRING, &owner, name, sizeof name)) {
		printf("session keyring: %s\n", strerrorname_np(errno));
		return;
	}
	struct passwd *pw = getpwuid(owner);

	/* The name cannot be read without a free descriptor. */
	if (pw)
		printf("session keyring %s of %s:", name, pw->pw_name);
	else
		printf("session keyring %s of UID %u:", name, owner);
	n = syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, keys, sizeof keys) /
	    (long)sizeof *keys;
	for (int i = 0; i < n; i++)
		if (!described(keys[i], &owner, names[i], sizeof names[i]))
			snprintf(names[i], sizeof names[i], "%s", strerrorname_np(errno));
	if (n > 0)
		qsort(names, (size_t)n, sizeof *names, by_name);
	for (int i = 0; i < n; i++)
		printf(" %s", names[i]);
	printf("\n");
	fflush(stdout);
}

/* Processes that this host has started for users. Each is in the session keyring of its thread, and
 * reports what it finds there when asked. */
static struct witness {
	const char *name;
	int ask, answer;
} witnesses[32];
static int n_witnesses;

static void witness(const char *name)
{
	int ask[2], answer[2];
	pid_t pid;
	char c;

	if (n_witnesses == sizeof witnesses / sizeof *witnesses)
		die("too many witnesses");
	if (pipe(ask) || pipe(answer) || (pid = fork()) < 0)
		die("fork: %m");
	if (pid == 0) {
		drop(name);
		dup2(answer[1], 1);
		close(ask[1]);
		close(answer[1]);
		for (int i = 0; i < n_witnesses; i++)
			close(witnesses[i].ask);
		while (read(ask[0], &c, 1) == 1) {
			printf("%s %u: ", name, getuid());
			tree();
			fflush(stdout);
		}
		_exit(0);
	}
	close(ask[0]);
	close(answer[1]);
	witnesses[n_witnesses].name = name;
	witnesses[n_witnesses].ask = ask[1];
	witnesses[n_witnesses++].answer = answer[0];
}

static void ask_witnesses(void)
{
	char line[1024];

	for (int i = 0; i < n_witnesses; i++) {
		size_t n = 0;

		if (write(witnesses[i].ask, "?", 1) != 1)
			die("the process of %s is gone", witnesses[i].name);
		while (n < sizeof line - 1 && read(witnesses[i].answer, line + n, 1) == 1 &&
		       line[n++] != '\n')
			;
		line[n] = 0;
		printf("%s", line);
	}
	fflush(stdout);
}

/* Makes keys until there is no room for the smallest one. Bytes must be used up, not only keys: a
 * thread gets its keyring even above the limit on keys, but no link into it above that on bytes. */
static void fill(void)
{
	static const char payload[1000];

	/* A key that finds no room releases its charge some milliseconds later: the quota is full
	 * if it stays full. */
	for (unsigned i = 0, size = sizeof payload, full = 0; full < 3; i++) {
		char description[32];

		snprintf(description, sizeof description, "%u", i);
		if (syscall(SYS_add_key, "user", description, payload, (long)size,
			    KEY_SPEC_SESSION_KEYRING) >= 0) {
			full = 0;
		} else if (size > 1) {
			size /= 10;
		} else {
			full++;
			usleep(50000);
		}
	}
	if (errno != EDQUOT)
		die("add_key: %m");
}

/* Releases a key and waits until the kernel has released its charge. */
static void free_key(long key, const char *owner)
{
	char path[] = "/proc/key-users", line[128];
	int before = -1, now = -1;

	for (int i = 0; i < 2000 && (before < 0 || now >= before); i++) {
		FILE *f = fopen(path, "r");
		unsigned uid, bytes;

		now = -1;
		while (f && fgets(line, sizeof line, f))
			if (sscanf(line, "%u: %*d %*d/%*d %*d/%*d %u/", &uid, &bytes) == 2 &&
			    uid == user(owner)->pw_uid)
				now = (int)bytes;
		if (f)
			fclose(f);
		if (before < 0) {
			before = now;
			syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_SESSION_KEYRING);
		}
		usleep(5000);
	}
	if (before < 0 || now >= before)
		die("the key is still charged");
}

/* The keys are held by a child that sleeps as long as this process lives. */
static void fill_quota_but(const char *name, const char *left)
{
	static const char payload[1000];
	size_t size = (size_t)atol(left);
	long spare = 0;
	int ready[2];
	char c;
	pid_t pid;

	if (pipe(ready) || (pid = fork()) < 0)
		die("fork: %m");
	if (pid > 0) {
		close(ready[1]);
		if (read(ready[0], &c, 1) != 1)
			die("the quota could not be filled");
		close(ready[0]);
		return;
	}
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0L) < 0)
		die("join: %m");
	drop(name);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* after drop(), which cancels it */
	close(1);
	close(2);
	/* The spare key's description takes two bytes of the quota, and the link to the key takes
	 * four. The same is true of the next key. */
	if (size > 0 && (spare = syscall(SYS_add_key, "user", "s", payload, size,
					 KEY_SPEC_SESSION_KEYRING)) < 0)
		die("add_key: %m");
	fill();
	if (size > 0)
		free_key(spare, name);
	if (write(ready[1], "x", 1) == 1)
		pause();
	_exit(0);
}

static void fill_quota(const char *name)
{
	fill_quota_but(name, "0");
}

/* clang-format off */
const struct command keyring_commands[] = {
	{ "tree", 0, { .none = tree },
	  "print the session keyring: name, owner, and names of what it holds" },
	{ "witness", 1, { .one = witness },
	  "USER: have a process of that user in the session keyring of this thread" },
	{ "witnesses", 0, { .none = ask_witnesses },
	  "print for each of these processes: user, UID, and what tree prints there" },
	{ "ring", 1, { .one = ring },
	  "USER: join a new session keyring owned by that user, as a parent process might "
	  "have" },
	{ "ring-named", 2, { .two = ring_named }, "USER NAME: the same with a name" },
	{ "caller", 1, { .one = caller },
	  "USER: the same as ring with that user's real UID: su or sudo, run by USER" },
	{ "fill-quota", 1, { .one = fill_quota },
	  "USER: make keys of that user until there is no room" },
	{ "fill-quota-but", 2, { .two = fill_quota_but },
	  "USER N: the same, with room for N bytes, a key and a link" },
	{ 0 },
};
