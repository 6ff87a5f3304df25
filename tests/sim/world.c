/*
 * world.c - time: what happens next, in order of (time, number). Nothing here knows what a message means.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define WALL_START 1790000000 /* some day in 2026 */
#define SPINS_MAX 2000

void world_init(struct world *w, uint64_t seed, bool verbose)
{
	*w = (struct world){ .seed = seed, .wall = WALL_START, .verbose = verbose };
	w->random.s = seed * 0x9e3779b97f4a7c15u + 1;
	w->fate.s = seed ^ 0x6465617468;
	w->now = prng_between(&w->random, 1, 1000000);
	w->notes = xcalloc(NOTES_MAX, sizeof *w->notes);
	w->weather = (struct weather){ .delay_min = 5, .delay_max = 40 };
	w->job_max = 30;
	w->kernel_max = 15;
	w->traffic_max = 400;
	w->traffic = true;
	world_at(w, 0, W_TRAFFIC, 0);
}

/* ---------------------------------------------------------------- the queue: a binary heap */

static bool earlier(const struct wevent *a, const struct wevent *b) { return a->at != b->at ? a->at < b->at : a->seq < b->seq; }

static void swap(struct world *w, unsigned i, unsigned j)
{
	struct wevent *e = w->queue[i];
	w->queue[i] = w->queue[j];
	w->queue[j] = e;
}

struct wevent *world_at(struct world *w, msec delay, enum wkind kind, int host)
{
	struct wevent *e = xcalloc(1, sizeof *e);
	*e = (struct wevent){ .at = w->now + delay, .seq = ++w->seq, .kind = kind, .host = host };
	e->incarnation = w->hosts[host < 0 ? 0 : host].incarnation;
	e->life = w->hosts[host < 0 ? 0 : host].life;
	if (w->n_queue == w->cap_queue) {
		w->cap_queue = w->cap_queue ? w->cap_queue * 2 : 64;
		w->queue = xrealloc_array(w->queue, w->cap_queue, sizeof *w->queue);
	}
	unsigned i = w->n_queue++;
	w->queue[i] = e;
	for (; i && earlier(w->queue[i], w->queue[(i - 1) / 2]); i = (i - 1) / 2)
		swap(w, i, (i - 1) / 2);
	return e;
}

static struct wevent *pop(struct world *w)
{
	struct wevent *e = w->queue[0];
	w->queue[0] = w->queue[--w->n_queue];
	for (unsigned i = 0, c; (c = 2 * i + 1) < w->n_queue; i = c) {
		if (c + 1 < w->n_queue && earlier(w->queue[c + 1], w->queue[c]))
			c++;
		if (!earlier(w->queue[c], w->queue[i]))
			break;
		swap(w, i, c);
	}
	return e;
}

static void event_free(struct wevent *e)
{
	switch (e->kind) {
	case W_PACKET: free(e->packet.data); break;
	case W_JOB: free(e->job.result); break;
	case W_KERNEL:
		if (e->kernel.action->kind == ACTION_SWITCH)
			free(e->kernel.action->swtch.to);
		if (e->kernel.action->kind == ACTION_INSTALL)
			free(e->kernel.action->install.to);
		free(e->kernel.action);
		break;
	case W_RESOLVED:
	case W_COUNTERS:
	case W_TRAFFIC:
	case W_CALL: break;
	}
	free(e);
}

void world_call(struct world *w, msec delay, call_fn fn, int host, int arg)
{
	struct wevent *e = world_at(w, delay, W_CALL, host);
	e->call.fn = fn;
	e->call.arg = arg;
}

/* ---------------------------------------------------------------- running */

struct moment world_moment(const struct world *w) { return (struct moment){ { w->now }, w->wall + w->now / 1000 }; }

void world_fail(struct world *w, const char *fmt, ...)
{
	if (w->failed || (w->tolerates && w->tolerates(fmt)))
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(w->why, sizeof w->why, fmt, ap);
	va_end(ap);
	w->failed = true;
	if (!w->probing)
		note(w, "!!! %s", w->why);
}

static void deliver_job(struct world *w, struct wevent *e)
{
	w->hosts[e->host].jobs_pending--;
	host_step(w, e->host, &(struct ike_event){ .kind = EVENT_JOB, .job = { e->job.ticket, e->job.result } });
}

