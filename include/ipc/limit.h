/*
 * limit.h - so many log lines of a kind in a span, and then one that says how many were left out. Whoever can cause a line can cause a million.
 */
#ifndef DAEMON_LIMIT_H
#define DAEMON_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct limit {        /* zeroed: fresh */
	int64_t from; /* ms */
	unsigned passed, lost;
};

/* May a line be written now? When a new span begins, *lost is what the one before left out, else 0. */
bool limit_passes(struct limit *l, int64_t now, int64_t span, unsigned most, unsigned *lost);

#endif
