/*
 * saved.c - what the next run must know of this one: for each tunnel its SAs, link and slots; its configuration: saved_conf.c.
 *
 *	id of a tunnel   n:u16  n x SA  flags:u8  link  last link that was up  address that its name meant  n:u16  n x slot
 *
 * An SA is in it before it is installed, and until it was removed. It lies in memory only, yet what is read is judged like a request: by the configuration
 * that lies beside it.
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

enum { HAS_LINK = 1, HAS_UP = 2, UP_IS_LINK = 4 };
enum { SA_OUT = 1, SA_ENCAP = 2, SA_EXPIRING = 4 };

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
/* As many octets as its family has, none without one. */
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

/* The two ends of all that a tunnel has in the kernel are mostly the same: those that were written last take one octet. */
struct ends {
	struct addr local, remote;
};

static void put_ends(struct buf *b, struct ends *last, const struct addr *local, const struct addr *remote)
{
	bool same = addr_equal(local, &last->local) && addr_equal(remote, &last->remote);
	put_u8(b, same);
	if (same)
		return;
	*last = (struct ends){ *local, *remote };
	put_addr(b, local);
	put_addr(b, remote);
}

static void get_ends(struct cursor *c, struct ends *last, struct addr *local, struct addr *remote)
{
	if (get_u8(c) != 1) {
		get_addr(c, &last->local);
		get_addr(c, &last->remote);
	}
	*local = last->local;
	*remote = last->remote;
}

static bool same_link(const struct esp_link_state *a, const struct esp_link_state *b)
{
	return a->tunnel == b->tunnel && a->state == b->state && a->encap == b->encap && suite_equal(&a->suite, &b->suite) &&
	       addr_equal(&a->local, &b->local) && addr_equal(&a->remote, &b->remote);
}

static void put_link(struct buf *b, struct ends *last, const struct esp_link_state *s)
{
	put_u8(b, s->state);
	put_u8(b, s->encap);
	put_u8(b, s->suite.protocol);
	const uint16_t parts[] = { s->suite.encr, s->suite.keylen, s->suite.prf, s->suite.integ, s->suite.group, s->suite.esn };
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		put_u16(b, parts[i]);
	put_ends(b, last, &s->local, &s->remote);
}

static void get_link(struct cursor *c, struct ends *last, struct esp_link_state *s)
{
	s->state = get_u8(c);
	s->encap = get_u8(c) == 1;
	s->suite.protocol = get_u8(c);
	uint16_t *const parts[] = { &s->suite.encr, &s->suite.keylen, &s->suite.prf, &s->suite.integ, &s->suite.group,
		&s->suite.esn };
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		*parts[i] = get_u16(c);
	get_ends(c, last, &s->local, &s->remote);
}

static void put_ts(struct buf *b, const struct ts *ts)
{
	put_u8(b, ts->protocol);
	put_u16(b, ts->port_lo);
	put_u16(b, ts->port_hi);
	put_u8(b, ts->lo.family);
	put_view(b, addr_bytes(&ts->lo));
	put_view(b, addr_bytes(&ts->hi));
}

static void get_ts(struct cursor *c, struct ts *ts)
{
	ts->protocol = get_u8(c);
	ts->port_lo = get_u16(c);
	ts->port_hi = get_u16(c);
	ts->lo.family = ts->hi.family = get_u8(c);
	c->bad |= ts->lo.family != AF_INET && ts->lo.family != AF_INET6;
	if (c->bad)
		return;
	get_copy(c, ts->lo.ip, addr_bytes(&ts->lo).n);
	get_copy(c, ts->hi.ip, addr_bytes(&ts->hi).n);
}

static void put_switch(struct buf *b, struct ends *last, const struct switch_record *s)
{
	const struct ts_list *lists[] = { s->local_ts, s->remote_ts };
	put_u16(b, s->slot);
	put_u32(b, s->spi_out);
	put_ends(b, last, &s->local, &s->remote);
	put_u16(b, s->local_ts->n);
	put_u16(b, s->remote_ts->n);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned j = 0; j < lists[i]->n; j++)
			put_ts(b, &lists[i]->v[j]);
}

