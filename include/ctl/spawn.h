/* spawn.h - what another program says, bounded in size and time: for `ip` and `nft`, whose view of the machine is only read. */
#ifndef CTL_SPAWN_H
#define CTL_SPAWN_H

#include <stddef.h>

/* Its standard output, ended by a 0, to be freed; *status is its exit code. NULL: it could not be run, said too much or took too long. */
char *program_output(const char *const *argv, size_t most, int seconds, int *status);

#endif
