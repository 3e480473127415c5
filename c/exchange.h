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

#include "session_keyring.h"

enum pp_action {
	PP_OPEN = 1,    /* put the persistent keyring within reach of the session */
	PP_REFRESH = 2, /* the same for a session that is already there: renewing is enough if it has the link */
	PP_CLOSE = 3,   /* restart the timer, so that it counts from the end of the session */
};

enum {
	PP_COMPLETE = 0x70707631,
	PP_LOG_LINES = 16,
	PP_LOG_TEXT = 512, /* with the final NUL */
	PP_ENV_TEXT = 1024,
	PP_WHO_TEXT = 160,
};

struct pp_request {
	pam_handle_t *pamh; /* the child has a copy of its own: it may ask, but what it sets is lost */
	int action;         /* enum pp_action */
	int failure;        /* the PAM code of a failed call: PAM_SESSION_ERR or PAM_CRED_ERR */
	int argc;
	const char **argv;
	int64_t seen;    /* session keyring that is older than this PAM handle, or the -errno that looking gave */
	int32_t session; /* session keyring that an earlier call under this handle served; 0: none */
	int32_t created; /* session keyring that the module joined itself under this handle; 0: none */
	struct pp_joined joined; /* second run: what came of the session keyring that the child asked for */
	int run;                 /* 1 or 2 */
};

struct pp_log_line {
	int32_t priority; /* LOG_ERR, LOG_NOTICE, LOG_DEBUG */
	char text[PP_LOG_TEXT];
};

struct pp_reply {
	uint32_t complete;
	int32_t status;       /* PAM code */
	int32_t want_session; /* join a session keyring owned by uid:gid, with its user's keyrings in it */
	int32_t want_again;   /* and ask again even if all of that went well */
	uint32_t uid, gid;
	int32_t renewable; /* to close this session, restarting the timer of uid's keyring will be enough */
	int32_t session;   /* the session keyring that now holds the link; 0: none */
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
