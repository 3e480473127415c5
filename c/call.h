#ifndef PP_CALL_H
#define PP_CALL_H

#include "exchange.h"

/* pp_call serves one call of libpam: it joins a session keyring at PP_OPEN, runs the child, and
 * applies the child's reply to the PAM handle. `failure` is the PAM code that a failed key call
 * gives: PAM_SESSION_ERR or PAM_CRED_ERR. */
int pp_call(pam_handle_t *pamh, enum pp_action action, int failure, int argc, const char **argv);

#endif
