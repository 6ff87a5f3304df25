/* event_route.c - routing news: uplinks that change, and what others do to interfaces, addresses, routes and rules of ours. */
#include <net/if.h>
#include <netinet/in.h>

#include "route.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "base/mem.h"

struct uplink {
	uint32_t flags, mtu;
};

/* Each returns whether an uplink may have changed. */
/* What came is how it was: our own next request may have changed it since. */
static void see_own_link(struct kernel *k, struct tunnel *t, const struct link_seen *then, const struct nlmsghdr *h)
{
	struct link_seen now;
	enum kernel_object kind;
	char words[32];
	if (h->nlmsg_type == RTM_DELLINK) {
		tunnel_set_ifindex(k, t, 0);
		who_touched(k, OBJECT_INTERFACE, h->nlmsg_pid);
	} else if (link_differs(t, then, &kind, words) && link_by_index(k, then->ifindex, &now) == 0 &&
		   link_differs(t, &now, &kind, words)) {
		who_touched(k, kind, h->nlmsg_pid);
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
		who_touched(k, OBJECT_ADDRESS, h->nlmsg_pid);
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
		who_touched(k, OBJECT_ROUTE, h->nlmsg_pid);
	if (seen.protocol == S2S_RTPROT || seen.type == RTN_LOCAL || seen.type == RTN_BROADCAST || seen.type == RTN_MULTICAST ||
		seen.type == RTN_ANYCAST)
		return false;
	bool concerns = peer_route_concerns(k, &seen.prefix);
	k->elsewhere_old |= elsewhere_concerns(k, &seen);
	if (seen.oif == 0 || !ours_ifindex(k, seen.oif))
		return concerns;
	/* A routing daemon leads a peer's address into a tunnel, or no more: no uplink changed, but the peer needs a host route, or not. */
	k->peer_routes_old |= concerns;
	return false;
}

static void see_rule(struct kernel *k, const struct nlmsghdr *h)
{
	struct rule_seen seen;
	if (rule_read(&seen, h) && seen.row >= 0 && rule_wanted(k, (unsigned)seen.row))
		who_touched(k, OBJECT_RULE, h->nlmsg_pid);
}

static bool see(struct kernel *k, const struct nlmsghdr *h)
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

/* What is there at the start is no change. */
static void seed_link(void *arg, const struct nlmsghdr *h) { see_link(arg, h); }
static void seed_address(void *arg, const struct nlmsghdr *h) { see_address(arg, h); }

int event_routing_seed(struct kernel *k)
{
	int error = link_dump(k, seed_link, k);
	nlm_begin(&k->scratch, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
	if (error == 0 || error == -EINTR)
		error = nl_dump(&k->route, &k->scratch, "list addresses", seed_address, k);
	return error == -EINTR ? 0 : error;
}

void event_routing_close(struct kernel *k)
{
	size_t it = 0;
	for (struct uplink *u; (u = table_next(&k->uplinks, &it)) != NULL;)
		free(u);
	table_release(&k->uplinks);
	table_release(&k->addresses);
}

bool event_routing(struct kernel *k, const struct nlmsghdr *h)
{
	bool uplink = see(k, h);
	k->uplink_changes += uplink;
	return uplink;
}
