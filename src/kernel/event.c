/*
 * event.c - what happens without us: SAs that expire, peers that change port, uplinks that change, what others do to objects of ours.
 *
 * Three sockets (XFRM, routing, nf_tables), apart from those of requests, with large buffers. What our own requests did would come back here
 * too: a filter on each socket leaves it out in the kernel, by the port of the requests' socket. What follows from our requests has the
 * kernel as its author; whether something of ours is really not as it shall be is looked at then. A flood of changes is one
 * KERNEL_UPLINK_CHANGED and one KERNEL_TOUCHED per read.
 */
#include <net/if.h>
#include <netinet/in.h>

#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "nft_rules.h"
#include "own.h"
#include "route.h"

#define EVENT_BUFFER (8 << 20)
#define READ_BYTES 65536
#define READS_MAX 256 /* then others have their turn; the descriptor stays readable */

struct uplink {
	uint32_t flags, mtu;
};

struct group {
	int number;
	const char *without; /* what is then noticed only by comparing; NULL: we cannot do without it */
};

/* Never ACQUIRE or AEVENTS: listening makes work in the kernel. */
static const struct group xfrm_groups[] = { { XFRMNLGRP_EXPIRE, NULL }, { XFRMNLGRP_MAPPING, NULL }, { XFRMNLGRP_SA, "SAs" },
	{ XFRMNLGRP_POLICY, "policies" }, { 0, NULL } };
static const struct group route_groups[] = { { RTNLGRP_LINK, NULL }, { RTNLGRP_IPV4_IFADDR, NULL }, { RTNLGRP_IPV6_IFADDR, NULL },
	{ RTNLGRP_IPV4_ROUTE, NULL }, { RTNLGRP_IPV6_ROUTE, NULL }, { RTNLGRP_IPV4_RULE, "rules" },
	{ RTNLGRP_IPV6_RULE, "IPv6 rules" }, { 0, NULL } };
static const struct group nft_groups[] = { { NFNLGRP_NFTABLES, "nf_tables" }, { 0, NULL } };

/* Messages of this port are not ours to read. Numbers in a packet are loaded in network order. */
static void leave_out(int fd, uint32_t port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog filter = { ARRAY_SIZE(code), code };
	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter); /* without it they are left out below */
}

static void note_deaf(struct kernel *k, const char *to)
{
	size_t n = strlen(k->deaf);
	snprintf(k->deaf + n, sizeof k->deaf - n, "%s%s", n > 0 ? ", " : "", to);
}

static struct mnl_socket *open_one(struct kernel *k, int bus, const struct group *groups, uint32_t own_port)
{
	struct mnl_socket *s = nl_socket(bus, EVENT_BUFFER);
	if (s == NULL)
		return NULL;
	int error = mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID);
	if (error == 0)
		leave_out(mnl_socket_get_fd(s), own_port);
	for (const struct group *g = groups; g->number != 0 && error == 0; g++) {
		int group = g->number;
		error = mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
		if (error != 0 && g->without != NULL) {
			note_deaf(k, g->without);
			error = 0;
		}
	}
	if (error == 0)
		return s;
	error = errno;
	mnl_socket_close(s);
	errno = error;
	return NULL;
}

static int listen_all(struct kernel *k)
{
	k->event_xfrm = open_one(k, NETLINK_XFRM, xfrm_groups, nl_port(&k->xfrm));
	if (k->event_xfrm == NULL)
		return kernel_fail(k, -errno, "cannot listen to XFRM events: %s", strerror(errno));
	k->event_route = open_one(k, NETLINK_ROUTE, route_groups, nl_port(&k->route));
	if (k->event_route == NULL)
		return kernel_fail(k, -errno, "cannot listen to routing events: %s", strerror(errno));
	if (k->netfilter.sock == NULL)
		return 0;
	k->event_nft = open_one(k, NETLINK_NETFILTER, nft_groups, nl_port(&k->netfilter));
	if (k->event_nft == NULL)
		note_deaf(k, nft_groups[0].without);
	return 0;
}

void event_close(struct kernel *k)
{
	size_t it = 0;
	if (k->event_xfrm != NULL)
		mnl_socket_close(k->event_xfrm);
	if (k->event_route != NULL)
		mnl_socket_close(k->event_route);
	if (k->event_nft != NULL)
		mnl_socket_close(k->event_nft);
	for (struct uplink *u; (u = table_next(&k->uplinks, &it)) != NULL;)
		free(u);
	table_release(&k->uplinks);
	table_release(&k->addresses);
}

