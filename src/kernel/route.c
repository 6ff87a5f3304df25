/*
 * route.c - routes into the tunnels, and the blackhole route behind each of them.
 *
 * A destination (prefix, table) is shared: each tunnel that is configured with it holds the blackhole route - of type unreachable, so that
 * senders learn of it, and of nearly the highest metric, there whether tunnels are up or not - and each tunnel that is up has a nexthop. Next hops of one metric are one multipath
 * route (ECMP), made anew as a whole when a nexthop comes or goes, with no moment in which there is none.
 */

#include "route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NEXTHOPS_MAX 256

uint32_t route_table_of(const struct kernel_tunnel *w) { return w->route_table != 0 ? w->route_table : RT_TABLE_MAIN; }

static void dest_free(void *one)
{
	struct dest *d = one;
	free(d->nexthops);
	free(d);
}

void route_release(struct kernel *k)
{
	prefix_release(&k->dests, dest_free);
	memset(k->dests_by_len, 0, sizeof k->dests_by_len);
}

bool route_blackhole_wanted(const struct kernel *k, const struct prefix *p, uint32_t table)
{
	return prefix_find(&k->dests, p, table) != NULL;
}

static void count_dest(struct kernel *k, const struct by_prefix *at, bool comes)
{
	uint64_t *n = &k->dests_by_len[at->prefix.addr.family == AF_INET6][at->prefix.len];
	if (at->table == RT_TABLE_MAIN)
		*n = comes ? *n + 1 : *n - 1;
}

bool route_guards(const struct kernel *k, const struct addr *a)
{
	const uint64_t *count = k->dests_by_len[a->family == AF_INET6];
	struct prefix p = { .addr = *a };
	for (unsigned len = 0; len <= 8 * addr_bytes(a).n; len++) {
		p.len = (uint8_t)len;
		if (count[len] > 0 && prefix_find(&k->dests, &p, RT_TABLE_MAIN) != NULL)
			return true;
	}
	return false;
}

/* --- messages --- */
static struct rtmsg *begin(struct nlm *m, uint16_t type, uint16_t flags, const struct prefix *p, uint32_t table)
{
	struct rtmsg *r = nlm_begin(m, type, flags, sizeof *r);
	r->rtm_family = p->addr.family;
	r->rtm_dst_len = p->len;
	r->rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC;
	r->rtm_protocol = S2S_RTPROT;
	r->rtm_scope = type == RTM_DELROUTE ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE;
	r->rtm_type = RTN_UNICAST;
	if (p->len > 0)
		nlm_put_addr(m, RTA_DST, &p->addr);
	nlm_put_u32(m, RTA_TABLE, table);
	return r;
}

static void build_blackhole(struct nlm *m, uint16_t type, uint16_t flags, const struct dest *d)
{
	struct rtmsg *r = begin(m, type, flags, &d->at.prefix, d->at.table);
	r->rtm_type = RTN_UNREACHABLE;
	nlm_put_u32(m, RTA_PRIORITY, BLACKHOLE_METRIC);
}

static unsigned nexthops_of(const struct dest *d, uint32_t metric, const struct nexthop *of[NEXTHOPS_MAX])
{
	unsigned n = 0;
	for (unsigned i = 0; i < d->n && n < NEXTHOPS_MAX; i++)
		if (d->nexthops[i].metric == metric)
			of[n++] = &d->nexthops[i];
	return n;
}

/* IPv6 makes an ECMP group only of routes with a gateway. The interface asks nobody who that is, so any link-local address will do. */
static void put_nexthops(struct nlm *m, const struct dest *d, const struct nexthop *const nexthops[], unsigned n)
{
	static const struct addr somebody = { .family = AF_INET6, .ip = { 0xfe, 0x80, [14] = 0x53, 0x32 } };
	struct nlattr *multi = nlm_nest(m, RTA_MULTIPATH);
	for (unsigned i = 0; i < n; i++) {
		size_t gateway = d->at.prefix.addr.family == AF_INET6 ? MNL_ATTR_HDRLEN + 16 : 0;
		if (m->bad || m->head.nlmsg_len + sizeof(struct rtnexthop) + gateway > NLM_MAX) {
			m->bad = true;
			return;
		}
		struct rtnexthop *hop = mnl_nlmsg_get_payload_tail(&m->head);
		*hop = (struct rtnexthop){ .rtnh_len = (uint16_t)(sizeof *hop + gateway),
			.rtnh_ifindex = (int)nexthops[i]->ifindex };
		m->head.nlmsg_len += (uint32_t)sizeof *hop;
		if (gateway != 0)
			nlm_put_addr(m, RTA_GATEWAY, &somebody);
	}
	nlm_nest_end(m, multi);
}

