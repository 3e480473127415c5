/* User and group IDs, and capabilities.
 *
 * To the kernel they belong to threads. drop and the peer use glibc, which changes them in all
 * threads; the other commands change only the thread that they run on.
 */
#include "pamhost.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct passwd *user(const char *name)
{
	struct passwd *pw = getpwnam(name);

	if (!pw)
		die("no user %s", name);
	return pw;
}

void drop(const char *name)
{
	struct passwd *pw = user(name);

	if (initgroups(name, pw->pw_gid) || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid))
		die("cannot become %s: %m", name);
}

/* A thread without any UID 0 has no capabilities, so from then on this one keeps its GIDs. */
static void drop_uid(const char *name)
{
	uid_t uid = user(name)->pw_uid;

	if (syscall(SYS_setresuid, uid, uid, uid))
		die("cannot have the UID of %s: %m", name);
}

/* In the order of the kernel's numbers. */
/* clang-format off */
static const char *const capabilities[] = {
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid",
	"setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw",
	"ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
	"sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod",
	"lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog",
	"wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
};
/* clang-format on */

enum { CAPABILITIES = sizeof capabilities / sizeof *capabilities };

/* Removes the capabilities in the mask from the bounding set, as long as that is allowed, and then
 * from the other sets; the kernel itself removes them from the ambient set. */
static void take_away(unsigned long long mask)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[2];

	for (unsigned i = 0; i < 64; i++)
		if (mask >> i & 1 && prctl(PR_CAPBSET_DROP, i) && errno != EINVAL)
			die("PR_CAPBSET_DROP %u: %m", i);
	if (syscall(SYS_capget, &header, sets))
		die("capget: %m");
	for (int i = 0; i < 2; i++) {
		unsigned kept = ~(unsigned)(mask >> 32 * i);

		sets[i].effective &= kept;
		sets[i].permitted &= kept;
		sets[i].inheritable &= kept;
	}
	if (syscall(SYS_capset, &header, sets))
		die("capset: %m");
}

static void drop_cap(const char *name)
{
	for (int i = 0; i < CAPABILITIES; i++)
		if (!strcmp(capabilities[i], name)) {
			take_away(1ULL << i);
			return;
		}
	die("no such capability: %s", name);
}

static void give_up(void)
{
	take_away(~0ULL);
}

static pthread_t peer;
static atomic_int peer_ends;
static atomic_ulong peer_rounds;

/* The kernel refuses the call to a thread that has read its UID just before another thread dropped
 * to a user. glibc ends the process if the call succeeds only in some threads, as after drop-uid in
 * one of them. */
static void *set_ids(void *unused)
{
	(void)unused;
	for (; !peer_ends; peer_rounds++)
		if (setresuid((uid_t)-1, geteuid(), (uid_t)-1))
			sched_yield();
	return 0;
}

static void peer_sets_ids(void)
{
	peer_ends = 0;
	peer_rounds = 0;
	peer = spawn_thread(set_ids);
	while (peer_rounds == 0)
		sched_yield();
}

static void peer_stops(void)
{
	if (peer_rounds == 0)
		die("peer-sets-ids has to come first");
	peer_ends = 1;
	pthread_join(peer, 0);
	peer_rounds = 0;
}

/* clang-format off */
const struct command id_commands[] = {
	{ "drop", 1, { .one = drop }, "USER: become that user, with UIDs, GIDs and groups" },
	{ "drop-uid", 1, { .one = drop_uid },
	  "USER: have that user's UIDs and no capabilities, and keep the GIDs" },
	{ "drop-cap", 1, { .one = drop_cap },
	  "NAME: remove a capability (sys_admin, setuid...) from all sets, also the "
	  "bounding set" },
	{ "give-up", 0, { .none = give_up },
	  "remove all capabilities from all sets; the IDs stay" },
	{ "peer-sets-ids", 0, { .none = peer_sets_ids },
	  "start a thread that calls glibc's setresuid(-1, geteuid(), -1), for all threads, "
	  "in a loop" },
	{ "peer-stops", 0, { .none = peer_stops }, "end that thread" },
	{ 0 },
};
