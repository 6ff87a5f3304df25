/*
 * fake_nl.h - a kernel in memory, in the place of src/kernel/nl.c: what is written to it is what its dumps show. A program that includes this (in one of
 * its files) sees src/kernel alone, with no right to anything: kernel_real.open() fails for want of events, and what it made is usable.
 *
 * Objects that need no thought are kept as the message that made them. Interfaces are put together from what was said of them.
 */
#ifndef FAKE_NL_H
#define FAKE_NL_H

#include <net/if.h>
#include <netinet/in.h>

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"
#include "base/util.h"
#include "kernel/nl.h"

enum fake_kind { FAKE_ADDRESS, FAKE_ROUTE, FAKE_RULE, FAKE_SA, FAKE_POLICY, FAKE_LINK, FAKE_KINDS };

struct fake_link {
	uint32_t ifindex, group, mtu, flags;
	uint8_t oper, addr_gen;
	int32_t conf[IPV4_DEVCONF_MAX];
	char name[16];
	size_t n_info;
	uint8_t info[256]; /* IFLA_LINKINFO as it was given */
};

struct fake_thing {
	uint64_t key;
	size_t n;
	uint8_t *raw;
};

static struct fake_world {
	struct table of[FAKE_KINDS]; /* struct fake_thing; FAKE_LINK: struct fake_link by ifindex */
	unsigned n_nft;
	struct fake_thing *nft; /* messages of the table, in their order */
	uint32_t generation, last_ifindex;
	unsigned writes; /* messages that change something */
	unsigned refuse; /* the so many next of them that concern XFRM */
} fake;

static void fake_begin(void)
{
	memset(&fake, 0, sizeof fake);
	for (unsigned i = 0; i < FAKE_KINDS; i++)
		table_init(&fake.of[i], i);
	fake.last_ifindex = 9;
	fake.generation = 1;
}

static void fake_drop_nft(void)
{
	for (unsigned i = 0; i < fake.n_nft; i++)
		free(fake.nft[i].raw);
	free(fake.nft);
	fake.nft = NULL;
	fake.n_nft = 0;
}

static void fake_end(void)
{
	for (unsigned i = 0; i < FAKE_KINDS; i++) {
		size_t it = 0;
		for (struct fake_thing *t; (t = table_next(&fake.of[i], &it)) != NULL;) {
			if (i != FAKE_LINK)
				free(t->raw);
			free(t);
		}
		table_release(&fake.of[i]);
	}
	fake_drop_nft();
}

/* --- things kept as they came --- */
static int fake_put(enum fake_kind kind, uint64_t key, const struct nlmsghdr *h, uint16_t type)
{
	struct fake_thing *t = table_get(&fake.of[kind], key);
	if (t != NULL && (h->nlmsg_flags & NLM_F_EXCL))
		return -EEXIST;
	if (t == NULL) {
		t = xcalloc(1, sizeof *t);
		t->key = key;
		table_put(&fake.of[kind], key, t);
	}
	free(t->raw);
	t->n = h->nlmsg_len;
	t->raw = xcalloc(1, MNL_ALIGN(t->n));
	memcpy(t->raw, h, t->n);
	struct nlmsghdr *head = (void *)t->raw;
	head->nlmsg_type = type;
	head->nlmsg_flags = 0;
	head->nlmsg_seq = 0;
	return 0;
}

static int fake_delete(enum fake_kind kind, uint64_t key, int absent)
{
	struct fake_thing *t = table_del(&fake.of[kind], key);
	if (t == NULL)
		return absent;
	free(t->raw);
	free(t);
	return 0;
}

static uint64_t fake_attr_key(uint64_t h, const struct nlattr *a)
{
	return a != NULL ? hash_bytes(h, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a)) : h * 3;
}

