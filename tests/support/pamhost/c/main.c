/* A PAM application that carries out its arguments, one after another, in one process: the patterns
 * of sshd, su, systemd and xrdp-sesman, and nothing else of them.
 *
 *     pamhost start login alice open run id close end
 *
 * An argument is the name of a command, followed by the arguments of that command. "pamhost help"
 * prints all commands; each file documents its own, in the table at its end.
 *
 * Each PAM call prints "call = code". The exit status is 0 if every command could be carried out,
 * whatever the codes; otherwise 70.
 */
#include "pamhost.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

pid_t host;

static void help(void);

static const struct command main_commands[] = {
	{ "help", 0, { .none = help }, "print this" },
	{ 0 },
};

static const struct command *const tables[] = {
	main_commands,  pam_commands,  process_commands, thread_commands,  atfork_commands,
	state_commands, id_commands,   signal_commands,  timer_commands,   memory_commands,
	limit_commands, file_commands, keyring_commands, seccomp_commands, tracer_commands,
};

enum { TABLES = sizeof tables / sizeof *tables };

static void help(void)
{
	for (int i = 0; i < TABLES; i++)
		for (const struct command *c = tables[i]; c->name; c++)
			printf("%-20s %s\n", c->name, c->help);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("pamhost: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(70);
}

static const struct command *find(const char *name)
{
	for (int i = 0; i < TABLES; i++)
		for (const struct command *c = tables[i]; c->name; c++)
			if (!strcmp(c->name, name))
				return c;
	die("no such command: %s", name);
}

void call(const struct command *command, char **args)
{
	switch (command->arguments) {
	case 0: command->none(); break;
	case 1: command->one(args[0]); break;
	case 2: command->two(args[0], args[1]); break;
	case 3: command->three(args[0], args[1], args[2]); break;
	}
}

int main(int argc, char **argv)
{
	host = getpid();
	for (int i = 1; i < argc;) {
		const struct command *command = find(argv[i++]);

		if (argc - i < command->arguments)
			die("%s: argument missing", command->name);
		carry_out(command, argv + i);
		fflush(stdout);
		i += command->arguments;
	}
	_exit(0); /* without waiting for threads */
}
