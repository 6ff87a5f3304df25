/*
 * pin.c - the way to a peer that does not lead into a tunnel, and the host route that keeps it so.
 *
 * A pin is a copy, for one address, of the best route whose device is not ours. When the uplink changes it is made again from
 * routes that are not ours, so that it never confirms itself.
 */
#include <netinet/in.h>

#include "state.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PIN_METRIC 1 /* before a routing daemon's host route, behind an operator's own */

struct hop {
	bool found, local;
	uint8_t len; /* of the prefix that brought it */
	uint32_t metric, oif, mtu, flags;
	uint16_t gateway_type; /* RTA_GATEWAY, RTA_VIA, 0 */
	uint8_t gateway_size, gateway[24];
	struct addr source;
};

struct pin {
	struct pin *next;
	struct addr remote;
	unsigned refs;
	bool set; /* the route is in the kernel */
	struct hop hop;
};

struct search { /* one look through the main table for many peers */
	struct kernel *k;
	int family;
	unsigned n;
	struct {
		const struct addr *to;
		struct hop best;
	} * v;
};

/* --- reading routes --- */
static void take_gateway(struct hop *hop, const struct attrs *a)
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

/* The first leg of a multipath route that is not ours. */
static bool take_leg(const struct kernel *k, struct hop *hop, const struct nlattr *multi)
{
	const uint8_t *p = mnl_attr_get_payload(multi);
	size_t left = mnl_attr_get_payload_len(multi);
	while (left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *leg = (const void *)p;
		size_t n = leg->rtnh_len;
		if (n < sizeof *leg || n > left)
			return false;
		if (usable(k, (uint32_t)leg->rtnh_ifindex, leg->rtnh_flags)) {
			struct attrs a = { { 0 } };
			const struct nlattr *attr;
			const void *inside = leg + 1;
			mnl_attr_for_each_payload(inside, n - sizeof *leg) if (mnl_attr_get_type(attr) < ATTRS_MAX)
				a.v[mnl_attr_get_type(attr)] = attr;
			hop->oif = (uint32_t)leg->rtnh_ifindex;
			hop->flags = leg->rtnh_flags & RTNH_F_ONLINK;
			take_gateway(hop, &a);
			return true;
		}
		n = MNL_ALIGN(n);
		if (n >= left)
			return false;
		p += n;
		left -= n;
	}
	return false;
}

static bool read_hop(const struct kernel *k, struct hop *hop, const struct nlmsghdr *h)
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
	if (a.v[RTA_MULTIPATH] != NULL)
		return hop->found = take_leg(k, hop, a.v[RTA_MULTIPATH]);
	hop->oif = attr_u32(&a, RTA_OIF, 0);
	hop->flags = r->rtm_flags & RTNH_F_ONLINK;
	take_gateway(hop, &a);
	return hop->found = hop->local || usable(k, hop->oif, r->rtm_flags);
}

static void weigh(void *arg, const struct nlmsghdr *h)
{
	struct search *s = arg;
	struct route_seen seen;
	struct hop hop;
	if (!route_read(&seen, h) || seen.table != RT_TABLE_MAIN || seen.type != RTN_UNICAST || seen.protocol == S2S_RTPROT)
		return;
	if (seen.prefix.addr.family != s->family || !read_hop(s->k, &hop, h))
		return;
	for (unsigned i = 0; i < s->n; i++) {
		struct hop *best = &s->v[i].best;
		bool better = !best->found || hop.len > best->len || (hop.len == best->len && hop.metric < best->metric);
		if (better && prefix_contains(&seen.prefix, s->v[i].to))
			*best = hop;
	}
}

static int search(struct search *s)
{
	int error = -EINTR;
	for (unsigned tries = 0; tries < 3 && error == -EINTR; tries++) {
		for (unsigned i = 0; i < s->n; i++)
			s->v[i].best = (struct hop){ 0 };
		struct rtmsg *r = nlm_begin(&s->k->scratch, RTM_GETROUTE, 0, sizeof *r);
		r->rtm_family = (uint8_t)s->family;
		r->rtm_type = RTN_UNICAST;
		nlm_put_u32(&s->k->scratch, RTA_TABLE, RT_TABLE_MAIN);
		error = nl_dump(&s->k->route, &s->k->scratch, "list routes", weigh, s);
	}
	s->k->why[0] = 0; /* without a single route the table does not exist: no fault */
	return error == -ENOENT ? 0 : error;
}

static int search_one(struct kernel *k, const struct addr *to, struct hop *hop)
{
	struct search s = { .k = k, .family = to->family, .n = 1, .v = xcalloc(1, sizeof *s.v) };
	s.v[0].to = to;
	int error = search(&s);
	*hop = s.v[0].best;
	free(s.v);
	if (error == 0 && !hop->found)
		error = -ENETUNREACH;
	return error;
}

