/*
 * export_frr.c - the sessions as a fragment for FRR: for `vtysh -f FILE`, or at the end of frr.conf. Every neighbour has route-maps of its
 * own in both directions, so that RFC 8212 (`bgp ebgp-requires-policy`) stays in force.
 */
#include <string.h>

#include "export.h"

#define PATHS_MAX 64

static const char *ip(uint8_t family) { return family == AF_INET6 ? "ipv6" : "ip"; }
static unsigned bits(uint8_t family) { return family == AF_INET6 ? 128 : 32; }

static void head(const struct export *e, FILE *to)
{
	fprintf(to,
		"! BGP over the tunnels of s2sd, for FRR. Written by `s2sctl export frr`; change s2sd's settings and export again rather than editing this.\n"
		"! Daemons: zebra, bgpd, staticd. To use it: `vtysh -f THIS-FILE`, then `write` in vtysh; or append it to /etc/frr/frr.conf.\n");
	if (e->paths > 1)
		fprintf(to, "! Equal tunnels share traffic by flow when net.ipv4.fib_multipath_hash_policy is 1 (sysctl).\n");
	if (e->paths > 1)
		/* FRR 8.4: a group of next hops in the kernel loses a member with its interface, and zebra does not give it back. */
		fprintf(to,
			"!\n! Routes carry their next hops themselves: nexthop groups in the kernel stay broken when a tunnel returns.\n"
			"no zebra nexthop kernel enable\n");
	fprintf(to, "!\n");
}

/* ---------------------------------------------------------------- routes */
static void routes(const struct export *e, FILE *to)
{
	char text[ADDR_TEXT];
	bool any = false;
	for (unsigned i = 0; i < e->n; i++)
		any = any || e->peers[i].host_route;
	if (any)
		fprintf(to, "! Peers behind the tunnel that are not neighbours on it.\n");
	for (unsigned i = 0; i < e->n; i++) {
		const struct tunnel_conf *t = e->peers[i].t;
		uint8_t f = t->bgp.peer.family;
		if (e->peers[i].host_route)
			fprintf(to, "%s route %s/%u %s\n", ip(f), addr_format(&t->bgp.peer, text), bits(f), t->interface);
	}
	if (e->blackholes.n > 0)
		fprintf(to,
			"%s! Blackhole routes: what belongs into a tunnel never follows the default route in clear. Any other route is preferred\n"
			"! (distance 254). s2sd itself does so for the prefixes of `routes`.\n",
			any ? "!\n" : "");
	for (unsigned i = 0; i < e->blackholes.n; i++)
		fprintf(to, "%s route %s reject 254\n", ip(e->blackholes.v[i].addr.family),
			prefix_format(&e->blackholes.v[i], text));
	fprintf(to, "!\n");
}

/* To FRR a next hop that a blackhole route covers is a reachable one: a route behind a tunnel that is gone would stay, and lead nowhere. */
static void ignore_blackholes(const struct export *e, uint8_t f, FILE *to)
{
	const char *name = f == AF_INET6 ? "s2s-nht-ipv6" : "s2s-nht";
	/* Also without blackhole routes here: those of s2sd cover its routes, and the tunnels' own networks. */
	if (export_has(e, f))
		fprintf(to,
			"! A blackhole route is no route to a peer: when its tunnel's route goes, the session ends and its routes are withdrawn.\n"
			"route-map %s deny 10\n match %s next-hop type blackhole\nexit\nroute-map %s permit 20\nexit\n"
			"%s nht bgp route-map %s\n!\n",
			name, ip(f), name, ip(f), name);
}

/* ---------------------------------------------------------------- filters */
struct list {
	FILE *to;
	const char *name, *way; /* s2s-NAME-WAY */
	uint8_t family;
	unsigned seq;
};

static void entry(struct list *l, const char *verdict, const char *prefix, bool longer)
{
	l->seq += 5;
	fprintf(l->to, "%s prefix-list s2s-%s-%s seq %u %s %s", ip(l->family), l->name, l->way, l->seq, verdict, prefix);
	if (longer)
		fprintf(l->to, " le %u", bits(l->family));
	fprintf(l->to, "\n");
}

static void in_list(const struct export *e, const struct export_peer *p, FILE *to)
{
	struct list l = { to, p->t->name, "in", p->t->bgp.peer.family, 0 };
	const char *all = l.family == AF_INET6 ? "::/0" : "0.0.0.0/0";
	char text[ADDR_TEXT];
	entry(&l, p->default_wanted ? "permit" : "deny", all, false);
	entry(&l, "deny", l.family == AF_INET6 ? "fe80::/10" : "169.254.0.0/16", true);
	for (unsigned i = 0; i < e->here.n; i++)
		if (e->here.v[i].addr.family == l.family)
			entry(&l, "deny", prefix_format(&e->here.v[i], text), e->here.v[i].len < bits(l.family));
	for (unsigned i = 0; i < p->there.n; i++)
		entry(&l, "permit", prefix_format(&p->there.v[i], text), p->there.v[i].len < bits(l.family));
	if (p->there.n == 0)
		entry(&l, "permit", all, true);
}

