/* What the login process and its child tell each other about one call of the module.
 *
 * C and Go (through cgo) read this one header, so no layout and no constant is written twice. The
 * child has a copy of the request, by fork(2). The reply is shared memory, zeroed for every call.
 * The login process ignores it until `complete` holds PP_COMPLETE, and checks every field. */
#ifndef PP_EXCHANGE_H
#define PP_EXCHANGE_H

#include <stdint.h>
#include <sys/types.h>

#include <security/pam_modules.h>

#ifndef __LP64__
#error "pam_persistent needs a 64-bit ABI: 32-bit system calls for user IDs may take 16 bits"
#endif

enum pp_action {
	PP_OPEN = 1,    /* link the persistent keyring into the session's new session keyring */
	PP_REFRESH = 2, /* reset the expiry timer of a session that continues */
	PP_CLOSE = 3,   /* reset the expiry timer, so that it runs from the end of the session */
};

enum {
	PP_COMPLETE = 0x70707632,
	PP_LOG_LINES = 16,
	PP_LOG_TEXT = 512, /* bytes of a line, with the NUL at its end */
	PP_ENV_TEXT = 1024,
	PP_WHO_TEXT = 160,
};

#define PP_NO_UID ((uid_t)-1)

struct pp_request {
	pam_handle_t *pamh; /* the child may read from its copy; what it sets there is lost */
	int action;         /* enum pp_action */
	int failure;        /* PAM code of a failed key call: PAM_SESSION_ERR or PAM_CRED_ERR */
	int argc;
	const char **argv;
	int32_t keyring; /* session keyring that the module joined under this handle; 0: none */
	int join_error;  /* PP_OPEN: the errno of a join that failed; 0: it succeeded */
	uid_t held_uid;  /* whose persistent keyring `keyring` holds already; PP_NO_UID: nobody's */
};

struct pp_log_line {
	int32_t priority; /* LOG_ERR, LOG_NOTICE, LOG_DEBUG */
	char text[PP_LOG_TEXT];
};

struct pp_reply {
	uint32_t complete;
	int32_t status; /* PAM code */
	/* PP_OPEN: whose persistent keyring the session keyring now holds; PP_NO_UID: nobody's.
	 * PP_CLOSE: whose session is closed; PP_NO_UID: not known. */
	uint32_t uid;
	int32_t close_is_reset; /* close only resets the timer of uid's persistent keyring */
	uint32_t lines;
	struct pp_log_line log[PP_LOG_LINES];
	char env[PP_ENV_TEXT]; /* NAME=value for the PAM environment; "": no variable */
	char who[PP_WHO_TEXT]; /* the user's name in log lines, printable */
};

struct pp_exchange {
	struct pp_request request;
	char who[PP_WHO_TEXT]; /* the user's name in log lines until the child knows the UID */
	struct pp_reply *reply;
};

#endif