unsigned kernel_fds(const struct kernel *k, int fds[4])
{
	if (k->event_xfrm == NULL || k->event_route == NULL)
		return 0;
	fds[0] = mnl_socket_get_fd(k->event_xfrm);
	fds[1] = mnl_socket_get_fd(k->event_route);
	if (k->event_nft == NULL)
		return 2;
	fds[2] = mnl_socket_get_fd(k->event_nft);
	return 3;
}

/* Another program, or the kernel (no port), did something to what is ours. */
static void touch(struct kernel *k, enum kernel_object object, uint32_t port)
{
	who_did(k, object, port);
	k->touched = true;
}

/* --- XFRM --- */
static void see_expire(struct kernel *k, const struct nlmsghdr *h)
{
	struct xfrm_user_expire e;
	struct xsa_seen seen;
	if (!nlm_copy_fixed(&e, h, sizeof e) || !xsa_read(&seen, h, sizeof e) || seen.id.spi == 0 ||
		tunnel_find(k, seen.tunnel) == NULL)
		return;
	if (e.hard)
		tunnel_forget_sa(tunnel_find(k, seen.tunnel), &seen.id);
	struct kernel_event event = {
		.kind = KERNEL_EXPIRE, .tunnel = seen.tunnel, .spi = seen.id.spi, .hard = e.hard != 0, .addr = seen.id.dst
	};
	k->fn(k->arg, &event);
}

static void see_mapping(struct kernel *k, const struct nlmsghdr *h)
{
	const struct xfrm_user_mapping *m = nlm_fixed(h, sizeof *m);
	if (m == NULL || !own_number(m->reqid) || tunnel_find(k, m->reqid - IF_ID_BASE) == NULL)
		return;
	struct kernel_event event = { .kind = KERNEL_MAPPING,
		.tunnel = m->reqid - IF_ID_BASE,
		.spi = ntohl(m->id.spi),
		.addr = xfrm_get_addr(&m->new_saddr, m->id.family) };
	event.addr.port = ntohs(m->new_sport);
	k->fn(k->arg, &event);
}

/* A message of ours by its marks, whatever stands before the attributes. */
static bool bears_mark(const struct nlmsghdr *h, size_t fixed)
{
	struct attrs a;
	uint32_t tunnel;
	bool vti;
	attrs_read(&a, h, fixed);
	return own_read(&a, &tunnel, &vti);
}

static void see_xfrm(struct kernel *k, const struct nlmsghdr *h)
{
	switch (h->nlmsg_type) {
	case XFRM_MSG_EXPIRE: see_expire(k, h); break;
	case XFRM_MSG_MAPPING: see_mapping(k, h); break;
	case XFRM_MSG_FLUSHSA: touch(k, OBJECT_SA, h->nlmsg_pid); break;
	case XFRM_MSG_FLUSHPOLICY: touch(k, OBJECT_POLICY, h->nlmsg_pid); break;
	case XFRM_MSG_NEWSA:
	case XFRM_MSG_UPDSA:
		if (bears_mark(h, sizeof(struct xfrm_usersa_info)))
			touch(k, OBJECT_SA, h->nlmsg_pid);
		break;
	case XFRM_MSG_DELSA:
		if (bears_mark(h, sizeof(struct xfrm_usersa_id)))
			touch(k, OBJECT_SA, h->nlmsg_pid);
		break;
	case XFRM_MSG_NEWPOLICY:
	case XFRM_MSG_UPDPOLICY:
		if (bears_mark(h, sizeof(struct xfrm_userpolicy_info)))
			touch(k, OBJECT_POLICY, h->nlmsg_pid);
		break;
	case XFRM_MSG_DELPOLICY:
		if (bears_mark(h, sizeof(struct xfrm_userpolicy_id)))
			touch(k, OBJECT_POLICY, h->nlmsg_pid);
		break;
	}
}