static void out_list(const struct export_peer *p, FILE *to)
{
	struct list l = { to, p->t->name, "out", p->t->bgp.peer.family, 0 };
	char text[ADDR_TEXT];
	for (unsigned i = 0; i < p->here.n; i++)
		entry(&l, "permit", prefix_format(&p->here.v[i], text), false);
	for (const char *const *net = export_private_nets(l.family); *net != NULL && p->here.n == 0; net++)
		entry(&l, "permit", *net, true);
}

static void prefer_out(const struct export *e, const struct export_peer *p, FILE *to)
{
	if (e->ranks < 2)
		return;
	fprintf(to, " set metric %u\n", p->t->route_metric);
	if (p->rank == 0)
		return;
	fprintf(to, " set as-path prepend");
	for (unsigned i = 0; i < p->rank && i < PREPEND_MAX; i++)
		fprintf(to, " %u", p->t->bgp.local_as);
	fprintf(to, "\n");
}

static void maps(const struct export *e, const struct export_peer *p, FILE *to)
{
	const char *name = p->t->name, *match = ip(p->t->bgp.peer.family);
	char title[160];
	fprintf(to, "! --- %s: %s\n! Accepted from it: %s, no link-local network, nothing of our own.\n", name,
		export_title(p, title), p->default_wanted ? "also a default route" : "no default route");
	in_list(e, p, to);
	fprintf(to, "route-map s2s-%s-in permit 10\n match %s address prefix-list s2s-%s-in\n", name, match, name);
	if (e->ranks > 1)
		fprintf(to, " set local-preference %u\n", LOCAL_PREFERENCE(e, p));
	fprintf(to, "exit\n! Announced to it: %s.\n",
		p->here.n > 0 ? "the networks of local-ts"
			      : "connected private networks; narrow this list to those that it may learn");
	out_list(p, to);
	fprintf(to, "route-map s2s-%s-out deny 5\n match as-path s2s-from-%u\nexit\n", name, p->t->bgp.peer_as);
	fprintf(to, "route-map s2s-%s-out permit 10\n match as-path s2s-own\n match %s address prefix-list s2s-%s-out\n", name,
		match, name);
	prefer_out(e, p, to);
	fprintf(to, "exit\n");
	if (e->n_as > 1) {
		fprintf(to,
			"! Also what other peers announce, so that they reach each other through us; leave it out to keep them apart.\n");
		fprintf(to, "route-map s2s-%s-out permit 20\n match as-path s2s-peers\n", name);
		prefer_out(e, p, to);
		fprintf(to, "exit\n");
	}
	fprintf(to, "!\n");
}

static bool open_selectors(const struct export *e, uint8_t family)
{
	for (unsigned i = 0; i < e->n; i++)
		if (e->peers[i].t->bgp.peer.family == family && e->peers[i].here.n == 0)
			return true;
	return false;
}

static void connected(const struct export *e, uint8_t family, FILE *to)
{
	struct list l = { to, "local", family == AF_INET6 ? "ipv6" : "ipv4", family, 0 };
	char text[ADDR_TEXT];
	if (!open_selectors(e, family))
		return;
	fprintf(to, "! Of the connected networks the private ones are announced, without those of the tunnels themselves.\n");
	for (unsigned i = 0; i < e->links.n; i++)
		if (e->links.v[i].addr.family == family)
			entry(&l, "deny", prefix_format(&e->links.v[i], text), false);
	for (const char *const *net = export_private_nets(family); *net != NULL; net++)
		entry(&l, "permit", *net, true);
	fprintf(to, "route-map s2s-local-%s permit 10\n match %s address prefix-list s2s-local-%s\nexit\n!\n", l.way, ip(family),
		l.way);
}

static void filters(const struct export *e, FILE *to)
{
	fprintf(to,
		"! Where a route comes from: our own AS, a peer, any of the peers.\nbgp as-path access-list s2s-own seq 5 permit ^$\n");
	for (unsigned i = 0; i < e->n_as; i++)
		fprintf(to, "bgp as-path access-list s2s-from-%u seq 5 permit ^%u_\n", e->as[i], e->as[i]);
	for (unsigned i = 0; i < e->n_as && e->n_as > 1; i++)
		fprintf(to, "bgp as-path access-list s2s-peers seq %u permit ^%u_\n", 5 * (i + 1), e->as[i]);
	fprintf(to, "!\n");
	for (unsigned i = 0; i < e->n; i++)
		maps(e, &e->peers[i], to);
	if (export_has(e, AF_INET))
		connected(e, AF_INET, to);
	if (export_has(e, AF_INET6))
		connected(e, AF_INET6, to);
}

