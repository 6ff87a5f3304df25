/* facts.c - what is the same for all packets: interfaces, addresses, rules, policies, neighbours, as the kernel dumps them. */
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/system.h"
#include "netlink.h"

#define MOST 200000 /* of a kind: more are left out */

/* Room for one more; NULL when there are too many. */
static void *one_more(void *list, unsigned *n, size_t size)
{
	void **v = list;
	if (*n >= MOST)
		return NULL;
	if ((*n & (*n - 1)) == 0) /* doubles at powers of two */
		*v = xrealloc_array(*v, *n > 0 ? (size_t)*n * 2 : 1, size);
	void *slot = (char *)*v + (size_t)(*n)++ * size;
	return memset(slot, 0, size);
}

/* ---------------------------------------------------------------- interfaces */
static int setting(const struct nlattr *conf, unsigned which)
{
	uint32_t v;
	if (conf == NULL || mnl_attr_get_payload_len(conf) < which * sizeof v)
		return SYSTEM_UNKNOWN;
	memcpy(&v, (const char *)mnl_attr_get_payload(conf) + (which - 1) * sizeof v, sizeof v);
	return (int)v;
}

static void read_settings(struct way_link *l, const struct nlattr *spec)
{
	struct way_attrs families, inet;
	way_nested(&families, spec);
	way_nested(&inet, families.v[AF_INET]);
	const struct nlattr *conf = inet.v[IFLA_INET_CONF];
	l->forwarding = setting(conf, IPV4_DEVCONF_FORWARDING);
	l->rp_filter = setting(conf, IPV4_DEVCONF_RP_FILTER);
	l->accept_local = setting(conf, IPV4_DEVCONF_ACCEPT_LOCAL);
	l->disable_policy = setting(conf, IPV4_DEVCONF_NOPOLICY);
	l->disable_xfrm = setting(conf, IPV4_DEVCONF_NOXFRM);
}

static void read_kind(struct way_link *l, const struct nlattr *info)
{
	struct way_attrs a, data;
	char kind[WAY_NAME];
	way_nested(&a, info);
	way_text(&a, IFLA_INFO_KIND, kind);
	bool xfrm = strcmp(kind, "xfrm") == 0;
	if (xfrm || strcmp(kind, "vti") == 0 || strcmp(kind, "vti6") == 0)
		l->kind = LINK_TUNNEL;
	if (!xfrm)
		return;
	way_nested(&data, a.v[IFLA_INFO_DATA]);
	l->if_id = way_u32(&data, IFLA_XFRM_IF_ID, 0);
}

static void take_link(void *arg, const struct nlmsghdr *h)
{
	struct way_facts *f = arg;
	struct way_attrs a;
	struct rtnl_link_stats64 stats;
	const struct ifinfomsg *i = way_fixed(h, sizeof *i);
	struct way_link *l = i != NULL ? one_more(&f->links, &f->n_links, sizeof *l) : NULL;
	if (l == NULL)
		return;
	way_attrs(&a, h, sizeof *i);
	l->index = (unsigned)i->ifi_index;
	l->kind = i->ifi_type == ARPHRD_LOOPBACK ? LINK_LOOPBACK : LINK_OTHER;
	l->up = (i->ifi_flags & IFF_UP) != 0;
	l->running = (i->ifi_flags & IFF_RUNNING) != 0;
	l->master = way_u32(&a, IFLA_MASTER, 0);
	way_text(&a, IFLA_IFNAME, l->name);
	read_settings(l, a.v[IFLA_AF_SPEC]);
	read_kind(l, a.v[IFLA_LINKINFO]);
	const void *p = way_data(&a, IFLA_STATS64, offsetof(struct rtnl_link_stats64, tx_fifo_errors));
	if (p == NULL)
		return;
	memcpy(&stats, p, offsetof(struct rtnl_link_stats64, tx_fifo_errors));
	l->no_policy = stats.tx_carrier_errors;
	l->refused = stats.tx_aborted_errors;
	l->loop = stats.collisions;
	l->damaged = stats.rx_errors;
}

static void take_address(void *arg, const struct nlmsghdr *h)
{
	struct way_facts *f = arg;
	struct way_attrs a;
	const struct ifaddrmsg *i = way_fixed(h, sizeof *i);
	if (i == NULL || (i->ifa_family != AF_INET && i->ifa_family != AF_INET6))
		return;
	struct way_address *to = one_more(&f->addresses, &f->n_addresses, sizeof *to);
	if (to == NULL)
		return;
	way_attrs(&a, h, sizeof *i);
	to->prefix.addr = way_addr(&a, a.v[IFA_LOCAL] != NULL ? IFA_LOCAL : IFA_ADDRESS, i->ifa_family);
	to->prefix.len = i->ifa_prefixlen;
	to->link = i->ifa_index;
}

