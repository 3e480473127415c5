/* A PAM application that does what its arguments say, one after the other, in one process and one thread: the patterns of sshd,
 * su, systemd and xrdp-sesman, without the rest of them.
 *
 *   start SERVICE USER   pam_start            open, close, end     the PAM calls of these names
 *   user USER            another PAM_USER     setcred FLAG         establish, delete, reinitialize, refresh
 *   state                note what the module must not change; same: print what has changed since
 *   fork                 go on in a child; the parent waits for it and ends as it did
 *   serve SERVICE USER COMMAND   in a child, as cron does: start, open, run, close, end
 *   drop USER            become that user wholly
 *   busy N               N threads that do nothing but malloc and free
 *   sigchld              handle SIGCHLD and count; sigchlds: print how often it came
 *   ignore-sigchld       as some inetd-like hosts do
 *   brood MS             block SIGCHLD and have a child that ends after MS milliseconds; reap: print whether signal and child are there
 *   bombard              SIGUSR1 to the process group, all the time, handled; bombarded: print whether every one was handled as it should
 *   at-terminal          handle SIGINT, SIGQUIT and SIGTSTP; bombarded tells of them too
 *   reaper               a thread that does nothing but wait(-1)
 *   open-log             connect to the system log, which else the first line logged would do
 *   close-standard       close descriptors 0 and 2
 *   no-standard          close descriptors 0 to 2; what is printed goes to a high one
 *   use-up-files         open descriptors until there is no more
 *   limit-as MB          RLIMIT_AS, counted on top of what is mapped now
 *   limit NAME SOFT HARD   RLIMIT_NAME; inf: no limit; -: as it is
 *   burn MS              use so much CPU time; hold MB: so much memory
 *   timers               each millisecond SIGALRM, SIGVTALRM, SIGPROF and SIGRTMIN, handled; timed: print whether they go on as they should
 *   lock-memory          mlockall(2), also of what is mapped later
 *   chroot DIR           what is in there is all there is
 *   at-exit FILE         an exit(3) of this process, or of a copy of it, makes that file
 *   run COMMAND          sh -c COMMAND as PAM_USER, as a login would; sh COMMAND: as this process
 *   print-env NAME       from the PAM environment
 *   tree                 print the session keyring: owner, name, and names of what it holds
 *   forbid CALL ARG ERRNO   a seccomp filter: that system call (keyctl, setresuid) with that first argument fails with that error
 *   filter CALL ACTION   a seccomp filter: what that system call, with whatever arguments, leads to: kill-process, kill-thread, trap, ENOSYS, EPERM
 *   ring USER            join a new session keyring owned by that user, as a parent process might have
 *   caller USER          the same with that user's real UID: su or sudo, run by USER
 *   ring-named USER NAME the same with a name
 *   fill-quota USER      make keys of that user until there is no room for more
 *   put-env NAME=VALUE   into the PAM environment
 *   await-tracer         until somebody has attached to this process
 *   pad NR               make that system call a hundred times, with arguments that do nothing
 *   mark                 a system call that a tracer recognises: prctl(2) with option 0x70706d
 *
 * Each PAM call prints "call = code". Exit status 0 if everything could be carried out, whatever the codes.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_appl.h>

static pam_handle_t *pamh;
static pid_t host;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("pamhost: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(70);
}

static int no_talk(int n, const struct pam_message **m, struct pam_response **r, void *data)
{
	(void)n, (void)m, (void)r, (void)data;
	return PAM_CONV_ERR;
}

static pam_handle_t *handle(void)
{
	if (!pamh)
		die("start has to come first");
	return pamh;
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
	case PAM_PERM_DENIED: return "perm_denied"; /* libpam's answer when every module says ignore */
	case PAM_SYSTEM_ERR: return "system_err";
	case PAM_MODULE_UNKNOWN: return "module_unknown";
	}
	return pam_strerror(pamh, code);
}

static void result(const char *call, int code)
{
	printf("%s = %s\n", call, code_name(code));
	fflush(stdout);
}