struct answer {
	struct kernel *k;
	bool ours; /* a route of ours: its own pin, a guard */
	struct hop hop;
};

static void keep_answer(void *arg, const struct nlmsghdr *h)
{
	struct answer *a = arg;
	struct route_seen seen;
	if (h->nlmsg_type == RTM_NEWROUTE) {
		read_hop(a->k, &a->hop, h);
		a->ours = route_read(&seen, h) && seen.protocol == S2S_RTPROT;
	}
}

/* What the kernel would do now; oif 0 = any. A way into a tunnel of ours is none.
 * route: the route itself is asked for, and it must not be ours; otherwise the way, with the source address that will be used. */
static int lookup(struct kernel *k, const struct addr *to, uint32_t oif, bool route, struct hop *hop)
{
	struct answer a = { .k = k };
	struct rtmsg *r = nlm_begin(&k->scratch, RTM_GETROUTE, 0, sizeof *r);
	r->rtm_family = to->family;
	r->rtm_dst_len = to->family == AF_INET ? 32 : 128;
	r->rtm_flags = route ? RTM_F_FIB_MATCH : 0;
	nlm_put_addr(&k->scratch, RTA_DST, to);
	if (oif != 0)
		nlm_put_u32(&k->scratch, RTA_OIF, oif);
	int error = nl_get(&k->route, &k->scratch, "look up a route", keep_answer, &a);
	k->why[0] = 0;
	*hop = a.hop;
	return error == 0 && (!hop->found || (route && a.ours)) ? -ENETUNREACH : error;
}

