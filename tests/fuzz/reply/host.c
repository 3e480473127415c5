#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* call.c calls these two by other names: see reply.go. */
#undef mmap
#undef munmap
#include <sys/mman.h>

#include <security/pam_ext.h>

#include "host.h"

static __thread struct host *host;

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
	errno = EDOM; /* as any call may */
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
	*value = host->user;
	return item == PAM_USER ? PAM_SUCCESS : PAM_BAD_ITEM;
}

static int32_t *slot(const char *name)
{
	static __thread int32_t created;

	return strstr(name, "renew") ? &host->renew : strstr(name, "created") ? &created : &host->session;
}

int pam_get_data(const pam_handle_t *pamh, const char *name, const void **data)
{
	(void)pamh;
	*data = (void *)(intptr_t)*slot(name);
	return PAM_SUCCESS;
}

int pam_set_data(pam_handle_t *pamh, const char *name, void *data, void (*cleanup)(pam_handle_t *, void *, int))
{
	(void)pamh;
	effect("set %s %d", name, (int)(intptr_t)data);
	if (cleanup)
		abort();
	if (host->set_data == PAM_SUCCESS)
		*slot(name) = (int32_t)(intptr_t)data;
	return host->set_data;
}

int pam_putenv(pam_handle_t *pamh, const char *variable)
{
	(void)pamh;
	effect("putenv %s", variable);
	return host->putenv;
}

int64_t pp_seen_session(void)
{
	return 1;
}

void pp_see_session(int32_t serial)
{
	effect("see %d", serial);
}

void pp_join_session(uid_t uid, gid_t gid, struct pp_joined *joined)
{
	effect("join %u %u", uid, gid);
	*joined = host->joined;
}

int64_t pp_link_persistent(uid_t uid, int32_t session)
{
	effect("renew %u %d", uid, session);
	return host->renewed;
}

void pp_run_child(struct pp_exchange *x, struct pp_ending *ending)
{
	const struct child *c = &host->child[host->runs == 0 ? 0 : 1];

	if (x->request.run != ++host->runs || x->reply->complete)
		abort();
	if (c->writes)
		*x->reply = c->reply;
	*ending = c->ending;
	errno = EDOM;
}

/* The reply ends where nothing may be read any more. */
enum { PAGE = 4096, PAGES = (sizeof(struct pp_reply) + PAGE - 1) / PAGE * PAGE };

void *reply_map(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int reply_unmap(void *p, size_t size);

void *reply_map(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	char *p = mmap(at, PAGES + PAGE, protection, flags, fd, offset);

	if (p == MAP_FAILED || size != sizeof(struct pp_reply) || mprotect(p + PAGES, PAGE, PROT_NONE))
		abort();
	return p + PAGES - size;
}

int reply_unmap(void *p, size_t size)
{
	return munmap((char *)p + size - PAGES, PAGES + PAGE);
}

void host_call(struct host *h, int action, int failure)
{
	host = h;
	errno = ERANGE;
	h->status = pp_call((pam_handle_t *)h, (enum pp_action)action, failure, 0, 0);
	h->errno_changed = errno != ERANGE;
	host = 0;
}
