/*
 * adopt.c - after a start: what of ours is in the kernel already. What a configured tunnel needs is taken over where it stands
 * (policies, blackhole routes, interface, peer host route); the rest of ours goes. Found by its marks only, so a foreign object is never touched.
 */
#include <net/if.h>

#include "state.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct array { /* what a dump found */
	size_t size;
	unsigned n, cap;
	uint8_t *v;
};

struct found {
	struct array links, sas, policies, routes;
	bool foreign_in_group;
};

static void array_add(struct array *p, const void *item)
{
	if (p->n == p->cap) {
		p->cap = p->cap != 0 ? 2 * p->cap : 64;
		p->v = xrealloc_array(p->v, p->cap, p->size);
	}
	memcpy(p->v + p->n++ * p->size, item, p->size);
}

#define EACH(type, item, array) \
	for (type *item = (type *)(void *)(array).v; item != NULL && item < (type *)(void *)(array).v + (array).n; item++)

static void see_link(void *arg, const struct nlmsghdr *h)
{
	struct found *f = arg;
	struct link_seen seen;
	if (!link_read(&seen, h))
		return;
	if (link_is_ours(&seen))
		array_add(&f->links, &seen);
	else if (seen.group == S2S_LINK_GROUP)
		f->foreign_in_group = true;
}

static void see_sa(void *arg, const struct nlmsghdr *h)
{
	struct found *f = arg;
	struct xsa_seen seen;
	if (xsa_read(&seen, h, XSA_FIXED))
		array_add(&f->sas, &seen);
}

static void see_policy(void *arg, const struct nlmsghdr *h)
{
	struct found *f = arg;
	struct policy_seen seen;
	if (policy_read(&seen, h))
		array_add(&f->policies, &seen);
}

static void see_route(void *arg, const struct nlmsghdr *h)
{
	struct found *f = arg;
	struct route_seen seen;
	if (route_read(&seen, h) && seen.protocol == S2S_RTPROT)
		array_add(&f->routes, &seen);
}

static int look(struct kernel *k, struct found *f)
{
	int error = -EINTR;
	*f = (struct found){ .links.size = sizeof(struct link_seen),
		.sas.size = sizeof(struct xsa_seen),
		.policies.size = sizeof(struct policy_seen),
		.routes.size = sizeof(struct route_seen) };
	k->why[0] = 0;
	for (unsigned tries = 0; tries < 5 && error == -EINTR; tries++) {
		f->links.n = f->sas.n = f->policies.n = f->routes.n = 0;
		f->foreign_in_group = false;
		error = link_dump(k, see_link, f);
		xsa_build_dump(&k->scratch);
		if (error == 0)
			error = nl_dump(&k->xfrm, &k->scratch, "list SAs", see_sa, f);
		policy_build_dump(&k->scratch);
		if (error == 0)
			error = nl_dump(&k->xfrm, &k->scratch, "list policies", see_policy, f);
		if (error == 0)
			error = route_dump_ours(k, AF_INET, see_route, f);
		if (error == 0)
			error = route_dump_ours(k, AF_INET6, see_route, f);
	}
	return error;
}

static void found_free(struct found *f)
{
	free(f->links.v);
	free(f->sas.v);
	free(f->policies.v);
	free(f->routes.v);
}

/* --- taking over --- */
static void expect_tunnel(struct kernel *k, const struct kernel_tunnel *w)
{
	if (tunnel_find(k, w->id) != NULL)
		return;
	struct tunnel *t = tunnel_new(k, w->id);
	t->want.vti = w->vti;
	memcpy(t->want.interface, w->interface, sizeof t->want.interface);
}

static void take_links(struct kernel *k, const struct found *f, const struct kernel_tunnel *tunnels, unsigned n, bool keep_sas)
{
	for (unsigned i = 0; i < n; i++) {
		struct tunnel *t = tunnel_find(k, tunnels[i].id);
		EACH(const struct link_seen, l, f->links)
		{
			if (l->number != IF_ID_BASE + tunnels[i].id || l->vti != tunnels[i].vti ||
				strcmp(l->name, tunnels[i].interface) != 0)
				continue;
			tunnel_set_ifindex(k, t, l->ifindex);
			if (keep_sas && (l->flags & IFF_UP))
				t->state = l->operstate == OPER_DORMANT ? LINK_DORMANT : LINK_UP;
		}
	}
}