/* Each says its table first; the generation that ends a transaction says whose it was. */
static void see_nft(struct kernel *k, const struct nlmsghdr *h)
{
	const struct nfgenmsg *g = nlm_fixed(h, sizeof *g);
	struct attrs a;
	if (g == NULL || NFNL_SUBSYS_ID(h->nlmsg_type) != NFNL_SUBSYS_NFTABLES)
		return;
	attrs_read(&a, h, sizeof *g);
	if (NFNL_MSG_TYPE(h->nlmsg_type) == NFT_MSG_NEWGEN) {
		if (k->nft_touched && attr_text(&a, NFTA_GEN_PROC_NAME)[0] != 0)
			who_named(k, OBJECT_FIREWALL, attr_text(&a, NFTA_GEN_PROC_NAME));
		k->nft_touched = false;
	} else if (g->nfgen_family == NFPROTO_INET && strcmp(attr_text(&a, NFTA_TABLE_NAME), TABLE) == 0) {
		k->nft_touched = k->touched = true;
	}
}

/* --- routing: each returns whether an uplink may have changed --- */
/* What came is how it was: our own next request may have changed it since. */
static void see_own_link(struct kernel *k, struct tunnel *t, const struct link_seen *then, const struct nlmsghdr *h)
{
	struct link_seen now;
	enum kernel_object kind;
	char words[32];
	if (h->nlmsg_type == RTM_DELLINK) {
		tunnel_set_ifindex(k, t, 0);
		touch(k, OBJECT_INTERFACE, h->nlmsg_pid);
	} else if (link_differs(t, then, &kind, words) && link_by_index(k, then->ifindex, &now) == 0 &&
		   link_differs(t, &now, &kind, words)) {
		touch(k, kind, h->nlmsg_pid);
	}
}

static bool see_link(struct kernel *k, const struct nlmsghdr *h)
{
	struct link_seen seen;
	if (!link_read(&seen, h))
		return false;
	struct tunnel *t = table_get(&k->by_ifindex, seen.ifindex);
	if (t != NULL)
		see_own_link(k, t, &seen, h);
	if (t != NULL || link_is_ours(&seen))
		return false;
	struct uplink *u = table_get(&k->uplinks, seen.ifindex);
	if (h->nlmsg_type == RTM_DELLINK) {
		free(table_del(&k->uplinks, seen.ifindex));
		return true;
	}
	uint32_t flags = seen.flags & (IFF_UP | IFF_RUNNING);
	bool changed = u == NULL || u->flags != flags || u->mtu != seen.mtu;
	if (u == NULL) {
		u = xcalloc(1, sizeof *u);
		table_put(&k->uplinks, seen.ifindex, u);
	}
	*u = (struct uplink){ .flags = flags, .mtu = seen.mtu };
	return changed;
}

/* Router advertisements repeat every address with a new lifetime: only one that was not there before, or is gone, is a change. */
static bool see_address(struct kernel *k, const struct nlmsghdr *h)
{
	struct address_seen seen;
	if (!address_read(&seen, h))
		return false;
	const struct tunnel *t = table_get(&k->by_ifindex, seen.ifindex);
	if (t != NULL && h->nlmsg_type == RTM_DELADDR && t->state != LINK_DOWN && address_wanted(t, &seen.prefix) >= 0)
		touch(k, OBJECT_ADDRESS, h->nlmsg_pid);
	if (t != NULL)
		return false;
	seen.prefix.len = 128;
	uint64_t key = prefix_hash(&seen.prefix, seen.ifindex);
	if (h->nlmsg_type == RTM_DELADDR)
		return table_del(&k->addresses, key) != NULL;
	return table_put(&k->addresses, key, k);
}

/* One of ours was removed that is wanted, or another's stands now where ours stood. What the kernel removed with an uplink is not meant. */
static bool was_ours(const struct kernel *k, const struct route_seen *seen, const struct nlmsghdr *h)
{
	bool replaced = h->nlmsg_type == RTM_NEWROUTE && (h->nlmsg_flags & NLM_F_REPLACE);
	const struct dest *d = prefix_find(&k->dests, &seen->prefix, seen->table);
	if (seen->protocol != S2S_RTPROT)
		return replaced && d != NULL;
	if (h->nlmsg_type != RTM_DELROUTE)
		return false;
	for (unsigned i = 0; d != NULL && i < d->n; i++)
		if (d->nexthops[i].metric == seen->metric)
			return true;
	return (d != NULL && seen->type == RTN_UNREACHABLE) || (peer_route_like(seen) && h->nlmsg_pid != 0);
}

