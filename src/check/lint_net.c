/*
 * lint_net.c - what the tunnels say together: address spaces, peers, identities, ECMP. Everything is found by sorting, as there may be
 * thousands of tunnels.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check/lint.h"

/* ---------------------------------------------------------------- address spaces */
struct space {
	struct prefix prefix;
	const struct tunnel_conf *t;
};
struct spaces {
	struct space *v;
	size_t n, cap;
};

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

/* Sorted, so that a prefix stands behind those that contain it. */
static struct spaces spaces_of(const struct conf *c)
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

static bool same_space(const struct space *a, const struct space *b)
{
	return a->t->route_table == b->t->route_table && prefix_equal(&a->prefix, &b->prefix);
}

static const char *space_key(const struct tunnel_conf *t) { return t->n_routes > 0 ? "routes" : "remote-ts"; }

/* The same prefix in two tunnels is ECMP or a spare, as long as both lead to one place. */
static void same(struct lint *l, const struct space *a, const struct space *first)
{
	char text[ADDR_TEXT];
	if (a->t == first->t || a->t->cloud == first->t->cloud || is_default(&a->prefix))
		return;
	bool equal = a->t->route_metric == first->t->route_metric;
	todo(found(l, a->t, space_key(a->t), FINDING_WARNING, "overlap", "%s is reached through tunnel '%s' (%s) as well, %s",
		     prefix_format(&a->prefix, text), first->t->name, cloud_word(first->t->cloud),
		     equal ? "and flows are spread over both clouds" : "which counts by its route-metric"),
		SIDE_BOTH,
		"two networks with the same addresses cannot both be reached: renumber one, or route the parts that are used");
}

static void contained(struct lint *l, const struct space *a, const struct space *outer)
{
	char text[ADDR_TEXT], other[ADDR_TEXT];
	if (a->t == outer->t || is_default(&outer->prefix))
		return;
	bool alike = a->t->cloud == outer->t->cloud && a->t->cloud != CLOUD_NONE;
	todo(found(l, a->t, space_key(a->t), alike ? FINDING_HINT : FINDING_WARNING, "overlap",
		     "%s lies in %s of tunnel '%s': what both have is reached here alone", prefix_format(&a->prefix, text),
		     prefix_format(&outer->prefix, other), outer->t->name),
		SIDE_BOTH, "fine when meant; otherwise renumber, or write the parts that each side really has");
}

#define ANCESTORS 130 /* prefixes that contain one another: at most one per length */

static void overlaps(struct lint *l, const struct spaces *s)
{
	const struct space *above[ANCESTORS];
	unsigned n = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct space *a = &s->v[i];
		while (n > 0 && (above[n - 1]->t->route_table != a->t->route_table ||
					!prefix_contains(&above[n - 1]->prefix, &a->prefix.addr)))
			n--;
		if (n > 0 && same_space(above[n - 1], a)) {
			same(l, a, above[n - 1]);
			continue;
		}
		if (n > 0)
			contained(l, a, above[n - 1]);
		if (n < ANCESTORS)
			above[n++] = a;
	}
}

/* ---------------------------------------------------------------- local networks */
static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

struct local {
	struct host_net *v;
	unsigned n;
};

/* Networks of this machine that are not a tunnel's, the loop's or a link's own. */
static struct local local_nets(const struct lint *l)
{
	struct local r = { 0 };
	struct prefix link4, link6;
	const char **ours = xcalloc(l->conf->n + 1, sizeof *ours);
	prefix_parse(&link4, "169.254.0.0/16");
	prefix_parse(&link6, "fe80::/10");
	for (uint32_t i = 0; i < l->conf->n; i++)
		ours[i] = l->conf->tunnels[i]->interface;
	if (l->conf->n > 1)
		qsort(ours, l->conf->n, sizeof *ours, by_text);
	r.v = xcalloc(l->host->n_nets + 1, sizeof *r.v);
	for (unsigned i = 0; i < l->host->n_nets; i++) {
		const struct host_net *h = &l->host->nets[i];
		const char *name = h->interface;
		bool own = l->conf->n > 0 && bsearch(&name, ours, l->conf->n, sizeof *ours, by_text) != NULL;
		if (!own && strcmp(name, "lo") != 0 && !prefix_contains(&link4, &h->prefix.addr) &&
			!prefix_contains(&link6, &h->prefix.addr))
			r.v[r.n++] = *h;
	}
	free(ours);
	return r;
}

