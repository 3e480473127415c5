/* pam_exec(8) without the SIGCHLD, which makes vsftpd think that its session has ended: runs
 * argv[0] argv[1] when a session is opened. The process without an exit signal runs the program in
 * a child of its own, because execve(2) would restore that signal. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <security/pam_modules.h>

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const void *user = 0;
	char variable[64];
	long pid;

	(void)flags;
	if (argc != 2 || pam_get_item(pamh, PAM_USER, &user) != PAM_SUCCESS || !user)
		return PAM_SESSION_ERR;
	snprintf(variable, sizeof variable, "PAM_USER=%s", (const char *)user);
	pid = syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
	if (pid == 0) {
		pid_t program = fork();

		if (program == 0) {
			execle(argv[0], argv[0], argv[1], (char *)0,
			       (char *const[]){ variable, 0 });
			_exit(127);
		}
		waitpid(program, 0, 0);
		_exit(0);
	}
	if (pid < 0 || waitpid((pid_t)pid, 0, __WALL) < 0)
		return PAM_SESSION_ERR;
	return PAM_SUCCESS;
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_SUCCESS;
}
