/*
 * child.h - starting this program again in another role, in a fresh address space.
 */
#ifndef DAEMON_CHILD_H
#define DAEMON_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* Runs /proc/self/exe with one argument; the child has a SOCK_SEQPACKET end at descriptor 3 and stdio, nothing else. fd: our end. 0 or -errno. */
int child_start(const char *name, const char *role, pid_t *pid, int *fd);

#endif