static const char *pam_user(void)
{
	const void *user = 0;

	if (pam_get_item(handle(), PAM_USER, &user) != PAM_SUCCESS || !user)
		die("no PAM_USER");
	return user;
}

static struct passwd *user(const char *name)
{
	struct passwd *pw = getpwnam(name);

	if (!pw)
		die("no user %s", name);
	return pw;
}

static void drop(const char *name)
{
	struct passwd *pw = user(name);

	if (initgroups(name, pw->pw_gid) || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid))
		die("cannot become %s: %m", name);
}

/* What the module must leave as it was, one "name: value" a line. */
static char *state(void)
{
	char *text = 0, path[64], link[512];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	static const char *const files[] = { "/proc/thread-self/children", "/proc/thread-self/attr/current" };
	struct rlimit limit, nofile;
	struct stat st;
	sigset_t mask, pending;
	ssize_t n;

	if (!out)
		die("open_memstream: %m");
	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit((int)i, &limit) == 0)
			fprintf(out, "limit %u: %llu %llu\n", i, (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
	/* Looking takes a descriptor, which a host at its limit has not. */
	getrlimit(RLIMIT_NOFILE, &nofile);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ nofile.rlim_max, nofile.rlim_max });
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction a;

		if (sigaction(sig, 0, &a) == 0)
			fprintf(out, "disposition of %d: %p %#x\n", sig, (void *)a.sa_handler, (unsigned)a.sa_flags);
	}
	sigprocmask(SIG_SETMASK, 0, &mask);
	sigpending(&pending);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&mask, sig) || sigismember(&pending, sig))
			fprintf(out, "signal %d: blocked %d pending %d\n", sig, sigismember(&mask, sig), sigismember(&pending, sig));
	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		if (fstat(fd, &st))
			continue;
		n = readlink(path, link, sizeof link - 1); /* fails without /proc */
		fprintf(out, "descriptor %d: %.*s %llu %#x\n", fd, n > 0 ? (int)n : 0, link, (unsigned long long)st.st_ino, fcntl(fd, F_GETFD));
	}
	FILE *status = fopen("/proc/thread-self/status", "r");
	char line[512];

	while (status && fgets(line, sizeof line, status))
		for (const char *const *key = (const char *const[]){ "Umask:", "Uid:", "Gid:", "Groups:", "Threads:", "SigBlk:", "Cap", "NoNewPrivs:", "Seccomp:", "Cpus_allowed:", 0 }; *key; key++)
			if (!strncmp(line, *key, strlen(*key)))
				fputs(line, out);
	if (status)
		fclose(status);
	for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
		FILE *f = fopen(files[i], "r");

		while (f && fgets(line, sizeof line, f))
			fprintf(out, "%s: %s%s", strrchr(files[i], '/') + 1, line, strchr(line, '\n') ? "" : "\n");
		if (f)
			fclose(f);
	}
	for (char **e = environ; *e; e++)
		fprintf(out, "environment: %s\n", *e);
	fprintf(out, "working directory: %s\n", getcwd(link, sizeof link) ? link : "none");
	int deathsig = 0;

	prctl(PR_GET_PDEATHSIG, &deathsig);
	fprintf(out, "prctl: dumpable %d keepcaps %d death signal %d subreaper %d\n", prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS),
		deathsig, 0);
	setrlimit(RLIMIT_NOFILE, &nofile);
	if (fclose(out) || !text)
		die("open_memstream: %m");
	return text;
}

static int has_line(const char *text, const char *line, size_t n)
{
	for (; *text; text = strchr(text, '\n') + 1)
		if (!strncmp(text, line, n + 1))
			return 1;
	return 0;
}

static void print_missing(const char *mark, const char *from, const char *in)
{
	for (const char *line = from, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!has_line(in, line, (size_t)(end - line)))
			printf("changed: %s %.*s\n", mark, (int)(end - line), line);
	}
}