static uint64_t fake_route_key(const struct nlmsghdr *h)
{
	const struct rtmsg *r = mnl_nlmsg_get_payload(h);
	struct attrs a;
	attrs_read(&a, h, sizeof *r);
	uint32_t table = attr_u32(&a, RTA_TABLE, r->rtm_table), metric = attr_u32(&a, RTA_PRIORITY, 0);
	uint64_t key = hash_bytes(HASH_START, (const uint32_t[]){ table, metric, r->rtm_family, r->rtm_dst_len }, 16);
	return fake_attr_key(key, a.v[RTA_DST]);
}

static uint64_t fake_address_key(const struct nlmsghdr *h)
{
	const struct ifaddrmsg *i = mnl_nlmsg_get_payload(h);
	struct attrs a;
	attrs_read(&a, h, sizeof *i);
	return fake_attr_key(hash_bytes(HASH_START, (const uint32_t[]){ i->ifa_index, i->ifa_prefixlen }, 8), a.v[IFA_LOCAL]);
}

static uint64_t fake_sa_key(const xfrm_address_t *dst, uint32_t spi)
{
	return hash_bytes(hash_bytes(HASH_START, dst, sizeof *dst), &spi, sizeof spi);
}

static uint64_t fake_policy_key(const struct nlmsghdr *h, size_t fixed, const struct xfrm_selector *sel, uint8_t dir)
{
	struct attrs a;
	attrs_read(&a, h, fixed);
	uint64_t key = hash_bytes(hash_bytes(HASH_START, sel, sizeof *sel), &dir, sizeof dir);
	return fake_attr_key(fake_attr_key(key, a.v[XFRMA_IF_ID]), a.v[XFRMA_MARK]);
}

/* An SA keeps all but its addresses; which of several it is, is the order of a hash. */
static void fake_migrate_sa(const struct xfrm_user_migrate *g)
{
	size_t it = 0;
	for (struct fake_thing *t; (t = table_next(&fake.of[FAKE_SA], &it)) != NULL;) {
		struct xfrm_usersa_info sa;
		nlm_copy_fixed(&sa, (void *)t->raw, sizeof sa);
		if (sa.reqid != g->reqid || memcmp(&sa.saddr, &g->old_saddr, 16) != 0 ||
			memcmp(&sa.id.daddr, &g->old_daddr, 16) != 0)
			continue;
		table_del(&fake.of[FAKE_SA], t->key);
		sa.saddr = g->new_saddr;
		sa.id.daddr = g->new_daddr;
		memcpy(mnl_nlmsg_get_payload((void *)t->raw), &sa, sizeof sa);
		t->key = fake_sa_key(&sa.id.daddr, sa.id.spi);
		table_put(&fake.of[FAKE_SA], t->key, t);
		return;
	}
}

static int fake_migrate(const struct nlmsghdr *h)
{
	struct xfrm_userpolicy_id id;
	struct xfrm_user_migrate g[2];
	struct attrs a;
	nlm_copy_fixed(&id, h, sizeof id);
	attrs_read(&a, h, sizeof id);
	memcpy(g, mnl_attr_get_payload(a.v[XFRMA_MIGRATE]), sizeof g);
	struct fake_thing *policy = table_get(&fake.of[FAKE_POLICY], fake_policy_key(h, sizeof id, &id.sel, id.dir));
	if (policy == NULL)
		return -ENOENT;
	attrs_read(&a, (void *)policy->raw, sizeof(struct xfrm_userpolicy_info));
	struct xfrm_user_tmpl *t = a.v[XFRMA_TMPL] != NULL ? mnl_attr_get_payload(a.v[XFRMA_TMPL]) : NULL;
	if (t == NULL || memcmp(&t->saddr, &g[0].old_saddr, 16) != 0 || memcmp(&t->id.daddr, &g[0].old_daddr, 16) != 0)
		return -ENODATA;
	t->saddr = g[0].new_saddr;
	t->id.daddr = g[0].new_daddr;
	for (unsigned i = 0; i < 2; i++)
		fake_migrate_sa(&g[i]);
	return 0;
}