/* ---------------------------------------------------------------- the router */
static void neighbor(const struct export *e, const struct export_peer *p, FILE *to)
{
	const struct bgp_conf *b = &p->t->bgp;
	char peer[ADDR_TEXT], source[ADDR_TEXT];
	addr_format(&b->peer, peer);
	fprintf(to, " ! %s: %s\n", p->t->name, export_opens(p));
	fprintf(to, " neighbor %s remote-as %u\n neighbor %s description %s\n", peer, b->peer_as, peer, p->t->name);
	if (b->local_as != e->local_as)
		fprintf(to, " neighbor %s local-as %u no-prepend replace-as\n", peer, b->local_as);
	fprintf(to, " neighbor %s update-source %s\n", peer, addr_format(&p->source, source));
	if (p->hops > 0)
		fprintf(to, " neighbor %s ebgp-multihop %u\n", peer, p->hops);
	fprintf(to, " neighbor %s timers %u %u\n neighbor %s timers connect 10\n", peer, p->keep, p->hold, peer);
}

static void family(const struct export *e, uint8_t f, FILE *to)
{
	char text[ADDR_TEXT];
	fprintf(to, " address-family %s unicast\n", f == AF_INET6 ? "ipv6" : "ipv4");
	for (unsigned i = 0; i < e->here.n; i++)
		if (e->here.v[i].addr.family == f)
			fprintf(to, "  network %s\n", prefix_format(&e->here.v[i], text));
	if (open_selectors(e, f))
		fprintf(to, "  redistribute connected route-map s2s-local-%s\n", f == AF_INET6 ? "ipv6" : "ipv4");
	for (unsigned i = 0; i < e->n; i++) {
		const struct export_peer *p = &e->peers[i];
		const struct cloud_bgp *m = &provider_of(p->t->cloud)->bgp;
		if (p->t->bgp.peer.family != f)
			continue;
		addr_format(&p->t->bgp.peer, text);
		fprintf(to,
			"  neighbor %s activate\n  neighbor %s route-map s2s-%s-in in\n  neighbor %s route-map s2s-%s-out out\n",
			text, text, p->t->name, text, p->t->name);
		if (m->why != NULL)
			fprintf(to, "  ! %s\n", m->why);
		if (m->in > 0)
			fprintf(to, "  neighbor %s maximum-prefix %u restart 5\n", text, m->in);
		if (m->out > 0)
			fprintf(to, "  neighbor %s maximum-prefix-out %u\n", text, m->out);
	}
	if (e->paths > 1)
		fprintf(to, "  maximum-paths %u\n", e->paths < PATHS_MAX ? e->paths : PATHS_MAX);
	fprintf(to, " exit-address-family\n");
}

static void router(const struct export *e, FILE *to)
{
	char text[ADDR_TEXT];
	fprintf(to, "router bgp %u\n", e->local_as);
	if (e->router_id.family != 0)
		fprintf(to, " bgp router-id %s\n", addr_format(&e->router_id, text));
	fprintf(to,
		" bgp log-neighbor-changes\n no bgp default ipv4-unicast\n"
		" ! A peer that keeps our routes over a restart keeps them when a tunnel dies, too: minutes of lost traffic.\n"
		" bgp graceful-restart-disable\n"
		" ! We send to a peer as soon as it announces; it must learn the way back at once, not after a second of coalescing.\n"
		" coalesce-time 10\n");
	if (e->here.n > 0)
		fprintf(to, " ! The networks of local-ts are announced whether or not there is a route of just that length.\n"
			    " no bgp network import-check\n");
	if (e->multihop)
		fprintf(to,
			" ! A peer that is not directly connected goes down with its route, not with its hold time.\n bgp fast-convergence\n");
	for (unsigned i = 0; i < e->n; i++)
		neighbor(e, &e->peers[i], to);
	if (export_has(e, AF_INET))
		family(e, AF_INET, to);
	if (export_has(e, AF_INET6))
		family(e, AF_INET6, to);
	fprintf(to, "exit\n!\n");
}

/* What the gateway itself sends over learned routes gets the tunnel's route-source. */
static void sources(const struct export *e, uint8_t f, FILE *to)
{
	const char *name = f == AF_INET6 ? "s2s-source-ipv6" : "s2s-source";
	char text[ADDR_TEXT];
	unsigned seq = 0;
	for (unsigned i = 0; i < e->n; i++) {
		const struct tunnel_conf *t = e->peers[i].t;
		if (t->route_source.family != f)
			continue;
		seq += 10;
		fprintf(to, "route-map %s permit %u\n match interface %s\n set src %s\nexit\n", name, seq, t->interface,
			addr_format(&t->route_source, text));
	}
	if (seq > 0)
		fprintf(to, "route-map %s permit %u\nexit\n%s protocol bgp route-map %s\n!\n", name, seq + 10, ip(f), name);
}

void export_frr(const struct export *e, FILE *to)
{
	head(e, to);
	routes(e, to);
	ignore_blackholes(e, AF_INET, to);
	ignore_blackholes(e, AF_INET6, to);
	filters(e, to);
	router(e, to);
	if (e->sourced) {
		fprintf(to, "! The source address of this machine's own traffic.\n");
		sources(e, AF_INET, to);
		sources(e, AF_INET6, to);
	}
	fprintf(to, "end\n");
}
