/* proc_help.h - what /proc says of a process. */
#ifndef UNIT_PROC_HELP_H
#define UNIT_PROC_HELP_H

#include <sys/types.h>

/* Each in a static buffer of its own, until the next call. */
const char *process_status(pid_t pid, const char *key); /* the value of a line of its status, without what stands around it */
const char *process_link(pid_t pid, const char *name);  /* where "root", "cwd", "exe" leads */

#endif