static int fake_xfrm(const struct nlmsghdr *h)
{
	struct xfrm_usersa_info sa;
	struct xfrm_usersa_id sa_id;
	struct xfrm_userpolicy_info policy;
	struct xfrm_userpolicy_id policy_id;
	switch (h->nlmsg_type) {
	case XFRM_MSG_NEWSA:
		nlm_copy_fixed(&sa, h, sizeof sa);
		return fake_put(FAKE_SA, fake_sa_key(&sa.id.daddr, sa.id.spi), h, XFRM_MSG_NEWSA);
	case XFRM_MSG_DELSA:
		nlm_copy_fixed(&sa_id, h, sizeof sa_id);
		return fake_delete(FAKE_SA, fake_sa_key(&sa_id.daddr, sa_id.spi), -ESRCH);
	case XFRM_MSG_UPDPOLICY:
		nlm_copy_fixed(&policy, h, sizeof policy);
		return fake_put(FAKE_POLICY, fake_policy_key(h, sizeof policy, &policy.sel, policy.dir), h, XFRM_MSG_NEWPOLICY);
	case XFRM_MSG_DELPOLICY:
		nlm_copy_fixed(&policy_id, h, sizeof policy_id);
		return fake_delete(FAKE_POLICY, fake_policy_key(h, sizeof policy_id, &policy_id.sel, policy_id.dir), -ENOENT);
	case XFRM_MSG_MIGRATE: return fake_migrate(h);
	}
	return -EOPNOTSUPP;
}

/* --- interfaces --- */
static struct fake_link *fake_link_named(const char *name)
{
	size_t it = 0;
	struct fake_link *l;
	while ((l = table_next(&fake.of[FAKE_LINK], &it)) != NULL && strcmp(l->name, name) != 0)
		;
	return l;
}

/* What lies on an interface goes with it; set down, it keeps its IPv4 addresses. */
static void fake_links_things_go(uint32_t ifindex, bool addresses)
{
	static const enum fake_kind kinds[] = { FAKE_ROUTE, FAKE_ADDRESS };
	for (unsigned k = 0; k < (addresses ? 2 : 1); k++) {
		size_t it = 0;
		for (struct fake_thing *t; (t = table_next(&fake.of[kinds[k]], &it)) != NULL;) {
			const struct nlmsghdr *h = (const void *)t->raw;
			const struct ifaddrmsg *i = mnl_nlmsg_get_payload(h);
			struct attrs a;
			attrs_read(&a, h, sizeof(struct rtmsg));
			if (k == 0 ? attr_u32(&a, RTA_OIF, 0) == ifindex : i->ifa_index == ifindex)
				fake_delete(kinds[k], t->key, 0);
		}
	}
}

static void fake_link_options(struct fake_link *l, const struct nlattr *spec)
{
	struct attrs families, inet, inet6, conf;
	attrs_nested(&families, spec);
	attrs_nested(&inet, families.v[AF_INET]);
	attrs_nested(&inet6, families.v[AF_INET6]);
	attrs_nested(&conf, inet.v[IFLA_INET_CONF]);
	for (unsigned i = 1; i <= IPV4_DEVCONF_MAX; i++)
		l->conf[i - 1] = (int32_t)attr_u32(&conf, i, (uint32_t)l->conf[i - 1]);
	if (inet6.v[IFLA_INET6_ADDR_GEN_MODE] != NULL)
		l->addr_gen = *(const uint8_t *)mnl_attr_get_payload(inet6.v[IFLA_INET6_ADDR_GEN_MODE]);
}

