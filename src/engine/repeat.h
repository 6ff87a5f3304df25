/*
 * repeat.h - what a tunnel's log has said already. A peer that stays away, or an unknown one that uses a peer's name, causes the same line for days;
 * it is written now and then, with how often it came meanwhile. Any change of the tunnel's state begins anew.
 */
#ifndef DAEMON_REPEAT_H
#define DAEMON_REPEAT_H

#include "ipc/limit.h"

#define REPEAT_SPAN 600000 /* ms until the same line may come again */
#define REPEAT_KINDS 4

struct repeat { /* zeroed: nothing said */
	struct {
		uint32_t what; /* hash; 0: free */
		unsigned left_out;
		int64_t at;
	} said[REPEAT_KINDS];
	struct limit all; /* lines that are ever new are few, too */
};

/* May it be written now? *left_out: how often it, or others, came since and were not. Numbers in the text make no difference. */
bool repeat_passes(struct repeat *r, unsigned code, const char *text, int64_t now, unsigned *left_out);

#endif
