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

static uint64_t sa_key(uint32_t tunnel, uint8_t dir, uint32_t spi)
{
	return (uint64_t)tunnel << 33 | (uint64_t)(dir & 1) << 32 | spi;
}

struct sa_record *keeper_sa(struct keeper *k, uint32_t tunnel, uint8_t dir, uint32_t spi)
{
	return table_get(&k->sas, sa_key(tunnel, dir, spi));
}

static struct sa_record *add(struct keeper *k, const struct sa_record *like)
{
	const struct esp_held *h = &like->held;
	struct sa_record *r = xcalloc(1, sizeof *r);
	*r = *like;
	if (!table_put(&k->sas, sa_key(h->tunnel, h->dir, h->spi), r)) {
		free(r);
		return NULL;
	}
	keeper_tunnel(k, h->tunnel)->n_sas++;
	return r;
}

void keeper_sa_note(struct keeper *k, const struct sa_record *saved) { add(k, saved); }

struct sa_record *keeper_sa_found(struct keeper *k, const struct esp_held *h)
{
	struct sa_record like = { .held = *h }, *r = add(k, &like);
	if (r != NULL)
		keeper_save_sa(k, r);
	return r;
}

struct sa_record *keeper_sa_add(struct keeper *k, const struct esp_sa *sa)
{
	struct esp_held h = { sa->tunnel, sa->spi, sa->dir, sa->encap, sa->local, sa->remote };
	return keeper_sa_found(k, &h);
}

void keeper_sa_drop(struct keeper *k, struct sa_record *r)
{
	struct tunnel_run *t = keeper_tunnel(k, r->held.tunnel);
	if (t != NULL && t->n_sas > 0)
		t->n_sas--;
	table_del(&k->sas, sa_key(r->held.tunnel, r->held.dir, r->held.spi));
	keeper_save_no_sa(k, r);
	free(r);
}

static void remove_sa(struct keeper *k, struct sa_record *r)
{
	const struct esp_held *h = &r->held;
	struct esp_remove gone = { h->tunnel, h->dir, h->spi, h->local, h->remote };
	int err = k->ops->sa_del(k->kernel, &gone);
	if (err != 0)
		log_line(LOG_LEVEL_WARNING, "an SA of tunnel %u cannot be removed: %s", h->tunnel, k->ops->why(k->kernel));
	keeper_sa_drop(k, r);
}

void keeper_sas_remove(struct keeper *k, uint32_t tunnel)
{
	size_t it = 0;
	for (struct sa_record *r; (r = table_next(&k->sas, &it)) != NULL;) {
		if (tunnel == 0 || r->held.tunnel == tunnel)
			remove_sa(k, r);
	}
}

void keeper_sas_hand_over(struct keeper *k)
{
	static struct msg_held m; /* too big for the stack's taste; one thread */
	size_t it = 0, left = table_count(&k->sas);
	m.n = 0;
	for (struct sa_record *r; (r = table_next(&k->sas, &it)) != NULL;) {
		m.v[m.n++] = r->held;
		m.more = --left > 0;
		if (m.n < MSG_HELD_MAX && m.more)
			continue;
		keeper_send(k, MSG_HELD, NO_TICKET, &m, offsetof(struct msg_held, v) + m.n * sizeof m.v[0]);
		m.n = 0;
	}
}

void keeper_sas_expiring(struct keeper *k)
{
	size_t it = 0;
	for (struct sa_record *r; (r = table_next(&k->sas, &it)) != NULL;) {
		struct msg_expire m = { .tunnel = r->held.tunnel, .spi = r->held.spi, .dir = r->held.dir };
		if (r->expiring)
			keeper_send(k, MSG_EXPIRE, NO_TICKET, &m, sizeof m);
	}
}

/* --- slots --- */
static bool is_gone(const struct esp_switch *s) { return s->spi_out == 0 && s->n_local == 0 && s->n_remote == 0; }

void keeper_switch_note(struct keeper *k, struct tunnel_run *t, const struct esp_switch *s)
{
	unsigned i = 0;
	while (i < t->n_switches && t->switches[i]->slot != s->slot)
		i++;
	if (i < t->n_switches)
		free(t->switches[i]);
	if (is_gone(s)) {
		if (i < t->n_switches)
			t->switches[i] = t->switches[--t->n_switches];
	} else {
		if (i == t->n_switches)
			t->switches = xrealloc_array(t->switches, ++t->n_switches, sizeof *t->switches);
		t->switches[i] = xcalloc(1, esp_switch_size(s));
		memcpy(t->switches[i], s, esp_switch_size(s));
	}
	keeper_save_tunnel(k, t);
}

void keeper_tunnel_free(struct tunnel_run *t)
{
	for (unsigned i = 0; i < t->n_switches; i++)
		free(t->switches[i]);
	free(t->switches);
	free(t->unusable);
	free(t->differs);
	tunnel_conf_unref(t->conf);
	free(t->repairs);
	free(t);
}