static void local_overlap(struct lint *l, const struct space *s, const struct host_net *h)
{
	char text[ADDR_TEXT], net[ADDR_TEXT];
	struct prefix mine = prefix_mask(&h->prefix);
	if (is_default(&s->prefix) || !prefix_overlaps(&s->prefix, &mine))
		return;
	prefix_format(&s->prefix, text);
	prefix_format(&mine, net);
	if (s->prefix.len < mine.len)
		todo(found(l, s->t, space_key(s->t), FINDING_WARNING, "overlap-local",
			     "%s contains %s, the network at %s: that part is not reached through the tunnel", text, net,
			     h->interface),
			SIDE_BOTH, "fine when the peer does not use that part; otherwise renumber one side");
	else
		todo(found(l, s->t, space_key(s->t), FINDING_ERROR, "overlap-local", "%s %s %s, the network at %s%s", text,
			     s->prefix.len == mine.len ? "is" : "lies in", net, h->interface,
			     s->prefix.len == mine.len ? ": nothing of it goes into the tunnel"
						       : ": our own hosts there are cut off"),
			SIDE_BOTH, "renumber one side: an address cannot be on both");
}

static void inside_overlap(struct lint *l, const struct tunnel_conf *t, const struct host_net *h)
{
	char text[ADDR_TEXT];
	for (unsigned i = 0; i < t->n_inside; i++)
		if (t->inside[i].addr.family == h->prefix.addr.family && prefix_overlaps(&t->inside[i], &h->prefix) &&
			t->inside[i].len < 8 * addr_bytes(&t->inside[i].addr).n)
			todo(found(l, t, "inside", FINDING_WARNING, "overlap-local", "%s overlaps with the network at %s",
				     prefix_format(&t->inside[i], text), h->interface),
				SIDE_BOTH, "choose another inside network");
}

static void locals(struct lint *l, const struct spaces *s)
{
	struct local nets = local_nets(l);
	for (unsigned k = 0; k < nets.n; k++) {
		for (size_t i = 0; i < s->n; i++)
			local_overlap(l, &s->v[i], &nets.v[k]);
		for (uint32_t i = 0; i < l->conf->n; i++)
			inside_overlap(l, l->conf->tunnels[i], &nets.v[k]);
	}
	free(nets.v);
}

/* ---------------------------------------------------------------- equals */
typedef int order_fn(const void *, const void *); /* of const struct tunnel_conf * */

static const struct tunnel_conf **sorted(const struct conf *c, order_fn *order)
{
	const struct tunnel_conf **v = xcalloc(c->n + 1, sizeof *v);
	for (uint32_t i = 0; i < c->n; i++)
		v[i] = c->tunnels[i];
	if (c->n > 1)
		qsort(v, c->n, sizeof *v, order);
	return v;
}

#define TUNNEL(x) (*(const struct tunnel_conf *const *)(x))

static int compare_remote(const struct tunnel_conf *a, const struct tunnel_conf *b)
{
	if (a->remote.family != b->remote.family)
		return a->remote.family < b->remote.family ? -1 : 1;
	int order = addr_compare_ip(&a->remote, &b->remote);
	return order != 0 ? order
			  : strcmp(a->remote_name != NULL ? a->remote_name : "", b->remote_name != NULL ? b->remote_name : "");
}

static int by_remote(const void *x, const void *y)
{
	int order = compare_remote(TUNNEL(x), TUNNEL(y));
	return order != 0 ? order : strcmp(TUNNEL(x)->name, TUNNEL(y)->name);
}

/* Two to one address from two addresses of ours are two paths; from one they are the same path twice. */
static void peers(struct lint *l)
{
	const struct tunnel_conf **v = sorted(l->conf, by_remote);
	char text[ADDR_TEXT];
	for (uint32_t i = 1; i < l->conf->n; i++) {
		const struct tunnel_conf *a = v[i], *b = v[i - 1];
		bool named = a->remote.family != 0 || a->remote_name != NULL;
		bool apart = a->local.family != 0 && b->local.family != 0 && !addr_same_ip(&a->local, &b->local);
		if (!named || apart || compare_remote(a, b) != 0)
			continue;
		todo(found(l, a, "remote", FINDING_WARNING, "same-remote", "tunnel '%s' (%s:%d) goes to %s, too", b->name,
			     b->file, b->line, a->remote_name != NULL ? a->remote_name : addr_format(&a->remote, text)),
			SIDE_BOTH,
			"a cloud has one address per tunnel: write the other one, give each tunnel its own 'local', or remove one");
	}
	free(v);
}

