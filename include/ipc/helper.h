/* helper.h - the programs that s2sd starts, each with one socket at a known descriptor. */
#ifndef IPC_HELPER_H
#define IPC_HELPER_H

#include <sys/prctl.h>

#define HELPER_FD 3
#define ENGINE_PROGRAM "s2sd-engine"
#define RESOLVER_PROGRAM "s2sd-resolver"
#define SIGNER_PROGRAM "s2sd-signer"

/* They are started by descriptor, so the system knows them by a number until they say who they are. And nobody is to look into them. */
static inline void helper_begin(const char *name)
{
	prctl(PR_SET_NAME, name, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

#endif