static int fake_link_change(const struct nlmsghdr *h)
{
	const struct ifinfomsg *i = mnl_nlmsg_get_payload(h);
	struct attrs a;
	attrs_read(&a, h, sizeof *i);
	struct fake_link *l = table_get(&fake.of[FAKE_LINK], (uint32_t)i->ifi_index);
	if (l == NULL && !(h->nlmsg_flags & NLM_F_CREATE))
		return -ENODEV;
	if (l == NULL) {
		if (fake_link_named(attr_text(&a, IFLA_IFNAME)) != NULL)
			return -EEXIST;
		l = xcalloc(1, sizeof *l);
		l->ifindex = ++fake.last_ifindex;
		l->mtu = 1500;
		l->conf[IPV4_DEVCONF_ACCEPT_REDIRECTS - 1] = l->conf[IPV4_DEVCONF_SEND_REDIRECTS - 1] = 1;
		snprintf(l->name, sizeof l->name, "%s", attr_text(&a, IFLA_IFNAME));
		table_put(&fake.of[FAKE_LINK], l->ifindex, l);
	}
	l->group = attr_u32(&a, IFLA_GROUP, l->group);
	l->mtu = attr_u32(&a, IFLA_MTU, l->mtu);
	if (a.v[IFLA_OPERSTATE] != NULL)
		l->oper = *(const uint8_t *)mnl_attr_get_payload(a.v[IFLA_OPERSTATE]);
	if (a.v[IFLA_LINKINFO] != NULL && a.v[IFLA_LINKINFO]->nla_len <= sizeof l->info) {
		l->n_info = a.v[IFLA_LINKINFO]->nla_len;
		memcpy(l->info, a.v[IFLA_LINKINFO], l->n_info);
	}
	fake_link_options(l, a.v[IFLA_AF_SPEC]);
	if ((i->ifi_change & IFF_UP) && (l->flags & IFF_UP) && !(i->ifi_flags & IFF_UP))
		fake_links_things_go(l->ifindex, false);
	l->flags = (l->flags & ~i->ifi_change) | (i->ifi_flags & i->ifi_change);
	return 0;
}

static int fake_link_delete(uint32_t ifindex)
{
	struct fake_link *l = table_del(&fake.of[FAKE_LINK], ifindex);
	if (l == NULL)
		return -ENODEV;
	fake_links_things_go(ifindex, true);
	free(l);
	return 0;
}

static void fake_link_show(const struct fake_link *l, nl_fn fn, void *arg)
{
	static struct nlm m;
	struct ifinfomsg *i = nlm_begin(&m, RTM_NEWLINK, 0, sizeof *i);
	i->ifi_index = (int)l->ifindex;
	i->ifi_flags = l->flags;
	nlm_put_text(&m, IFLA_IFNAME, l->name);
	nlm_put_u32(&m, IFLA_GROUP, l->group);
	nlm_put_u32(&m, IFLA_MTU, l->mtu);
	nlm_put_u8(&m, IFLA_OPERSTATE, l->oper);
	if (l->n_info > 0)
		nlm_put(&m, IFLA_LINKINFO, l->info + MNL_ATTR_HDRLEN, l->n_info - MNL_ATTR_HDRLEN);
	struct nlattr *spec = nlm_nest(&m, IFLA_AF_SPEC), *inet = nlm_nest(&m, AF_INET);
	nlm_put(&m, IFLA_INET_CONF, l->conf, sizeof l->conf);
	nlm_nest_end(&m, inet);
	inet = nlm_nest(&m, AF_INET6);
	nlm_put_u8(&m, IFLA_INET6_ADDR_GEN_MODE, l->addr_gen);
	nlm_nest_end(&m, inet);
	nlm_nest_end(&m, spec);
	fn(arg, &m.head);
}

static int fake_routing(const struct nlmsghdr *h)
{
	const struct ifinfomsg *i = mnl_nlmsg_get_payload(h);
	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_SETLINK: return fake_link_change(h);
	case RTM_NEWLINKPROP: return 0;
	case RTM_DELLINK:
		for (unsigned n = 10; i->ifi_index == 0 && n <= fake.last_ifindex; n++) /* of a group: all are */
			fake_link_delete(n);
		return i->ifi_index != 0 ? fake_link_delete((uint32_t)i->ifi_index) : 0;
	case RTM_NEWADDR: return fake_put(FAKE_ADDRESS, fake_address_key(h), h, RTM_NEWADDR);
	case RTM_DELADDR: return fake_delete(FAKE_ADDRESS, fake_address_key(h), -EADDRNOTAVAIL);
	case RTM_NEWROUTE: return fake_put(FAKE_ROUTE, fake_route_key(h), h, RTM_NEWROUTE);
	case RTM_DELROUTE: return fake_delete(FAKE_ROUTE, fake_route_key(h), -ESRCH);
	case RTM_NEWRULE:
	case RTM_DELRULE: {
		uint64_t key = hash_bytes(HASH_START, mnl_nlmsg_get_payload(h), mnl_nlmsg_get_payload_len(h));
		return h->nlmsg_type == RTM_NEWRULE ? fake_put(FAKE_RULE, key, h, RTM_NEWRULE)
						    : fake_delete(FAKE_RULE, key, -ENOENT);
	}
	}
	return -EOPNOTSUPP;
}

