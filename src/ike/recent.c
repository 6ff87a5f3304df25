/* recent.c - see recent.h: sums over a ring of slices, and what goes one way only. */
#include <stdlib.h>
#include <string.h>

#include "recent.h"
#include "base/mem.h"
#include "base/util.h"

/* Octets of a TCP connection attempt (Linux over IPv4 and IPv6, Windows over IPv4) and of a ping (Linux over both): what wants an answer. */
static const unsigned asking[] = { 52, 60, 80, 84, 104 };

static bool asks(uint64_t packets, uint64_t octets)
{
	for (size_t i = 0; i < ARRAY_SIZE(asking); i++)
		if (octets % packets == 0 && octets / packets == asking[i])
			return true;
	return false;
}

void recent_add(
	struct recent *r, enum way way, uint64_t packets, uint64_t octets, uint64_t replay_errors, uint64_t integrity_errors)
{
	struct grown *g = &r->grown[way];
	g->packets += packets;
	g->octets += octets;
	g->asks += packets && asks(packets, octets) ? packets : 0;
	g->replay_errors += replay_errors;
	g->integrity_errors += integrity_errors;
}

static void add(uint32_t *to, uint64_t n) { *to = n > UINT32_MAX - *to ? UINT32_MAX : *to + (uint32_t)n; }

static void go_alone(struct alone *a, const struct grown *g, struct mono now)
{
	if (!a->packets)
		a->since = now;
	a->packets += g->packets;
	a->asks += g->asks;
	a->last = now;
}

void recent_looked(struct recent *r, struct moment now)
{
	struct grown *g = r->grown;
	if (!g[WAY_IN].packets && !g[WAY_OUT].packets && !g[WAY_IN].replay_errors && !g[WAY_IN].integrity_errors)
		return;
	uint32_t number = (uint32_t)(now.mono.ms / RECENT_SLICE);
	if (!r->slices)
		r->slices = xcalloc(RECENT_SLICES, sizeof *r->slices);
	struct slice *slice = &r->slices[number % RECENT_SLICES];
	if (slice->number != number)
		*slice = (struct slice){ .number = number };
	add(&slice->replay_errors, g[WAY_IN].replay_errors);
	add(&slice->integrity_errors, g[WAY_IN].integrity_errors);
	for (unsigned way = 0; way < WAY_COUNT; way++) {
		add(&slice->packets[way], g[way].packets);
		if (g[way].packets) {
			r->last[way] = now.wall;
			r->alone[!way] = (struct alone){ 0 };
		}
	}
	for (unsigned way = 0; way < WAY_COUNT; way++)
		if (g[way].packets && !g[!way].packets)
			go_alone(&r->alone[way], &g[way], now.mono);
	memset(r->grown, 0, sizeof r->grown);
}

void recent_came_up(struct recent *r)
{
	enum problem told = r->told;
	int64_t at = r->told_at;
	recent_free(r);
	*r = (struct recent){ .told = told, .told_at = at };
}

void recent_free(struct recent *r)
{
	free(r->slices);
	r->slices = NULL;
}

struct recent_sum recent_sum(const struct recent *r, struct mono now, msec span)
{
	struct recent_sum sum = { 0 };
	int64_t last = now.ms / RECENT_SLICE, first = last - span / RECENT_SLICE;
	for (unsigned i = 0; r->slices && i < RECENT_SLICES; i++) {
		const struct slice *s = &r->slices[i];
		if (s->number < first || s->number > last)
			continue;
		sum.packets[WAY_IN] += s->packets[WAY_IN];
		sum.packets[WAY_OUT] += s->packets[WAY_OUT];
		sum.replay_errors += s->replay_errors;
		sum.integrity_errors += s->integrity_errors;
	}
	return sum;
}

bool recent_answerless(const struct alone *a, bool expects)
{
	return a->packets >= ONE_WAY_FEW && (expects || (a->asks >= ONE_WAY_FEW && a->asks >= a->packets / 2));
}

/* Once told it stays until the other way is used or nobody uses this one: an attempt every two minutes is no new problem each time. */
static bool lasts(const struct recent *r, enum way way, enum problem problem, struct mono now, bool expects)
{
	const struct alone *a = &r->alone[way];
	if (!a->packets)
		return false;
	if (r->told == problem)
		return now.ms - a->last.ms < ONE_WAY_QUIET;
	return recent_answerless(a, expects) && now.ms - a->since.ms >= ONE_WAY_TELL && now.ms - a->last.ms < ONE_WAY_TELL;
}

enum problem recent_problem(const struct recent *r, struct mono now, bool expects)
{
	if (lasts(r, WAY_OUT, PROBLEM_OUTBOUND_ONLY, now, expects))
		return PROBLEM_OUTBOUND_ONLY;
	return lasts(r, WAY_IN, PROBLEM_INBOUND_ONLY, now, expects) ? PROBLEM_INBOUND_ONLY : PROBLEM_NONE;
}
