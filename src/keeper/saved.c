/*
 * saved.c - what the next run must know of this one, record by record: for each tunnel its link and slots, each SA; its configuration: saved_conf.c.
 *
 *	id of a tunnel          flags:u8  link  last link that was up  address that its name meant  n:u16  n x slot
 *	STORE_SAS_FROM and up   an SA: written before it is installed, dropped after it was removed
 *
 * It lies in memory only, yet what is read is judged like a request: by the configuration that lies beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/store.h"
#include "base/util.h"
#include "grant.h"
#include "keeper.h"
#include "wire/ikev2.h"

enum { HAS_LINK = 1, HAS_UP = 2 };

/* Without room nothing is saved: the next run then finds nothing stale. */
bool keeper_saved_put(struct keeper *k, uint32_t key, const struct buf *b)
{
	if (!b->bad && store_put(k->stores.v, key, buf_view(b)))
		return true;
	if (!k->stores.told_full)
		log_line(LOG_LEVEL_WARNING, "there is no room to save what a restart needs: tunnels will reconnect then");
	k->stores.told_full = true;
	return false;
}

/* --- values --- */
/* As many octets as its family has, none without one: an SA fits one block of the store. */
static void put_addr(struct buf *b, const struct addr *a)
{
	put_u8(b, a->family);
	put_u16(b, a->port);
	put_view(b, addr_bytes(a));
}

static void get_addr(struct cursor *c, struct addr *a)
{
	*a = (struct addr){ .family = get_u8(c), .port = get_u16(c) };
	c->bad |= a->family != 0 && a->family != AF_INET && a->family != AF_INET6;
	if (!c->bad)
		get_copy(c, a->ip, addr_bytes(a).n);
}

static void put_link(struct buf *b, const struct esp_link_state *s)
{
	put_u8(b, s->state);
	put_u8(b, s->encap);
	put_u8(b, s->suite.protocol);
	const uint16_t parts[] = { s->suite.encr, s->suite.keylen, s->suite.prf, s->suite.integ, s->suite.group, s->suite.esn };
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		put_u16(b, parts[i]);
	put_addr(b, &s->local);
	put_addr(b, &s->remote);
}

static void get_link(struct cursor *c, struct esp_link_state *s)
{
	s->state = get_u8(c);
	s->encap = get_u8(c) == 1;
	s->suite.protocol = get_u8(c);
	uint16_t *const parts[] = { &s->suite.encr, &s->suite.keylen, &s->suite.prf, &s->suite.integ, &s->suite.group,
		&s->suite.esn };
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		*parts[i] = get_u16(c);
	get_addr(c, &s->local);
	get_addr(c, &s->remote);
}

static void put_switch(struct buf *b, const struct esp_switch *s)
{
	put_u16(b, s->slot);
	put_u32(b, s->spi_out);
	put_addr(b, &s->local);
	put_addr(b, &s->remote);
	put_u16(b, s->n_local);
	put_u16(b, s->n_remote);
	for (unsigned i = 0; i < (unsigned)s->n_local + s->n_remote; i++) {
		put_u8(b, s->ts[i].protocol);
		put_u16(b, s->ts[i].port_lo);
		put_u16(b, s->ts[i].port_hi);
		put_addr(b, &s->ts[i].lo);
		put_addr(b, &s->ts[i].hi);
	}
}

static void get_switch(struct cursor *c, struct esp_switch *s)
{
	s->slot = get_u16(c);
	s->spi_out = get_u32(c);
	get_addr(c, &s->local);
	get_addr(c, &s->remote);
	s->n_local = get_u16(c);
	s->n_remote = get_u16(c);
	c->bad |= s->n_local > TS_LIST_MAX || s->n_remote > TS_LIST_MAX;
	for (unsigned i = 0; !c->bad && i < (unsigned)s->n_local + s->n_remote; i++) {
		s->ts[i].protocol = get_u8(c);
		s->ts[i].port_lo = get_u16(c);
		s->ts[i].port_hi = get_u16(c);
		get_addr(c, &s->ts[i].lo);
		get_addr(c, &s->ts[i].hi);
	}
}

/* --- tunnels --- */
#define LINK_ROOM 64
#define SWITCH_ROOM 64
#define TS_ROOM 48

void keeper_save_tunnel(struct keeper *k, const struct tunnel_run *t)
{
	size_t most = 2 * LINK_ROOM + 32;
	if (k->stores.v == NULL)
		return;
	for (unsigned i = 0; i < t->n_switches; i++)
		most += SWITCH_ROOM + ((size_t)t->switches[i]->n_local + t->switches[i]->n_remote) * TS_ROOM;
	uint8_t *room = xcalloc(most, 1);
	struct buf b = buf_of(room, most);
	put_u8(&b, (t->linked ? HAS_LINK : 0) | (t->up.tunnel != 0 ? HAS_UP : 0));
	put_link(&b, &t->link);
	put_link(&b, &t->up);
	put_addr(&b, &t->found);
	put_u16(&b, (uint16_t)t->n_switches);
	for (unsigned i = 0; i < t->n_switches; i++)
		put_switch(&b, t->switches[i]);
	keeper_saved_put(k, t->conf->id, &b);
	free(room);
}