static volatile sig_atomic_t chlds;

static void on_chld(int sig)
{
	(void)sig;
	chlds++;
}

static volatile sig_atomic_t handled, misplaced;
static uid_t own_uid;

/* A host's handler may do anything that only the host may do. */
static void on_usr1(int sig)
{
	(void)sig;
	if (getpid() == host && getuid() == own_uid)
		handled = 1;
	else
		misplaced = 1;
}

static void bombard(void)
{
	own_uid = getuid();
	if (setpgid(0, 0))
		die("setpgid: %m");
	signal(SIGUSR1, on_usr1);
	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGUSR1, SIG_IGN);
	for (;;) {
		kill(0, SIGUSR1);
		usleep(20);
	}
}

static void *busy(void *unused)
{
	(void)unused;
	for (unsigned seed = (unsigned)(uintptr_t)&seed;;) {
		void *kept[64];

		for (int i = 0; i < 64; i++)
			kept[i] = malloc((unsigned)rand_r(&seed) % 70000 + 1);
		for (int i = 0; i < 64; i++)
			free(kept[i]);
	}
	return 0;
}

static void *reaper(void *unused)
{
	(void)unused;
	for (;;)
		if (wait(0) < 0)
			usleep(10);
	return 0;
}

static void spawn_thread(void *(*body)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, 0, body, 0))
		die("pthread_create: %m");
}

static pid_t brood_child;

static void brood(int ms)
{
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, 0);
	brood_child = fork();
	if (brood_child == 0) {
		usleep((useconds_t)ms * 1000);
		_exit(7);
	}
}

static void reap(void)
{
	sigset_t chld;
	siginfo_t info = { 0 };
	int status = 0;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	int sig = sigtimedwait(&chld, &info, &(struct timespec){ 5, 0 });
	pid_t pid = waitpid(brood_child, &status, 0);

	printf("signal %s, child %s\n", sig == SIGCHLD && info.si_pid == brood_child ? "came" : "lost",
	       pid == brood_child && WEXITSTATUS(status) == 7 ? "reaped" : "lost");
	fflush(stdout);
}

static void run(const char *command)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		char **env = pam_getenvlist(handle());

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

static void start(const char *service, const char *name)
{
	static const struct pam_conv conv = { no_talk, 0 };
	int code = pam_start(service, *name ? name : 0, &conv, &pamh);

	if (code != PAM_SUCCESS)
		result("start", code);
}

static void serve(const char *service, const char *name, const char *command)
{
	pid_t pid = fork();

	if (pid == 0) {
		start(service, name);
		result("open", pam_open_session(handle(), 0));
		run(command);
		result("close", pam_close_session(handle(), 0));
		pam_end(handle(), PAM_SUCCESS);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, 0, 0) < 0)
		die("serve: %m");
}

static void limit_as(long mb)
{
	char line[256];
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (!f || !fgets(line, sizeof line, f) || (pages = atol(line)) <= 0)
		die("/proc/self/statm: %m");
	fclose(f);
	rlim_t bytes = (rlim_t)pages * 4096 + (rlim_t)mb * 1024 * 1024;

	/* The hard limit stays: root in a container may lack CAP_SYS_RESOURCE, and then nothing could raise it again. */
	if (setrlimit(RLIMIT_AS, &(struct rlimit){ bytes, RLIM_INFINITY }))
		die("setrlimit: %m");
}

static rlim_t limit_value(const char *text, rlim_t now)
{
	return !strcmp(text, "-") ? now : !strcmp(text, "inf") ? RLIM_INFINITY : (rlim_t)strtoull(text, 0, 0);
}

