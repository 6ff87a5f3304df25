/* sessions.c - see export.h: what each BGP session needs. */
#include "export.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *const *export_private_nets(uint8_t family)
{
	static const char *const v4[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", NULL };
	static const char *const v6[] = { "fc00::/7", NULL };
	return family == AF_INET6 ? v6 : v4;
}

static bool is_link_local(const struct addr *a) { return a->family == AF_INET && a->ip[0] == 169 && a->ip[1] == 254; }

const char *export_opens(const struct export_peer *p)
{
	const char *passive = provider_of(p->t->cloud)->bgp.passive;
	return passive != NULL && is_link_local(&p->t->bgp.peer) ? passive : "either side opens the session";
}

const char *export_title(const struct export_peer *p, char text[160])
{
	char remote[ADDR_TEXT];
	const struct tunnel_conf *t = p->t;
	const char *name = provider_of(t->cloud)->name;
	if (t->remote_name != NULL)
		snprintf(text, 160, "%s at %.80s, through %s", name, t->remote_name, t->interface);
	else if (t->remote.family != 0)
		snprintf(text, 160, "%s at %s, through %s", name, addr_format(&t->remote, remote), t->interface);
	else
		snprintf(text, 160, "%s at any address, through %s", name, t->interface);
	return text;
}

bool export_has(const struct export *e, uint8_t family)
{
	for (unsigned i = 0; i < e->n; i++)
		if (e->peers[i].t->bgp.peer.family == family)
			return true;
	return false;
}

/* ---------------------------------------------------------------- lists of prefixes */
static void push(struct prefixes *l, const struct prefix *p)
{
	if ((l->n & (l->n - 1)) == 0) /* room is doubled at each power of two */
		l->v = xrealloc_array(l->v, l->n == 0 ? 1 : 2 * (size_t)l->n, sizeof *l->v);
	l->v[l->n++] = prefix_mask(p);
}

static int by_prefix(const void *x, const void *y)
{
	const struct prefix *a = x, *b = y;
	if (a->addr.family != b->addr.family)
		return a->addr.family < b->addr.family ? -1 : 1;
	int order = addr_compare_ip(&a->addr, &b->addr);
	return order != 0 ? order : (int)a->len - (int)b->len;
}

static void tidy(struct prefixes *l)
{
	unsigned n = 0;
	if (l->n > 1)
		qsort(l->v, l->n, sizeof *l->v, by_prefix);
	for (unsigned i = 0; i < l->n; i++)
		if (n == 0 || !prefix_equal(&l->v[i], &l->v[n - 1]))
			l->v[n++] = l->v[i];
	l->n = n;
}

static bool has(const struct prefixes *tidied, const struct prefix *p)
{
	struct prefix key = prefix_mask(p);
	return tidied->n > 0 && bsearch(&key, tidied->v, tidied->n, sizeof key, by_prefix) != NULL;
}

static void push_text(struct prefixes *l, const char *text)
{
	struct prefix p;
	if (prefix_parse(&p, text))
		push(l, &p);
}

/* Selectors of the session's family, when they say something; a range that is no prefix is left to the selectors themselves. */
static bool push_list(struct prefixes *l, const struct ts_list *ts, uint8_t family)
{
	struct prefix p;
	bool everything = false;
	for (unsigned i = 0; i < ts->n; i++) {
		if (ts->v[i].lo.family != family || !ts_to_prefix(&ts->v[i], &p))
			continue;
		everything = everything || p.len == 0;
		push(l, &p);
	}
	return everything;
}

/* Of the children when there are any: what local-ts and remote-ts permit beside them nothing carries. */
static void push_selectors(struct prefixes *l, const struct tunnel_conf *t, bool here)
{
	bool everything = false;
	for (unsigned i = 0; i < t->n_children; i++)
		if (push_list(l, here ? t->children[i].local_ts : t->children[i].remote_ts, t->bgp.peer.family))
			everything = true;
	if (t->n_children == 0)
		everything = push_list(l, here ? t->local_ts : t->remote_ts, t->bgp.peer.family);
	if (everything)
		l->n = 0;
	tidy(l);
}

/* ---------------------------------------------------------------- one session */
/* A prefix at least so long holds the address. */
static bool holds(const struct prefix *v, unsigned n, unsigned least, const struct addr *a)
{
	for (unsigned i = 0; i < n; i++)
		if (v[i].len >= least && prefix_contains(&v[i], a))
			return true;
	return false;
}

/* Written, or the inside address of the peer's network, or the first of its family. */
static struct addr source_for(const struct tunnel_conf *t)
{
	struct addr first = t->bgp.local;
	for (unsigned i = 0; i < t->n_inside && t->bgp.local.family == 0; i++) {
		const struct addr *a = &t->inside[i].addr;
		if (a->family == t->bgp.peer.family && prefix_contains(&t->inside[i], &t->bgp.peer))
			return *a;
		if (a->family == t->bgp.peer.family && first.family == 0)
			first = *a;
	}
	return first;
}

#define HOPS 4 /* a peer inside of the cloud's gateway network, when multihop is not written */

static struct export_peer peer_of(const struct tunnel_conf *t)
{
	struct export_peer p = { .t = t, .source = source_for(t) };
	bool linked = holds(t->inside, t->n_inside, 0, &t->bgp.peer);
	p.hops = t->bgp.multihop != 0 ? t->bgp.multihop : linked ? 0 : HOPS;
	p.far = p.hops > 0 && !linked;
	p.host_route = p.far && !holds(t->routes, t->n_routes, 1, &t->bgp.peer);
	p.hold = t->bgp.hold_time != 0 ? t->bgp.hold_time : provider_of(t->cloud)->bgp.hold;
	p.keep = p.hold / 3 > 0 ? p.hold / 3 : 1;
	for (unsigned i = 0; i < t->n_routes; i++)
		p.default_wanted = p.default_wanted || (t->routes[i].len == 0 && t->routes[i].addr.family == t->bgp.peer.family);
	push_selectors(&p.here, t, true);
	push_selectors(&p.there, t, false);
	return p;
}

/* The tunnels in another order; to be freed. */
static const struct tunnel_conf **sorted(const struct export *e, int (*order)(const void *, const void *))
{
	const struct tunnel_conf **v = xcalloc(e->n, sizeof *v);
	for (unsigned i = 0; i < e->n; i++)
		v[i] = e->peers[i].t;
	qsort(v, e->n, sizeof *v, order);
	return v;
}

static int by_peer(const void *x, const void *y)
{
	const struct tunnel_conf *a = *(const struct tunnel_conf *const *)x, *b = *(const struct tunnel_conf *const *)y;
	int order = addr_compare_ip(&a->bgp.peer, &b->bgp.peer);
	return order != 0 ? order : strcmp(a->name, b->name);
}

/* A routing daemon knows its neighbours by address. */
static bool apart(const struct export *e, char why[EXPORT_WHY])
{
	bool good = true;
	const struct tunnel_conf **v = sorted(e, by_peer);
	char text[ADDR_TEXT];
	for (unsigned i = 1; i < e->n && good; i++) {
		good = !addr_same_ip(&v[i]->bgp.peer, &v[i - 1]->bgp.peer);
		if (!good)
			snprintf(why, EXPORT_WHY, "tunnels '%s' and '%s' have the same BGP peer, %s", v[i - 1]->name, v[i]->name,
				addr_format(&v[i]->bgp.peer, text));
	}
	free(v);
	return good;
}

/* ---------------------------------------------------------------- all sessions */
static int by_number(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
	return a < b ? -1 : a > b;
}

static unsigned unique(uint32_t *v, unsigned n)
{
	unsigned k = 0;
	qsort(v, n, sizeof *v, by_number);
	for (unsigned i = 0; i < n; i++)
		if (k == 0 || v[i] != v[k - 1])
			v[k++] = v[i];
	return k;
}

static void rank_peers(struct export *e)
{
	uint32_t *metrics = xcalloc(e->n, sizeof *metrics);
	e->as = xcalloc(e->n, sizeof *e->as);
	for (unsigned i = 0; i < e->n; i++) {
		metrics[i] = e->peers[i].t->route_metric;
		e->as[i] = e->peers[i].t->bgp.peer_as;
	}
	e->ranks = unique(metrics, e->n);
	e->n_as = unique(e->as, e->n);
	for (unsigned i = 0; i < e->n; i++) {
		const uint32_t *at = bsearch(&e->peers[i].t->route_metric, metrics, e->ranks, sizeof *metrics, by_number);
		e->peers[i].rank = (unsigned)(at - metrics);
	}
	free(metrics);
}

static int by_share(const void *x, const void *y)
{
	const struct tunnel_conf *a = *(const struct tunnel_conf *const *)x, *b = *(const struct tunnel_conf *const *)y;
	if (a->bgp.peer.family != b->bgp.peer.family)
		return a->bgp.peer.family < b->bgp.peer.family ? -1 : 1;
	if (a->bgp.peer_as != b->bgp.peer_as)
		return a->bgp.peer_as < b->bgp.peer_as ? -1 : 1;
	return a->route_metric < b->route_metric ? -1 : a->route_metric > b->route_metric;
}

static unsigned equals(const struct export *e)
{
	unsigned run = 1, most = 1;
	const struct tunnel_conf **v = sorted(e, by_share);
	for (unsigned i = 1; i < e->n; i++) {
		run = by_share(&v[i - 1], &v[i]) == 0 ? run + 1 : 1;
		most = run > most ? run : most;
	}
	free(v);
	return most;
}

/* Stable while tunnels come and go: a router id that changes ends every session. */
static struct addr router_id(const struct export *e)
{
	struct addr none = { 0 };
	for (unsigned i = 0; i < e->n; i++) {
		const struct tunnel_conf *t = e->peers[i].t;
		struct addr id = { 0 };
		if (t->local_id.type == ID_IPV4_ADDR && addr_from_bytes(&id, bytes_of(t->local_id.data, t->local_id.len)))
			return id;
		if (t->local.family == AF_INET)
			return t->local;
	}
	for (unsigned i = 0; i < e->n; i++)
		if (e->peers[i].source.family == AF_INET)
			return e->peers[i].source;
	return none;
}

/* s2sd itself has a blackhole route for every prefix of `routes`; a second one with a better metric would win over its routes. */
static void make_blackholes(struct export *e, const struct conf *c)
{
	struct prefixes wanted = { 0 }, known = { 0 };
	for (uint32_t i = 0; i < c->n; i++)
		for (unsigned k = 0; k < c->tunnels[i]->n_routes; k++)
			push(&known, &c->tunnels[i]->routes[k]);
	for (unsigned i = 0; i < e->n; i++) {
		const struct export_peer *p = &e->peers[i];
		struct prefix host = { p->t->bgp.peer, (uint8_t)(8 * addr_bytes(&p->t->bgp.peer).n) };
		for (unsigned k = 0; k < p->there.n; k++)
			push(&wanted, &p->there.v[k]);
		for (const char *const *net = export_private_nets(p->t->bgp.peer.family); *net != NULL && p->there.n == 0; net++)
			push_text(&wanted, *net);
		if (p->host_route)
			push(&wanted, &host);
		for (unsigned k = 0; k < p->here.n; k++)
			push(&e->here, &p->here.v[k]);
		for (unsigned k = 0; k < p->t->n_inside; k++)
			push(&e->links, &p->t->inside[k]);
	}
	tidy(&known);
	tidy(&wanted);
	tidy(&e->here);
	tidy(&e->links);
	for (unsigned i = 0; i < wanted.n; i++)
		if (!has(&known, &wanted.v[i]) && !has(&e->here, &wanted.v[i]))
			push(&e->blackholes, &wanted.v[i]);
	free(wanted.v);
	free(known.v);
}

bool export_make(struct export *e, const struct conf *c, char why[EXPORT_WHY])
{
	*e = (struct export){ .peers = xcalloc(c->n + 1, sizeof *e->peers) };
	for (uint32_t i = 0; i < c->n; i++)
		if (c->tunnels[i]->bgp.set)
			e->peers[e->n++] = peer_of(c->tunnels[i]);
	snprintf(why, EXPORT_WHY, "no tunnel has a 'bgp' block: write 'bgp: {local-as: ..., peer-as: ..., peer: ...}' into it");
	bool good = e->n > 0 && apart(e, why);
	for (unsigned i = 0; i < e->n && good; i++) {
		good = e->peers[i].source.family != 0;
		if (!good)
			snprintf(why, EXPORT_WHY,
				"tunnel '%s' has no address to speak BGP from: write 'inside' or 'bgp: {local: ...}'",
				e->peers[i].t->name);
		e->multihop = e->multihop || e->peers[i].hops > 0;
		e->sourced = e->sourced || e->peers[i].t->route_source.family != 0;
	}
	if (!good) {
		export_release(e);
		return false;
	}
	e->local_as = e->peers[0].t->bgp.local_as;
	e->router_id = router_id(e);
	rank_peers(e);
	e->paths = equals(e);
	make_blackholes(e, c);
	return true;
}

void export_release(struct export *e)
{
	for (unsigned i = 0; i < e->n; i++) {
		free(e->peers[i].here.v);
		free(e->peers[i].there.v);
	}
	free(e->peers);
	free(e->as);
	free(e->blackholes.v);
	free(e->here.v);
	free(e->links.v);
	*e = (struct export){ 0 };
}
