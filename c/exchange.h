/* What the login process and its child tell each other about one call of the module.
 *
 * Both sides read this one header (the Go side through cgo), so no layout and no constant is written twice. The child has
 * a copy of the request, by fork(2). The reply lies in memory that both map, zeroed anew for every call; nothing in it
 * counts before `complete` holds PP_COMPLETE, and the login process checks every field before it uses it.
 */
#ifndef PP_EXCHANGE_H
#define PP_EXCHANGE_H

#include <stdint.h>
#include <sys/types.h>

#include <security/pam_modules.h>

#ifndef __LP64__
#error "pam_persistent needs a 64-bit ABI: 32-bit system calls for user IDs may take 16 bits"
#endif

enum pp_action {
	PP_OPEN = 1,    /* the session has a new session keyring: put the persistent keyring into it */
	PP_REFRESH = 2, /* reset the expiry timer of a session that goes on */
	PP_CLOSE = 3,   /* reset the expiry timer, so that it counts from the end of the session */
};

enum {
	PP_COMPLETE = 0x70707632,
	PP_LOG_LINES = 16,
	PP_LOG_TEXT = 512, /* with the final NUL */
	PP_ENV_TEXT = 1024,
	PP_WHO_TEXT = 160,
};

#define PP_NO_UID ((uid_t)-1)

struct pp_request {
	pam_handle_t *pamh; /* the child has a copy of its own: it may ask, but what it sets is lost */
	int action;         /* enum pp_action */
	int failure;        /* the PAM code of a failed call: PAM_SESSION_ERR or PAM_CRED_ERR */
	int argc;
	const char **argv;
	int32_t keyring; /* session keyring that the module joined under this handle; 0: none */
	int join_error;  /* PP_OPEN: why there is none, an errno; 0: there is one */
	uid_t held_uid;  /* whose persistent keyring it holds from an earlier call; PP_NO_UID: nobody's */
};

struct pp_log_line {
	int32_t priority; /* LOG_ERR, LOG_NOTICE, LOG_DEBUG */
	char text[PP_LOG_TEXT];
};

struct pp_reply {
	uint32_t complete;
	int32_t status; /* PAM code */
	uint32_t uid;   /* whose persistent keyring the session keyring holds now; PP_NO_UID: nobody's */
	int32_t close_is_reset; /* to close this session, it is enough to reset the timer of uid's keyring */
	uint32_t lines;
	struct pp_log_line log[PP_LOG_LINES];
	char env[PP_ENV_TEXT]; /* NAME=value for the PAM environment; "": nothing */
	char who[PP_WHO_TEXT]; /* the user as log lines name it, printable */
};

struct pp_exchange {
	struct pp_request request;
	char who[PP_WHO_TEXT]; /* the user as log lines name it before the child knows the UID */
	struct pp_reply *reply;
};

#endif
