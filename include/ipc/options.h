/*
 * options.h - the command line of s2sd, s2sd(8).
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *file, *rundir;
	bool check, foreground, null_kernel;
	unsigned verbose;
};

int keeper_main(const struct options *o);
int keeper_check(const struct options *o); /* -n: 0, or 1 when there is an error */
/* Roles of the same program, started by the keeper with a socket at descriptor 3. */
#define ROLE_FD 3
int engine_main(void);
int resolver_main(void);

#endif
