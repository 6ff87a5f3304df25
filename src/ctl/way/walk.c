/* walk.c - which pairs are walked, and both directions of each. */
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "leg.h"
#include "netlink.h"

struct walk {
	const struct way_facts *f;
	const struct way_tunnel *t;
	struct way_bounds bounds;
	unsigned tunnel; /* its interface; 0 = there is none */
	struct way *w;
};

/* ---------------------------------------------------------------- hosts */
struct addr way_host_in(const struct prefix *p)
{
	struct addr a = prefix_mask(p).addr;
	unsigned bits = a.family == AF_INET6 ? 128 : 32;
	if (p->len == 0) /* any address of the internet stands for the default route */
		addr_parse(&a, a.family == AF_INET6 ? "2001:4860:4860::8888" : "8.8.8.8");
	else if (p->len < bits)
		a.ip[bits / 8 - 1] |= 1;
	return a;
}

/* A host of a network that one of our interfaces is in: one that was seen lately, else one that is not us. */
static struct addr host_beside(const struct way_facts *f, const struct way_address *own)
{
	struct addr a = way_host_in(&own->prefix);
	unsigned bits = own->prefix.addr.family == AF_INET6 ? 128 : 32;
	for (unsigned i = 0; i < f->n_neighbours; i++) {
		const struct way_neighbour *n = &f->neighbours[i];
		if (n->link == own->link && n->known && prefix_contains(&own->prefix, &n->addr))
			return n->addr;
	}
	if (addr_same_ip(&a, &own->prefix.addr))
		a.ip[bits / 8 - 1] ^= 3; /* .1 and .2 */
	return a;
}

int way_device_to(const struct way_facts *f, const struct addr *to, char device[WAY_NAME])
{
	struct way_answer a;
	way_route(f, &(struct way_question){ .to = *to }, &a);
	snprintf(device, WAY_NAME, "%s", a.error == 0 ? way_link_name(f, a.out) : "");
	return a.error;
}

static bool own_tunnel(const struct way_tunnel *t, const char *name)
{
	if (strcmp(name, t->interface) == 0)
		return true;
	for (unsigned i = 0; i < t->n_own; i++)
		if (strcmp(t->own[i], name) == 0)
			return true;
	return false;
}

/* ---------------------------------------------------------------- legs */
static void walk_leg(struct walk *x, enum way_leg_kind kind, unsigned in, const struct addr *from, const struct addr *to)
{
	struct way_asked a = { .kind = kind, .q = { .in = in, .from = *from, .to = *to } };
	if (kind == LEG_OUTSIDE)
		a.q.mark = PEER_MARK;
	way_asked_read(x->f, &a, &x->t->trusted);
	x->w->legs = xrealloc_array(x->w->legs, x->w->n + 1, sizeof *x->w->legs);
	way_judge(x->f, &x->bounds, &a, &x->w->legs[x->w->n++]);
}

/* Where packets of a host behind us come in: where the way back to it leads, which is all that can be told. 0: it is this machine, or nowhere. */
static unsigned door_of(const struct way_facts *f, const struct addr *host)
{
	struct way_answer a;
	if (way_own_address(f, host) != NULL)
		return 0;
	way_route(f, &(struct way_question){ .to = *host }, &a);
	return a.error == 0 && a.type != RTN_LOCAL ? a.out : 0;
}

static void outside(struct walk *x)
{
	const struct way_tunnel *t = x->t;
	struct addr none = { 0 };
	const struct way_address *own = t->local.family != 0 ? way_own_address(x->f, &t->local) : NULL;
	way_uplink_read(x->f, &t->local, &t->peer, &x->w->uplink);
	if (t->peer.family == 0)
		return;
	walk_leg(x, LEG_OUTSIDE, 0, own != NULL ? &t->local : &none, &t->peer);
	const struct way_link *l = own != NULL ? way_link(x->f, own->link) : NULL;
	if (l != NULL && l->kind == LINK_OTHER && own->prefix.addr.family == t->peer.family)
		walk_leg(x, LEG_ARRIVAL, l->index, &t->peer, &t->local);
}

/* ---------------------------------------------------------------- networks behind the tunnel */
struct learning {
	struct prefix *to;
	unsigned n;
};

static void learn(void *arg, const struct nlmsghdr *h)
{
	struct learning *l = arg;
	struct way_attrs a;
	const struct rtmsg *r = way_fixed(h, sizeof *r);
	if (r == NULL || l->n == WAY_ROUTES || r->rtm_type != RTN_UNICAST || r->rtm_protocol == RTPROT_KERNEL ||
		(r->rtm_flags & RTM_F_CLONED) != 0)
		return;
	way_attrs(&a, h, sizeof *r);
	l->to[l->n] = (struct prefix){ way_addr(&a, RTA_DST, r->rtm_family), r->rtm_dst_len };
	l->to[l->n++].addr.family = r->rtm_family;
}

