/* The malloc of a host that has its own: one lock, and no pthread_atfork(3) handlers.
 *
 * Memory comes from a fixed area and is never freed. After pamhost_lock_malloc() a thread has the
 * lock whenever no other thread is inside malloc: it gives the lock to threads that ask and gets it
 * back from them. So in any forked copy of the process the lock is taken, by a thread that the copy
 * does not have, and the first malloc there waits forever. The process itself continues.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The state of the lock; and in released what unlocking leaves: HOLDERS once there is a holder. */
enum { FREE, TAKEN, HOLDERS };

static atomic_int lock = FREE;
static atomic_int released = FREE;
static atomic_int waiting;

static void take(void)
{
	int expected = FREE;

	if (atomic_compare_exchange_strong(&lock, &expected, TAKEN))
		return;
	waiting++;
	while (expected = FREE, !atomic_compare_exchange_strong(&lock, &expected, TAKEN))
		usleep(20);
	waiting--;
}

static void release(void)
{
	lock = (int)released;
}

/* Nobody else changes the lock while the holder has it. So the thread that was seen to wait still
 * waits when it is released, and the holder gets the lock back from that thread's release(). */
static void *hold(void *unused)
{
	(void)unused;
	for (;; usleep(20))
		if (lock == HOLDERS && waiting)
			lock = FREE;
	return 0;
}

void pamhost_lock_malloc(void);
void pamhost_lock_malloc(void)
{
	pthread_t thread;

	if (pthread_create(&thread, 0, hold, 0))
		abort();
	take();
	released = HOLDERS;
	release();
}

/* Each block has its size before it. */
enum { AREA = 256 << 20, ALIGNMENT = 16 };

static char *area;
static size_t used;

static void *allocate(size_t alignment, size_t size)
{
	char *block = 0;

	take();
	if (!area) {
		void *mapped = mmap(0, AREA, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (mapped != MAP_FAILED)
			area = mapped;
	}
	if (alignment < ALIGNMENT)
		alignment = ALIGNMENT;
	size_t start = (used + sizeof(size_t) + alignment - 1) & ~(alignment - 1);

	if (area && size <= AREA && start + size <= AREA) {
		block = area + start;
		memcpy(block - sizeof size, &size, sizeof size);
		used = start + size;
	}
	release();
	if (!block)
		errno = ENOMEM;
	return block;
}

void *malloc(size_t size)
{
	return allocate(ALIGNMENT, size);
}

/* The area is zero, and no part of it is used twice. */
void *calloc(size_t n, size_t size)
{
	if (size && n > AREA / size) {
		errno = ENOMEM;
		return 0;
	}
	return allocate(ALIGNMENT, n * size);
}

/* Takes the lock, as any malloc does, though it frees nothing. */
void free(void *block)
{
	if (!block)
		return;
	take();
	release();
}

void *realloc(void *old, size_t size)
{
	size_t before = 0;
	void *block = allocate(ALIGNMENT, size);

	if (old)
		memcpy(&before, (char *)old - sizeof before, sizeof before);
	if (block && old)
		memcpy(block, old, before < size ? before : size);
	return block;
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
	return allocate(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return allocate(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
	*block = allocate(alignment, size);
	return *block ? 0 : ENOMEM;
}
