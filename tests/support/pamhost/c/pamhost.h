/* What the files of the PAM host share. main.c explains it. */
#ifndef PAMHOST_H
#define PAMHOST_H

#define _GNU_SOURCE
#include <pwd.h>
#include <sys/types.h>

#include <security/pam_appl.h>

/* A command: a row of one of the tables below. help names its arguments, then says what it does. */
struct command {
	const char *name;
	int arguments;
	union {
		void (*none)(void);
		void (*one)(const char *);
		void (*two)(const char *, const char *);
		void (*three)(const char *, const char *, const char *);
	};
	const char *help;
};

/* Each file ends with the table of its commands; a row without a name ends the table. */
extern const struct command pam_commands[], process_commands[], thread_commands[],
	atfork_commands[], state_commands[], id_commands[], signal_commands[], timer_commands[],
	memory_commands[], limit_commands[], file_commands[], keyring_commands[],
	seccomp_commands[], tracer_commands[];

/* main.c */
extern pid_t host; /* the process that was started, not a forked one */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
void call(const struct command *command, char **args);

/* threads.c */
void carry_out(const struct command *command, char **args);
int on_main_thread(void);
void forget_threads(void);
pthread_t spawn_thread(void *(*body)(void *));

/* ids.c */
struct passwd *user(const char *name);
void drop(const char *name);

/* timers.c */
long cpu_ms(void);
void burn_ms(long ms);

#endif
