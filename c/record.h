/* What the module keeps with the PAM handle from one call to the next. */
#ifndef PP_RECORD_H
#define PP_RECORD_H

#include "exchange.h"

struct pp_record {
	int32_t keyring;  /* session keyring that the module joined under this handle; 0: none */
	uid_t uid;        /* whose persistent keyring `keyring` holds; PP_NO_UID: nobody's */
	int child_closes; /* close needs a child: to reset the timer is not enough */
	char user[256];   /* PAM_USER at the join; a name that was cut off equals no name */
	char variable[PP_ENV_TEXT]; /* NAME=value that the module put into the PAM environment */
};

/* pp_record returns the record of the handle, and makes one if there is none. pam_end(3) frees it.
 * If there is no memory, pp_record logs that and returns `spare`, which later calls do not see. */
struct pp_record *pp_record(pam_handle_t *pamh, struct pp_record *spare);

#endif
