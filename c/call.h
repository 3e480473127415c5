#ifndef PP_CALL_H
#define PP_CALL_H

#include "exchange.h"

/* pp_call serves one call of libpam: asks the child, joins a session keyring for it if it wants one, and does to the PAM
 * handle what it answers. `failure` is what is returned when a keyring is out of reach (PAM_SESSION_ERR, PAM_CRED_ERR). */
int pp_call(pam_handle_t *pamh, enum pp_action action, int failure, int argc, const char **argv);

#endif
