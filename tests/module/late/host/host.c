/* A host whose worker is in a system call that not even SIGKILL ends, as GET_PERSISTENT is while
 * the kernel looks for cycles. Here that is write(2) to a file which a thread of the host keeps
 * locked: its own write(2) waits for a page that is never provided. Linked with c/guard.c and a
 * deadline of 200 ms. The argument is a file. Prints what happens to host and worker. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"

static const char *path;
static char *missing; /* a page whose first reader waits */
static volatile sig_atomic_t sigchlds;

static struct {
	volatile pid_t pid;
	volatile uintptr_t stack;
} worker;

static _Noreturn void fail(const char *call)
{
	printf("%s: %s\n", call, strerrorname_np(errno));
	exit(1);
}

static void count(int signal)
{
	(void)signal;
	sigchlds++;
}

static void make_missing(int *fault)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	missing = mmap(0, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (missing == MAP_FAILED)
		fail("mmap");
	range.range.start = (uintptr_t)missing;
	range.range.len = page;
	*fault = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (*fault < 0 || ioctl(*fault, UFFDIO_API, &api) < 0 ||
	    ioctl(*fault, UFFDIO_REGISTER, &range) < 0)
		fail("userfaultfd");
}

static void *lock_file(void *unused)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, missing, 1) != 1)
		fail("write");
	return unused;
}

static void bring_page(int fault)
{
	struct uffdio_zeropage page = { .range = { (uintptr_t)missing,
						   (size_t)sysconf(_SC_PAGESIZE) } };

	if (ioctl(fault, UFFDIO_ZEROPAGE, &page) < 0)
		fail("UFFDIO_ZEROPAGE");
}

static void wait_long(void *unused)
{
	int fd, here;

	(void)unused;
	worker.pid = getpid();
	worker.stack = (uintptr_t)&here;
	fd = open(path, O_WRONLY);
	if (write(fd, "x", 1) != 1)
		_exit(1);
}

/* Writes where a stack that is too small would overflow. */
static void write_below(void *stack)
{
	((volatile char *)stack)[-1] = 1;
}

static void work(void *done)
{
	*(int *)done = 1;
}

/* Returns the letter of a process's state in /proc: Z if it is gone. */
static char state_of(pid_t pid, int *parent)
{
	char name[64], line[256], state = 'Z';
	FILE *status;

	snprintf(name, sizeof name, "/proc/%d/status", pid);
	status = fopen(name, "r");
	while (status && fgets(line, sizeof line, status))
		if (sscanf(line, "State: %c", &state) == 0)
			sscanf(line, "PPid: %d", parent);
	if (status)
		fclose(status);
	return state;
}

/* Prints what /proc says about the worker, and whether it has a descriptor of the host's. */
static void look_at(pid_t pid, const char *pipe_name)
{
	char name[64], line[256];
	int parent = 0, has_pipe = 0;
	char state = state_of(pid, &parent);
	DIR *fds;

	snprintf(name, sizeof name, "/proc/%d/fd", pid);
	fds = opendir(name);
	for (struct dirent *d; fds && (d = readdir(fds));) {
		ssize_t n = readlinkat(dirfd(fds), d->d_name, line, sizeof line - 1);

		line[n < 0 ? 0 : n] = 0;
		has_pipe |= strcmp(line, pipe_name) == 0;
	}
	printf("worker: state %c, %s, %s\n", state,
	       parent == getpid() ? "the host's child" : "not the host's child",
	       has_pipe ? "has the host's pipe" : "has no pipe of the host's");
}

static int is_mapped(uintptr_t address)
{
	unsigned char there;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	return mincore((void *)(address & ~(page - 1)), 1, &there) == 0;
}

int main(int argc, char **argv)
{
	char name[64], pipe_name[64] = "";
	int fault, ends[2], done = 0, result, unused;
	struct uffd_msg message;
	pthread_t locker;
	char *stack;

	if (argc != 2)
		return 2;
	path = argv[1];
	setvbuf(stdout, 0, _IONBF, 0);
	if (pipe(ends) < 0)
		fail("pipe");
	snprintf(name, sizeof name, "/proc/self/fd/%d", ends[1]);
	if (readlink(name, pipe_name, sizeof pipe_name - 1) < 0)
		fail("readlink");
	signal(SIGCHLD, count);
	result = pp_run_worker(work, &done);
	printf("in time: %d, done %d\n", result, done);

	stack = pp_map_stack(16384);
	printf("below the stack: signal %d\n", pp_run_guarded(write_below, stack, stack, 16384));
	pp_unmap_stack(stack, 16384);

	make_missing(&fault);
	if (pthread_create(&locker, 0, lock_file, 0))
		fail("pthread_create");
	/* The kernel reports the missing page once the thread has locked the file. */
	if (read(fault, &message, sizeof message) != sizeof message)
		fail("read");
	errno = EDOM;
	result = pp_run_worker(wait_long, 0);
	printf("late: %d, errno %s\n", result, strerrorname_np(errno));
	look_at(worker.pid, pipe_name);
	printf("its stack: %s\n", is_mapped(worker.stack) ? "mapped" : "not mapped");
	printf("host: %s, SIGCHLD %d\n",
	       waitpid(-1, 0, WNOHANG | __WALL) < 0 && errno == ECHILD ? "no child" : "a child",
	       (int)sigchlds);
	bring_page(fault);
	pthread_join(locker, 0);
	while (state_of(worker.pid, &unused) != 'Z')
		usleep(1000);
	printf("worker: gone; host: SIGCHLD %d\n", (int)sigchlds);
	return 0;
}
