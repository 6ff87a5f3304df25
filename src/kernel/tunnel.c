/* tunnel.c - what a configured tunnel has in the kernel: blackhole routes, interface, policies, addresses, routes, peer host route. */

#include "crypto/alg.h"
#include "state.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define IPV6_MINIMUM 1280 /* RFC 8200 5: below it the kernel turns IPv6 off on the interface */
#define IPV4_MINIMUM 576

/* --- routes --- */
static bool in_list(const struct kernel_tunnel *w, const struct prefix *p)
{
	for (unsigned i = 0; i < w->n_routes; i++)
		if (prefix_equal(&w->routes[i], p))
			return true;
	return false;
}

static int nexthops_up(struct kernel *k, struct tunnel *t)
{
	int first = 0;
	for (unsigned i = 0; i < t->want.n_routes; i++) {
		first = first_error(first, route_nexthop_set(k, t, &t->want.routes[i]));
	}
	return first;
}

/* Of those in `of` the ones that keep (if any) does not have, too. */
static void nexthops_down(struct kernel *k, struct tunnel *t, const struct kernel_tunnel *of, const struct kernel_tunnel *keep)
{
	bool moved = keep != NULL && route_table_of(of) != route_table_of(keep);
	for (unsigned i = 0; i < of->n_routes; i++)
		if (keep == NULL || moved || !in_list(keep, &of->routes[i]))
			route_nexthop_remove(k, t, &of->routes[i], route_table_of(of));
}

/*
 * Everything that must never follow the default route in clear: `routes`, and the networks of `inside`, whose routes go with the interface while
 * BGP still has a word to say to its neighbour.
 */
static bool has_blackhole(const struct kernel_tunnel *w, unsigned i, struct prefix *p, uint32_t *table)
{
	*table = route_table_of(w);
	if (i < w->n_routes) {
		*p = w->routes[i];
		return true;
	}
	if (i - w->n_routes >= w->n_inside)
		return false;
	*p = prefix_mask(&w->inside[i - w->n_routes]);
	*table = RT_TABLE_MAIN;
	return true;
}

static bool is_host(const struct prefix *p) { return p->len == 8 * addr_bytes(&p->addr).n; }

/* The new ones first: a prefix in both lists is never without its blackhole route. A host's length among `inside` is our own address. */
static int change_blackholes(struct kernel *k, const struct kernel_tunnel *from, const struct kernel_tunnel *to, bool keep)
{
	int first = 0;
	struct prefix p;
	uint32_t table;
	for (unsigned i = 0; to != NULL && has_blackhole(to, i, &p, &table); i++) {
		if (i >= to->n_routes && is_host(&p))
			continue;
		if (table == RT_TABLE_MAIN)
			first = first_error(first, peer_route_before(k, &p));
		first = first_error(first, route_blackhole_ref(k, &p, table, to->id));
	}
	for (unsigned i = 0; from != NULL && has_blackhole(from, i, &p, &table); i++)
		if (i < from->n_routes || !is_host(&p))
			route_blackhole_unref(k, &p, table, keep);
	return first;
}

/* --- up --- */
static bool carries_v6(const struct kernel_tunnel *w)
{
	for (unsigned i = 0; i < w->n_inside; i++)
		if (w->inside[i].addr.family == AF_INET6)
			return true;
	for (unsigned i = 0; i < w->n_routes; i++)
		if (w->routes[i].addr.family == AF_INET6)
			return true;
	return false;
}

static uint32_t mtu_for(struct kernel *k, const struct tunnel *t)
{
	const struct esp_link_state *s = &t->last;
	struct addr local;
	uint32_t path = 1500;
	uint32_t least = carries_v6(&t->want) ? IPV6_MINIMUM : IPV4_MINIMUM;
	if (t->want.mtu != 0 && !t->want.mtu_most)
		return t->want.mtu;
	kernel_path(k, &s->remote, &local, &path);
	uint32_t mtu = esp_inside_mtu(path, s->remote.family == AF_INET6, s->encap, &s->suite);
	if (t->want.mtu != 0 && t->want.mtu < mtu)
		return t->want.mtu;
	return mtu > least ? mtu : least;
}

static uint32_t mss_for(const struct tunnel *t, bool v6)
{
	uint32_t fits = tcp_mss(t->mtu, v6);
	if (t->want.mss < 0)
		return 0;
	if (t->want.mss == 0)
		return fits;
	return (uint32_t)t->want.mss > fits ? fits : (uint32_t)t->want.mss;
}

static int bring_up(struct kernel *k, struct tunnel *t)
{
	int error = t->want.vti ? link_endpoints(k, t, &t->last.local, &t->last.remote) : 0;
	if (error == 0 && !t->want.vti && t->ifindex == 0) /* somebody deleted it just now */
		error = link_ensure(k, t);
	if (error == 0 && t->ifindex == 0)
		error = kernel_fail(k, -ENODEV, "interface %s does not exist", t->want.interface);
	if (error == 0)
		error = peer_route_set(k, t, &t->last.remote);
	if (error != 0)
		return error;
	uint32_t mtu = mtu_for(k, t);
	k->why[0] = 0;
	error = link_change(k, t, true, false, mtu);
	if (error == 0)
		error = address_sync(k, t);
	if (error == 0)
		error = nft_tunnel(k, t, t->ifindex, mss_for(t, false), mss_for(t, true));
	if (error == 0)
		error = nexthops_up(k, t);
	return error;
}

static int take_down(struct kernel *k, struct tunnel *t)
{
	nexthops_down(k, t, &t->want, NULL);
	return t->ifindex != 0 ? link_change(k, t, false, false, 0) : 0;
}