static void limit(const char *name, const char *soft, const char *hard)
{
	static const struct {
		const char *name;
		int resource;
	} limits[] = { { "AS", RLIMIT_AS }, { "CORE", RLIMIT_CORE }, { "CPU", RLIMIT_CPU }, { "DATA", RLIMIT_DATA }, { "FSIZE", RLIMIT_FSIZE },
		       { "LOCKS", RLIMIT_LOCKS }, { "MEMLOCK", RLIMIT_MEMLOCK }, { "MSGQUEUE", RLIMIT_MSGQUEUE }, { "NOFILE", RLIMIT_NOFILE },
		       { "NPROC", RLIMIT_NPROC }, { "RSS", RLIMIT_RSS }, { "RTTIME", RLIMIT_RTTIME }, { "SIGPENDING", RLIMIT_SIGPENDING },
		       { "STACK", RLIMIT_STACK } };
	struct rlimit both;

	for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
		if (strcmp(limits[i].name, name))
			continue;
		getrlimit(limits[i].resource, &both);
		both.rlim_cur = limit_value(soft, both.rlim_cur);
		both.rlim_max = limit_value(hard, both.rlim_max);
		if (setrlimit(limits[i].resource, &both))
			die("setrlimit %s: %m", name);
		return;
	}
	die("no such limit: %s", name);
}

/* A host that has lost its standard descriptors has to print all the same. */
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

static void *held;

static long cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* In the process itself rather than in the kernel: a timer may count only that. */
static void burn(long ms)
{
	for (long end = cpu_ms() + ms; cpu_ms() < end;)
		for (volatile int i = 0; i < 100000; i++)
			;
}

/* Written to, so that it is there. */
static void hold(size_t mb)
{
	char *memory = malloc(mb << 20);

	if (!memory)
		die("malloc: %m");
	for (size_t i = 0; i < mb << 20; i += 4096)
		((volatile char *)memory)[i] = 1;
	held = memory;
}

static const int interval_timers[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
enum { INTERVAL_TIMERS = sizeof interval_timers / sizeof *interval_timers };
static volatile sig_atomic_t ticks[NSIG], misplaced_ticks;
static timer_t posix_timer;

static void on_tick(int sig)
{
	ticks[sig]++;
	if (getpid() != host || getuid() != own_uid)
		misplaced_ticks = 1;
}

static void timers(void)
{
	static const struct itimerval each_ms = { { 0, 1000 }, { 0, 1000 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };

	own_uid = getuid();
	for (int i = 0; i < 4; i++)
		sigaction((int[]){ SIGALRM, SIGVTALRM, SIGPROF, SIGRTMIN }[i], &(struct sigaction){ .sa_handler = on_tick, .sa_flags = SA_RESTART }, 0);
	for (int i = 0; i < INTERVAL_TIMERS; i++)
		setitimer(interval_timers[i], &each_ms, 0);
	if (timer_create(CLOCK_MONOTONIC, &event, &posix_timer) ||
	    timer_settime(posix_timer, 0, &(struct itimerspec){ { 0, 1000000 }, { 0, 1000000 } }, 0))
		die("timer_create: %m");
}

/* All four go on: armed as before, and each comes again. */
static void timed(void)
{
	struct itimerspec posix = { 0 };
	int armed = timer_gettime(posix_timer, &posix) == 0 && posix.it_interval.tv_nsec == 1000000;

	for (int i = 0; i < INTERVAL_TIMERS; i++) {
		struct itimerval now = { 0 };

		getitimer(interval_timers[i], &now);
		armed &= now.it_interval.tv_usec == 1000;
	}
	for (int i = 0; i < NSIG; i++)
		ticks[i] = 0;
	int ticking = 0;

	for (long end = cpu_ms() + 5000; !ticking && cpu_ms() < end; burn(10))
		ticking = ticks[SIGALRM] && ticks[SIGVTALRM] && ticks[SIGPROF] && ticks[SIGRTMIN];
	printf("timers: %s, %s, %s\n", armed ? "armed" : "disarmed", ticking ? "ticking" : "lost", misplaced_ticks ? "misplaced" : "in place");
	fflush(stdout);
}

static const char *exit_file;

static void on_exit_of_any(void)
{
	int fd = open(exit_file, O_CREAT | O_WRONLY, 0600);

	if (fd >= 0)
		close(fd);
}

/* Held by a child that sleeps as long as this process lives. */
static void fill_quota(const char *name)
{
	int ready[2];
	char c;

	if (pipe(ready) || fork() < 0)
		die("fork: %m");
	if (getpid() == host) {
		close(ready[1]);
		if (read(ready[0], &c, 1) != 1)
			die("the quota could not be filled");
		close(ready[0]);
		return;
	}
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0L) < 0)
		die("join: %m");
	drop(name);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* after drop(), which takes it back */
	close(1);
	close(2);
	/* Of bytes, not only of keys: the keyring of a thread is beyond the limit on keys, but no link in it beyond that on bytes. */
	static const char payload[1000];

	/* A key that finds no room gives back what it was charged some milliseconds later: full is what stays full. */
	for (unsigned i = 0, size = sizeof payload, full = 0; full < 3; i++) {
		char description[32];

		snprintf(description, sizeof description, "%u", i);
		if (syscall(SYS_add_key, "user", description, payload, (long)size, KEY_SPEC_SESSION_KEYRING) >= 0) {
			full = 0;
		} else if (size > 1) {
			size /= 10;
		} else {
			full++;
			usleep(50000);
		}
	}
	if (errno != EDQUOT)
		die("add_key: %m");
	if (write(ready[1], "x", 1) == 1)
		pause();
	_exit(0);
}

