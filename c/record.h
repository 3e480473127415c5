/* What the PAM handle keeps from one call of the module to the next. */
#ifndef PP_RECORD_H
#define PP_RECORD_H

#include "exchange.h"

struct pp_record {
	int32_t keyring;  /* session keyring that the module joined for this handle; 0: none */
	uid_t uid;        /* whose persistent keyring that one holds; PP_NO_UID: nobody's, as far as is known */
	int child_closes; /* a line of the stack wants more of close than a reset of the timer */
	char user[256];   /* PAM_USER for whom it was joined; a longer name is cut off and so equals none */
	char variable[PP_ENV_TEXT]; /* NAME=value that the module put into the PAM environment; "": none */
};

/* pp_record returns the record of the handle, a new one if there is none; pam_end(3) frees it. If there is no memory the log
 * says so, and `spare` is the record: the calls that follow know nothing of this one then. */
struct pp_record *pp_record(pam_handle_t *pamh, struct pp_record *spare);

#endif
