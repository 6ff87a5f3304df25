/*
 * event.c - what happens without us: SAs that expire, peers that change port, uplinks that change, interfaces of ours that somebody
 * deletes.
 *
 * Two sockets (XFRM, routing), apart from those of requests, with large buffers. What we do ourselves comes back here too and is left out:
 * routes and addresses by our protocol number, links by their index. A flood of changes is one KERNEL_UPLINK_CHANGED per read.
 */
#include <net/if.h>
#include <netinet/in.h>

#include "state.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "own.h"

#define EVENT_BUFFER (8 << 20)
#define READ_BYTES 65536
#define READS_MAX 256 /* then others have their turn; the descriptor stays readable */

struct uplink {
	uint32_t flags, mtu;
};

static const int xfrm_groups[] = { XFRMNLGRP_EXPIRE,
	XFRMNLGRP_MAPPING }; /* never ACQUIRE or AEVENTS: listening makes work in the kernel */
static const int route_groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
	RTNLGRP_IPV6_ROUTE };

static struct mnl_socket *open_one(int bus, const int *groups, unsigned n)
{
	struct mnl_socket *s = nl_socket(bus, EVENT_BUFFER);
	if (s == NULL)
		return NULL;
	int error = mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID);
	for (unsigned i = 0; i < n && error == 0; i++) {
		int group = groups[i];
		error = mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
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
	k->event_xfrm = open_one(NETLINK_XFRM, xfrm_groups, ARRAY_SIZE(xfrm_groups));
	if (k->event_xfrm == NULL)
		return kernel_fail(k, -errno, "cannot listen to XFRM events: %s", strerror(errno));
	k->event_route = open_one(NETLINK_ROUTE, route_groups, ARRAY_SIZE(route_groups));
	if (k->event_route == NULL)
		return kernel_fail(k, -errno, "cannot listen to routing events: %s", strerror(errno));
	return 0;
}

void event_close(struct kernel *k)
{
	size_t it = 0;
	if (k->event_xfrm != NULL)
		mnl_socket_close(k->event_xfrm);
	if (k->event_route != NULL)
		mnl_socket_close(k->event_route);
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
	return 2;
}

/* --- XFRM --- */
static void see_expire(struct kernel *k, const struct nlmsghdr *h)
{
	struct xfrm_user_expire e;
	struct xsa_seen seen;
	if (!nlm_copy_fixed(&e, h, sizeof e) || !xsa_read(&seen, h, sizeof e) || seen.id.spi == 0 ||
		tunnel_find(k, seen.tunnel) == NULL)
		return;
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

/* --- routing: each returns whether an uplink may have changed --- */
static bool see_link(struct kernel *k, const struct nlmsghdr *h)
{
	struct link_seen seen;
	if (!link_read(&seen, h))
		return false;
	struct tunnel *t = table_get(&k->by_ifindex, seen.ifindex);
	if (t != NULL && h->nlmsg_type == RTM_DELLINK) {
		struct kernel_event event = { .kind = KERNEL_LINK_GONE, .tunnel = t->want.id };
		tunnel_set_ifindex(k, t, 0);
		k->fn(k->arg, &event);
		return false;
	}
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
	const struct ifaddrmsg *i = nlm_fixed(h, sizeof *i);
	struct attrs a;
	if (i == NULL || ours_ifindex(k, i->ifa_index))
		return false;
	attrs_read(&a, h, sizeof *i);
	struct prefix p = { .addr = attr_addr(&a, a.v[IFA_LOCAL] != NULL ? IFA_LOCAL : IFA_ADDRESS, i->ifa_family), .len = 128 };
	uint64_t key = prefix_hash(&p, i->ifa_index);
	if (h->nlmsg_type == RTM_DELADDR)
		return table_del(&k->addresses, key) != NULL;
	return table_put(&k->addresses, key, k);
}

static bool see_route(struct kernel *k, const struct nlmsghdr *h)
{
	struct route_seen seen;
	if (!route_read(&seen, h) || seen.protocol == S2S_RTPROT || seen.type == RTN_LOCAL || seen.type == RTN_BROADCAST ||
		seen.type == RTN_MULTICAST || seen.type == RTN_ANYCAST)
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
	return error == -EINTR ? 0 : error;
}

static bool dispatch(struct kernel *k, bool xfrm, const struct nlmsghdr *h)
{
	if (xfrm && h->nlmsg_type == XFRM_MSG_EXPIRE)
		see_expire(k, h);
	else if (xfrm && h->nlmsg_type == XFRM_MSG_MAPPING)
		see_mapping(k, h);
	else if (!xfrm && (h->nlmsg_type == RTM_NEWLINK || h->nlmsg_type == RTM_DELLINK))
		return see_link(k, h);
	else if (!xfrm && (h->nlmsg_type == RTM_NEWADDR || h->nlmsg_type == RTM_DELADDR))
		return see_address(k, h);
	else if (!xfrm && (h->nlmsg_type == RTM_NEWROUTE || h->nlmsg_type == RTM_DELROUTE))
		return see_route(k, h);
	return false;
}

void kernel_read(struct kernel *k, int fd)
{
	bool xfrm = fd == mnl_socket_get_fd(k->event_xfrm), changed = false, overrun = false;
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
			changed |= dispatch(k, xfrm, h);
		wipe(in, (size_t)n); /* an EXPIRE brings the SA with it */
	}
	free(in);
	if (k->peer_routes_old)
		kernel_peer_routes_renew(k);
	struct kernel_event event = { .kind = KERNEL_UPLINK_CHANGED };
	if (changed)
		k->fn(k->arg, &event);
	event.kind = KERNEL_OVERRUN;
	if (overrun)
		k->fn(k->arg, &event);
}
