/*
 * death.c - an engine dies between two of its actions, and another one goes on from what was saved: alone, when what it had asked of the kernel still happens
 * and nobody hears the answer; or with the keeper, when that is lost, too. What the kernel has stays, and datagrams wait in the sockets.
 *
 * Every scenario can be run so (sim --deaths N): nothing that is checked is checked less strictly.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define AWAY_MAX 300 /* ms */

/* What is not authenticated yet is not kept: it begins anew, which takes longer than some scenarios wait. */
static bool is_kept(const struct ike *ike)
{
	const struct sa *sa;
	size_t it = 0;
	bool all = true;
	while ((sa = table_next(&ike->by_number, &it)))
		all &= sa->state != SA_INITIATING && sa->state != SA_HALF_OPEN && sa->ours.core.kind != X_AUTH;
	return all && ike->totals.established;
}

bool death_may_come(const struct world *w, const struct host *h)
{
	return (w->deaths || h->dies_in) && !w->probing && !w->spared && is_kept(h->ike);
}

/* How many of the step's n actions are carried out before it dies; more than n: it lives. */
uint32_t death_after(struct world *w, struct host *h, uint32_t n)
{
	if (!is_kept(h->ike))
		return n + 1;
	if (h->dies_in > n + 1)
		h->dies_in -= n + 1;
	else if (h->dies_in)
		return h->dies_in - 1;
	return w->deaths && prng_below(&w->fate, 1000) < w->deaths ? prng_below(&w->fate, n + 1) : n + 1;
}

/* Engines that died: scenarios may still look at what they were. */
static void bury(struct host *h)
{
	h->graves = xrealloc_array(h->graves, h->n_graves + 1, sizeof *h->graves);
	h->graves[h->n_graves++] = h->ike;
	h->ike = NULL;
}

struct ike *engine_of(const struct host *h) { return h->ike ? h->ike : h->graves[h->n_graves - 1]; }

void graves_free(struct host *h)
{
	for (unsigned i = 0; i < h->n_graves; i++)
		ike_free(h->graves[i]);
	free(h->graves);
	h->graves = NULL;
	h->n_graves = 0;
}

static void come_back(struct world *w, int host, int arg)
{
	(void)arg;
	if (w->hosts[host].dead)
		host_restore(w, host);
}

/* What was asked for still waits for the kernel: it is done, in order; or nobody does it any more. */
static void settle_kernel(struct world *w, int host, bool done)
{
	struct host *h = &w->hosts[host];
	while (h->kernel_pending) {
		struct wevent *first = NULL;
		for (unsigned i = 0; i < w->n_queue; i++) {
			struct wevent *e = w->queue[i];
			bool of_it = e->kind == W_KERNEL && e->host == host && e->life == h->life && e->kernel.action &&
				     e->incarnation == h->incarnation;
			if (of_it && (!first || e->at < first->at || (e->at == first->at && e->seq < first->seq)))
				first = e;
		}
		if (!first)
			break;
		int nobody_hears;
		if (done)
			kernel_do(w, host, first->kernel.action, &nobody_hears);
		h->kernel_pending--;
		first->life--;
	}
}

void death(struct world *w, int host)
{
	struct host *h = &w->hosts[host];
	bool whole = prng_percent(&w->fate, 40);
	note(w, "%c   DIES%s", h->name, whole ? ", with the keeper" : "");
	settle_kernel(w, host, !whole);
	bury(h);
	h->life++;
	h->deaths++;
	w->died++;
	h->dies_in = 0;
	h->dead = true;
	h->jobs_pending = h->kernel_pending = 0;
	for (unsigned i = 0; i < w->n_replies; i++) {
		struct reply *r = &w->replies[i];
		r->ok |= r->host == host && r->pending; /* it was not refused; who waits asks again */
		r->pending &= r->host != host;
	}
	if (w->stays_dead)
		return;
	if (!w->running || prng_percent(&w->fate, 50))
		host_restore(w, host);
	else
		world_call(w, prng_between(&w->fate, 1, AWAY_MAX), come_back, host, 0);
}

static uint32_t held_of(const struct host *h, uint32_t tunnel, struct esp_held *v)
{
	uint32_t n = 0;
	for (unsigned i = 0; i < h->n_sas; i++) {
		const struct ksa *k = &h->sas[i];
		if (!k->gone && k->tunnel == tunnel)
			v[n++] = (struct esp_held){ .tunnel = k->tunnel,
				.spi = k->spi,
				.dir = k->dir,
				.encap = k->encap,
				.local = k->local,
				.remote = k->remote };
	}
	return n;
}

void host_restore(struct world *w, int host)
{
	struct host *h = &w->hosts[host];
	struct ike_kept kept[TUNNEL_IDS];
	struct ike_restore from = { 0, kept };
	struct esp_held *v = xcalloc(h->n_sas + 1, sizeof *v);
	uint32_t used = 0;
	for (uint32_t id = 1; id < TUNNEL_IDS; id++) {
		uint32_t n = held_of(h, id, v + used);
		if (n || h->kept[id].n)
			kept[from.n++] = (struct ike_kept){ id, h->kept[id], h->noted[id], n, v + used };
		used += n;
		h->as_kept[id] = h->kept[id].n != 0;
	}
	note(w, "%c   goes on", h->name);
	h->dead = false;
	h->ike = ike_new(prng_fill, &h->fill);
	ike_kernel_keepalive(h->ike, h->kernel_keepalive);
	memset(h->problem, 0, sizeof h->problem);
	ike_stepping(h->ike, &h->stepping);
	struct ike_event e = { .kind = EVENT_CONF, .conf = { conf_unpack(h->given), &from } };
	host_step(w, host, &e);
	free(v);
	if (h->ike && h->reload_due && !w->failed) {
		h->reload_due = false;
		host_give_conf(w, host, NULL);
	}
}
