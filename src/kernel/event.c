/*
 * event.c - what happens without us: SAs that expire, peers that change port, uplinks that change, what others do to objects of ours.
 *
 * Three sockets (XFRM, routing, nf_tables), apart from those of requests, with large buffers. What our own requests did would come back here
 * too: a filter on each socket leaves it out in the kernel, by the port of the requests' socket. What follows from our requests has the
 * kernel as its author; whether something of ours is really not as it shall be is looked at then. A flood of changes is one
 * KERNEL_UPLINK_CHANGED and one KERNEL_TOUCHED per read.
 */
#include <netinet/in.h>

#include "state.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "nft_rules.h"
#include "own.h"

#define EVENT_BUFFER (8 << 20)
#define READ_BYTES 65536
#define READS_MAX 256 /* then others have their turn; the descriptor stays readable */

struct group {
	int number;
	const char *without; /* what is then noticed only by comparing; NULL: we cannot do without it */
};

/* Never AEVENTS: listening makes work in the kernel. ACQUIRE comes when a slot asks for a child. */
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
	if (k->event_xfrm != NULL)
		mnl_socket_close(k->event_xfrm);
	if (k->event_route != NULL)
		mnl_socket_close(k->event_route);
	if (k->event_nft != NULL)
		mnl_socket_close(k->event_nft);
	event_routing_close(k);
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

/* --- XFRM --- */
static void see_expire(struct kernel *k, const struct nlmsghdr *h)
{
	struct xfrm_user_expire e;
	struct xsa_seen seen;
	if (!nlm_copy_fixed(&e, h, sizeof e) || !xsa_read(&seen, h, sizeof e) || seen.id.spi == 0 ||
		tunnel_find(k, seen.tunnel) == NULL)
		return;
	if (e.hard) {
		tunnel_forget_sa(tunnel_find(k, seen.tunnel), &seen.id);
		slots_lost_sa(k, tunnel_find(k, seen.tunnel), &seen.id);
	}
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

static struct ts packets_of(const xfrm_address_t *a, uint16_t family, uint8_t protocol, uint16_t port, uint16_t mask)
{
	bool ports = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
		     protocol == IPPROTO_UDPLITE || protocol == IPPROTO_DCCP;
	struct ts ts = { .protocol = protocol, .port_hi = UINT16_MAX };
	ts.lo = ts.hi = xfrm_get_addr(a, family);
	if (ports && mask == UINT16_MAX)
		ts.port_lo = ts.port_hi = ntohs(port);
	return ts;
}

/* A packet that a slot without a child has to carry; what it says is the packet's own. An SA that is lost is asked for as well, under its own reqid: that is
 * known already. */
static void see_acquire(struct kernel *k, const struct nlmsghdr *h)
{
	struct xfrm_user_acquire q;
	struct xfrm_user_tmpl tmpl;
	struct attrs a;
	uint32_t tunnel, asked;
	uint16_t slot;
	bool vti;
	if (!nlm_copy_fixed(&q, h, sizeof q) || q.id.proto != IPPROTO_ESP)
		return;
	attrs_read(&a, h, sizeof q);
	const void *at = attr_data(&a, XFRMA_TMPL, sizeof tmpl);
	if (at == NULL || !own_read(&a, &tunnel, &vti))
		return;
	memcpy(&tmpl, at, sizeof tmpl);
	const struct tunnel *t = tunnel_find(k, tunnel);
	if (t == NULL || t->want.vti != vti || !ask_read(tmpl.reqid, &asked, &slot) || asked != tunnel)
		return;
	struct kernel_event event = { .kind = KERNEL_ACQUIRE,
		.tunnel = tunnel,
		.local = packets_of(&q.sel.saddr, q.sel.family, q.sel.proto, q.sel.sport, q.sel.sport_mask),
		.remote = packets_of(&q.sel.daddr, q.sel.family, q.sel.proto, q.sel.dport, q.sel.dport_mask) };
	if (event.local.lo.family != 0 && event.remote.lo.family != 0)
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
	case XFRM_MSG_ACQUIRE: see_acquire(k, h); break;
	case XFRM_MSG_FLUSHSA: who_touched(k, OBJECT_SA, h->nlmsg_pid); break;
	case XFRM_MSG_FLUSHPOLICY: who_touched(k, OBJECT_POLICY, h->nlmsg_pid); break;
	case XFRM_MSG_NEWSA:
	case XFRM_MSG_UPDSA:
		if (bears_mark(h, sizeof(struct xfrm_usersa_info)))
			who_touched(k, OBJECT_SA, h->nlmsg_pid);
		break;
	case XFRM_MSG_DELSA:
		if (bears_mark(h, sizeof(struct xfrm_usersa_id)))
			who_touched(k, OBJECT_SA, h->nlmsg_pid);
		break;
	case XFRM_MSG_NEWPOLICY:
	case XFRM_MSG_UPDPOLICY:
		if (bears_mark(h, sizeof(struct xfrm_userpolicy_info)))
			who_touched(k, OBJECT_POLICY, h->nlmsg_pid);
		break;
	case XFRM_MSG_DELPOLICY:
		if (bears_mark(h, sizeof(struct xfrm_userpolicy_id)))
			who_touched(k, OBJECT_POLICY, h->nlmsg_pid);
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

int event_open(struct kernel *k)
{
	int error = listen_all(k);
	if (error == 0)
		error = event_routing_seed(k);
	if (error == 0 && k->deaf[0] != 0)
		kernel_fail(k, 0, "this kernel does not tell what others do to %s: it is noticed by comparing, every 30 seconds",
			k->deaf);
	return error;
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
	return beside == &k->route && event_routing(k, h);
}

static void tell(struct kernel *k, bool uplink, bool overrun)
{
	struct kernel_event event = { .kind = KERNEL_UPLINK_CHANGED };
	k->uplink_changing |= uplink;
	k->elsewhere_old |= uplink || overrun;
	if (k->nft == NFT_READY)
		elsewhere_look(k);
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