static void ring(const char *owner, const char *name)
{
	struct passwd *pw = user(owner);
	uid_t before = getuid();

	if (syscall(SYS_setresuid, pw->pw_uid, -1, -1) || syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) < 0 ||
	    syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING) < 0 ||
	    syscall(SYS_setresuid, before, -1, -1))
		die("cannot join a session keyring of %s: %m", owner);
}

static int described(long key, uid_t *owner, char *name, size_t size)
{
	char text[256];
	long n = syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, text, sizeof text);
	char *last = n < 0 ? 0 : strrchr(text, ';');

	if (!last || sscanf(text, "%*[^;];%u", owner) != 1)
		return 0;
	snprintf(name, size, "%s", last + 1);
	return 1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void tree(void)
{
	int32_t keys[64];
	char names[64][128], name[128];
	uid_t owner;
	long n;

	if (!described(KEY_SPEC_SESSION_KEYRING, &owner, name, sizeof name)) {
		printf("session keyring: %s\n", strerrorname_np(errno));
		return;
	}
	struct passwd *pw = getpwuid(owner);

	/* Without a free descriptor there is no name to be had. */
	if (pw)
		printf("session keyring %s of %s:", name, pw->pw_name);
	else
		printf("session keyring %s of UID %u:", name, owner);
	n = syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, keys, sizeof keys) / (long)sizeof *keys;
	for (int i = 0; i < n; i++)
		if (!described(keys[i], &owner, names[i], sizeof names[i]))
			snprintf(names[i], sizeof names[i], "%s", strerrorname_np(errno));
	if (n > 0)
		qsort(names, (size_t)n, sizeof *names, by_name);
	for (int i = 0; i < n; i++)
		printf(" %s", names[i]);
	printf("\n");
	fflush(stdout);
}

static void forbid(unsigned nr, unsigned arg, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arg, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &(struct sock_fprog){ sizeof code / sizeof *code, code }))
		die("seccomp: %m");
}

static unsigned seccomp_action(const char *name)
{
	static const struct {
		const char *name;
		unsigned action;
	} actions[] = { { "kill-process", SECCOMP_RET_KILL_PROCESS }, { "kill-thread", SECCOMP_RET_KILL_THREAD }, { "trap", SECCOMP_RET_TRAP },
			{ "ENOSYS", SECCOMP_RET_ERRNO | ENOSYS }, { "EPERM", SECCOMP_RET_ERRNO | EPERM } };

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
	} calls[] = { { "clone", SYS_clone }, { "clone3", SYS_clone3 }, { "keyctl", SYS_keyctl }, { "prctl", SYS_prctl }, { "prlimit64", SYS_prlimit64 },
		      { "rt_sigtimedwait", SYS_rt_sigtimedwait }, { "sched_setaffinity", SYS_sched_setaffinity }, { "setgroups", SYS_setgroups },
		      { "setresuid", SYS_setresuid } };

	for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
		if (!strcmp(calls[i].name, name))
			return calls[i].nr;
	die("no such system call: %s", name);
}