static unsigned learnt(const struct walk *x, struct prefix to[WAY_ROUTES])
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct learning l = { .to = to };
	for (size_t i = 0; i < sizeof families && x->tunnel != 0; i++) {
		struct way_request r;
		struct rtmsg *m = way_request(&r, RTM_GETROUTE, sizeof *m);
		m->rtm_family = families[i];
		mnl_attr_put_u32(&r.head, RTA_OIF, x->tunnel);
		way_ask(x->f->socket, x->f->socket->route, &r, true, learn, &l);
	}
	return l.n;
}

/* ---------------------------------------------------------------- networks behind us */
struct near {
	struct addr host;
	unsigned door;
};

/* A network of a tunnel's own interface, which `local-ts` names for the sake of BGP or of pings: nobody is behind us there. */
static bool of_tunnel(const struct way_facts *f, const struct prefix *p)
{
	for (unsigned i = 0; i < f->n_addresses; i++) {
		const struct way_link *l = way_link(f, f->addresses[i].link);
		const struct prefix *own = &f->addresses[i].prefix;
		if (l != NULL && l->kind == LINK_TUNNEL && p->len >= own->len && prefix_contains(own, &p->addr))
			return true;
	}
	return false;
}

static bool has_room(const struct near *v, unsigned n, unsigned door, uint8_t family)
{
	for (unsigned i = 0; i < n; i++)
		if (v[i].door == door && v[i].host.family == family)
			return false;
	return n < WAY_BEHIND;
}

/* Ours in that network: its hosts are on that interface, wherever the routes lead. */
static const struct way_address *address_within(const struct way_facts *f, const struct prefix *p)
{
	for (unsigned i = 0; i < f->n_addresses; i++) {
		const struct way_link *l = way_link(f, f->addresses[i].link);
		unsigned bits = f->addresses[i].prefix.addr.family == AF_INET6 ? 128 : 32;
		if (l != NULL && l->kind == LINK_OTHER && f->addresses[i].prefix.len >= p->len &&
			f->addresses[i].prefix.len < bits && prefix_contains(p, &f->addresses[i].prefix.addr))
			return &f->addresses[i];
	}
	return NULL;
}

/* Of `local-ts` as far as it names networks, else those that our interfaces are in, but for uplinks and tunnels. */
static unsigned networks_behind(const struct walk *x, uint8_t family, struct near v[WAY_BEHIND])
{
	const struct way_facts *f = x->f;
	unsigned n = 0;
	for (unsigned i = 0; i < x->t->n_behind && n < WAY_BEHIND; i++) {
		struct addr host = way_host_in(&x->t->behind[i]);
		const struct way_address *own = address_within(f, &x->t->behind[i]);
		if (host.family != family || of_tunnel(f, &x->t->behind[i]))
			continue;
		v[n++] = own != NULL ? (struct near){ host_beside(f, own), own->link } : (struct near){ host, door_of(f, &host) };
	}
	unsigned up = x->t->peer.family != 0 ? door_of(f, &x->t->peer) : 0;
	for (unsigned i = 0; i < f->n_addresses && x->t->n_behind == 0; i++) {
		const struct way_address *own = &f->addresses[i];
		const struct way_link *l = way_link(f, own->link);
		bool wide = own->prefix.len <= (own->prefix.addr.family == AF_INET6 ? 126 : 30);
		if (l == NULL || l->kind != LINK_OTHER || !l->up || !l->running || own->link == up ||
			own->prefix.addr.family != family || !wide || addr_same_ip(&own->prefix.addr, &x->t->local) ||
			!addr_is_private(&own->prefix.addr))
			continue;
		if (has_room(v, n, own->link, family))
			v[n++] = (struct near){ host_beside(f, own), own->link };
	}
	return n;
}

/* ---------------------------------------------------------------- all of a tunnel */
/* The same network, or one within it that has our own address: hosts on both sides claim these addresses. A wider route beside our networks is usual. */
static void overlaps(const struct way_facts *f, const struct way_tunnel *t, struct way *w)
{
	for (unsigned i = 0; i < t->n_routes; i++) {
		for (unsigned k = 0; k < f->n_addresses && w->n_overlaps < WAY_OVERLAPS; k++) {
			const struct prefix *own = &f->addresses[k].prefix, *route = &t->routes[i];
			const struct way_link *l = way_link(f, f->addresses[k].link);
			if (l == NULL || l->kind != LINK_OTHER || own->addr.family != route->addr.family || route->len == 0 ||
				own->len > route->len || !prefix_contains(route, &own->addr))
				continue;
			struct way_overlap *o = &w->overlaps[w->n_overlaps++];
			*o = (struct way_overlap){ .route = *route, .own = *own };
			snprintf(o->device, sizeof o->device, "%s", l->name);
		}
	}
}

