/* What the PAM handle keeps from one call of the module to the next. */
#ifndef PP_RECORD_H
#define PP_RECORD_H

#include <stdint.h>
#include <sys/types.h>

#include <security/pam_modules.h>

#include "exchange.h"

struct pp_record {
	int32_t keyring;  /* session keyring that the module joined for this handle; 0: none */
	uid_t uid;        /* whose persistent keyring that one holds; PP_NO_UID: nobody's, as far as is known */
	int child_closes; /* a line of the stack wants more of close than a reset of the timer */
	char *user;       /* PAM_USER for whom it was joined; NULL: not known */
	char variable[PP_ENV_TEXT]; /* NAME=value that the module put into the PAM environment; "": none */
};

/* pp_find_record returns the record of the handle, NULL if there is none. */
struct pp_record *pp_find_record(pam_handle_t *pamh);

/* pp_make_record returns the record of the handle and makes it if there is none. pam_end(3) frees it. NULL: no memory; the
 * log says so. */
struct pp_record *pp_make_record(pam_handle_t *pamh);

/* pp_record_joined notes the session keyring that was just joined for this user. */
void pp_record_joined(struct pp_record *r, int32_t keyring, const char *user);

#endif
