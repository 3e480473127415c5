/* The key calls of the login process. Session keyrings belong to threads, so only the thread that
 * libpam called can join one for the session: what a child joins, only the child has. */
#define _GNU_SOURCE
#include <errno.h>
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
	int is_session;
};

static void look(void *p)
{
	struct look *l = p;

	l->is_session = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) ==
			l->keyring;
}

int pp_is_session_keyring(int32_t keyring)
{
	_Alignas(16) char stack[LOOK_STACK];
	struct look l = { keyring, 0 };

	return pp_run_guarded(look, &l, stack, sizeof stack) == 0 && l.is_session;
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
	int done;
};

static void reset_apart(void *p)
{
	struct reset *r = p;

	r->done = get_persistent(r->uid, KEY_SPEC_PROCESS_KEYRING);
}

int pp_reset_timer(uid_t uid, int32_t keyring)
{
	_Alignas(16) char stack[LOOK_STACK];
	struct reset r = { uid, 0 };

	/* The session keyring has the link already, so nothing is charged to a quota. */
	if (get_persistent(uid, keyring))
		return 1;
	/* Another thread or process than the one that opened the session closes it, or the session
	 * keyring was revoked. The guard has credentials of its own, so the process keyring that
	 * this makes disappears with the guard. */
	return pp_run_guarded(reset_apart, &r, stack, sizeof stack) == 0 && r.done;
}

void pp_clear_keyring(int32_t keyring)
{
	syscall(SYS_keyctl, KEYCTL_CLEAR, keyring);
}
