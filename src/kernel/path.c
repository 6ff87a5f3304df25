/* path.c - see path.h. */

#include "path.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void take_gateway(struct path_hop *hop, const struct attrs *a)
{
	uint16_t type = a->v[RTA_GATEWAY] != NULL ? RTA_GATEWAY : a->v[RTA_VIA] != NULL ? RTA_VIA : 0;
	size_t n = type != 0 ? mnl_attr_get_payload_len(a->v[type]) : 0;
	if (type == 0 || n > sizeof hop->gateway)
		return;
	hop->gateway_type = type;
	hop->gateway_size = (uint8_t)n;
	memcpy(hop->gateway, mnl_attr_get_payload(a->v[type]), n);
}

static bool usable(const struct kernel *k, uint32_t oif, unsigned flags)
{
	return oif != 0 && !ours_ifindex(k, oif) && !(flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN));
}

/* The first nexthop of a multipath route that is not ours; and is one of them ours? */
static void take_nexthop(const struct kernel *k, struct path_hop *hop, const struct nlattr *multi)
{
	const uint8_t *p = mnl_attr_get_payload(multi);
	size_t left = mnl_attr_get_payload_len(multi);
	while (left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *nexthop = (const void *)p;
		size_t n = nexthop->rtnh_len;
		if (n < sizeof *nexthop || n > left)
			return;
		hop->ours |= ours_ifindex(k, (uint32_t)nexthop->rtnh_ifindex);
		if (!hop->found && usable(k, (uint32_t)nexthop->rtnh_ifindex, nexthop->rtnh_flags)) {
			struct attrs a = { { 0 } };
			const struct nlattr *attr;
			const void *inside = nexthop + 1;
			mnl_attr_for_each_payload(inside, n - sizeof *nexthop) if (mnl_attr_get_type(attr) < ATTRS_MAX)
				a.v[mnl_attr_get_type(attr)] = attr;
			hop->oif = (uint32_t)nexthop->rtnh_ifindex;
			hop->flags = nexthop->rtnh_flags & RTNH_F_ONLINK;
			take_gateway(hop, &a);
			hop->found = true;
		}
		n = MNL_ALIGN(n);
		if (n >= left)
			return;
		p += n;
		left -= n;
	}
}

static bool read_hop(const struct kernel *k, struct path_hop *hop, const struct nlmsghdr *h)
{
	const struct rtmsg *r = nlm_fixed(h, sizeof *r);
	struct attrs a, metrics;
	memset(hop, 0, sizeof *hop);
	if (r == NULL)
		return false;
	attrs_read(&a, h, sizeof *r);
	attrs_nested(&metrics, a.v[RTA_METRICS]);
	hop->local = r->rtm_type == RTN_LOCAL;
	hop->len = r->rtm_dst_len;
	hop->metric = attr_u32(&a, RTA_PRIORITY, 0);
	hop->mtu = attr_u32(&metrics, RTAX_MTU, 0);
	hop->source = attr_addr(&a, RTA_PREFSRC, r->rtm_family);
	if (a.v[RTA_MULTIPATH] != NULL) {
		take_nexthop(k, hop, a.v[RTA_MULTIPATH]);
		return hop->found;
	}
	hop->oif = attr_u32(&a, RTA_OIF, 0);
	hop->ours = ours_ifindex(k, hop->oif);
	hop->flags = r->rtm_flags & RTNH_F_ONLINK;
	take_gateway(hop, &a);
	return hop->found = hop->local || usable(k, hop->oif, r->rtm_flags);
}

static void compare_route(void *arg, const struct nlmsghdr *h)
{
	struct path_search *s = arg;
	struct route_seen seen;
	struct path_hop hop;
	if (!route_read(&seen, h) || seen.table != RT_TABLE_MAIN || seen.prefix.addr.family != s->family)
		return;
	bool way = read_hop(s->k, &hop, h) && seen.type == RTN_UNICAST && seen.protocol != S2S_RTPROT;
	for (unsigned i = 0; i < s->n; i++) {
		struct path_hop *best = &s->v[i].best;
		uint8_t len = seen.prefix.len;
		if (!prefix_contains(&seen.prefix, s->v[i].to))
			continue;
		if (way && (!best->found || len > best->len || (len == best->len && seen.metric < best->metric)))
			*best = hop;
		if (!s->v[i].any || len > s->v[i].len || (len == s->v[i].len && seen.metric < s->v[i].metric)) {
			s->v[i].any = true;
			s->v[i].beside = way && !hop.ours;
			s->v[i].len = len;
			s->v[i].metric = seen.metric;
		}
	}
}

