/* The PAM calls, and the actions of a login around them. */
#include "pamhost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A PAM handle of this process. The first one, without a name, always exists. */
struct handle {
	const char *name;
	pam_handle_t *pamh;
};

static struct handle handles[16] = { { "", 0 } };
static struct handle *current = handles;

static void handle(const char *name)
{
	for (current = handles; current->name && strcmp(current->name, name);)
		if (++current == handles + sizeof handles / sizeof *handles)
			die("too many handles");
	current->name = name;
}

static pam_handle_t *pamh(void)
{
	if (!current->pamh)
		die("start has to come first");
	return current->pamh;
}

static int no_talk(int n, const struct pam_message **m, struct pam_response **r, void *data)
{
	(void)n, (void)m, (void)r, (void)data;
	return PAM_CONV_ERR;
}

static const char *code_name(int code)
{
	switch (code) {
	case PAM_SUCCESS: return "success";
	case PAM_SESSION_ERR: return "session_err";
	case PAM_CRED_ERR: return "cred_err";
	case PAM_IGNORE: return "ignore";
	case PAM_USER_UNKNOWN: return "user_unknown";
	case PAM_ABORT: return "abort";
	case PAM_PERM_DENIED: return "perm_denied"; /* libpam's result when all modules ignore */
	case PAM_AUTH_ERR: return "auth_err";
	case PAM_AUTHTOK_ERR: return "authtok_err";
	case PAM_SYSTEM_ERR: return "system_err";
	case PAM_MODULE_UNKNOWN: return "module_unknown";
	}
	return pam_strerror(current->pamh, code);
}

static void result(const char *name, int code)
{
	printf("%s = %s\n", name, code_name(code));
	fflush(stdout);
}

static void start(const char *service, const char *name)
{
	static const struct pam_conv conv = { no_talk, 0 };
	int code = pam_start(service, *name ? name : 0, &conv, &current->pamh);

	if (code != PAM_SUCCESS)
		result("start", code);
}

static void open_session(void)
{
	result("open", pam_open_session(pamh(), 0));
}

static void close_session(void)
{
	result("close", pam_close_session(pamh(), 0));
}

static void authenticate(void)
{
	result("authenticate", pam_authenticate(pamh(), 0));
}

static void account(void)
{
	result("account", pam_acct_mgmt(pamh(), 0));
}

static void chauthtok(void)
{
	result("chauthtok", pam_chauthtok(pamh(), 0));
}

static void setcred(const char *name)
{
	static const struct {
		const char *name;
		int flag;
	} flags[] = {
		{ "establish", PAM_ESTABLISH_CRED },
		{ "delete", PAM_DELETE_CRED },
		{ "reinitialize", PAM_REINITIALIZE_CRED },
		{ "refresh", PAM_REFRESH_CRED },
		{ "none", 0 },
		{ "contradictory", PAM_ESTABLISH_CRED | PAM_DELETE_CRED },
	};

	for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
		if (!strcmp(flags[i].name, name)) {
			result("setcred", pam_setcred(pamh(), flags[i].flag));
			return;
		}
	die("no such flag: %s", name);
}

static void end(void)
{
	pam_end(pamh(), PAM_SUCCESS);
	current->pamh = 0;
}

static void set_user(const char *name)
{
	pam_set_item(pamh(), PAM_USER, name);
}

static const char *pam_user(void)
{
	const void *name = 0;

	if (pam_get_item(pamh(), PAM_USER, &name) != PAM_SUCCESS || !name)
		die("no PAM_USER");
	return name;
}

static void put_env(const char *variable)
{
	pam_putenv(pamh(), variable);
}

static void print_env(const char *name)
{
	const char *value = pam_getenv(pamh(), name);

	printf("%s=%s\n", name, value ? value : "(unset)");
}

static void run(const char *command)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		char **env = pam_getenvlist(pamh());

		for (; env && *env; env++)
			putenv(*env);
		drop(pam_user());
		execl("/bin/sh", "sh", "-c", command, (char *)0);
		die("sh: %m");
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
		printf("run: status %#x\n", status);
	fflush(stdout);
}

static void serve(const char *service, const char *name, const char *command)
{
	pid_t pid = fork();

	if (pid == 0) {
		start(service, name);
		open_session();
		run(command);
		close_session();
		end();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, 0, 0) < 0)
		die("serve: %m");
}

/* clang-format off */
const struct command pam_commands[] = {
	{ "start", 2, { .two = start }, "SERVICE USER: pam_start; an empty USER: no user" },
	{ "open", 0, { .none = open_session }, "pam_open_session" },
	{ "close", 0, { .none = close_session }, "pam_close_session" },
	{ "authenticate", 0, { .none = authenticate }, "pam_authenticate" },
	{ "account", 0, { .none = account }, "pam_acct_mgmt" },
	{ "chauthtok", 0, { .none = chauthtok }, "pam_chauthtok" },
	{ "setcred", 1, { .one = setcred },
	  "FLAG: pam_setcred: establish, delete, reinitialize, refresh, none, contradictory" },
	{ "end", 0, { .none = end }, "pam_end" },
	{ "handle", 1, { .one = handle },
	  "NAME: the next PAM calls, on any thread, use the handle of that name" },
	{ "user", 1, { .one = set_user }, "USER: another PAM_USER" },
	{ "put-env", 1, { .one = put_env }, "NAME=VALUE: into the PAM environment" },
	{ "print-env", 1, { .one = print_env }, "NAME: print a variable of the PAM environment" },
	{ "run", 1, { .one = run }, "COMMAND: sh -c COMMAND as PAM_USER, as a login would" },
	{ "serve", 3, { .three = serve },
	  "SERVICE USER COMMAND: start, open, run, close and end in a child, as cron does" },
	{ 0 },
};
