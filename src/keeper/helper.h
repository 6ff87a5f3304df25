/* helper.h - starting the programs of ipc/helper.h, each in a fresh address space. */
#ifndef KEEPER_HELPER_H
#define KEEPER_HELPER_H

#include <stdbool.h>
#include <sys/types.h>

struct event;
struct event_base;

/* Beside this program (as in the build directory), else where they are installed. The descriptor, or -errno after logging why. */
int helper_open(const char *name);
/* Runs it; it has a SOCK_SEQPACKET end at HELPER_FD and stdio, nothing else. fd: our end. 0 or -errno. */
int helper_start(int program, const char *name, pid_t *pid, int *fd);

/* A child that was killed and has not ended yet: for one that waits in the kernel, in a token's driver say, that may take for ever, and we do not wait. */
struct helper_ending {
	pid_t pid; /* 0: none, or it has ended and is collected */
	int fd;
	struct event *event;
};
void helper_end(struct helper_ending *e, struct event_base *base, pid_t pid, uid_t uid); /* e is all zero, or was */
void helper_leave(struct helper_ending *e); /* before we exit: half a second more, then it is left to init */

#endif