int path_search(struct path_search *s)
{
	int error = -EINTR;
	for (unsigned tries = 0; tries < 3 && error == -EINTR; tries++) {
		for (unsigned i = 0; i < s->n; i++) {
			s->v[i].best = (struct path_hop){ 0 };
			s->v[i].beside = s->v[i].any = false;
		}
		struct rtmsg *r = nlm_begin(&s->k->scratch, RTM_GETROUTE, 0, sizeof *r);
		r->rtm_family = (uint8_t)s->family;
		r->rtm_type = RTN_UNICAST;
		nlm_put_u32(&s->k->scratch, RTA_TABLE, RT_TABLE_MAIN);
		error = nl_dump(&s->k->route, &s->k->scratch, "list routes", compare_route, s);
	}
	s->k->why[0] = 0; /* without a single route the table does not exist: no fault */
	return error == -ENOENT ? 0 : error;
}

static int search_one(struct kernel *k, const struct addr *to, struct path_hop *hop)
{
	struct path_search s = { .k = k, .family = to->family, .n = 1, .v = xcalloc(1, sizeof *s.v) };
	s.v[0].to = to;
	int error = path_search(&s);
	*hop = s.v[0].best;
	free(s.v);
	if (error == 0 && !hop->found)
		error = -ENETUNREACH;
	return error;
}

struct answer {
	struct kernel *k;
	struct path_hop hop;
};

static void keep_answer(void *arg, const struct nlmsghdr *h)
{
	struct answer *a = arg;
	if (h->nlmsg_type == RTM_NEWROUTE)
		read_hop(a->k, &a->hop, h);
}

/* What the kernel would do now with a packet that bears this mark; oif 0 = any. A way into a tunnel of ours is none.
 * route: the route itself is asked for; otherwise the way, with the source address that will be used. */
static int lookup(struct kernel *k, const struct addr *to, uint32_t mark, uint32_t oif, bool route, struct path_hop *hop)
{
	struct answer a = { .k = k };
	struct rtmsg *r = nlm_begin(&k->scratch, RTM_GETROUTE, 0, sizeof *r);
	r->rtm_family = to->family;
	r->rtm_dst_len = to->family == AF_INET ? 32 : 128;
	r->rtm_flags = route ? RTM_F_FIB_MATCH : 0;
	nlm_put_addr(&k->scratch, RTA_DST, to);
	if (oif != 0)
		nlm_put_u32(&k->scratch, RTA_OIF, oif);
	if (mark != 0)
		nlm_put_u32(&k->scratch, RTA_MARK, mark);
	int error = nl_get(&k->route, &k->scratch, "look up a route", keep_answer, &a);
	k->why[0] = 0;
	*hop = a.hop;
	return error == 0 && !hop->found ? -ENETUNREACH : error;
}

int kernel_path(struct kernel *k, const struct addr *remote, struct addr *local, uint32_t *mtu)
{
	struct path_hop hop, via;
	struct link_seen link;
	char text[ADDR_TEXT];
	k->why[0] = 0;
	if (remote->family == 0)
		return kernel_fail(k, -EDESTADDRREQ, "no address");
	int error = lookup(k, remote, PEER_MARK, 0, false, &hop);
	if (error != 0 && (error = search_one(k, remote, &hop)) == 0 && hop.source.family == 0 &&
		lookup(k, remote, PEER_MARK, hop.oif, false, &via) == 0)
		hop.source = via.source;
	if (error != 0)
		return kernel_fail(k, -ENETUNREACH, "no route to %s outside the tunnels", addr_format(remote, text));
	if (hop.source.family == 0)
		return kernel_fail(k, -ENETUNREACH, "no address of our own towards %s", addr_format(remote, text));
	*local = hop.source;
	if (mtu == NULL)
		return 0;
	*mtu = hop.mtu;
	if (*mtu == 0 && link_by_index(k, hop.oif, &link) == 0)
		*mtu = link.mtu;
	if (*mtu == 0)
		*mtu = 1500;
	k->why[0] = 0;
	return 0;
}

int path_route(struct kernel *k, const struct addr *to, struct path_hop *hop, bool *beside)
{
	/* What lies in a guarded prefix is led into a tunnel by the next `up` at the latest. */
	bool guarded = route_guards(k, to);
	*beside = !guarded && lookup(k, to, 0, 0, true, hop) == 0 && !hop->ours;
	return *beside ? 0 : search_one(k, to, hop);
}
