/* space.c - which addresses lie behind which tunnel, and which tunnels share them. Found by sorting, as there may be thousands. */
#include <stdlib.h>
#include <string.h>

#include "rules.h"

bool prefix_is_default(const struct prefix *p) { return p->len == 0; }

bool space_of(const struct tunnel_conf *t, unsigned i, struct prefix *p)
{
	unsigned seen = 0;
	if (t->n_routes > 0) {
		if (i < t->n_routes)
			*p = prefix_mask(&t->routes[i]);
		return i < t->n_routes;
	}
	for (unsigned n = 0; n < children_of(t); n++) {
		const struct ts_list *l = child_of(t, n).remote_ts;
		for (unsigned k = 0; k < l->n; k++)
			if (ts_to_prefix(&l->v[k], p) && !prefix_is_default(p) && seen++ == i)
				return true;
	}
	return false;
}

static int by_prefix(const void *x, const void *y)
{
	const struct space *a = x, *b = y;
	if (a->t->route_table != b->t->route_table)
		return a->t->route_table < b->t->route_table ? -1 : 1;
	if (a->prefix.addr.family != b->prefix.addr.family)
		return a->prefix.addr.family < b->prefix.addr.family ? -1 : 1;
	int order = addr_compare_ip(&a->prefix.addr, &b->prefix.addr);
	if (order != 0)
		return order;
	if (a->prefix.len != b->prefix.len)
		return a->prefix.len < b->prefix.len ? -1 : 1;
	if (a->t->route_metric != b->t->route_metric)
		return a->t->route_metric < b->t->route_metric ? -1 : 1;
	return strcmp(a->t->name, b->t->name);
}

struct spaces spaces_of(const struct conf *c)
{
	struct spaces s = { 0 };
	struct prefix p = { 0 };
	for (uint32_t i = 0; i < c->n; i++)
		for (unsigned k = 0; space_of(c->tunnels[i], k, &p); k++) {
			if (s.n == s.cap) {
				s.cap = s.cap > 0 ? 2 * s.cap : 64;
				s.v = xrealloc_array(s.v, s.cap, sizeof *s.v);
			}
			s.v[s.n++] = (struct space){ p, c->tunnels[i] };
		}
	if (s.n > 1)
		qsort(s.v, s.n, sizeof *s.v, by_prefix);
	return s;
}

bool same_space(const struct space *a, const struct space *b)
{
	return a->t->route_table == b->t->route_table && prefix_equal(&a->prefix, &b->prefix);
}

/* ---------------------------------------------------------------- sharing */
static const struct tunnel_conf **sorted(const struct conf *c, int (*order)(const void *, const void *))
{
	const struct tunnel_conf **v = xcalloc(c->n + 1, sizeof *v);
	for (uint32_t i = 0; i < c->n; i++)
		v[i] = c->tunnels[i];
	if (c->n > 1)
		qsort(v, c->n, sizeof *v, order);
	return v;
}

#define TUNNEL(x) (*(const struct tunnel_conf *const *)(x))

static int by_share(const void *x, const void *y)
{
	const struct tunnel_conf *a = TUNNEL(x), *b = TUNNEL(y);
	if (a->bgp.set != b->bgp.set)
		return a->bgp.set ? -1 : 1;
	if (a->bgp.peer.family != b->bgp.peer.family)
		return a->bgp.peer.family < b->bgp.peer.family ? -1 : 1;
	if (a->bgp.peer_as != b->bgp.peer_as)
		return a->bgp.peer_as < b->bgp.peer_as ? -1 : 1;
	return a->route_metric < b->route_metric ? -1 : a->route_metric > b->route_metric;
}

static unsigned bit_of(uint8_t family) { return family == AF_INET ? 1 : family == AF_INET6 ? 2 : 0; }

static unsigned shared(const struct conf *c, bool metric)
{
	struct spaces s = spaces_of(c);
	unsigned bits = 0;
	for (size_t i = 1; i < s.n; i++)
		if (s.v[i].t != s.v[i - 1].t && s.v[i].t->n_routes > 0 && same_space(&s.v[i], &s.v[i - 1]) &&
			(!metric || s.v[i].t->route_metric == s.v[i - 1].t->route_metric))
			bits |= bit_of(s.v[i].prefix.addr.family);
	free(s.v);
	const struct tunnel_conf **v = sorted(c, by_share);
	for (uint32_t i = 1; i < c->n && v[i]->bgp.set; i++)
		if (v[i]->bgp.peer_as == v[i - 1]->bgp.peer_as && v[i]->bgp.peer.family == v[i - 1]->bgp.peer.family &&
			(!metric || v[i]->route_metric == v[i - 1]->route_metric))
			bits |= bit_of(v[i]->bgp.peer.family);
	free(v);
	return bits;
}

unsigned spaces_ecmp(const struct conf *c) { return shared(c, true); }
bool spaces_siblings(const struct conf *c) { return (shared(c, false) & 1) != 0; }

bool host_has(const struct host *h, const struct addr *a)
{
	for (unsigned i = 0; i < h->n_nets; i++)
		if (addr_same_ip(&h->nets[i].prefix.addr, a))
			return true;
	return false;
}
