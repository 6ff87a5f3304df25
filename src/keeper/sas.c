/*
 * sas.c - the record of the SAs that are in the kernel.
 *
 * It serves three ends: a request may only touch SAs that are there, an overrun of the event socket is repaired by comparing, and an engine that is
 * started in another's place is told which of its SAs the kernel has.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "keeper.h"

#define NO_TICKET ((struct ike_ticket){ 0, 0 })

struct esp_held *keeper_sa(struct keeper *k, uint32_t tunnel, uint8_t dir, uint32_t spi)
{
	struct tunnel_run *t = keeper_tunnel(k, tunnel);
	return t != NULL ? keeper_sa_of(t, dir, spi) : NULL;
}

void keeper_sa_found(struct keeper *k, const struct esp_held *h)
{
	struct tunnel_run *t = keeper_tunnel(k, h->tunnel);
	if (t == NULL || keeper_sa(k, h->tunnel, h->dir, h->spi) != NULL)
		return;
	keeper_sa_note(t, h);
	keeper_save_tunnel(k, t);
}

void keeper_sa_drop(struct keeper *k, struct esp_held *r)
{
	struct tunnel_run *t = keeper_tunnel(k, r->tunnel);
	*r = t->sas[--t->n_sas];
	if (t->n_sas == 0) {
		free(t->sas);
		t->sas = NULL;
	} else {
		t->sas = xrealloc_array(t->sas, t->n_sas, sizeof *t->sas);
	}
	keeper_save_tunnel(k, t);
}

/* Saved once, at the end: until then a record may name more than the kernel has, never less. */
void keeper_sas_remove(struct keeper *k, struct tunnel_run *t)
{
	if (t->n_sas == 0)
		return;
	for (unsigned i = t->n_sas; i-- > 0;) {
		const struct esp_held *h = &t->sas[i];
		struct esp_remove gone = { h->tunnel, h->dir, h->spi, h->local, h->remote };
		int err = k->ops->sa_del(k->kernel, &gone);
		if (err != 0)
			log_line(
				LOG_LEVEL_WARNING, "an SA of tunnel %u cannot be removed: %s", h->tunnel, k->ops->why(k->kernel));
	}
	free(t->sas);
	t->sas = NULL;
	t->n_sas = 0;
	keeper_save_tunnel(k, t);
}

size_t keeper_sas_count(const struct keeper *k)
{
	size_t it = 0, n = 0;
	for (const struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;)
		n += t->n_sas;
	return n;
}

void keeper_sas_hand_over(struct keeper *k)
{
	static struct msg_held m; /* too big for the stack's taste; one thread */
	size_t it = 0, left = keeper_sas_count(k);
	k->tells = true;
	m.n = 0;
	for (struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;) {
		for (unsigned i = 0; i < t->n_sas; i++) {
			t->sas[i].told = true; /* a record of it may have counters */
			m.v[m.n++] = t->sas[i];
			m.more = --left > 0;
			if (m.n < MSG_HELD_MAX && m.more)
				continue;
			keeper_send(k, MSG_HELD, NO_TICKET, &m, offsetof(struct msg_held, v) + m.n * sizeof m.v[0]);
			m.n = 0;
		}
	}
}

void keeper_sas_expiring(struct keeper *k)
{
	size_t it = 0;
	for (const struct tunnel_run *t; (t = table_next(&k->tunnels, &it)) != NULL;) {
		for (unsigned i = 0; i < t->n_sas; i++) {
			const struct esp_held *h = &t->sas[i];
			struct msg_expire m = { .tunnel = h->tunnel, .spi = h->spi, .dir = h->dir };
			if (t->sas[i].expiring)
				keeper_send(k, MSG_EXPIRE, NO_TICKET, &m, sizeof m);
		}
	}
}

void keeper_tunnel_free(struct tunnel_run *t)
{
	keeper_switches_forget(t);
	free(t->sas);
	free(t->unusable);
	free(t->differs);
	tunnel_conf_unref(t->conf);
	free(t->repairs);
	free(t);
}