static void filter(const char *call, const char *action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call_number(call), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, seccomp_action(action)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &(struct sock_fprog){ sizeof code / sizeof *code, code }))
		die("seccomp: %m");
}

/* For a tracer that counts the calls of each process: it has the n-th fail, of our children, once we are past n. */
static void pad(long nr)
{
	for (int i = 0; i < 100; i++)
		syscall(nr, -1L, -1L, -1L, -1L, -1L, -1L);
}

static void await_tracer(void)
{
	for (int traced = 0; !traced; usleep(200)) {
		FILE *f = fopen("/proc/self/status", "r");
		char line[256];

		while (f && fgets(line, sizeof line, f))
			if (sscanf(line, "TracerPid: %d", &traced) == 1)
				break;
		if (f)
			fclose(f);
	}
}

static int cred_flag(const char *name)
{
	static const struct {
		const char *name;
		int flag;
	} flags[] = { { "establish", PAM_ESTABLISH_CRED }, { "delete", PAM_DELETE_CRED }, { "reinitialize", PAM_REINITIALIZE_CRED },
		      { "refresh", PAM_REFRESH_CRED }, { "none", 0 }, { "contradictory", PAM_ESTABLISH_CRED | PAM_DELETE_CRED } };

	for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
		if (!strcmp(flags[i].name, name))
			return flags[i].flag;
	die("no such flag: %s", name);
}