/* --- nf_tables --- */
static bool fake_same_elements(const struct nlmsghdr *a, const struct nlmsghdr *b)
{
	struct attrs x, y;
	attrs_read(&x, a, sizeof(struct nfgenmsg));
	attrs_read(&y, b, sizeof(struct nfgenmsg));
	const struct nlattr *p = x.v[NFTA_SET_ELEM_LIST_ELEMENTS], *q = y.v[NFTA_SET_ELEM_LIST_ELEMENTS];
	return NFNL_MSG_TYPE(a->nlmsg_type) == NFT_MSG_NEWSETELEM && p->nla_len == q->nla_len &&
	       strcmp(attr_text(&x, NFTA_SET_ELEM_LIST_SET), attr_text(&y, NFTA_SET_ELEM_LIST_SET)) == 0 &&
	       memcmp(p, q, p->nla_len) == 0;
}

static int fake_nft(const struct nlmsghdr *h)
{
	unsigned i = 0;
	switch (NFNL_MSG_TYPE(h->nlmsg_type)) {
	case NFT_MSG_DELTABLE: fake_drop_nft(); return 0;
	case NFT_MSG_DELSETELEM:
		while (i < fake.n_nft && !fake_same_elements((const void *)fake.nft[i].raw, h))
			i++;
		if (i == fake.n_nft)
			return -ENOENT;
		free(fake.nft[i].raw);
		memmove(&fake.nft[i], &fake.nft[i + 1], (--fake.n_nft - i) * sizeof *fake.nft);
		return 0;
	}
	if (fake.n_nft % 1024 == 0)
		fake.nft = xrealloc_array(fake.nft, fake.n_nft + 1024, sizeof *fake.nft);
	struct fake_thing *t = &fake.nft[fake.n_nft++];
	*t = (struct fake_thing){ .n = h->nlmsg_len, .raw = xcalloc(1, MNL_ALIGN(h->nlmsg_len)) };
	memcpy(t->raw, h, t->n);
	return 0;
}

static int fake_nft_ask(const struct nlmsghdr *ask, nl_fn fn, void *arg)
{
	uint16_t shown = (uint16_t)(NFNL_MSG_TYPE(ask->nlmsg_type) - 1); /* each GET follows its NEW */
	struct attrs a, b;
	unsigned n = 0;
	attrs_read(&a, ask, sizeof(struct nfgenmsg));
	for (unsigned i = 0; i < fake.n_nft; i++) {
		const struct nlmsghdr *h = (const void *)fake.nft[i].raw;
		if (NFNL_MSG_TYPE(h->nlmsg_type) != shown)
			continue;
		attrs_read(&b, h, sizeof(struct nfgenmsg));
		if (shown == NFT_MSG_NEWSETELEM &&
			strcmp(attr_text(&a, NFTA_SET_ELEM_LIST_SET), attr_text(&b, NFTA_SET_ELEM_LIST_SET)) != 0)
			continue;
		if (shown != NFT_MSG_NEWTABLE || n == 0)
			fn(arg, h);
		n++;
	}
	return fake.n_nft == 0 && (shown == NFT_MSG_NEWTABLE || shown == NFT_MSG_NEWSETELEM) ? -ENOENT : 0;
}

