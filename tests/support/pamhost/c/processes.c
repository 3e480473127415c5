/* Forks, namespaces of processes, and exits. */
#include "pamhost.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void go_on_in_child(void)
{
	int status;

	if (!on_main_thread())
		die("fork: only on the main thread");
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %m");
	if (pid == 0) {
		forget_threads();
		return;
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid: %m");
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 70);
}

static void fork_works(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	printf("fork: %s\n", pid > 0 ? "works" : strerrorname_np(errno));
	if (pid > 0)
		waitpid(pid, 0, 0); /* fails if SIGCHLD is ignored: the kernel has reaped it */
}

static void unshare_pid(void)
{
	if (unshare(CLONE_NEWPID))
		die("unshare: %m");
}

static void sh(const char *command)
{
	fflush(stdout);
	if (system(command))
		die("sh failed");
}

static void run_as(const char *name, const char *command)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		drop(name);
		execl("/bin/sh", "sh", "-c", command, (char *)0);
		die("sh: %m");
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
		printf("run-as: status %#x\n", status);
}

static const char *exit_file;

static void make_exit_file(void)
{
	int fd = open(exit_file, O_CREAT | O_WRONLY, 0600);

	if (fd >= 0)
		close(fd);
}

static void at_exit(const char *file)
{
	exit_file = file;
	atexit(make_exit_file);
}

/* clang-format off */
const struct command process_commands[] = {
	{ "fork", 0, { .none = go_on_in_child },
	  "continue in a child; the parent waits for it and ends as it did; only on the "
	  "main thread" },
	{ "fork-works", 0, { .none = fork_works },
	  "fork a child that exits; print \"fork: works\" or the error" },
	{ "unshare-pid", 0, { .none = unshare_pid },
	  "unshare(CLONE_NEWPID): the next child is init of a new PID namespace; no fork "
	  "succeeds after it has ended" },
	{ "sh", 1, { .one = sh }, "COMMAND: sh -c COMMAND as this process" },
	{ "run-as", 2, { .two = run_as },
	  "USER COMMAND: sh -c COMMAND as that user, in the session keyring of this thread" },
	{ "at-exit", 1, { .one = at_exit },
	  "FILE: an exit(3) of this process, or of a copy of it, makes that file" },
	{ 0 },
};
