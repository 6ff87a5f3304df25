/* helper.h - starting the programs of ipc/helper.h, each in a fresh address space. */
#ifndef KEEPER_HELPER_H
#define KEEPER_HELPER_H

#include <sys/types.h>

/* Beside this program (as in the build directory), else where they are installed. The descriptor, or -errno after logging why. */
int helper_open(const char *name);
/* Runs it; it has a SOCK_SEQPACKET end at HELPER_FD and stdio, nothing else. fd: our end. 0 or -errno. */
int helper_start(int program, const char *name, pid_t *pid, int *fd);

#endif
