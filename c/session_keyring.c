/* The two things about session keyrings that only the login process itself can do: notice the one it had before the
 * session, and join a new one (credentials belong to a thread, and what a child joins is the child's alone). */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/keyctl.h>

#include "guard.h"
#include "session_keyring.h"

static _Atomic int64_t seen = -ENODATA;

int64_t pp_seen_session(void)
{
	return seen;
}

void pp_see_session(int32_t serial)
{
	seen = serial;
}

static void look(void *p)
{
	long serial = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);

	*(int64_t *)p = serial < 0 ? -errno : serial;
}

/* pam_start(3) loads all modules of a stack before any of them runs, so this comes before pam_keyinit's work.
 * The look is taken from a process with credentials of its own, because in one that has no session keyring it installs
 * `_uid_ses.<uid>` as one, which then goes on to the user's processes. */
__attribute__((constructor)) static void see_session_at_load(void)
{
	_Alignas(16) char stack[16 * 1024];
	int64_t found = -ENODATA;

	pp_guarded(look, &found, stack, sizeof stack);
	seen = found;
}

/* Raw system calls: glibc's wrappers change every thread of the process, which is not ours to do. setfsuid and setfsgid
 * report no error, only the ID of before; an impossible one asks, and is the answer if a filter forbids the call. */
static int get_ids(struct pp_ids *ids)
{
	if (syscall(SYS_getresuid, &ids->ruid, &ids->euid, &ids->suid) < 0 ||
	    syscall(SYS_getresgid, &ids->rgid, &ids->egid, &ids->sgid) < 0)
		return -errno;
	ids->fsuid = (uid_t)syscall(SYS_setfsuid, -1);
	ids->fsgid = (gid_t)syscall(SYS_setfsgid, -1);
	return ids->fsuid == (uid_t)-1 || ids->fsgid == (gid_t)-1 ? -EPERM : 0;
}

static int same_ids(const struct pp_ids *a, const struct pp_ids *b)
{
	return a->ruid == b->ruid && a->euid == b->euid && a->suid == b->suid && a->fsuid == b->fsuid &&
	       a->rgid == b->rgid && a->egid == b->egid && a->sgid == b->sgid && a->fsgid == b->fsgid;
}

int pp_return(const struct pp_ids *before)
{
	struct pp_ids now;
	int error;

	/* The user first: the right to set the group may hang on it. */
	if (syscall(SYS_setresuid, before->ruid, -1, -1) < 0 || syscall(SYS_setresgid, before->rgid, -1, -1) < 0)
		return -errno;
	/* The kernel sets the filesystem IDs to the effective ones on each change; few hosts had others. */
	if (before->fsuid != before->euid)
		syscall(SYS_setfsuid, before->fsuid);
	if (before->fsgid != before->egid)
		syscall(SYS_setfsgid, before->fsgid);
	error = get_ids(&now);
	return error < 0 ? error : same_ids(&now, before) ? 0 : -EPERM;
}

int pp_become(uid_t uid, gid_t gid, struct pp_ids *before)
{
	int error = get_ids(before);

	if (error < 0)
		return error;
	if (syscall(SYS_setresgid, gid, -1, -1) < 0)
		return -errno;
	if (syscall(SYS_setresuid, uid, -1, -1) == 0)
		return 0;
	error = -errno;
	syscall(SYS_setresgid, before->rgid, -1, -1);
	return error;
}

int64_t pp_link_persistent(uid_t uid, int32_t session)
{
	long persistent = syscall(SYS_keyctl, KEYCTL_GET_PERSISTENT, uid, session);

	/* The collector may take an expired one away just after the kernel has found it. */
	if (persistent < 0 || syscall(SYS_keyctl, KEYCTL_DESCRIBE, (int32_t)persistent, (char *)0, 0L) < 0)
		return -errno;
	return persistent;
}

/* While the real UID is the user's, the user may stop or kill this process (as it may during pam_keyinit's work): nothing is done
 * meanwhile but what needs it. */
static void join_as(uid_t uid, gid_t gid, struct pp_joined *joined)
{
	struct pp_ids before;

	joined->serial = pp_become(uid, gid, &before);
	if (joined->serial < 0)
		return;
	joined->serial = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, (char *)0);
	if (joined->serial < 0)
		joined->serial = -errno;
	else if (syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, (int32_t)joined->serial) < 0)
		joined->user_link = -errno;
	joined->stuck = pp_return(&before) < 0;
}

/* Keyrings that were freed give their quota back some milliseconds later, when the collector has run. */
static void join_within_quota(uid_t uid, gid_t gid, struct pp_joined *joined)
{
	enum { TRIES = 20 };
	static const struct timespec pause = { 0, 5000000 };

	for (int i = 0; i < TRIES; i++) {
		join_as(uid, gid, joined);
		if (joined->serial != -EDQUOT || joined->stuck)
			return;
		nanosleep(&pause, 0);
	}
}

void pp_join_session(uid_t uid, gid_t gid, struct pp_joined *joined)
{
	sigset_t all, mask;
	int error;

	/* No handler of the host's may run with the user's real ID. */
	sigfillset(&all);
	error = pthread_sigmask(SIG_SETMASK, &all, &mask);
	*joined = (struct pp_joined){ .serial = -error };
	if (error)
		return;
	join_within_quota(uid, gid, joined);
	/* Nobody but this thread has the new keyring: no link into it can leak. */
	if (joined->serial > 0 && !joined->stuck)
		joined->persistent = pp_link_persistent(uid, (int32_t)joined->serial);
	pthread_sigmask(SIG_SETMASK, &mask, 0);
}
