/* children.c - traffic selectors of a tunnel and of its children: what the daemon refuses, and what `s2sctl check` says of them. */
#include <stdio.h>

#include "rules.h"

static bool usable(const struct tunnel_draft *d, enum key_id id) { return (d->broken & KEY_BIT(id)) == 0; }

static struct place child_place(const struct tunnel_conf *t, unsigned i)
{
	struct place at = tunnel_place(t, KEY_CHILDREN);
	if (t->children[i].line > 0)
		at.line = t->children[i].line;
	return at;
}

/* ---------------------------------------------------------------- for the daemon */
/* Each pair of one here and one there is a policy of the kernel. */
static bool too_many(struct findings *f, const struct tunnel_draft *d)
{
	const struct tunnel_conf *t = d->t;
	enum key_id lists = (d->written & KEY_BIT(KEY_LOCAL_TS)) != 0 ? KEY_LOCAL_TS : KEY_REMOTE_TS;
	unsigned n = 0;
	for (unsigned i = 0; i < children_of(t) && n <= TS_POLICIES_MAX; i++)
		n += ts_policies(child_of(t, i).local_ts, child_of(t, i).remote_ts);
	if (n <= TS_POLICIES_MAX)
		return false;
	if (t->n_children == 0)
		finding_advice(
			finding_add(f, tunnel_place(t, lists), FINDING_TOO_MANY,
				"local-ts and remote-ts make more than %d pairs; a range counts as the prefixes that it is made of",
				TS_POLICIES_MAX),
			"use wider prefixes");
	else
		finding_advice(
			finding_add(f, tunnel_place(t, KEY_CHILDREN), FINDING_TOO_MANY,
				"they make more than %d pairs of one here and one there; a range counts as the prefixes that it is made of",
				TS_POLICIES_MAX),
			"use wider prefixes, the same at the peer");
	return true;
}

static bool meets(const struct ts *one, const struct ts_list *others)
{
	for (unsigned i = 0; i < others->n; i++)
		if (one->lo.family == others->v[i].lo.family &&
			(one->protocol == 0 || others->v[i].protocol == 0 || one->protocol == others->v[i].protocol))
			return true;
	return false;
}

/* The first selector that nothing on the other side goes with, or NULL. */
static const struct ts *alone(const struct ts_list *list, const struct ts_list *others)
{
	for (unsigned i = 0; i < list->n; i++)
		if (!meets(&list->v[i], others))
			return &list->v[i];
	return NULL;
}

static void counterparts(struct findings *f, const struct tunnel_conf *t, unsigned i)
{
	const struct child_conf *child = &t->children[i];
	const struct ts *here = alone(child->local_ts, child->remote_ts), *there = alone(child->remote_ts, child->local_ts);
	char text[TS_TEXT];
	if (here != NULL)
		finding_add(f, child_place(t, i), FINDING_CHILD_ALONE,
			"%s: nothing in remote-ts has its address family and protocol", ts_format(here, text));
	else if (there != NULL)
		finding_add(f, child_place(t, i), FINDING_CHILD_ALONE,
			"%s: nothing in local-ts has its address family and protocol", ts_format(there, text));
}

static void twice(struct findings *f, const struct tunnel_conf *t, unsigned i)
{
	const struct child_conf *v = t->children;
	for (unsigned k = 0; k < i; k++)
		if (ts_list_equal(v[i].local_ts, v[k].local_ts) && ts_list_equal(v[i].remote_ts, v[k].remote_ts)) {
			finding_add(f, child_place(t, i), FINDING_CHILD_TWICE,
				"this child is written twice, first in line %d: each has selectors of its own", v[k].line);
			return;
		}
}

/* What is written as local-ts or remote-ts is all that may pass: a child's selectors lie in it. */
static void outside(struct findings *f, const struct tunnel_draft *d, enum key_id id, unsigned i)
{
	const struct tunnel_conf *t = d->t;
	const struct child_conf *child = &t->children[i];
	const struct ts_list *all = id == KEY_LOCAL_TS ? t->local_ts : t->remote_ts;
	const struct ts_list *list = id == KEY_LOCAL_TS ? child->local_ts : child->remote_ts;
	char text[TS_TEXT];
	for (unsigned k = 0; k < list->n && usable(d, id); k++) {
		unsigned j = 0;
		while (j < all->n && !ts_contains(&all->v[j], &list->v[k]))
			j++;
		if (j == all->n)
			finding_advice(
				finding_add(f, tunnel_place(t, id), FINDING_CHILD_OUTSIDE,
					"does not contain %s of the child in line %d", ts_format(&list->v[k], text), child->line),
				"add it, or leave the key out: then it is all that the children have");
	}
}

