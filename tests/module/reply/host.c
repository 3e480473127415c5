#define _GNU_SOURCE
/* The C half calls these under other names: see reply.go. */
#undef mmap
#undef munmap
#undef malloc
#undef free
#undef gettid
#undef getuid
#undef geteuid

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <security/pam_ext.h>

#include "host.h"
#include "session_keyring.h"

static __thread struct host *host;
static const char data_name[] = "pam_persistent.2";
struct module host_served_by = { pp_call, pp_record };

__attribute__((format(printf, 1, 0))) static void effect_v(const char *format, va_list args)
{
	size_t room = sizeof host->effects - host->used;
	int n = vsnprintf(host->effects + host->used, room, format, args);

	if (n < 0 || (size_t)n >= room)
		abort();
	host->used += (size_t)n;
}

__attribute__((format(printf, 1, 2))) static void effect(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	effect_v(format, args);
	va_end(args);
	host->used++; /* its NUL */
	errno = EDOM; /* as any call may set it */
}

/* A kernel call in which a cancelled thread would leave something behind. */
__attribute__((format(printf, 1, 2))) static void kernel(const char *format, ...)
{
	va_list args;
	int cancel;

	va_start(args, format);
	effect_v(format, args);
	va_end(args);
	host->used++;
	if (pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel) ||
	    cancel != PTHREAD_CANCEL_DISABLE)
		effect("cancellable");
	errno = EDOM;
}

void pam_syslog(const pam_handle_t *pamh, int priority, const char *format, ...)
{
	va_list args;

	(void)pamh;
	va_start(args, format);
	effect_v("log ", args);
	host->used += (size_t)sprintf(host->effects + host->used, "%d ", priority);
	effect_v(format, args);
	va_end(args);
	host->used++;
	errno = EDOM;
}

const char *pam_strerror(pam_handle_t *pamh, int error)
{
	(void)pamh;
	return error == PAM_BUF_ERR ? "no memory" : "what?";
}

int pam_get_item(const pam_handle_t *pamh, int item, const void **value)
{
	(void)pamh;
	*value = item == PAM_SERVICE ? host->service : host->user;
	return item == PAM_SERVICE || item == PAM_USER ? PAM_SUCCESS : PAM_BAD_ITEM;
}

int pam_get_data(const pam_handle_t *pamh, const char *name, const void **data)
{
	(void)pamh;
	if (!host->data || strcmp(name, data_name) != 0)
		return PAM_NO_MODULE_DATA;
	*data = host->data;
	return PAM_SUCCESS;
}

int pam_set_data(pam_handle_t *pamh, const char *name, void *data,
		 void (*cleanup)(pam_handle_t *, void *, int))
{
	if (strcmp(name, data_name) != 0 || !cleanup)
		abort();
	if (host->set_data != PAM_SUCCESS)
		return host->set_data;
	if (host->data)
		host->cleanup(pamh, host->data, PAM_DATA_REPLACE);
	host->data = data;
	host->cleanup = cleanup;
	return PAM_SUCCESS;
}

/* Returns the value of the variable if the environment has it. */
static char *variable(const char *name, size_t length)
{
	char *e = host->environment;

	return strncmp(e, name, length) == 0 && e[length] == '=' ? e + length + 1 : 0;
}

const char *pam_getenv(pam_handle_t *pamh, const char *name)
{
	(void)pamh;
	return variable(name, strlen(name));
}

int pam_putenv(pam_handle_t *pamh, const char *setting)
{
	(void)pamh;
	effect("putenv %s", setting);
	if (host->putenv != PAM_SUCCESS)
		return host->putenv;
	if (strchr(setting, '='))
		strcpy(host->environment, setting);
	else if (variable(setting, strlen(setting)))
		host->environment[0] = 0;
	return PAM_SUCCESS;
}

int64_t pp_join_session_keyring(void)
{
	int64_t serial = host->joined;

	kernel("join");
	if (serial < 0)
		return serial;
	host->joined++;
	return host->keyring = (int32_t)serial;
}

