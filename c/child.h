#ifndef PP_CHILD_H
#define PP_CHILD_H

#include "exchange.h"
#include "guard.h"

/* pp_run_child runs a child that serves x->request and fills in *x->reply, a shared mapping. It
 * takes no longer than pp_wait() does. */
void pp_run_child(struct pp_exchange *x, struct pp_ending *ending);

/* pp_begin returns the exchange that this child must serve, and prepares the process for it.
 * Returns NULL in any other process. Called from Go. */
struct pp_exchange *pp_begin(void);

#endif