/* The identity as it is said, or the address that stands for it; family 0 and no identity: known later. */
static int compare_ident(const struct ident *a, const struct addr *x, const struct ident *b, const struct addr *y)
{
	struct ident p = *a, q = *b;
	if (p.type == 0)
		p = (struct ident){ x->family == AF_INET    ? ID_IPV4_ADDR
				    : x->family == AF_INET6 ? ID_IPV6_ADDR
							    : 0,
			(uint16_t)addr_bytes(x).n, (uint8_t *)x->ip };
	if (q.type == 0)
		q = (struct ident){ y->family == AF_INET    ? ID_IPV4_ADDR
				    : y->family == AF_INET6 ? ID_IPV6_ADDR
							    : 0,
			(uint16_t)addr_bytes(y).n, (uint8_t *)y->ip };
	if (p.type != q.type)
		return p.type < q.type ? -1 : 1;
	if (p.len != q.len)
		return p.len < q.len ? -1 : 1;
	return p.len > 0 ? memcmp(p.data, q.data, p.len) : 0;
}

static int compare_pair(const struct tunnel_conf *a, const struct tunnel_conf *b)
{
	int order = compare_ident(&a->remote_id, &a->remote, &b->remote_id, &b->remote);
	return order != 0 ? order : compare_ident(&a->local_id, &a->local, &b->local_id, &b->local);
}

static int by_pair(const void *x, const void *y)
{
	int order = compare_pair(TUNNEL(x), TUNNEL(y));
	return order != 0 ? order : strcmp(TUNNEL(x)->name, TUNNEL(y)->name);
}

static void identities(struct lint *l)
{
	const struct tunnel_conf **v = sorted(l->conf, by_pair);
	for (uint32_t i = 1; i < l->conf->n; i++) {
		const struct tunnel_conf *a = v[i], *b = v[i - 1];
		/* Without an identity the peer's address is it, and equal addresses are told above. */
		if (a->remote_id.type == 0 || compare_pair(a, b) != 0)
			continue;
		todo(found(l, a, "remote-id", FINDING_WARNING, "identity",
			     "identities here and there are those of tunnel '%s' (%s:%d), too: when the peer calls, only its address tells which one is meant",
			     b->name, b->file, b->line),
			SIDE_BOTH, "give one of them another local-id or remote-id, at the peer as well");
	}
	free(v);
}

static int by_bgp_peer(const void *x, const void *y)
{
	const struct tunnel_conf *a = TUNNEL(x), *b = TUNNEL(y);
	if (a->bgp.set != b->bgp.set)
		return a->bgp.set ? -1 : 1;
	if (a->bgp.peer.family != b->bgp.peer.family)
		return a->bgp.peer.family < b->bgp.peer.family ? -1 : 1;
	int order = addr_compare_ip(&a->bgp.peer, &b->bgp.peer);
	return order != 0 ? order : strcmp(a->name, b->name);
}

static void bgp_peers(struct lint *l)
{
	const struct tunnel_conf **v = sorted(l->conf, by_bgp_peer);
	char text[ADDR_TEXT];
	for (uint32_t i = 1; i < l->conf->n && v[i]->bgp.set; i++)
		if (addr_same_ip(&v[i]->bgp.peer, &v[i - 1]->bgp.peer))
			todo(found(l, v[i], "bgp.peer", FINDING_ERROR, "bgp-address",
				     "%s is the BGP peer of tunnel '%s' (%s:%d), too", addr_format(&v[i]->bgp.peer, text),
				     v[i - 1]->name, v[i - 1]->file, v[i - 1]->line),
				SIDE_BOTH, "give one of the tunnels another inside network, at the peer as well");
	free(v);
}

/* ---------------------------------------------------------------- sharing */
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

unsigned lint_ecmp(const struct conf *c) { return shared(c, true); }
bool lint_siblings(const struct conf *c) { return (shared(c, false) & 1) != 0; }

void lint_net(struct lint *l)
{
	struct spaces s = spaces_of(l->conf);
	overlaps(l, &s);
	locals(l, &s);
	free(s.v);
	peers(l);
	identities(l);
	bgp_peers(l);
}