static void build_nexthops(
	struct nlm *m, uint16_t flags, const struct dest *d, const struct nexthop *const nexthops[], unsigned n)
{
	struct rtmsg *r = begin(m, RTM_NEWROUTE, flags, &d->at.prefix, d->at.table);
	if (d->at.prefix.addr.family == AF_INET)
		r->rtm_scope = RT_SCOPE_LINK;
	nlm_put_u32(m, RTA_PRIORITY, nexthops[0]->metric);
	for (unsigned i = 0; i < n; i++)
		if (nexthops[i]->source.family == d->at.prefix.addr.family) {
			nlm_put_addr(m, RTA_PREFSRC, &nexthops[i]->source);
			break;
		}
	if (n == 1)
		nlm_put_u32(m, RTA_OIF, nexthops[0]->ifindex);
	else
		put_nexthops(m, d, nexthops, n);
}

static int delete_nexthops(struct kernel *k, const struct dest *d, uint32_t metric)
{
	begin(&k->scratch, RTM_DELROUTE, 0, &d->at.prefix, d->at.table);
	nlm_put_u32(&k->scratch, RTA_PRIORITY, metric);
	return nl_call(&k->route, &k->scratch, "remove a route into the tunnel", ESRCH);
}

/* --- reading --- */
bool route_read(struct route_seen *seen, const struct nlmsghdr *h)
{
	const struct rtmsg *r = nlm_fixed(h, sizeof *r);
	struct attrs a;
	memset(seen, 0, sizeof *seen);
	if (r == NULL || (r->rtm_family != AF_INET && r->rtm_family != AF_INET6) || (r->rtm_flags & RTM_F_CLONED))
		return false;
	attrs_read(&a, h, sizeof *r);
	seen->prefix = (struct prefix){ .addr = attr_addr(&a, RTA_DST, r->rtm_family), .len = r->rtm_dst_len };
	seen->prefix.addr.family = r->rtm_family;
	seen->table = attr_u32(&a, RTA_TABLE, r->rtm_table);
	seen->metric = attr_u32(&a, RTA_PRIORITY, 0);
	seen->oif = attr_u32(&a, RTA_OIF, 0);
	seen->protocol = r->rtm_protocol;
	seen->type = r->rtm_type;
	return true;
}

int route_dump_ours(struct kernel *k, int family, nl_fn fn, void *arg)
{
	struct rtmsg *r = nlm_begin(&k->scratch, RTM_GETROUTE, 0, sizeof *r);
	r->rtm_family = (uint8_t)family;
	r->rtm_protocol = S2S_RTPROT; /* kernels that cannot filter tell all: the reader looks again */
	return nl_dump(&k->route, &k->scratch, "list our routes", fn, arg);
}

int route_delete_seen(struct kernel *k, const struct route_seen *seen)
{
	struct rtmsg *r = begin(&k->scratch, RTM_DELROUTE, 0, &seen->prefix, seen->table);
	r->rtm_type = seen->type;
	nlm_put_u32(&k->scratch, RTA_PRIORITY, seen->metric);
	return nl_call(&k->route, &k->scratch, "remove a route", ESRCH);
}

struct own_route {
	const struct dest *d;
	uint32_t metric;
	bool found;
};

static void find_own_route(void *arg, const struct nlmsghdr *h)
{
	struct own_route *f = arg;
	struct route_seen seen;
	if (route_read(&seen, h) && seen.protocol == S2S_RTPROT && seen.table == f->d->at.table && seen.metric == f->metric &&
		prefix_equal(&seen.prefix, &f->d->at.prefix))
		f->found = true;
}

/* --- nexthops --- */
int route_nexthops_put(struct kernel *k, const struct dest *d, uint32_t metric, bool had)
{
	const struct nexthop *nexthops[NEXTHOPS_MAX];
	char text[ADDR_TEXT];
	unsigned n = nexthops_of(d, metric, nexthops);
	if (n == 0)
		return delete_nexthops(k, d, metric);
	build_nexthops(&k->scratch, NLM_F_CREATE | (had ? NLM_F_REPLACE : NLM_F_EXCL), d, nexthops, n);
	int error = nl_call(&k->route, &k->scratch, "set a route into the tunnel", 0);
	if (error != -EEXIST)
		return error;
	/* A remnant of ours is replaced; another's route with the same metric is not. */
	struct own_route f = { .d = d, .metric = metric };
	route_dump_ours(k, d->at.prefix.addr.family, find_own_route, &f);
	if (!f.found)
		return kernel_fail(k, -EEXIST, "a route to %s with metric %u exists and is not ours",
			prefix_format(&d->at.prefix, text), metric);
	build_nexthops(&k->scratch, NLM_F_CREATE | NLM_F_REPLACE, d, nexthops, n);
	k->why[0] = 0;
	return nl_call(&k->route, &k->scratch, "set a route into the tunnel", 0);
}