static int fake_generation(nl_fn fn, void *arg)
{
	static struct nlm m;
	struct nfgenmsg *g = nlm_begin(&m, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN, 0, sizeof *g);
	g->nfgen_family = AF_UNSPEC;
	nlm_put_be32(&m, NFTA_GEN_ID, fake.generation);
	fn(arg, &m.head);
	return 0;
}

/* --- reading --- */
static void fake_show(enum fake_kind kind, uint8_t family, uint8_t protocol, nl_fn fn, void *arg)
{
	size_t it = 0;
	for (struct fake_thing *t; (t = table_next(&fake.of[kind], &it)) != NULL;) {
		const struct nlmsghdr *h = (const void *)t->raw;
		const struct rtmsg *r = mnl_nlmsg_get_payload(h); /* a family comes first in each header */
		if ((family == 0 || r->rtm_family == family) && (protocol == 0 || r->rtm_protocol == protocol))
			fn(arg, h);
	}
}

/* The way out: by 198.51.100.1 of interface 2. */
static void fake_default_route(uint8_t family, nl_fn fn, void *arg)
{
	static struct nlm m;
	struct addr gateway = { .family = AF_INET, .ip = { 198, 51, 100, 1 } },
		    source = { .family = AF_INET, .ip = { 198, 51, 100, 7 } };
	struct rtmsg *r = nlm_begin(&m, RTM_NEWROUTE, 0, sizeof *r);
	if (family != AF_INET)
		return;
	r->rtm_family = family;
	r->rtm_table = RT_TABLE_MAIN;
	r->rtm_protocol = RTPROT_BOOT;
	r->rtm_type = RTN_UNICAST;
	nlm_put_u32(&m, RTA_OIF, 2);
	nlm_put_addr(&m, RTA_GATEWAY, &gateway);
	nlm_put_addr(&m, RTA_PREFSRC, &source);
	fn(arg, &m.head);
}

static void fake_main_rule(uint8_t family, nl_fn fn, void *arg)
{
	static struct nlm m;
	struct fib_rule_hdr *r = nlm_begin(&m, RTM_NEWRULE, 0, sizeof *r);
	r->family = family;
	r->table = RT_TABLE_MAIN;
	r->action = FR_ACT_TO_TBL;
	nlm_put_u32(&m, FRA_PRIORITY, 32766);
	nlm_put_u8(&m, FRA_PROTOCOL, RTPROT_KERNEL);
	fn(arg, &m.head);
}

static int fake_ask(const struct nlmsghdr *h, bool dump, nl_fn fn, void *arg)
{
	const struct rtmsg *r = mnl_nlmsg_get_payload(h);
	const struct ifinfomsg *i = mnl_nlmsg_get_payload(h);
	struct attrs a;
	size_t it = 0;
	switch (h->nlmsg_type) {
	case RTM_GETLINK:
		attrs_read(&a, h, sizeof *i);
		const char *name = attr_text(&a, IFLA_IFNAME);
		struct fake_link *l = name[0] != 0 ? fake_link_named(name)
						   : table_get(&fake.of[FAKE_LINK], (uint32_t)i->ifi_index);
		if (!dump && l == NULL)
			return -ENODEV;
		if (!dump)
			fake_link_show(l, fn, arg);
		while (dump && (l = table_next(&fake.of[FAKE_LINK], &it)) != NULL)
			fake_link_show(l, fn, arg);
		return 0;
	case RTM_GETADDR: fake_show(FAKE_ADDRESS, 0, 0, fn, arg); return 0;
	case RTM_GETROUTE:
		if (r->rtm_protocol == 0)
			fake_default_route(r->rtm_family, fn, arg);
		if (dump)
			fake_show(FAKE_ROUTE, r->rtm_family, r->rtm_protocol, fn, arg);
		return !dump && r->rtm_family != AF_INET ? -ENETUNREACH : 0;
	case RTM_GETRULE:
		fake_main_rule(r->rtm_family, fn, arg);
		fake_show(FAKE_RULE, r->rtm_family, 0, fn, arg);
		return 0;
	}
	return -EOPNOTSUPP;
}