static void deliver_resolved(struct world *w, struct wevent *e)
{
	struct ike_event in = { .kind = EVENT_RESOLVED };
	in.resolved.tunnel = e->resolved.tunnel;
	in.resolved.query = e->resolved.query;
	if (e->resolved.path.remote.family) {
		in.resolved.n = 1;
		in.resolved.v[0] = e->resolved.path;
	} else {
		in.resolved.why = "no such name";
	}
	host_step(w, e->host, &in);
}

static void happen(struct world *w, struct wevent *e)
{
	bool of_host = e->kind == W_JOB || e->kind == W_KERNEL || e->kind == W_RESOLVED || e->kind == W_COUNTERS;
	if (of_host &&
		(e->incarnation != w->hosts[e->host].incarnation || e->life != w->hosts[e->host].life || !w->hosts[e->host].ike))
		return; /* asked by a life that is over */
	switch (e->kind) {
	case W_PACKET: net_deliver(w, e); break;
	case W_JOB: deliver_job(w, e); break;
	case W_KERNEL: kernel_done(w, e); break;
	case W_RESOLVED: deliver_resolved(w, e); break;
	case W_COUNTERS: kernel_counters(w, e->host); break;
	case W_TRAFFIC: traffic_tick(w); break;
	case W_CALL: e->call.fn(w, e->host, e->call.arg); break;
	}
}

/* A host whose timers are due gets its turn; one that asks for the same instant for ever burns a processor in real life. */
static bool wake_due(struct world *w, int i)
{
	struct host *h = &w->hosts[i];
	if (!h->ike || ike_next(h->ike).ms > w->now)
		return false;
	h->spins = h->timer_at == w->now ? h->spins + 1 : 0;
	h->timer_at = w->now;
	if (h->spins > SPINS_MAX)
		world_fail(w, "%c: timers spin: ike_next stays in the past", h->name);
	host_wake(w, i);
	return true;
}

static msec next_at(const struct world *w)
{
	msec at = w->n_queue ? w->queue[0]->at : INT64_MAX;
	for (int i = 0; i < w->n_hosts; i++)
		if (w->hosts[i].ike && ike_next(w->hosts[i].ike).ms < at)
			at = ike_next(w->hosts[i].ike).ms;
	return at;
}

static bool somebody_dead(const struct world *w)
{
	bool dead = false;
	for (int i = 0; i < w->n_hosts; i++)
		dead |= w->hosts[i].dead;
	return dead;
}

/* Who looks at engines finds some. */
static void all_back(struct world *w)
{
	for (int i = 0; i < w->n_hosts && !w->failed; i++)
		while (w->hosts[i].dead && !w->failed)
			host_restore(w, i);
}

bool world_run_until(struct world *w, msec span, bool (*done)(struct world *w, int arg), int arg)
{
	msec end = w->now + span;
	bool outer = w->running;
	w->running = true;
	while (!w->failed) {
		if (done && !somebody_dead(w) && done(w, arg)) {
			w->running = outer;
			return true;
		}
		msec at = next_at(w);
		if (at > end)
			break;
		w->now = at > w->now ? at : w->now;
		bool woken = false;
		for (int i = 0; i < w->n_hosts && !w->failed; i++)
			woken |= wake_due(w, i);
		if (woken || w->failed || !w->n_queue || w->queue[0]->at > w->now)
			continue;
		struct wevent *e = pop(w);
		happen(w, e);
		event_free(e);
	}
	if (!w->failed)
		w->now = end;
	w->running = outer;
	if (!outer)
		all_back(w);
	return false;
}

void world_run(struct world *w, msec span) { world_run_until(w, span, NULL, 0); }

void world_release(struct world *w)
{
	for (int i = 0; i < w->n_hosts; i++) {
		struct host *h = &w->hosts[i];
		ike_free(h->ike);
		conf_free(h->conf);
		ike_actions_release(&h->actions);
		arena_release(&h->arena);
		free(h->sas);
		policies_free(h);
		store_forget(h);
		graves_free(h);
		bytes_drop(&h->given);
	}
	while (w->n_queue)
		event_free(pop(w));
	for (unsigned i = 0; i < w->n_held; i++)
		free(w->held[i].data);
	for (unsigned i = 0; i < w->n_past; i++)
		free(w->past[i].data);
	seen_release(&w->messages);
	seen_release(&w->ivs);
	seen_release(&w->keys);
	seen_release(&w->spis);
	seen_release(&w->requests);
	free(w->queue);
	free(w->notes);
}
