/* spawn.h - what other programs say, bounded in size and time: `ip`, `nft`, `vtysh`, `birdc`, `systemd-analyze`, whose view of the machine is only read. */
#ifndef CTL_SPAWN_H
#define CTL_SPAWN_H

#include <stddef.h>
#include <stdint.h>

enum program_end {
	PROGRAM_ENDED,
	PROGRAM_ABSENT /* it could not be run */,
	PROGRAM_LATE /* it waited for something; killed */,
	PROGRAM_BUSY /* late, and still at work; killed */,
	PROGRAM_TOO_LONG /* killed */
};

struct program {
	const char *const *argv;
	size_t most; /* bytes of its standard output */
	/* --- what came of it --- */
	enum program_end end;
	char *text; /* its standard output, ended by a 0, to be freed; NULL unless it ended */
	int status; /* its exit code; -1 = it was killed */
};

/* All at the same time and within that time together: one that hangs does not delay the others. One that is still at work then, and does not wait for
 * somebody, has three times as long. */
void programs_run(struct program *v, unsigned n, int64_t ms);

/* Its standard output, ended by a 0, to be freed; *status is its exit code. NULL: it could not be run, said too much or took too long. */
char *program_output(const char *const *argv, size_t most, int seconds, int *status);

#endif