int pp_is_session_keyring(int32_t keyring, pid_t joined_by)
{
	kernel("look %d by %d", keyring, joined_by);
	return host->blind ? -1 : keyring == host->keyring;
}

int pp_finds_persistent(uid_t uid)
{
	kernel("search %u", uid);
	return host->finds;
}

int pp_reset_timer(uid_t uid, int32_t linked)
{
	kernel("reset %u %d", uid, linked);
	return host->resets;
}

int pp_clear_keyring(int32_t keyring)
{
	kernel("clear %d", keyring);
	return host->clears;
}

pid_t reply_gettid(void);
uid_t reply_getuid(void);
uid_t reply_geteuid(void);

pid_t reply_gettid(void)
{
	return host->thread;
}

uid_t reply_getuid(void)
{
	return host->uid;
}

uid_t reply_geteuid(void)
{
	return host->euid;
}

void pp_run_child(struct pp_exchange *x, struct pp_ending *ending)
{
	const struct pp_request *q = &x->request;

	if (q->pamh != (pam_handle_t *)host || x->reply->complete)
		abort();
	kernel("child %d %d: keyring %d of %u, %d", q->action, q->failure, q->keyring, q->held_uid,
	       q->join_error);
	if (host->child.writes)
		*x->reply = host->child.reply;
	*ending = host->child.ending;
	errno = EDOM;
}

/* The reply ends at a page that cannot be read. */
enum { PAGE = 4096, PAGES = (sizeof(struct pp_reply) + PAGE - 1) / PAGE * PAGE };

void *reply_map(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int reply_unmap(void *p, size_t size);

void *reply_map(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	char *p;

	if (host->no_mmap) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	p = mmap(at, PAGES + PAGE, protection, flags, fd, offset);
	if (p == MAP_FAILED || size != sizeof(struct pp_reply) ||
	    mprotect(p + PAGES, PAGE, PROT_NONE))
		abort();
	host->mapped++;
	return p + PAGES - size;
}

int reply_unmap(void *p, size_t size)
{
	host->mapped--;
	return munmap((char *)p + size - PAGES, PAGES + PAGE);
}

/* Memory that cgo asks for outside of a call does not count as the module's. */
void *host_malloc(size_t size);
void host_free(void *p);

void *host_malloc(size_t size)
{
	void *p = host && host->no_malloc ? 0 : malloc(size);

	if (host && p)
		host->allocated++;
	return p;
}

void host_free(void *p)
{
	if (host && p)
		host->allocated--;
	free(p);
}

struct pp_record *host_record(struct host *h)
{
	int set_data = h->set_data, no_malloc = h->no_malloc;
	struct pp_record spare;

	host = h;
	h->set_data = PAM_SUCCESS;
	h->no_malloc = 0;
	if (host_served_by.record((pam_handle_t *)h, &spare) == &spare)
		abort();
	h->set_data = set_data;
	h->no_malloc = no_malloc;
	host = 0;
	return h->data;
}

static void enter(struct host *h)
{
	host = h;
	errno = ERANGE;
}

static void left_as_found(void)
{
	int cancel;

	if (errno != ERANGE)
		effect("errno changed");
	if (pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &cancel) ||
	    cancel != PTHREAD_CANCEL_ENABLE)
		effect("cancellation is off");
}

static void keeps(const struct pp_record *r)
{
	effect("keeps %d by %d of %u for %s, %d, closed by %d of %u, %s", r->keyring, r->joined_by,
	       r->uid, r->user, r->child_closes, r->closed_by, r->closed_uid, r->variable);
}

void host_call(struct host *h, int action, int failure)
{
	enter(h);
	h->status = host_served_by.call((pam_handle_t *)h, (enum pp_action)action, failure, 0, 0);
	left_as_found();
	if (h->data)
		keeps(h->data);
	host = 0;
}

void host_end(struct host *h, int status)
{
	enter(h);
	if (h->data)
		h->cleanup((pam_handle_t *)h, h->data, status);
	h->data = 0;
	left_as_found();
	if (h->allocated || h->mapped)
		effect("%d allocations and %d mappings are left", h->allocated, h->mapped);
	host = 0;
}