static void get_switch(struct cursor *c, struct ends *last, struct esp_switch *s)
{
	s->slot = get_u16(c);
	s->spi_out = get_u32(c);
	get_ends(c, last, &s->local, &s->remote);
	s->n_local = get_u16(c);
	s->n_remote = get_u16(c);
	c->bad |= s->n_local > TS_LIST_MAX || s->n_remote > TS_LIST_MAX;
	for (unsigned i = 0; !c->bad && i < (unsigned)s->n_local + s->n_remote; i++)
		get_ts(c, &s->ts[i]);
}

static void put_sa(struct buf *b, struct ends *last, const struct esp_held *r)
{
	put_u32(b, r->spi);
	put_u8(b, (r->dir == ESP_OUT ? SA_OUT : 0) | (r->encap ? SA_ENCAP : 0) | (r->expiring ? SA_EXPIRING : 0));
	put_ends(b, last, &r->local, &r->remote);
}

/* --- tunnels --- */
#define SA_ROOM 48
#define LINK_ROOM 64
#define SWITCH_ROOM 64
#define TS_ROOM 40

struct esp_held *keeper_sa_of(struct tunnel_run *t, uint8_t dir, uint32_t spi)
{
	for (unsigned i = 0; i < t->n_sas; i++) {
		if (t->sas[i].spi == spi && t->sas[i].dir == dir)
			return &t->sas[i];
	}
	return NULL;
}

struct esp_held *keeper_sa_note(struct tunnel_run *t, const struct esp_held *h)
{
	t->sas = xrealloc_array(t->sas, t->n_sas + 1, sizeof *t->sas);
	t->sas[t->n_sas] = *h;
	return &t->sas[t->n_sas++];
}

/* Mostly what a child carries is what the tunnel, or one of its children, is configured for. */
static struct ts_list *list_of(const struct tunnel_conf *conf, bool local, const struct ts_list *wanted)
{
	struct ts_list *have = local ? conf->local_ts : conf->remote_ts;
	for (unsigned i = 0; i < conf->n_children && !ts_list_same(have, wanted); i++)
		have = local ? conf->children[i].local_ts : conf->children[i].remote_ts;
	return ts_list_same(have, wanted) ? ts_list_share(have) : ts_list_keep(wanted);
}

static void switch_drop(struct switch_record *r)
{
	ts_list_drop(r->local_ts);
	ts_list_drop(r->remote_ts);
}

/* One that has neither an SA nor selectors says that the slot is gone. */
void keeper_switch_set(struct tunnel_run *t, const struct esp_switch *s)
{
	struct ts_list local, remote;
	unsigned i = 0;
	bool gone = s->spi_out == 0 && s->n_local == 0 && s->n_remote == 0;
	while (i < t->n_switches && t->switches[i].slot != s->slot)
		i++;
	if (i < t->n_switches)
		switch_drop(&t->switches[i]);
	else if (!gone)
		t->switches = xrealloc_array(t->switches, ++t->n_switches, sizeof *t->switches);
	if (gone && i < t->n_switches)
		t->switches[i] = t->switches[--t->n_switches];
	if (gone)
		return;
	esp_switch_get(s, &local, &remote);
	t->switches[i] = (struct switch_record){ s->spi_out, s->slot, s->local, s->remote, list_of(t->conf, true, &local),
		list_of(t->conf, false, &remote) };
}

struct esp_switch *keeper_switch_made(const struct tunnel_run *t, unsigned i)
{
	const struct switch_record *r = &t->switches[i];
	size_t n = (size_t)r->local_ts->n + r->remote_ts->n;
	struct esp_switch *s = xcalloc(1, offsetof(struct esp_switch, ts) + n * sizeof s->ts[0]);
	s->tunnel = t->conf->id;
	s->slot = r->slot;
	s->spi_out = r->spi_out;
	s->local = r->local;
	s->remote = r->remote;
	esp_switch_put(s, r->local_ts, r->remote_ts);
	return s;
}

void keeper_switches_forget(struct tunnel_run *t)
{
	while (t->n_switches > 0)
		switch_drop(&t->switches[--t->n_switches]);
	free(t->switches);
	t->switches = NULL;
}