int main(int argc, char **argv)
{
	char *before = 0;
	int i = 1;

	host = getpid();

#define ARG (i < argc ? argv[i++] : (die("%s: argument missing", command), ""))
	while (i < argc) {
		const char *command = argv[i++];

		if (!strcmp(command, "start")) {
			const char *service = ARG;

			start(service, ARG);
		} else if (!strcmp(command, "serve")) {
			const char *service = ARG, *name = ARG;

			serve(service, name, ARG);
		} else if (!strcmp(command, "open")) {
			result("open", pam_open_session(handle(), 0));
		} else if (!strcmp(command, "close")) {
			result("close", pam_close_session(handle(), 0));
		} else if (!strcmp(command, "setcred")) {
			const char *flag = ARG;

			result("setcred", pam_setcred(handle(), cred_flag(flag)));
		} else if (!strcmp(command, "authenticate")) {
			result("authenticate", pam_authenticate(handle(), 0));
		} else if (!strcmp(command, "end")) {
			pam_end(handle(), PAM_SUCCESS);
		} else if (!strcmp(command, "user")) {
			pam_set_item(handle(), PAM_USER, ARG);
		} else if (!strcmp(command, "state")) {
			before = state();
		} else if (!strcmp(command, "same")) {
			char *after = state();

			if (!before)
				die("state has to come first");

			print_missing("-", before, after);
			print_missing("+", after, before);
			fflush(stdout);
		} else if (!strcmp(command, "fork")) {
			pid_t pid = fork();
			int status;

			if (pid < 0)
				die("fork: %m");
			if (pid > 0) {
				if (waitpid(pid, &status, 0) != pid)
					die("waitpid: %m");
				return WIFEXITED(status) ? WEXITSTATUS(status) : 70;
			}
		} else if (!strcmp(command, "drop")) {
			drop(ARG);
		} else if (!strcmp(command, "busy")) {
			for (int n = atoi(ARG); n > 0; n--)
				spawn_thread(busy);
		} else if (!strcmp(command, "bombard")) {
			bombard();
		} else if (!strcmp(command, "at-terminal")) {
			own_uid = getuid();
			signal(SIGINT, on_usr1);
			signal(SIGQUIT, on_usr1);
			signal(SIGTSTP, on_usr1);
		} else if (!strcmp(command, "bombarded")) {
			printf("signals: %s\n", misplaced ? "misplaced" : handled ? "handled in place" : "none");
		} else if (!strcmp(command, "reaper")) {
			spawn_thread(reaper);
		} else if (!strcmp(command, "sigchld")) {
			sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = on_chld }, 0);
		} else if (!strcmp(command, "ignore-sigchld")) {
			signal(SIGCHLD, SIG_IGN);
		} else if (!strcmp(command, "sigchlds")) {
			printf("SIGCHLD %d\n", (int)chlds);
		} else if (!strcmp(command, "brood")) {
			brood(atoi(ARG));
		} else if (!strcmp(command, "reap")) {
			reap();
		} else if (!strcmp(command, "open-log")) {
			openlog("pamhost", LOG_NDELAY, LOG_AUTHPRIV);
		} else if (!strcmp(command, "close-standard")) {
			close(0);
			close(2);
		} else if (!strcmp(command, "no-standard")) {
			no_standard();
		} else if (!strcmp(command, "use-up-files")) {
			use_up_files();
		} else if (!strcmp(command, "limit")) {
			const char *name = ARG, *soft = ARG;

			limit(name, soft, ARG);
		} else if (!strcmp(command, "burn")) {
			burn(atol(ARG));
		} else if (!strcmp(command, "hold")) {
			hold((size_t)atol(ARG));
		} else if (!strcmp(command, "timers")) {
			timers();
		} else if (!strcmp(command, "timed")) {
			timed();
		} else if (!strcmp(command, "lock-memory")) {
			if (mlockall(MCL_CURRENT | MCL_FUTURE))
				die("mlockall: %m");
		} else if (!strcmp(command, "chroot")) {
			if (chroot(ARG) || chdir("/"))
				die("chroot: %m");
		} else if (!strcmp(command, "at-exit")) {
			exit_file = ARG;
			atexit(on_exit_of_any);
		} else if (!strcmp(command, "limit-as")) {
			limit_as(atol(ARG));
		} else if (!strcmp(command, "run")) {
			run(ARG);
		} else if (!strcmp(command, "sh")) {
			fflush(stdout);
			if (system(ARG))
				die("sh failed");
		} else if (!strcmp(command, "print-env")) {
			const char *name = ARG, *value = pam_getenv(handle(), name);

			printf("%s=%s\n", name, value ? value : "(unset)");
		} else if (!strcmp(command, "tree")) {
			tree();
		} else if (!strcmp(command, "forbid")) {
			unsigned nr = strcmp(ARG, "keyctl") ? SYS_setresuid : SYS_keyctl, arg = (unsigned)atoi(ARG);

			forbid(nr, arg, atoi(ARG));
		} else if (!strcmp(command, "filter")) {
			const char *call = ARG;

			filter(call, ARG);
		} else if (!strcmp(command, "await-tracer")) {
			await_tracer();
		} else if (!strcmp(command, "pad")) {
			pad(atol(ARG));
		} else if (!strcmp(command, "mark")) {
			prctl(0x70706d);
		} else if (!strcmp(command, "ring")) {
			ring(ARG, 0);
		} else if (!strcmp(command, "caller")) {
			const char *name = ARG;

			ring(name, 0);
			if (syscall(SYS_setresuid, user(name)->pw_uid, -1, -1))
				die("setresuid: %m");
		} else if (!strcmp(command, "ring-named")) {
			const char *owner = ARG;

			ring(owner, ARG);
		} else if (!strcmp(command, "fill-quota")) {
			fill_quota(ARG);
		} else if (!strcmp(command, "put-env")) {
			pam_putenv(handle(), ARG);
		} else {
			die("no such command: %s", command);
		}
	}
	fflush(stdout);
	_exit(0); /* not waiting for busy threads */
}