static void take_neighbour(void *arg, const struct nlmsghdr *h)
{
	struct way_facts *f = arg;
	struct way_attrs a;
	const struct ndmsg *i = way_fixed(h, sizeof *i);
	if (i == NULL || (i->ndm_family != AF_INET && i->ndm_family != AF_INET6))
		return;
	struct way_neighbour *to = one_more(&f->neighbours, &f->n_neighbours, sizeof *to);
	if (to == NULL)
		return;
	way_attrs(&a, h, sizeof *i);
	to->addr = way_addr(&a, NDA_DST, i->ndm_family);
	to->link = (unsigned)i->ndm_ifindex;
	/* Who keeps sending makes the entry start anew all the time: asked twice, that is a second without an answer. */
	bool asked_again = (i->ndm_state & NUD_INCOMPLETE) != 0 && way_u32(&a, NDA_PROBES, 0) >= 2;
	to->failed = (i->ndm_state & NUD_FAILED) != 0 || asked_again;
	to->known = (i->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)) != 0;
}

/* ---------------------------------------------------------------- rules */
static void take_rule(void *arg, const struct nlmsghdr *h)
{
	static const unsigned more[] = { FRA_SPORT_RANGE, FRA_DPORT_RANGE, FRA_IP_PROTO, FRA_UID_RANGE, FRA_TUN_ID };
	struct way_facts *f = arg;
	struct way_attrs a;
	const struct fib_rule_hdr *i = way_fixed(h, sizeof *i);
	struct way_rule *r = i != NULL ? one_more(&f->rules, &f->n_rules, sizeof *r) : NULL;
	if (r == NULL)
		return;
	way_attrs(&a, h, sizeof *i);
	*r = (struct way_rule){ .family = i->family,
		.action = i->action,
		.invert = (i->flags & FIB_RULE_INVERT) != 0,
		.l3mdev = way_data(&a, FRA_L3MDEV, 1) != NULL && *(const uint8_t *)way_data(&a, FRA_L3MDEV, 1) != 0,
		.more = i->tos != 0,
		.pref = way_u32(&a, FRA_PRIORITY, 0),
		.table = way_u32(&a, FRA_TABLE, i->table),
		.mark = way_u32(&a, FRA_FWMARK, 0),
		.mask = way_u32(&a, FRA_FWMASK, a.v[FRA_FWMARK] != NULL ? UINT32_MAX : 0),
		.jump = way_u32(&a, FRA_GOTO, 0),
		.from = { way_addr(&a, FRA_SRC, i->family), i->src_len },
		.to = { way_addr(&a, FRA_DST, i->family), i->dst_len } };
	way_text(&a, FRA_IIFNAME, r->in);
	way_text(&a, FRA_OIFNAME, r->out);
	for (size_t k = 0; k < sizeof more / sizeof *more; k++)
		r->more |= a.v[more[k]] != NULL;
}

/* ---------------------------------------------------------------- policies */
static struct prefix selected(const xfrm_address_t *x, uint8_t len, uint16_t family)
{
	struct prefix p = { .len = len };
	addr_from_bytes(&p.addr, bytes_of(x, family == AF_INET6 ? 16 : 4));
	return p;
}

static void read_templates(struct way_policy *p, const struct way_attrs *a)
{
	const struct nlattr *list = a->v[XFRMA_TMPL];
	size_t n = list != NULL ? mnl_attr_get_payload_len(list) / sizeof(struct xfrm_user_tmpl) : 0;
	for (size_t i = 0; i < n; i++) {
		struct xfrm_user_tmpl t;
		memcpy(&t, (const char *)mnl_attr_get_payload(list) + i * sizeof t, sizeof t);
		if (t.optional)
			continue;
		if (p->templates++ > 0 || t.mode != XFRM_MODE_TUNNEL)
			continue;
		p->ends[0] = selected(&t.saddr, 0, t.family).addr;
		p->ends[1] = selected(&t.id.daddr, 0, t.family).addr;
	}
}

