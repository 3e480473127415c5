/* The key calls of the login process. Session keyrings belong to threads, so only the thread that
 * libpam called can join one for the session: what a child joins, only the child has. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/keyctl.h>

#include "guard.h"
#include "session_keyring.h"

enum { LOOK_STACK = 16 * 1024 };

int64_t pp_join_session_keyring(void)
{
	long serial = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, (char *)0);

	return serial < 0 ? -errno : serial;
}

struct look {
	int32_t keyring;
	int answer; /* as of pp_is_session_keyring() */
};

static void look(void *p)
{
	struct look *l = p;
	long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);

	l->answer = id < 0 ? -1 : id == l->keyring;
}

int pp_is_session_keyring(int32_t keyring, pid_t joined_by)
{
	struct look l = { keyring, -1 };
	char *stack;

	/* A thread that has joined a session keyring always has one. */
	if (joined_by == gettid()) {
		look(&l);
	} else if ((stack = pp_map_stack(LOOK_STACK)) != 0) {
		pp_run_guarded(look, &l, stack, LOOK_STACK);
		pp_unmap_stack(stack, LOOK_STACK);
	}
	return l.answer;
}

struct search {
	char name[32]; /* of a persistent keyring (security/keys/persistent.c) */
	int found;
};

static void search(void *p)
{
	struct search *s = p;

	s->found = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "keyring", s->name,
			   0) >= 0 ||
		   errno == EKEYEXPIRED;
}

int pp_finds_persistent(uid_t uid)
{
	struct search s = { 0 };

	snprintf(s.name, sizeof s.name, "_persistent.%u", uid);
	return pp_run_worker(search, &s) <= 0 || s.found;
}

static int get_persistent(uid_t uid, int32_t into)
{
	long persistent = syscall(SYS_keyctl, KEYCTL_GET_PERSISTENT, uid, into);

	/* The garbage collector may take an expired keyring just after GET_PERSISTENT found it. */
	return persistent >= 0 &&
	       syscall(SYS_keyctl, KEYCTL_DESCRIBE, (int32_t)persistent, (char *)0, 0L) >= 0;
}

struct reset {
	uid_t uid;
	int32_t linked;
	int done;
};

static void reset(void *p)
{
	struct reset *r = p;

	/* The process keyring that this makes disappears with the worker. */
	r->done = get_persistent(r->uid, KEY_SPEC_PROCESS_KEYRING);
	/* A keyring that has the link already is charged nothing for it. */
	if (!r->done && errno == EDQUOT && r->linked)
		r->done = get_persistent(r->uid, r->linked);
}

int pp_reset_timer(uid_t uid, int32_t linked)
{
	struct reset r = { uid, linked, 0 };

	return pp_run_worker(reset, &r) < 0 ? -1 : r.done;
}

struct clear {
	int32_t keyring;
	int done;
};

static void clear(void *p)
{
	struct clear *c = p;

	c->done = syscall(SYS_keyctl, KEYCTL_CLEAR, c->keyring) == 0;
}

int pp_clear_keyring(int32_t keyring)
{
	struct clear c = { keyring, 0 };
	int worked = pp_run_worker(clear, &c);

	/* Another user must not have what is in the keyring. Without a worker this may wait, but
	 * only until the kernel has finished one other call that changes the keyring. */
	if (worked == 0)
		clear(&c);
	return worked < 0 ? -1 : c.done;
}
