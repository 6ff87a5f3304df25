/* compare_route.c - blackhole routes, routes into the tunnels, host routes to peers, rules. */
#include "compare.h"
#include "route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct looking {
	struct comparison *c;
	struct table peers;  /* prefix_hash of the address -> struct peer_route that is set */
	struct list surplus; /* struct route_seen */
};

static uint64_t peer_key(const struct addr *a)
{
	struct prefix host = { .addr = *a, .len = (uint8_t)(8 * addr_bytes(a).n) };
	host.addr.port = 0;
	return prefix_hash(&host, 0);
}

/* --- what is there --- */
static void begin_routes(void *arg)
{
	struct looking *l = arg;
	size_t it = 0;
	l->surplus.n = 0;
	for (struct dest *d; (d = table_next(&l->c->k->dests, &it)) != NULL;)
		for (; d != NULL; d = (void *)d->at.next) {
			d->there = false;
			for (unsigned i = 0; i < d->n; i++)
				d->nexthops[i].there = d->nexthops[i].other = false;
		}
	for (struct peer_route *p = l->c->k->peer_routes; p != NULL; p = p->next)
		p->there = false;
}

static struct nexthop *nexthop_at(const struct dest *d, uint32_t metric, uint32_t ifindex)
{
	for (unsigned i = 0; i < d->n; i++)
		if (d->nexthops[i].metric == metric && (ifindex == 0 || d->nexthops[i].ifindex == ifindex))
			return &d->nexthops[i];
	return NULL;
}

static bool legs_are(const struct dest *d, uint32_t metric, const struct nlattr *multi)
{
	const uint8_t *at = mnl_attr_get_payload(multi);
	size_t left = mnl_attr_get_payload_len(multi);
	unsigned n = 0, wanted = 0;
	while (left >= sizeof(struct rtnexthop)) {
		struct rtnexthop hop;
		memcpy(&hop, at, sizeof hop);
		if (hop.rtnh_len < sizeof hop || nexthop_at(d, metric, (uint32_t)hop.rtnh_ifindex) == NULL)
			return false;
		n++;
		size_t step = MNL_ALIGN(hop.rtnh_len);
		if (step >= left)
			break;
		at += step;
		left -= step;
	}
	for (unsigned i = 0; i < d->n; i++)
		wanted += d->nexthops[i].metric == metric;
	return n == wanted;
}

static struct addr wanted_source(const struct dest *d, uint32_t metric)
{
	for (unsigned i = 0; i < d->n; i++)
		if (d->nexthops[i].metric == metric && d->nexthops[i].source.family == d->at.prefix.addr.family)
			return d->nexthops[i].source;
	return (struct addr){ 0 };
}

static bool sees_nexthops(struct dest *d, const struct route_seen *seen, const struct nlmsghdr *h)
{
	struct attrs a;
	if (nexthop_at(d, seen->metric, 0) == NULL)
		return false;
	attrs_read(&a, h, sizeof(struct rtmsg));
	struct addr source = attr_addr(&a, RTA_PREFSRC, seen->prefix.addr.family), wanted = wanted_source(d, seen->metric);
	unsigned n = 0;
	for (unsigned i = 0; i < d->n; i++)
		n += d->nexthops[i].metric == seen->metric;
	bool same = addr_same_ip(&source, &wanted) &&
		    (a.v[RTA_MULTIPATH] != NULL ? legs_are(d, seen->metric, a.v[RTA_MULTIPATH])
						: n == 1 && nexthop_at(d, seen->metric, seen->oif) != NULL && seen->oif != 0);
	for (unsigned i = 0; i < d->n; i++)
		if (d->nexthops[i].metric == seen->metric) {
			d->nexthops[i].there = same;
			d->nexthops[i].other = !same;
		}
	return true;
}

/* An earlier run's route into an interface that was taken over as it stands: the tunnel's link state will say whether it is wanted. */
static bool not_known_yet(const struct kernel *k, const struct route_seen *seen)
{
	const struct tunnel *t = seen->oif != 0 ? table_get(&k->by_ifindex, seen->oif) : NULL;
	return t != NULL && t->state != LINK_DOWN && !t->has_link;
}

