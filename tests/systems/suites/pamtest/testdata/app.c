/* A program that tests a PAM stack with libpamtest, as authors of modules and applications do. Run
 * it under pam_wrapper.
 *
 *   app SERVICE USER PASSWORD STEP...
 *
 * A step is a PAM call with its expected code: authenticate=0, account=0, establish=0, refresh=0,
 * delete=0, open=14... "env" prints the PAM environment, and "show" the session keyring. The steps
 * up to "show" are one run of libpamtest, which keeps the handle; the others are a second one with
 * the same handle. The exit status is that of libpamtest, see enum pamtest_err.
 */
#include <libpamtest.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16 };

static const struct {
	const char *name;
	enum pamtest_ops op;
	int flags;
} steps[] = {
	{ "authenticate", PAMTEST_AUTHENTICATE, 0 },
	{ "account", PAMTEST_ACCOUNT, 0 },
	{ "chauthtok", PAMTEST_CHAUTHTOK, 0 },
	{ "establish", PAMTEST_SETCRED, PAM_ESTABLISH_CRED },
	{ "refresh", PAMTEST_SETCRED, PAM_REFRESH_CRED },
	{ "reinitialize", PAMTEST_SETCRED, PAM_REINITIALIZE_CRED },
	{ "delete", PAMTEST_SETCRED, PAM_DELETE_CRED },
	{ "open", PAMTEST_OPEN_SESSION, 0 },
	{ "close", PAMTEST_CLOSE_SESSION, 0 },
	{ "env", PAMTEST_GETENVLIST, 0 },
};

enum { STEPS = sizeof steps / sizeof *steps };

static struct pam_testcase parse(const char *text)
{
	size_t length = strcspn(text, "=");

	for (int i = 0; i < STEPS; i++)
		if (strlen(steps[i].name) == length && !strncmp(steps[i].name, text, length))
			return (struct pam_testcase)pam_test_flags(
				steps[i].op, text[length] ? atoi(text + length + 1) : PAM_SUCCESS,
				steps[i].flags);
	fprintf(stderr, "no such step: %s\n", text);
	exit(64);
}

static enum pamtest_err run(char **argv, char **texts, int n, int keep, pam_handle_t **pamh)
{
	struct pam_testcase cases[MOST];
	const char *passwords[] = { argv[3], 0 };
	struct pamtest_conv_data answers = { .in_echo_off = passwords };

	for (int i = 0; i < n; i++)
		cases[i] = parse(texts[i]);
	if (keep)
		cases[n] = (struct pam_testcase)pam_test(PAMTEST_KEEPHANDLE, PAM_SUCCESS);

	size_t all = (size_t)(n + keep);
	enum pamtest_err result = _pamtest(argv[1], argv[2], &answers, cases, all, *pamh);

	if (result == PAMTEST_ERR_CASE) {
		const struct pam_testcase *failed = _pamtest_failed_case(cases, all);

		if (failed)
			printf("%s: %d\n", texts[failed - cases], failed->op_rv);
	}
	for (int i = 0; i < n; i++) {
		char **list = cases[i].case_out.envlist;

		if (cases[i].pam_operation != PAMTEST_GETENVLIST || !list)
			continue;
		for (char **variable = list; *variable; variable++)
			printf("%s\n", *variable);
		pamtest_free_env(list);
	}
	if (keep)
		*pamh = result == PAMTEST_ERR_OK ? cases[n].case_out.ph : 0;
	return result;
}

int main(int argc, char **argv)
{
	pam_handle_t *pamh = 0;
	int first = 4, show = first;

	if (argc < 5 || argc > first + MOST)
		return 64;
	unsetenv("LD_PRELOAD"); /* pam_wrapper is loaded already, and keyctl does not need it */
	while (show < argc && strcmp(argv[show], "show"))
		show++;

	enum pamtest_err result = run(argv, argv + first, show - first, show < argc, &pamh);

	if (result == PAMTEST_ERR_OK && show < argc) {
		fflush(stdout);
		if (system("keyctl show @s"))
			return 65;
		result = run(argv, argv + show + 1, argc - show - 1, 0, &pamh);
	}
	printf("libpamtest: %s\n", pamtest_strerror(result));
	return (int)result;
}