static void remove_links(struct kernel *k, const struct found *f)
{
	unsigned surplus = 0;
	EACH(const struct link_seen, l, f->links)
	surplus += !ours_ifindex(k, l->ifindex);
	/* One message for all of them is 50 times faster: the kernel waits once. Only when nobody else is in the group. */
	if (surplus == f->links.n && surplus > 1 && !f->foreign_in_group) {
		nlm_begin(&k->scratch, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
		nlm_put_u32(&k->scratch, IFLA_GROUP, S2S_LINK_GROUP);
		if (nl_call(&k->route, &k->scratch, "delete our interfaces", ENODEV) == 0)
			return;
	}
	EACH(const struct link_seen, l, f->links)
	if (!ours_ifindex(k, l->ifindex))
		link_delete(k, l->ifindex);
}

static int take_sas(struct kernel *k, const struct found *f, bool keep_sas)
{
	EACH(const struct xsa_seen, s, f->sas)
	{
		struct tunnel *t = tunnel_find(k, s->tunnel);
		if (keep_sas && t != NULL && t->want.vti == s->vti) {
			sa_note(t, &s->id);
			continue;
		}
		xsa_build_del(&k->scratch, &s->id, s->tunnel, s->vti);
		nl_add(&k->xfrm, &k->scratch, "remove an SA of an earlier run", ESRCH);
	}
	return nl_flush(&k->xfrm);
}

static int take_policies(struct kernel *k, const struct found *f)
{
	EACH(const struct policy_seen, p, f->policies)
	{
		struct tunnel *t = tunnel_find(k, p->tunnel);
		if (t == NULL || t->want.vti != p->vti) {
			policy_build_del(&k->scratch, &p->sel, p->dir, p->tunnel, p->vti);
			nl_add(&k->xfrm, &k->scratch, "remove a policy of an earlier run", ENOENT);
			continue;
		}
		if (sel_list_has(&t->sels, &p->sel))
			continue;
		t->sels.v = xrealloc_array(t->sels.v, t->sels.n + 1, sizeof *t->sels.v);
		t->sels.v[t->sels.n++] = p->sel;
	}
	return nl_flush(&k->xfrm);
}

/* Without its SAs an adopted out policy would name an SPI of the past: it blocks instead. */
static int close_policies(struct kernel *k, const struct kernel_tunnel *w)
{
	struct tunnel *t = tunnel_find(k, w->id);
	struct outward nowhere = { 0 };
	struct sel_list want;
	if (t->sels.n == 0 || sel_list_from(&want, w->local_ts, w->remote_ts) != 0)
		return 0; /* kernel_tunnel_set will say what is wrong */
	return policy_apply(k, t, &want, &nowhere);
}

static void remove_routes(struct kernel *k, const struct found *f, bool keep_blackholes)
{
	EACH(const struct route_seen, r, f->routes)
	{
		if (peer_route_is(k, r) || route_blackhole_wanted(k, &r->prefix, r->table) ||
			(keep_blackholes && r->type == RTN_UNREACHABLE))
			continue;
		route_delete_seen(k, r);
	}
}

/* --- the two uses --- */
static int adopt_one(struct kernel *k, const struct kernel_tunnel *w, bool keep_sas)
{
	struct tunnel *t = tunnel_find(k, w->id);
	int error = keep_sas ? 0 : close_policies(k, w);
	if (!keep_sas && t->ifindex != 0) {
		error = first_error(error, link_change(k, t, false, false, 0));
	}
	return first_error(error, kernel_tunnel_set(k, w));
}

int kernel_adopt(struct kernel *k, const struct kernel_tunnel *tunnels, unsigned n, bool keep_sas)
{
	struct found f;
	char first[NL_WHY] = "";
	int error = look(k, &f);
	if (error != 0)
		goto out;
	for (unsigned i = 0; i < n; i++)
		expect_tunnel(k, &tunnels[i]);
	take_links(k, &f, tunnels, n, keep_sas);
	error = take_sas(k, &f, keep_sas);
	if (error == 0)
		error = take_policies(k, &f);
	EACH(const struct route_seen, r, f.routes)
	peer_route_adopt(k, r);
	remove_links(k, &f);
	memcpy(first, k->why, sizeof first);
	/* The table of the earlier run protects until ours replaces it in one piece. A transaction per tunnel would cost
	 * a grace period each. */
	k->nft = NFT_MISSING;
	for (unsigned i = 0; i < n; i++) {
		int failed = adopt_one(k, &tunnels[i], keep_sas);
		if (error == 0 && (failed != 0 || k->why[0] != 0)) /* the first failure, or the first warning */
			memcpy(first, k->why, sizeof first);
		error = error != 0 ? error : failed;
	}
	peer_route_sweep(k);
	error = first_error(error, rule_sweep(k));
	remove_routes(k, &f, false);
	int failed = n > 0 ? nft_rebuild(k) : nft_remove(k);
	if (error == 0 && failed == 0 && first[0] == 0)
		memcpy(first, k->why, sizeof first);
	error = error != 0 ? error : failed;
	memcpy(k->why, first, sizeof first);
out:
	found_free(&f);
	return error;
}

int kernel_remove(struct kernel *k, bool keep_blackholes)
{
	struct found f;
	size_t it = 0;
	int error = look(k, &f);
	/* From here on nothing is known: all that is ours is surplus. */
	for (struct tunnel *t; (t = table_next(&k->by_id, &it)) != NULL;)
		tunnel_free(k, t);
	peer_route_release(k);
	route_release(k);
	table_init(&k->dests, 0);
	if (error == 0) {
		remove_links(k, &f);
		error = take_sas(k, &f, false);
		error = first_error(error, take_policies(k, &f));
		remove_routes(k, &f, keep_blackholes);
		error = first_error(error, rule_sweep(k));
	}
	found_free(&f);
	if (keep_blackholes && table_count(&k->antispoof) > 0) {
		nft_rebuild(k);
		return error;
	}
	return first_error(error, nft_remove(k));
}
