#ifndef PP_GOSTART_H
#define PP_GOSTART_H

/* pp_start_go starts the Go runtime in this process; packages are initialised, and so the child's work is done, on a
 * thread of the runtime. Returns at once. To be called once, in the child only. */
void pp_start_go(void);

#endif