static bool see_route(struct kernel *k, const struct nlmsghdr *h)
{
	struct route_seen seen;
	if (!route_read(&seen, h))
		return false;
	if (was_ours(k, &seen, h))
		touch(k, OBJECT_ROUTE, h->nlmsg_pid);
	if (seen.protocol == S2S_RTPROT || seen.type == RTN_LOCAL || seen.type == RTN_BROADCAST || seen.type == RTN_MULTICAST ||
		seen.type == RTN_ANYCAST)
		return false;
	bool concerns = peer_route_concerns(k, &seen.prefix);
	if (seen.oif == 0 || !ours_ifindex(k, seen.oif))
		return concerns;
	/* A routing daemon leads a peer's address into a tunnel, or no more: no uplink changed, but the peer needs a host route, or not. */
	k->peer_routes_old |= concerns;
	return false;
}

/* What is there at the start is no change. */
static void seed_link(void *arg, const struct nlmsghdr *h) { see_link(arg, h); }
static void seed_address(void *arg, const struct nlmsghdr *h) { see_address(arg, h); }

int event_open(struct kernel *k)
{
	int error = listen_all(k);
	if (error == 0)
		error = link_dump(k, seed_link, k);
	nlm_begin(&k->scratch, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
	if (error == 0 || error == -EINTR)
		error = nl_dump(&k->route, &k->scratch, "list addresses", seed_address, k);
	if (k->deaf[0] != 0 && (error == 0 || error == -EINTR))
		kernel_fail(k, 0, "this kernel does not tell what others do to %s: it is noticed by comparing, every 30 seconds",
			k->deaf);
	return error == -EINTR ? 0 : error;
}

static void see_rule(struct kernel *k, const struct nlmsghdr *h)
{
	struct rule_seen seen;
	if (rule_read(&seen, h) && seen.row >= 0 && rule_wanted(k, (unsigned)seen.row))
		touch(k, OBJECT_RULE, h->nlmsg_pid);
}

/* Returns whether an uplink may have changed. */
static bool see_routing(struct kernel *k, const struct nlmsghdr *h)
{
	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK: return see_link(k, h);
	case RTM_NEWADDR:
	case RTM_DELADDR: return see_address(k, h);
	case RTM_NEWROUTE:
	case RTM_DELROUTE: return see_route(k, h);
	case RTM_DELRULE: see_rule(k, h); break;
	}
	return false;
}

static const struct nl *requests_beside(const struct kernel *k, int fd)
{
	if (fd == mnl_socket_get_fd(k->event_xfrm))
		return &k->xfrm;
	return fd == mnl_socket_get_fd(k->event_route) ? &k->route : &k->netfilter;
}

static bool dispatch(struct kernel *k, const struct nl *beside, const struct nlmsghdr *h)
{
	if (h->nlmsg_pid != 0 && h->nlmsg_pid == nl_port(beside))
		return false;
	if (beside == &k->xfrm)
		see_xfrm(k, h);
	else if (beside == &k->netfilter)
		see_nft(k, h);
	return beside == &k->route && see_routing(k, h);
}

static void tell(struct kernel *k, bool uplink, bool overrun)
{
	struct kernel_event event = { .kind = KERNEL_UPLINK_CHANGED };
	k->uplink_changing |= uplink;
	if (k->peer_routes_old)
		kernel_peer_routes_renew(k);
	if (uplink)
		k->fn(k->arg, &event);
	event.kind = KERNEL_TOUCHED;
	if (k->touched)
		k->fn(k->arg, &event);
	k->touched = false;
	event.kind = KERNEL_OVERRUN;
	if (overrun)
		k->fn(k->arg, &event);
}

void kernel_read(struct kernel *k, int fd)
{
	const struct nl *beside = requests_beside(k, fd);
	bool changed = false, overrun = false;
	uint8_t *in = xcalloc(1, READ_BYTES);
	for (unsigned i = 0; i < READS_MAX; i++) {
		ssize_t n = recv(fd, in, READ_BYTES, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) { /* told once, before the oldest messages that are left */
			overrun = true;
			continue;
		}
		if (n <= 0)
			break;
		int left = (int)n;
		for (const struct nlmsghdr *h = (void *)in; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
			changed |= dispatch(k, beside, h);
		wipe(in, (size_t)n); /* SAs come with their keys */
	}
	free(in);
	tell(k, changed, overrun);
}