void check_children(struct findings *f, const struct tunnel_draft *d)
{
	const struct tunnel_conf *t = d->t;
	if (!usable(d, KEY_CHILDREN) || t->local_ts == NULL || t->remote_ts == NULL)
		return;
	if (t->n_children == 0 && (!usable(d, KEY_LOCAL_TS) || !usable(d, KEY_REMOTE_TS)))
		return;
	if (too_many(f, d))
		return;
	for (unsigned i = 0; i < t->n_children; i++) {
		counterparts(f, t, i);
		twice(f, t, i);
		if ((d->written & KEY_BIT(KEY_LOCAL_TS)) != 0)
			outside(f, d, KEY_LOCAL_TS, i);
		if ((d->written & KEY_BIT(KEY_REMOTE_TS)) != 0)
			outside(f, d, KEY_REMOTE_TS, i);
	}
}

/* ---------------------------------------------------------------- for s2sctl check */
static bool next_after(struct addr *a)
{
	for (size_t i = addr_bytes(a).n; i-- > 0;)
		if (++a->ip[i] != 0)
			return true;
	return false; /* past the last address */
}

/* Of the selectors of that side those that hold the address; the last address of the one that goes furthest. */
static bool furthest(const struct tunnel_conf *t, enum key_id side, const struct addr *a, struct addr *last)
{
	bool found = false;
	for (unsigned i = 0; i < children_of(t); i++) {
		const struct ts_list *l = side == KEY_LOCAL_TS ? child_of(t, i).local_ts : child_of(t, i).remote_ts;
		for (unsigned k = 0; k < l->n; k++) {
			const struct ts *ts = &l->v[k]; /* ports narrow what passes, not where it goes */
			if (ts->lo.family != a->family || addr_compare_ip(&ts->lo, a) > 0 || addr_compare_ip(&ts->hi, a) < 0)
				continue;
			if (!found || addr_compare_ip(&ts->hi, last) > 0)
				*last = ts->hi;
			found = true;
		}
	}
	return found;
}

/* All of the range is in selectors of the peer's side, in one or in several side by side. */
static bool selected(const struct tunnel_conf *t, const struct ts *range)
{
	struct addr at = range->lo, last = { 0 };
	do {
		if (!furthest(t, KEY_REMOTE_TS, &at, &last))
			return false;
		at = last;
	} while (addr_compare_ip(&last, &range->hi) < 0 && next_after(&at));
	return true;
}

static void routes(struct check *c, const struct tunnel_conf *t)
{
	char text[ADDR_TEXT];
	bool children = t->n_children > 0;
	for (unsigned i = 0; i < t->n_routes; i++) {
		struct ts all = ts_from_prefix(&t->routes[i]);
		if (!selected(t, &all))
			finding_advice(finding_add(c->out, tunnel_place(t, KEY_ROUTES), FINDING_ROUTE_UNSELECTED,
					       "%s is not covered by remote-ts%s: packets to it are dropped in the tunnel",
					       prefix_format(&t->routes[i], text), children ? " of the children" : ""),
				children ? "write a child for it, at the peer as well, or take it out of routes"
					 : "add it to remote-ts, and to the peer's selectors, or take it out of routes");
	}
}

static bool routed(const struct tunnel_conf *t, const struct ts *ts)
{
	struct ts both, ip = *ts;
	ip.protocol = 0, ip.port_lo = 0, ip.port_hi = 65535;
	for (unsigned i = 0; i < t->n_routes; i++) {
		struct ts route = ts_from_prefix(&t->routes[i]);
		if (ts_intersect(&route, &ip, &both))
			return true;
	}
	return false;
}

/* A child that no route leads to carries nothing of ours; what BGP brings is not known here. */
static void unrouted(struct check *c, const struct tunnel_conf *t)
{
	char text[TS_TEXT];
	for (unsigned i = 0; i < t->n_children && !t->bgp.set; i++)
		for (unsigned k = 0; k < t->children[i].remote_ts->n; k++)
			if (!routed(t, &t->children[i].remote_ts->v[k]))
				finding_advice(finding_add(c->out, child_place(t, i), FINDING_CHILD_UNROUTED,
						       "no route of this tunnel leads to %s",
						       ts_format(&t->children[i].remote_ts->v[k], text)),
					"add it to 'routes', or let something else route it to %s", t->interface);
}