static struct walk begin(const struct way_facts *f, const struct way_tunnel *t, struct way *w)
{
	const struct way_link *l = way_link_named(f, t->interface);
	*w = (struct way){ 0 };
	overlaps(f, t, w);
	return (struct walk){ .f = f,
		.t = t,
		.w = w,
		.tunnel = l != NULL ? l->index : 0,
		.bounds = { .interface = t->interface,
			.if_id = l != NULL ? l->if_id : 0,
			.own = t->own,
			.n_own = t->n_own,
			.filter = t->filter,
			.arg = t->arg } };
}

static void walk_family(struct walk *x, const struct prefix *routes, unsigned n, uint8_t family)
{
	struct near v[WAY_BEHIND];
	unsigned behind = networks_behind(x, family, v), first = n;
	const struct addr nobody = { 0 };
	for (unsigned i = 0; i < n; i++) {
		if (routes[i].addr.family != family)
			continue;
		struct addr far = way_host_in(&routes[i]);
		first = first == n ? i : first;
		walk_leg(x, LEG_INTO, behind > 0 ? v[0].door : 0, behind > 0 ? &v[0].host : &nobody, &far);
	}
	for (unsigned k = 0; k < behind && first < n; k++) {
		struct addr far = way_host_in(&routes[first]);
		if (k > 0)
			walk_leg(x, LEG_INTO, v[k].door, &v[k].host, &far);
		if (x->tunnel != 0)
			walk_leg(x, LEG_BACK, x->tunnel, &far, &v[k].host);
	}
}

void way_walk(const struct way_facts *f, const struct way_tunnel *t, struct way *w)
{
	struct walk x = begin(f, t, w);
	struct prefix found[WAY_ROUTES];
	const struct prefix *routes = t->routes;
	unsigned n = t->n_routes < WAY_ROUTES ? t->n_routes : WAY_ROUTES;
	outside(&x);
	if (n == 0) {
		n = learnt(&x, found);
		routes = found;
		w->learnt = n > 0;
	}
	walk_family(&x, routes, n, AF_INET);
	walk_family(&x, routes, n, AF_INET6);
}

/* ---------------------------------------------------------------- a pair of the operator's */
static bool behind_tunnel(const struct walk *x, const struct addr *a)
{
	char device[WAY_NAME];
	for (unsigned i = 0; i < x->t->n_routes; i++)
		if (prefix_contains(&x->t->routes[i], a))
			return true;
	return way_device_to(x->f, a, device) == 0 && own_tunnel(x->t, device);
}

bool way_walk_pair(const struct way_facts *f, const struct way_tunnel *t, const struct addr *from, const struct addr *to,
	struct way *w, char why[WAY_REFUSAL])
{
	char a[ADDR_TEXT], b[ADDR_TEXT];
	struct walk x = begin(f, t, w);
	addr_format(from, a);
	addr_format(to, b);
	bool there = behind_tunnel(&x, to), here = behind_tunnel(&x, from);
	/* A network of ours may lie within a route of the tunnel: the interface that it is on decides. */
	if (there && here) {
		char device[WAY_NAME];
		here = way_device_to(f, from, device) == 0 && own_tunnel(t, device);
		there = here ? way_device_to(f, to, device) == 0 && own_tunnel(t, device) : true;
	}
	if (there == here) {
		snprintf(why, WAY_REFUSAL,
			there ? "both %s and %s are behind tunnels: give one address behind this machine, or one of its own"
			      : "neither %s nor %s is behind the tunnel: give one that its 'routes' or BGP lead to, or add its network to 'routes'",
			a, b);
		return false;
	}
	const struct addr *near = there ? from : to, *far = there ? to : from;
	unsigned door = door_of(f, near);
	if (door == 0 && way_own_address(f, near) == NULL) {
		snprintf(why, WAY_REFUSAL,
			"this machine has no route to %s, so it is not told by which interface its packets come: `ip route get %s`",
			there ? a : b, there ? a : b);
		return false;
	}
	w->named = true;
	outside(&x);
	for (unsigned i = 0; i < 2; i++) {
		if ((i == 0) == there)
			walk_leg(&x, LEG_INTO, door, near, far);
		else if (x.tunnel != 0)
			walk_leg(&x, LEG_BACK, x.tunnel, far, near);
	}
	return true;
}

void way_trim(struct way *w)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < w->n; i++)
		if (way_leg_fault(&w->legs[i]) == WAY_FINE)
			way_leg_release(&w->legs[i]);
		else
			w->legs[kept++] = w->legs[i];
	w->n = kept;
}

void way_release(struct way *w)
{
	for (unsigned i = 0; i < w->n; i++)
		way_leg_release(&w->legs[i]);
	free(w->legs);
	*w = (struct way){ 0 };
}