void keeper_save_no_tunnel(struct keeper *k, uint32_t tunnel)
{
	if (k->stores.v != NULL)
		store_drop(k->stores.v, tunnel);
}

static bool read_links(struct cursor *c, struct tunnel_run *t)
{
	uint8_t flags = get_u8(c);
	get_link(c, &t->link);
	get_link(c, &t->up);
	get_addr(c, &t->found);
	t->linked = flags & HAS_LINK;
	t->link.tunnel = flags & HAS_LINK ? t->conf->id : 0;
	t->up.tunnel = flags & HAS_UP ? t->conf->id : 0;
	return !c->bad && (!t->linked || grant_link(t->conf, &t->link) == GRANT_OK) &&
	       (t->up.tunnel == 0 || grant_link(t->conf, &t->up) == GRANT_OK);
}

/* One that is not granted any more is none. */
static bool read_switches(struct cursor *c, struct tunnel_run *t)
{
	uint16_t n = get_u16(c);
	struct esp_switch *s = xcalloc(1, sizeof *s);
	for (unsigned i = 0; i < n && !c->bad; i++) {
		memset(s, 0, sizeof *s);
		s->tunnel = t->conf->id;
		get_switch(c, s);
		size_t size = esp_switch_size(s);
		if (c->bad || s->slot == 0 || grant_switch(t->conf, s, size) != GRANT_OK)
			continue;
		t->switches = xrealloc_array(t->switches, t->n_switches + 1, sizeof *t->switches);
		t->switches[t->n_switches] = xcalloc(1, size);
		memcpy(t->switches[t->n_switches++], s, size);
	}
	free(s);
	return !c->bad && cursor_left(c) == 0;
}

bool keeper_saved_tunnel(struct keeper *k, struct tunnel_run *t)
{
	struct bytes record;
	if (k->stores.v == NULL || !store_get(k->stores.v, t->conf->id, &record))
		return false;
	struct cursor c = cursor_over(record);
	if (read_links(&c, t) && read_switches(&c, t))
		return true;
	log_fielded(LOG_LEVEL_WARNING, OF_TUNNEL(t->conf), "%s: what an earlier run saved of it makes no sense", t->conf->name);
	while (t->n_switches > 0)
		free(t->switches[--t->n_switches]);
	t->linked = false;
	t->link = t->up = (struct esp_link_state){ 0 };
	t->found = (struct addr){ 0 };
	return false;
}

/* --- SAs --- */
void keeper_save_sa(struct keeper *k, struct sa_record *r)
{
	uint8_t room[64];
	struct buf b = buf_of(room, sizeof room);
	if (k->stores.v == NULL)
		return;
	if (r->saved == 0)
		r->saved = k->stores.next_key++;
	put_u32(&b, r->held.tunnel);
	put_u32(&b, r->held.spi);
	put_u8(&b, r->held.dir);
	put_u8(&b, r->held.encap);
	put_u8(&b, r->expiring);
	put_addr(&b, &r->held.local);
	put_addr(&b, &r->held.remote);
	keeper_saved_put(k, r->saved, &b);
}

void keeper_save_no_sa(struct keeper *k, struct sa_record *r)
{
	if (k->stores.v != NULL && r->saved != 0)
		store_drop(k->stores.v, r->saved);
}

static bool read_sa(struct keeper *k, struct bytes record, struct sa_record *r)
{
	struct cursor c = cursor_over(record);
	r->held = (struct esp_held){ .tunnel = get_u32(&c), .spi = get_u32(&c), .dir = get_u8(&c), .encap = get_u8(&c) == 1 };
	r->expiring = get_u8(&c) == 1;
	get_addr(&c, &r->held.local);
	get_addr(&c, &r->held.remote);
	return !c.bad && cursor_left(&c) == 0 && r->held.dir <= ESP_OUT && r->held.local.family != 0 &&
	       r->held.local.family == r->held.remote.family && keeper_tunnel(k, r->held.tunnel) != NULL;
}

void keeper_saved_sas(struct keeper *k, void (*fn)(struct keeper *k, const struct sa_record *saved))
{
	size_t it = 0;
	uint32_t key;
	struct bytes record;
	while (store_next(k->stores.v, &it, &key, &record)) {
		struct sa_record r = { .saved = key };
		if (key < STORE_SAS_FROM)
			continue;
		if (key >= k->stores.next_key)
			k->stores.next_key = key + 1;
		if (read_sa(k, record, &r))
			fn(k, &r);
		else
			store_drop(k->stores.v, key);
	}
}
