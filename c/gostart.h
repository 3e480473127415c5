#ifndef PP_GOSTART_H
#define PP_GOSTART_H

/* pp_start_go starts the Go runtime in this process and returns immediately. The runtime
 * initialises the Go packages on a thread of its own; the init function of package main does the
 * child's work. Call it once, in the child only. */
void pp_start_go(void);

#endif
