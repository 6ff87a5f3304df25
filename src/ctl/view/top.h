/*
 * top.h - the live view as data: answers in, rates and their history kept, a frame of text out. No terminal is touched here.
 */
#ifndef CTL_TOP_H
#define CTL_TOP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "codes/counter.h"
#include "codes/state.h"

#define TOP_HISTORY 64

enum { TOP_IN, TOP_OUT };

struct top_tunnel {
	char name[64], reason[256];
	enum tunnel_state state;
	int64_t since;
	uint64_t bytes[2], packets[2], columns[COLUMN_COUNT];
	bool known, seen;               /* known: the counters of the answer before are there */
	double rate[2], packet_rate[2]; /* per second */
	unsigned n;                     /* rates kept, at most TOP_HISTORY */
	float history[2][TOP_HISTORY];  /* of bytes per second; the newest at (n_taken - 1) % TOP_HISTORY */
};

struct top {
	struct top_tunnel *v;          /* in the order of the view: worst first */
	unsigned n, taken;             /* answers so far */
	int64_t clock_ms, span_ms, at; /* of the last answer; at: wall */
	bool by_traffic;               /* the busiest first instead */
};

struct top_look {
	unsigned width, height, skip; /* height 0: all tunnels, no last line; skip: tunnels above the window */
	bool utf8, colour, keys;      /* keys: the last line tells them */
	const char *host, *trouble;   /* trouble: why there is no fresh answer, or NULL */
};

void top_take(struct top *t, const json_t *answer);
void top_sort(struct top *t); /* after a change of by_traffic */
/* lines of at most width columns, each with its line feed */
void top_frame(const struct top *t, const struct top_look *look, FILE *to);
json_t *top_json(const struct top *t);
void top_release(struct top *t);

#endif