int kernel_tunnel_link(struct kernel *k, const struct esp_link_state *s)
{
	struct tunnel *t = tunnel_find(k, s->tunnel);
	int error = 0;
	k->why[0] = 0;
	if (t == NULL)
		return kernel_fail(k, -ENOENT, "no such tunnel");
	switch ((enum esp_link)s->state) {
	case LINK_UP:
		t->last = *s;
		t->has_link = true;
		t->state = LINK_UP;
		return bring_up(k, t);
	case LINK_DORMANT:
		if (t->state == LINK_DOWN || t->ifindex == 0)
			return 0;
		error = link_change(k, t, true, true, 0);
		break;
	case LINK_DOWN: error = take_down(k, t); break;
	}
	t->state = s->state;
	return error;
}

/* --- set, delete --- */
static int first_policies(struct kernel *k, struct tunnel *t, bool changed)
{
	/* What a crash left, when its SAs are kept, stays until the next switch; so do the selectors of children that are in place. */
	if (t->adopted)
		return 0;
	if (changed)
		slots_trim(t);
	return policies_settle(k, t);
}

static bool needs_other_link(const struct tunnel *t, const struct kernel_tunnel *w)
{
	return t->ifindex != 0 && (strcmp(t->want.interface, w->interface) != 0 || t->want.vti != w->vti);
}

static void settle_outside(struct kernel *k, struct kernel_tunnel *w)
{
	if (w->vti && !addr_is_any(&w->remote) && addr_is_any(&w->local))
		kernel_path(k, &w->remote, &w->local, NULL);
}

/* Of a tunnel that is down the end that is wanted counts: the peer may have another address by now. */
static const struct addr *outside_end(const struct tunnel *t)
{
	const struct addr *wanted = addr_is_any(&t->want.dialled) ? &t->want.remote : &t->want.dialled;
	bool last = t->has_link && (t->state != LINK_DOWN || addr_is_any(wanted));
	return last ? &t->last.remote : wanted;
}

static int adjust(struct kernel *k, struct tunnel *t, bool changed_ts)
{
	int error = first_policies(k, t, changed_ts);
	if (error == 0)
		error = link_ensure(k, t);
	if (error == 0 && t->ifindex != 0 && t->state == LINK_DOWN)
		error = link_change(k, t, false, false, 0);
	if (error == 0)
		error = peer_route_set(k, t, outside_end(t));
	if (error == 0 && t->state != LINK_DOWN && t->has_link)
		error = bring_up(k, t);
	else if (error == 0)
		error = nft_tunnel(k, t, t->ifindex, t->nft.mss4, t->nft.mss6);
	if (error == 0 && t->state == LINK_DORMANT)
		error = link_change(k, t, true, true, 0);
	return error;
}

int tunnel_restore(struct kernel *k, struct tunnel *t)
{
	int error = 0;
	if (t->ifindex != 0)
		error = link_change(k, t, t->state != LINK_DOWN, t->state == LINK_DORMANT, t->mtu);
	if (error == 0 && t->ifindex != 0 && t->want.vti)
		error = link_endpoints_put(k, t);
	return first_error(error, adjust(k, t, false));
}

int kernel_tunnel_set(struct kernel *k, const struct kernel_tunnel *w)
{
	struct tunnel *t = tunnel_find(k, w->id);
	struct kernel_tunnel old = { 0 };
	k->why[0] = 0;
	if (w->id > UINT16_MAX || w->interface[0] == 0 || strchr(w->interface, '/') != NULL)
		return kernel_fail(k, -EINVAL, "impossible tunnel id or interface name");
	if (t != NULL && needs_other_link(t, w)) {
		kernel_tunnel_del(k, w->id, true);
		t = NULL;
	}
	if (t == NULL)
		t = tunnel_new(k, w->id);
	else
		old = t->want;
	t->want = tunnel_want_copy(w);
	settle_outside(k, &t->want);
	k->why[0] = 0;
	bool changed_ts = old.local_ts == NULL || !ts_list_equal(old.local_ts, w->local_ts) ||
			  !ts_list_equal(old.remote_ts, w->remote_ts);
	int error = change_blackholes(k, NULL, &t->want, false);
	if (old.routes != NULL)
		nexthops_down(k, t, &old, &t->want);
	if (error == 0)
		error = adjust(k, t, changed_ts);
	change_blackholes(k, &old, NULL, true); /* another tunnel may want it, in the same reload */
	tunnel_want_free(&old);
	error = first_error(error, error == 0 ? nft_ensure(k) : 0);
	if (k->nft == NFT_READY)
		elsewhere_look(k); /* after a failure the next news or comparison look again */
	return error;
}

int kernel_tunnel_del(struct kernel *k, uint32_t id, bool keep_blackholes)
{
	struct tunnel *t = tunnel_find(k, id);
	k->why[0] = 0;
	if (t == NULL)
		return 0;
	nexthops_down(k, t, &t->want, NULL);
	int error = nft_tunnel(k, t, 0, 0, 0);
	if (t->ifindex != 0)
		error = link_delete(k, t->ifindex);
	tunnel_set_ifindex(k, t, 0);
	error = first_error(error, sa_clear(k, t));
	error = first_error(error, policies_clear(k, t));
	peer_route_clear(k, t);
	change_blackholes(k, &t->want, NULL, keep_blackholes);
	tunnel_free(k, t);
	if (table_count(&k->by_id) == 0 && table_count(&k->sets[SET_ANTISPOOF].all) == 0)
		error = first_error(error, nft_remove(k));
	return first_error(error, rule_sync(k));
}