static int fake_xfrm_ask(const struct nlmsghdr *h, bool dump, nl_fn fn, void *arg)
{
	struct xfrm_usersa_id id;
	if (!dump && nlm_copy_fixed(&id, h, sizeof id)) {
		const struct fake_thing *t = table_get(&fake.of[FAKE_SA], fake_sa_key(&id.daddr, id.spi));
		if (t != NULL)
			fn(arg, (const void *)t->raw);
		return t != NULL ? 0 : -ESRCH;
	}
	fake_show(h->nlmsg_type == XFRM_MSG_GETSA ? FAKE_SA : FAKE_POLICY, 0, 0, fn, arg);
	return 0;
}

/* --- in the place of nl.c --- */
struct mnl_socket *nl_socket(int bus, size_t receive_buffer)
{
	(void)bus, (void)receive_buffer;
	errno = EPERM; /* no events */
	return NULL;
}

int nl_open(struct nl *nl, int bus, char *why)
{
	static int any;
	*nl = (struct nl){ .why = why, .seq = (uint32_t)bus, .sock = (void *)&any }; /* seq: which one it is */
	return 0;
}

void nl_close(struct nl *nl) { memset(nl, 0, sizeof *nl); }
uint32_t nl_port(const struct nl *nl) { return 1000 + nl->seq; }

int nl_fail(const struct nl *nl, int error, const char *what, const char *extra)
{
	(void)extra;
	snprintf(nl->why, NL_WHY, "cannot %s: %s", what, strerror(-error));
	return error;
}

void nl_add(struct nl *nl, struct nlm *m, const char *what, int fine)
{
	int error = m->bad ? -EMSGSIZE : 0;
	if (nl->silent)
		return;
	fake.writes++;
	if (error == 0 && nl->seq == NETLINK_XFRM && fake.refuse > 0) {
		fake.refuse--;
		error = -ENOMEM;
	} else if (error == 0) {
		error = nl->seq == NETLINK_XFRM ? fake_xfrm(&m->head) : fake_routing(&m->head);
	}
	if (error != 0 && -error != fine && nl->error == 0)
		nl->error = nl_fail(nl, error, what, NULL);
}

int nl_flush(struct nl *nl)
{
	int error = nl->error;
	nl->error = 0;
	return error;
}

int nl_call(struct nl *nl, struct nlm *m, const char *what, int fine)
{
	nl_add(nl, m, what, fine);
	return nl_flush(nl);
}

static int fake_answer(struct nl *nl, struct nlm *m, const char *what, bool dump, nl_fn fn, void *arg)
{
	int error;
	if (nl->seq == NETLINK_XFRM)
		error = fake_xfrm_ask(&m->head, dump, fn, arg);
	else if (nl->seq == NETLINK_ROUTE)
		error = fake_ask(&m->head, dump, fn, arg);
	else if (NFNL_MSG_TYPE(m->head.nlmsg_type) == NFT_MSG_GETGEN)
		error = fake_generation(fn, arg);
	else
		error = fake_nft_ask(&m->head, fn, arg);
	return error != 0 ? nl_fail(nl, error, what, NULL) : 0;
}

int nl_get(struct nl *nl, struct nlm *m, const char *what, nl_fn fn, void *arg)
{
	return fake_answer(nl, m, what, false, fn, arg);
}
int nl_dump(struct nl *nl, struct nlm *m, const char *what, nl_fn fn, void *arg)
{
	return fake_answer(nl, m, what, true, fn, arg);
}

int nl_transact(struct nl *nl, const void *bytes, size_t n, const char *what)
{
	int left = (int)n, first = 0;
	for (const struct nlmsghdr *h = bytes; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		int error = NFNL_SUBSYS_ID(h->nlmsg_type) == NFNL_SUBSYS_NFTABLES ? fake_nft(h) : 0;
		if (first == 0 && error != 0)
			first = nl_fail(nl, error, what, NULL);
	}
	fake.generation++;
	fake.writes++;
	return first;
}

#endif