static void see_route(void *arg, const struct nlmsghdr *h)
{
	struct looking *l = arg;
	struct route_seen seen;
	if (!route_read(&seen, h) || seen.protocol != S2S_RTPROT)
		return;
	struct peer_route *p = peer_route_like(&seen) ? table_get(&l->peers, peer_key(&seen.prefix.addr)) : NULL;
	struct dest *d = prefix_find(&l->c->k->dests, &seen.prefix, seen.table);
	bool blackhole = seen.type == RTN_UNREACHABLE && seen.metric == BLACKHOLE_METRIC;
	if (p != NULL)
		p->there = true;
	else if (d != NULL && blackhole)
		d->there = true;
	else if (d != NULL && seen.type == RTN_UNICAST && sees_nexthops(d, &seen, h))
		return;
	else if (!not_known_yet(l->c->k, &seen) && !(l->c->keep_blackholes && seen.type == RTN_UNREACHABLE))
		list_add(&l->surplus, &seen);
}

/* --- putting back --- */
static void restore_peers(struct comparison *c)
{
	const struct peer_route *missing = NULL;
	char text[ADDR_TEXT];
	/* What an uplink takes with it is made again for the uplink that is there then. */
	for (const struct peer_route *p = c->k->peer_routes; p != NULL && !c->k->uplink_changing; p = p->next)
		if (p->set && !p->there)
			missing = p;
	if (missing == NULL)
		return;
	addr_format(&missing->remote, text);
	compare_told(c, NULL, OBJECT_ROUTE, kernel_peer_routes_renew(c->k), "", "host route to the peer %s", text);
}

static void restore_blackhole(struct comparison *c, const struct dest *d)
{
	char text[ADDR_TEXT];
	c->k->why[0] = 0;
	int error = route_blackhole_put(c->k, d);
	compare_told(c, tunnel_find(c->k, d->tunnel), OBJECT_ROUTE, error, "", "unreachable route %s",
		prefix_format(&d->at.prefix, text));
}

static void restore_nexthops(struct comparison *c, struct dest *d)
{
	char text[ADDR_TEXT];
	for (unsigned i = 0; i < d->n; i++) {
		struct nexthop *hop = &d->nexthops[i];
		struct tunnel *t = tunnel_find(c->k, hop->tunnel);
		if (hop->there || t == NULL || t->ifindex == 0)
			continue;
		c->k->why[0] = 0;
		int error = route_nexthops_put(c->k, d, hop->metric, hop->other);
		compare_told(c, t, OBJECT_ROUTE, error, hop->other ? "other interfaces or source" : "", "route %s",
			prefix_format(&d->at.prefix, text));
		for (unsigned j = i; j < d->n; j++)
			d->nexthops[j].there |= d->nexthops[j].metric == hop->metric;
	}
}

static void restore(struct comparison *c)
{
	size_t it = 0;
	restore_peers(c);
	for (struct dest *d; (d = table_next(&c->k->dests, &it)) != NULL;)
		for (; d != NULL; d = (void *)d->at.next)
			if (!d->there)
				restore_blackhole(c, d);
	it = 0;
	for (struct dest *d; (d = table_next(&c->k->dests, &it)) != NULL;)
		for (; d != NULL; d = (void *)d->at.next)
			restore_nexthops(c, d);
}

static void ask_routes(struct nlm *m, unsigned round)
{
	struct rtmsg *r = nlm_begin(m, RTM_GETROUTE, 0, sizeof *r);
	r->rtm_family = round == 0 ? AF_INET : AF_INET6;
	r->rtm_protocol = S2S_RTPROT; /* kernels that cannot filter tell all: the reader looks again */
}

int compare_routes(struct comparison *c)
{
	struct looking l = { .c = c, .surplus.size = sizeof(struct route_seen) };
	const struct dump dump = { &c->k->route, "list our routes", 2, begin_routes, ask_routes, see_route };
	char text[ADDR_TEXT];
	route_sweep(c->k);
	table_init(&l.peers, 0);
	for (struct peer_route *p = c->k->peer_routes; p != NULL; p = p->next)
		if (p->set)
			table_put(&l.peers, peer_key(&p->remote), p);
	int error = compare_dump(c, &dump, &l);
	if (error == 0)
		restore(c);
	LIST_EACH(const struct route_seen, seen, l.surplus)
	{
		if (error != 0)
			break;
		route_delete_seen(c->k, seen);
		compare_surplus(c, 0, OBJECT_ROUTE, "route %s", prefix_format(&seen->prefix, text));
	}
	list_free(&l.surplus);
	table_release(&l.peers);
	return error;
}
