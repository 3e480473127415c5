/* The key calls of pam_persistent made directly in the login process: what the kernel alone costs,
 * and so the limit that no module can beat. To be measured, never installed: the module has the
 * hazards of working in somebody else's process, and takes no care of errors. */
#define _GNU_SOURCE
#include <linux/keyctl.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <security/pam_modules.h>

static long key(int call, long a, long b, long c)
{
	return syscall(SYS_keyctl, call, a, b, c);
}

static int look_up(pam_handle_t *pamh, struct passwd *pw)
{
	static char buf[4096];
	const void *user = 0;
	struct passwd *found = 0;

	return pam_get_item(pamh, PAM_USER, &user) == PAM_SUCCESS && user &&
	       !getpwnam_r(user, pw, buf, sizeof buf, &found) && found;
}

/* In the order of the module: join as the host, link as the user, give the keyring to the user. */
int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct passwd pw;
	char text[256];
	int32_t links[8192];
	long session, persistent;

	(void)flags, (void)argc, (void)argv;
	if (!look_up(pamh, &pw))
		return PAM_USER_UNKNOWN;
	session = key(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0);
	syscall(SYS_setresgid, -1, pw.pw_gid, -1);
	syscall(SYS_setresuid, pw.pw_uid, pw.pw_uid, -1);
	key(KEYCTL_LINK, KEY_SPEC_USER_KEYRING, session, 0);
	persistent = key(KEYCTL_GET_PERSISTENT, pw.pw_uid, session, 0);
	key(KEYCTL_DESCRIBE, persistent, (long)text, sizeof text);
	key(KEYCTL_READ, session, (long)links, sizeof links);
	syscall(SYS_setresuid, 0, 0, -1);
	syscall(SYS_setresgid, -1, 0, -1);
	key(KEYCTL_CHOWN, session, pw.pw_uid, pw.pw_gid);
	return persistent < 0 ? PAM_SESSION_ERR : PAM_SUCCESS;
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct passwd pw;

	(void)flags, (void)argc, (void)argv;
	if (!look_up(pamh, &pw) ||
	    key(KEYCTL_GET_PERSISTENT, pw.pw_uid, KEY_SPEC_SESSION_KEYRING, 0) <= 0)
		return PAM_SESSION_ERR;
	return PAM_SUCCESS;
}
