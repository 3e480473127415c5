#ifndef PP_CALL_H
#define PP_CALL_H

#include "exchange.h"

/* pp_call serves one call of libpam: it joins a session keyring where the session gets one, asks the child, and does to the
 * PAM handle what the child answers. `failure` is the PAM code of a failed key call (PAM_SESSION_ERR, PAM_CRED_ERR). */
int pp_call(pam_handle_t *pamh, enum pp_action action, int failure, int argc, const char **argv);

#endif
