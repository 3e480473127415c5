#ifndef PP_LEAVE_H
#define PP_LEAVE_H

#include "record.h"

/* pp_leave gives the calling thread a new, empty session keyring if it is the one that closed the
 * session of the record and still has the session's keyring. Called when the handle ends. */
void pp_leave(pam_handle_t *pamh, const struct pp_record *record);

#endif
