/* Seccomp filters, on the calling thread. */
#include "pamhost.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void install(struct sock_filter *code, size_t n)
{
	struct sock_fprog program = { (unsigned short)n, code };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		die("seccomp: %m");
}

static void forbid(const char *call_name, const char *first, const char *error)
{
	unsigned nr = strcmp(call_name, "keyctl") ? SYS_setresuid : SYS_keyctl;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(first), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)atoi(error)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	install(code, sizeof code / sizeof *code);
}

/* The kernel asks the holder of a descriptor what such a call must return. This process keeps the
 * descriptor and does not answer, so only SIGKILL ends the call. */
static void stall(const char *first)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_keyctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(first), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		    &program) < 0)
		die("seccomp: %m");
}

static unsigned action_number(const char *name)
{
	static const struct {
		const char *name;
		unsigned action;
	} actions[] = {
		{ "kill-process", SECCOMP_RET_KILL_PROCESS },
		{ "kill-thread", SECCOMP_RET_KILL_THREAD },
		{ "trap", SECCOMP_RET_TRAP },
		{ "ENOSYS", SECCOMP_RET_ERRNO | ENOSYS },
		{ "EPERM", SECCOMP_RET_ERRNO | EPERM },
	};

	for (unsigned i = 0; i < sizeof actions / sizeof *actions; i++)
		if (!strcmp(actions[i].name, name))
			return actions[i].action;
	die("no such action: %s", name);
}

static unsigned call_number(const char *name)
{
	static const struct {
		const char *name;
		unsigned nr;
	} calls[] = {
		{ "clone", SYS_clone },
		{ "clone3", SYS_clone3 },
		{ "keyctl", SYS_keyctl },
		{ "prctl", SYS_prctl },
		{ "prlimit64", SYS_prlimit64 },
		{ "rt_sigtimedwait", SYS_rt_sigtimedwait },
		{ "sched_setaffinity", SYS_sched_setaffinity },
		{ "setgroups", SYS_setgroups },
		{ "setresuid", SYS_setresuid },
	};

	for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
		if (!strcmp(calls[i].name, name))
			return calls[i].nr;
	die("no such system call: %s", name);
}

static void filter(const char *call_name, const char *action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call_number(call_name), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action_number(action)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	install(code, sizeof code / sizeof *code);
}

/* clang-format off */
const struct command seccomp_commands[] = {
	{ "forbid", 3, { .three = forbid },
	  "CALL ARG ERRNO: that system call (keyctl, setresuid) with that first argument "
	  "fails with that error number" },
	{ "stall", 1, { .one = stall },
	  "ARG: keyctl with that first argument does not return until its process is killed" },
	{ "filter", 2, { .two = filter },
	  "CALL ACTION: that system call, with any arguments, leads to kill-process, "
	  "kill-thread, trap, ENOSYS or EPERM" },
	{ 0 },
};