static bool has_metric(const struct dest *d, uint32_t metric)
{
	const struct nexthop *nexthops[NEXTHOPS_MAX];
	return nexthops_of(d, metric, nexthops) > 0;
}

static struct nexthop *nexthop_of(struct dest *d, uint32_t tunnel)
{
	for (unsigned i = 0; i < d->n; i++)
		if (d->nexthops[i].tunnel == tunnel)
			return &d->nexthops[i];
	return NULL;
}

int route_nexthop_set(struct kernel *k, const struct tunnel *t, const struct prefix *p)
{
	struct dest *d = prefix_find(&k->dests, p, route_table_of(&t->want));
	if (d == NULL)
		return kernel_fail(k, -ENOENT, "a route without its blackhole route");
	struct nexthop want = {
		.tunnel = t->want.id, .ifindex = t->ifindex, .metric = t->want.route_metric, .source = t->want.route_source
	};
	struct nexthop *have = nexthop_of(d, want.tunnel);
	if (have != NULL && have->ifindex == want.ifindex && have->metric == want.metric &&
		addr_same_ip(&have->source, &want.source))
		return 0; /* the comparison tells when somebody removed it */
	uint32_t old = have != NULL ? have->metric : want.metric;
	bool had = has_metric(d, want.metric);
	if (have == NULL) {
		d->nexthops = xrealloc_array(d->nexthops, d->n + 1, sizeof *d->nexthops);
		have = &d->nexthops[d->n++];
	}
	*have = want;
	int error = route_nexthops_put(k, d, want.metric, had);
	if (error == 0 && old != want.metric)
		error = route_nexthops_put(k, d, old, true);
	return error;
}

int route_nexthop_remove(struct kernel *k, const struct tunnel *t, const struct prefix *p, uint32_t table)
{
	struct dest *d = prefix_find(&k->dests, p, table);
	struct nexthop *have = d != NULL ? nexthop_of(d, t->want.id) : NULL;
	if (have == NULL)
		return 0;
	uint32_t metric = have->metric;
	*have = d->nexthops[--d->n];
	return route_nexthops_put(k, d, metric, true);
}

/* --- blackhole routes --- */
int route_blackhole_put(struct kernel *k, const struct dest *d)
{
	char text[ADDR_TEXT];
	build_blackhole(&k->scratch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, d);
	int error = nl_call(&k->route, &k->scratch, "set an unreachable route", 0);
	if (error == -EEXIST)
		return kernel_fail(k, error, "a route to %s with metric %u exists and is not ours",
			prefix_format(&d->at.prefix, text), BLACKHOLE_METRIC);
	return error;
}

int route_blackhole_ref(struct kernel *k, const struct prefix *p, uint32_t table, uint32_t tunnel)
{
	struct dest *d = prefix_find(&k->dests, p, table);
	bool fresh = d == NULL;
	if (fresh)
		d = prefix_add(&k->dests, sizeof *d, p, table);
	if (d->at.refs++ == 0)
		d->tunnel = tunnel;
	if (!fresh)
		return 0;
	count_dest(k, &d->at, true);
	nft_prefix_ref(k, SET_ANTISPOOF, &d->at.prefix);
	if (table == RT_TABLE_MAIN)
		nft_prefix_ref(k, SET_GUARDED, &d->at.prefix);
	build_blackhole(&k->scratch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, d);
	return nl_call(&k->route, &k->scratch, "set an unreachable route", EEXIST);
}

static void remove_dest(struct kernel *k, struct dest *d)
{
	build_blackhole(&k->scratch, RTM_DELROUTE, 0, d);
	nl_call(&k->route, &k->scratch, "remove an unreachable route", ESRCH);
	count_dest(k, &d->at, false);
	nft_prefix_unref(k, SET_ANTISPOOF, &d->at.prefix);
	if (d->at.table == RT_TABLE_MAIN)
		nft_prefix_unref(k, SET_GUARDED, &d->at.prefix);
	prefix_remove(&k->dests, &d->at);
	dest_free(d);
}

void route_blackhole_unref(struct kernel *k, const struct prefix *p, uint32_t table, bool keep)
{
	struct dest *d = prefix_find(&k->dests, p, table);
	if (d != NULL && --d->at.refs == 0 && !keep)
		remove_dest(k, d);
}

void route_sweep(struct kernel *k)
{
	size_t it = 0;
	unsigned n = 0;
	struct dest **gone = NULL;
	for (struct dest *d; (d = table_next(&k->dests, &it)) != NULL;)
		for (; d != NULL; d = (void *)d->at.next)
			if (d->at.refs == 0) {
				gone = xrealloc_array(gone, n + 1, sizeof *gone);
				gone[n++] = d;
			}
	for (unsigned i = 0; i < n; i++)
		remove_dest(k, gone[i]);
	free(gone);
}
