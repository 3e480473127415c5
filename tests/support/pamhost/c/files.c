/* Descriptors and the file system. */
#include "pamhost.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

static void open_log(void)
{
	openlog("pamhost", LOG_NDELAY, LOG_AUTHPRIV);
}

static void close_standard(void)
{
	close(0);
	close(2);
}

/* A host that has lost its standard descriptors must still print. */
static void no_standard(void)
{
	int high = fcntl(1, F_DUPFD_CLOEXEC, 900);

	if (high < 0 || !(stdout = fdopen(high, "w")))
		die("F_DUPFD: %m");
	for (int fd = 0; fd < 3; fd++)
		close(fd);
}

static void use_up_files(void)
{
	while (dup(1) >= 0)
		;
	if (errno != EMFILE)
		die("dup: %m");
}

static void change_root(const char *directory)
{
	if (chroot(directory) || chdir("/"))
		die("chroot: %m");
}

/* clang-format off */
const struct command file_commands[] = {
	{ "open-log", 0, { .none = open_log },
	  "connect to the system log, which the first log line would do otherwise" },
	{ "close-standard", 0, { .none = close_standard }, "close descriptors 0 and 2" },
	{ "no-standard", 0, { .none = no_standard },
	  "close descriptors 0 to 2; print to a high one" },
	{ "use-up-files", 0, { .none = use_up_files }, "open descriptors until none is free" },
	{ "chroot", 1, { .one = change_root }, "DIR: chroot(2) and chdir(2) to it" },
	{ 0 },
};
