/*
 * recent.h - what a tunnel carried lately: packets of the last seconds, when the last came and went, and whether they go one way only.
 *
 * The counters of its SAs are looked at now and then (see counters_schedule); what they have grown by since the look before is traffic of that look. It
 * belongs to the tunnel, so that a rekey changes nothing. It does not outlive the process: who begins has seen nothing.
 *
 * One way only may be right: a log sender expects no answer. Packets that all have the size of a TCP connection attempt or of a ping do, and so does BGP.
 */
#ifndef IKE_RECENT_H
#define IKE_RECENT_H

#include "base/clock.h"
#include "codes/problem.h"

#define RECENT_SLICE 2000    /* ms */
#define RECENT_SLICES 31     /* more than a minute */
#define ONE_WAY_FEW 3        /* packets: fewer prove nothing */
#define ONE_WAY_TELL 45000   /* ms; what lasts so long is told ... */
#define ONE_WAY_QUIET 300000 /* ... and taken back when an answer came, or nothing went that way for so long */

enum way { WAY_IN, WAY_OUT, WAY_COUNT };

struct alone { /* packets of one way since the other way was last used */
	uint64_t packets, asks;
	struct mono since, last;
};

struct slice {
	uint32_t number; /* of two seconds of our clock */
	uint32_t packets[WAY_COUNT], replay_errors, integrity_errors;
};

struct recent {
	struct slice *slices; /* RECENT_SLICES, malloc'd when the first packet is seen: most tunnels of many are idle */
	struct grown {        /* by the look under way */
		uint64_t packets, octets, asks, replay_errors, integrity_errors;
	} grown[WAY_COUNT];
	struct alone alone[WAY_COUNT];
	int64_t last[WAY_COUNT]; /* wall; 0 = not since it came up */
	enum problem told;
	int64_t told_at; /* wall */
};

struct recent_sum {
	uint64_t packets[WAY_COUNT], replay_errors, integrity_errors;
};

void recent_add(
	struct recent *r, enum way way, uint64_t packets, uint64_t octets, uint64_t replay_errors, uint64_t integrity_errors);
void recent_looked(struct recent *r, struct moment now); /* the look is over */
void recent_free(struct recent *r);
void recent_came_up(struct recent *r); /* what was before belongs to other SAs, perhaps to another peer */
struct recent_sum recent_sum(const struct recent *r, struct mono now, msec span);
bool recent_answerless(const struct alone *a, bool expects); /* packets that want an answer got none */
/* What is to be told now: PROBLEM_NONE, PROBLEM_OUTBOUND_ONLY, PROBLEM_INBOUND_ONLY. expects: whatever its packets look like, both ways are to be used. */
enum problem recent_problem(const struct recent *r, struct mono now, bool expects);

#endif