static const struct ts *common(const struct ts_list *a, const struct ts_list *b)
{
	struct ts both;
	for (unsigned i = 0; i < a->n; i++)
		for (unsigned k = 0; k < b->n; k++)
			if (ts_intersect(&a->v[i], &b->v[k], &both))
				return &a->v[i];
	return NULL;
}

/* Told once for each child, however many others it meets. */
static void overlaps(struct check *c, const struct tunnel_conf *t, unsigned i)
{
	char text[TS_TEXT], other[TS_TEXT];
	const struct child_conf *v = t->children;
	for (unsigned k = 0; k < i; k++) {
		const struct ts *here = common(v[i].local_ts, v[k].local_ts), *there = common(v[i].remote_ts, v[k].remote_ts);
		if (here == NULL || there == NULL)
			continue;
		finding_advice(finding_add(c->out, child_place(t, i), FINDING_CHILDREN_OVERLAP,
				       "%s with %s overlaps with the child in line %d: what both select leaves by the narrower "
				       "selectors, and may come back by the others",
				       ts_format(here, text), ts_format(there, other), v[k].line),
			"fine when meant; otherwise write children that have no pair of addresses in common");
		return;
	}
}

static bool is_default(const struct ts *ts)
{
	struct prefix p;
	return ts_to_prefix(ts, &p) && prefix_is_default(&p);
}

/* Nobody is on both sides. */
static void both_sides(struct check *c, struct place at, const struct child_conf *child)
{
	char text[TS_TEXT], other[TS_TEXT];
	struct ts both;
	for (unsigned i = 0; i < child->local_ts->n; i++)
		for (unsigned k = 0; k < child->remote_ts->n; k++) {
			const struct ts *a = &child->local_ts->v[i], *b = &child->remote_ts->v[k];
			if (is_default(a) || is_default(b) || !ts_intersect(a, b, &both))
				continue;
			finding_advice(finding_add(c->out, at, FINDING_SELECTORS_OVERLAP,
					       "%s here and %s there overlap: an address cannot be on both sides",
					       ts_format(a, text), ts_format(b, other)),
				"give one side other addresses, or narrow the selectors");
		}
}

/* The session's two addresses are in one child. */
static void bgp(struct check *c, const struct tunnel_conf *t)
{
	char text[ADDR_TEXT], ours[ADDR_TEXT];
	struct addr from = t->bgp.local;
	for (unsigned i = 0; i < t->n_inside && t->bgp.local.family == 0; i++)
		if (t->inside[i].addr.family == t->bgp.peer.family &&
			(from.family == 0 || prefix_contains(&t->inside[i], &t->bgp.peer)))
			from = t->inside[i].addr;
	if (!t->bgp.set || from.family == 0)
		return; /* that is told elsewhere */
	struct prefix p = { .addr = from, .len = (uint8_t)(8 * addr_bytes(&from).n) }, q = p;
	q.addr = t->bgp.peer;
	struct ts_list here = { .n = 1, .v = { ts_from_prefix(&p) } }, there = { .n = 1, .v = { ts_from_prefix(&q) } };
	for (unsigned i = 0; i < children_of(t); i++)
		if (common(child_of(t, i).local_ts, &here) != NULL && common(child_of(t, i).remote_ts, &there) != NULL)
			return;
	finding_advice(finding_add(c->out, tunnel_place(t, KEY_BGP_PEER), FINDING_BGP_UNSELECTED,
			       "BGP between %s and %s is not covered by %s: the session never comes up", addr_format(&from, ours),
			       addr_format(&t->bgp.peer, text), t->n_children > 0 ? "any child" : "local-ts and remote-ts"),
		t->n_children > 0 ? "write a child for the two addresses, at the peer as well"
				  : "add the two addresses to local-ts and remote-ts, at the peer as well");
}

void check_selectors(struct check *c, const struct tunnel_conf *t)
{
	routes(c, t);
	unrouted(c, t);
	bgp(c, t);
	for (unsigned i = 0; i < children_of(t); i++) {
		const struct child_conf child = child_of(t, i);
		both_sides(c, t->n_children > 0 ? child_place(t, i) : tunnel_place(t, KEY_LOCAL_TS), &child);
	}
	for (unsigned i = 0; i < t->n_children; i++)
		overlaps(c, t, i);
}