int kernel_path(struct kernel *k, const struct addr *remote, struct addr *local, uint32_t *mtu)
{
	struct hop hop, via;
	struct link_seen link;
	char text[ADDR_TEXT];
	k->why[0] = 0;
	if (remote->family == 0)
		return why(k, -EDESTADDRREQ, "no address");
	int error = lookup(k, remote, 0, false, &hop);
	if (error != 0 && (error = search_one(k, remote, &hop)) == 0 && hop.source.family == 0 &&
		lookup(k, remote, hop.oif, false, &via) == 0)
		hop.source = via.source;
	if (error != 0)
		return why(k, -ENETUNREACH, "no route to %s outside the tunnels", addr_format(remote, text));
	if (hop.source.family == 0)
		return why(k, -ENETUNREACH, "no address of our own towards %s", addr_format(remote, text));
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

/* --- pins --- */
static struct prefix host(const struct addr *a)
{
	struct prefix p = { .addr = *a, .len = a->family == AF_INET ? 32 : 128 };
	p.addr.port = 0;
	return p;
}

static int put_route(struct kernel *k, const struct pin *pin, const struct hop *hop, uint16_t flags)
{
	struct nlm *m = &k->scratch;
	struct prefix to = host(&pin->remote);
	struct rtmsg *r = nlm_begin(m, RTM_NEWROUTE, flags, sizeof *r);
	r->rtm_family = to.addr.family;
	r->rtm_dst_len = to.len;
	r->rtm_table = RT_TABLE_MAIN;
	r->rtm_protocol = S2S_RTPROT;
	r->rtm_scope = to.addr.family == AF_INET && hop->gateway_type == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	r->rtm_type = RTN_UNICAST;
	r->rtm_flags = hop->flags;
	nlm_put_addr(m, RTA_DST, &to.addr);
	nlm_put_u32(m, RTA_OIF, hop->oif);
	nlm_put_u32(m, RTA_PRIORITY, PIN_METRIC);
	if (hop->gateway_type != 0)
		nlm_put(m, hop->gateway_type, hop->gateway, hop->gateway_size);
	nlm_put_addr(m, RTA_PREFSRC, &hop->source);
	if (hop->mtu != 0) {
		struct nlattr *metrics = nlm_nest(m, RTA_METRICS);
		nlm_put_u32(m, RTAX_MTU, hop->mtu);
		nlm_nest_end(m, metrics);
	}
	return nl_call(&k->route, m, "pin the route to the peer", 0);
}

static void unset(struct kernel *k, struct pin *pin)
{
	struct route_seen seen = {
		.prefix = host(&pin->remote), .table = RT_TABLE_MAIN, .metric = PIN_METRIC, .type = RTN_UNICAST
	};
	if (pin->set)
		route_delete_seen(k, &seen);
	pin->set = false;
	pin->hop = (struct hop){ 0 };
}

static int renew(struct kernel *k, struct pin *pin, const struct hop *best)
{
	char text[ADDR_TEXT];
	bool whole = best->found && best->len == host(&pin->remote).len;
	if (!best->found || best->local || whole) {
		unset(k, pin); /* no way out at all, or an operator's own host route already says it */
		return 0;
	}
	if (pin->set && memcmp(&pin->hop, best, sizeof *best) == 0) {
		int error = put_route(k, pin, best, NLM_F_CREATE | NLM_F_EXCL); /* the kernel may have lost it with the device */
		if (error == -EEXIST)
			k->why[0] = 0;
		return error == -EEXIST ? 0 : error;
	}
	int error = put_route(k, pin, best, NLM_F_CREATE | (pin->set ? NLM_F_REPLACE : NLM_F_EXCL));
	if (error == -EEXIST)
		return why(k, error, "a host route to the peer %s exists and is not ours", addr_format(&pin->remote, text));
	if (error == 0) {
		pin->set = true;
		pin->hop = *best;
	}
	return error;
}

static struct pin *find_pin(struct kernel *k, const struct addr *remote)
{
	struct pin *pin = k->pins;
	while (pin != NULL && !addr_same_ip(&pin->remote, remote))
		pin = pin->next;
	return pin;
}

void pin_clear(struct kernel *k, struct tunnel *t)
{
	struct pin *pin = t->pin, **at = &k->pins;
	t->pin = NULL;
	if (pin == NULL || --pin->refs > 0)
		return;
	unset(k, pin);
	while (*at != pin)
		at = &(*at)->next;
	*at = pin->next;
	free(pin);
}

int pin_set(struct kernel *k, struct tunnel *t, const struct addr *remote)
{
	struct hop best;
	bool wanted = t->want.pin_route && !addr_is_any(remote);
	if (t->pin != NULL && (!wanted || !addr_same_ip(&t->pin->remote, remote)))
		pin_clear(k, t);
	if (!wanted)
		return 0;
	if (t->pin == NULL) {
		struct pin *pin = find_pin(k, remote);
		if (pin == NULL) {
			pin = xcalloc(1, sizeof *pin);
			pin->remote = *remote;
			pin->next = k->pins;
			k->pins = pin;
		}
		pin->refs++;
		t->pin = pin;
	}
	/* The main table is only read through when the short question leads to a tunnel, or to the pin itself. */
	int error = lookup(k, remote, 0, true, &best);
	if (error != 0)
		error = search_one(k, remote, &best);
	return error == 0 || error == -ENETUNREACH ? renew(k, t->pin, &best) : error;
}

static int repin_family(struct kernel *k, int family)
{
	struct search s = { .k = k, .family = family };
	unsigned n = 0;
	for (struct pin *pin = k->pins; pin != NULL; pin = pin->next)
		n += pin->remote.family == family;
	if (n == 0)
		return 0;
	s.v = xcalloc(n, sizeof *s.v);
	for (struct pin *pin = k->pins; pin != NULL; pin = pin->next)
		if (pin->remote.family == family)
			s.v[s.n++].to = &pin->remote;
	int error = search(&s), first = error;
	unsigned i = 0;
	for (struct pin *pin = k->pins; pin != NULL && error == 0; pin = pin->next)
		if (pin->remote.family == family) {
			int failed = renew(k, pin, &s.v[i++].best);
			first = first != 0 ? first : failed;
		}
	free(s.v);
	return first;
}

int kernel_repin(struct kernel *k)
{
	k->why[0] = 0;
	int four = repin_family(k, AF_INET), six = repin_family(k, AF_INET6);
	return four != 0 ? four : six;
}

/* --- after a crash --- */
static bool looks_like_pin(const struct route_seen *r)
{
	return r->type == RTN_UNICAST && r->table == RT_TABLE_MAIN && r->metric == PIN_METRIC &&
	       r->prefix.len == host(&r->prefix.addr).len;
}

/* A pin that outlived us: it is replaced when its tunnel is set, and swept when it has none. */
void pin_adopt(struct kernel *k, const struct route_seen *r)
{
	if (!looks_like_pin(r) || find_pin(k, &r->prefix.addr) != NULL)
		return;
	struct pin *pin = xcalloc(1, sizeof *pin);
	pin->remote = r->prefix.addr;
	pin->set = true;
	pin->next = k->pins;
	k->pins = pin;
}

void pin_sweep(struct kernel *k)
{
	for (struct pin **at = &k->pins; *at != NULL;) {
		struct pin *pin = *at;
		if (pin->refs > 0) {
			at = &pin->next;
			continue;
		}
		unset(k, pin);
		*at = pin->next;
		free(pin);
	}
}

bool pin_is(struct kernel *k, const struct route_seen *r) { return looks_like_pin(r) && find_pin(k, &r->prefix.addr) != NULL; }

void pin_release(struct kernel *k)
{
	for (struct pin *pin = k->pins; pin != NULL;) {
		struct pin *next = pin->next;
		free(pin);
		pin = next;
	}
	k->pins = NULL;
}

bool pin_concerns(const struct kernel *k, const struct prefix *p)
{
	if (p->len == 0)
		return true;
	for (const struct pin *pin = k->pins; pin != NULL; pin = pin->next)
		if (prefix_contains(p, &pin->remote))
			return true;
	return false;
}