void keeper_save_tunnel(struct keeper *k, const struct tunnel_run *t)
{
	size_t most = 2 * LINK_ROOM + 32 + t->n_sas * (size_t)SA_ROOM;
	bool up_is_link = t->linked && same_link(&t->up, &t->link);
	struct ends last = { 0 };
	if (k->stores.v == NULL)
		return;
	for (unsigned i = 0; i < t->n_switches; i++)
		most += SWITCH_ROOM + ((size_t)t->switches[i].local_ts->n + t->switches[i].remote_ts->n) * TS_ROOM;
	uint8_t *room = xcalloc(most, 1);
	struct buf b = buf_of(room, most);
	put_u16(&b, (uint16_t)t->n_sas);
	for (unsigned i = 0; i < t->n_sas; i++)
		put_sa(&b, &last, &t->sas[i]);
	put_u8(&b, (t->linked ? HAS_LINK : 0) | (t->up.tunnel != 0 ? HAS_UP : 0) | (up_is_link ? UP_IS_LINK : 0));
	if (t->linked)
		put_link(&b, &last, &t->link);
	if (t->up.tunnel != 0 && !up_is_link)
		put_link(&b, &last, &t->up);
	put_addr(&b, &t->found);
	put_u16(&b, (uint16_t)t->n_switches);
	for (unsigned i = 0; i < t->n_switches; i++)
		put_switch(&b, &last, &t->switches[i]);
	keeper_saved_put(k, t->conf->id, &b);
	free(room);
}

void keeper_save_no_tunnel(struct keeper *k, uint32_t tunnel)
{
	if (k->stores.v != NULL)
		store_drop(k->stores.v, tunnel);
}

/* They stay ours whatever is thought of the rest. */
static bool read_sas(struct cursor *c, struct ends *last, struct tunnel_run *t)
{
	uint16_t n = get_u16(c);
	for (unsigned i = 0; i < n && !c->bad; i++) {
		struct esp_held h = { .tunnel = t->conf->id, .spi = get_u32(c) };
		uint8_t flags = get_u8(c);
		h.dir = flags & SA_OUT ? ESP_OUT : ESP_IN;
		h.encap = flags & SA_ENCAP;
		get_ends(c, last, &h.local, &h.remote);
		c->bad |= h.local.family == 0 || h.local.family != h.remote.family || t->n_sas == SAS_PER_TUNNEL ||
			  keeper_sa_of(t, h.dir, h.spi) != NULL;
		if (!c->bad)
			keeper_sa_note(t, &h)->expiring = flags & SA_EXPIRING;
	}
	return !c->bad;
}

static bool read_links(struct cursor *c, struct ends *last, struct tunnel_run *t)
{
	uint8_t flags = get_u8(c);
	t->linked = flags & HAS_LINK;
	if (t->linked) {
		get_link(c, last, &t->link);
		t->link.tunnel = t->conf->id;
	}
	if (flags & UP_IS_LINK)
		t->up = t->link;
	else if (flags & HAS_UP)
		get_link(c, last, &t->up);
	t->up.tunnel = flags & HAS_UP ? t->conf->id : 0;
	get_addr(c, &t->found);
	return !c->bad && (!t->linked || grant_link(t->conf, &t->link) == GRANT_OK) &&
	       (t->up.tunnel == 0 || grant_link(t->conf, &t->up) == GRANT_OK);
}

/* One that is not granted any more is none. */
static bool read_switches(struct cursor *c, struct ends *last, struct tunnel_run *t)
{
	uint16_t n = get_u16(c);
	struct esp_switch *s = xcalloc(1, sizeof *s);
	for (unsigned i = 0; i < n && !c->bad; i++) {
		memset(s, 0, sizeof *s);
		s->tunnel = t->conf->id;
		get_switch(c, last, s);
		if (!c->bad && s->slot != 0 && grant_switch(t->conf, s, esp_switch_size(s)) == GRANT_OK)
			keeper_switch_set(t, s);
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
	struct ends last = { 0 };
	if (read_sas(&c, &last, t) && read_links(&c, &last, t) && read_switches(&c, &last, t))
		return true;
	log_fielded(LOG_LEVEL_WARNING, OF_TUNNEL(t->conf), "%s: what an earlier run saved of it makes no sense", t->conf->name);
	keeper_switches_forget(t);
	t->linked = false;
	t->link = t->up = (struct esp_link_state){ 0 };
	t->found = (struct addr){ 0 };
	return false;
}