static void take_policy(void *arg, const struct nlmsghdr *h)
{
	struct way_facts *f = arg;
	struct way_attrs a;
	struct xfrm_userpolicy_info i;
	const void *p = way_fixed(h, sizeof i);
	if (p == NULL)
		return;
	memcpy(&i, p, sizeof i);
	way_attrs(&a, h, sizeof i);
	uint32_t if_id = way_u32(&a, XFRMA_IF_ID, 0);
	bool block = i.action == XFRM_POLICY_BLOCK;
	if (i.dir > XFRM_POLICY_FWD || (if_id != 0 && !block))
		return;
	struct way_policy *to = one_more(&f->policies, &f->n_policies, sizeof *to);
	if (to == NULL)
		return;
	*to = (struct way_policy){ .dir = i.dir == XFRM_POLICY_IN    ? WAY_POLICY_IN
					  : i.dir == XFRM_POLICY_OUT ? WAY_POLICY_OUT
								     : WAY_POLICY_FWD,
		.from = selected(&i.sel.saddr, i.sel.prefixlen_s, i.sel.family),
		.to = selected(&i.sel.daddr, i.sel.prefixlen_d, i.sel.family),
		.protocol = i.sel.proto,
		.block = block,
		.priority = i.priority,
		.index = i.index,
		.if_id = if_id };
	const struct xfrm_mark *mark = way_data(&a, XFRMA_MARK, sizeof *mark);
	if (mark != NULL) {
		to->mark = mark->v;
		to->mask = mark->m;
	}
	read_templates(to, &a);
}

/* ---------------------------------------------------------------- all of it */
static void unseen(struct way_facts *f, int error, const char *what)
{
	if (error < 0 && f->n_unseen < sizeof f->unseen / sizeof *f->unseen)
		f->unseen[f->n_unseen++] = what;
}

void way_facts_read(struct way_facts *f)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct way_request r;
	*f = (struct way_facts){ .forward4 = system_number("", "sys/net/ipv4/ip_forward"),
		.forward6 = system_number("", "sys/net/ipv6/conf/all/forwarding"),
		.rp_all = system_number("", "sys/net/ipv4/conf/all/rp_filter"),
		.socket = way_socket_open() };
	struct mnl_socket *route = f->socket->route;
	way_request(&r, RTM_GETLINK, sizeof(struct ifinfomsg));
	unseen(f, way_ask(f->socket, route, &r, true, take_link, f), "interfaces");
	way_request(&r, RTM_GETADDR, sizeof(struct ifaddrmsg));
	unseen(f, way_ask(f->socket, route, &r, true, take_address, f), "addresses");
	way_request(&r, RTM_GETNEIGH, sizeof(struct ndmsg));
	unseen(f, way_ask(f->socket, route, &r, true, take_neighbour, f), "neighbours");
	for (size_t i = 0; i < sizeof families; i++) {
		struct fib_rule_hdr *rule = way_request(&r, RTM_GETRULE, sizeof *rule);
		rule->family = families[i];
		way_ask(f->socket, route, &r, true, take_rule, f); /* without rules of their own the tables are named alone */
	}
	way_request(&r, XFRM_MSG_GETPOLICY, sizeof(struct xfrm_userpolicy_id));
	f->policies_seen = way_ask(f->socket, f->socket->xfrm, &r, true, take_policy, f) == 0;
	unseen(f, f->policies_seen ? 0 : -1, "XFRM policies of other programs: run this as root");
}

void way_facts_release(struct way_facts *f)
{
	way_socket_close(f->socket);
	free(f->links);
	free(f->addresses);
	free(f->rules);
	free(f->policies);
	free(f->neighbours);
	*f = (struct way_facts){ 0 };
}

/* ---------------------------------------------------------------- looking */
const struct way_link *way_link(const struct way_facts *f, unsigned index)
{
	for (unsigned i = 0; i < f->n_links; i++)
		if (f->links[i].index == index)
			return &f->links[i];
	return NULL;
}

const char *way_link_name(const struct way_facts *f, unsigned index)
{
	const struct way_link *l = way_link(f, index);
	return l != NULL ? l->name : "?";
}

const struct way_link *way_link_named(const struct way_facts *f, const char *name)
{
	for (unsigned i = 0; i < f->n_links; i++)
		if (strcmp(f->links[i].name, name) == 0)
			return &f->links[i];
	return NULL;
}

const struct way_address *way_own_address(const struct way_facts *f, const struct addr *a)
{
	for (unsigned i = 0; i < f->n_addresses; i++)
		if (addr_same_ip(&f->addresses[i].prefix.addr, a))
			return &f->addresses[i];
	return NULL;
}

const struct way_neighbour *way_neighbour(const struct way_facts *f, unsigned link, const struct addr *a)
{
	for (unsigned i = 0; i < f->n_neighbours; i++)
		if (f->neighbours[i].link == link && addr_same_ip(&f->neighbours[i].addr, a))
			return &f->neighbours[i];
	return NULL;
}
