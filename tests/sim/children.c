/*
 * children.c - several child SAs in one tunnel: made by either end or both, narrowed, refused, closed; what one of them suffers leaves the others alone.
 */
#include <stdio.h>
#include <string.h>

#include "hostile.h"

#define OURS "10.1"
#define THEIRS "10.11"

static void set_children(struct world *w, int host, unsigned n)
{
	set_pairs(w, host, "t", host == A ? OURS : THEIRS, host == A ? THEIRS : OURS, n);
}

static bool all_carried(struct world *w, int arg) { return carried(w, A) == (unsigned)arg && carried(w, B) == (unsigned)arg; }

static void await_children(struct world *w, unsigned n, msec within)
{
	bool good = world_run_until(w, within, all_carried, (int)n);
	if (!w->failed && !good)
		world_fail(w, "A carries %u children, B %u; %u are wanted", carried(w, A), carried(w, B), n);
}

static void none_lost(struct world *w, unsigned n)
{
	await_children(w, n, SECOND);
	for (int i = 0; i < 2 && !w->failed; i++) {
		const struct tunnel *t = tunnel_of(w, i, "t");
		expect(w, t && w->hosts[i].up_epoch[t->id] == 0, "the tunnel stayed up");
	}
	expect(w, w->links[0].lost == 0, "no packet is lost");
	check_converged(w, true);
}

static void short_lives(struct world *w)
{
	w->traffic_max = 40;
	for (int i = 0; i < 2; i++) {
		set(w, i, "t", "esp-lifetime", "60s");
		set(w, i, "t", "ike-lifetime", "200s");
	}
}

/* The pairs are configured at both ends; one makes them, or both do at the same time. */
static void pairs_of_both(struct world *w, const struct params *p)
{
	unsigned n = p->disjoint ? 5 : 2;
	pair(w);
	short_lives(w);
	for (int i = 0; i < 2; i++)
		set_children(w, i, n);
	if (p->both_initiate)
		set(w, B, "t", "start", "initiate");
	begin(w);
	await_children(w, n, 10 * SECOND);
	world_run(w, 8 * MINUTE);
	none_lost(w, n);
}

static bool asked_wide;

static bool note_wide(struct world *w, const struct packet *p)
{
	static struct inside m;
	size_t n;
	if (p->from != A || !hostile_open(w, p, &m) || !m.sealed || m.h.exchange != EXCHANGE_CREATE_CHILD_SA)
		return false;
	const uint8_t *ts = inside_find(&m, PAYLOAD_TSi, &n);
	asked_wide |= ts && n > 12 && ts[12] == 0; /* the first octet of the first address */
	return false;
}

/* A peer with a policy per pair, and an end that takes all: its rekeys ask for what the peer chose. */
static void pairs_of_peer(struct world *w, const struct params *p)
{
	unsigned n = p->disjoint ? 5 : 2;
	pair(w);
	short_lives(w);
	set(w, A, "t", "start", "respond");
	set(w, B, "t", "start", "initiate");
	set_children(w, B, n);
	asked_wide = false;
	w->filter = note_wide;
	begin(w);
	await_children(w, n, 20 * SECOND);
	world_run(w, 8 * MINUTE);
	expect(w, !asked_wide, "no rekey asks for more than the peer has");
	none_lost(w, n);
}

/* We ask such a peer for all, and it gives us one of its pairs; then it makes the others itself. */
static void asks_for_all(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	short_lives(w);
	set_children(w, B, 3);
	set(w, B, "t", "start", "initiate");
	begin(w);
	await_children(w, 3, 20 * SECOND);
	world_run(w, 8 * MINUTE);
	none_lost(w, 3);
}

/* Our selectors are lists; the peer has a pair for each combination, answers with one and says that there are more. */
static void more_possible(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	short_lives(w);
	set_prefixes(w, A, "t", "local-ts", OURS, 3);
	set_prefixes(w, A, "t", "remote-ts", THEIRS, 3);
	set_children(w, B, 3);
	begin(w);
	await_children(w, 3, 20 * SECOND);
	world_run(w, 5 * SECOND);
	expect(w, saw(w, A, FACT_NARROWED, BLAME_PEER), "the combinations that the peer does not have are told");
	w->links[0].lost = 0;
	world_run(w, 4 * MINUTE);
	none_lost(w, 3);
}

static struct child *second_child(struct world *w, int host)
{
	struct tunnel *t = tunnel_of(w, host, "t");
	for (struct slot *slot = t ? t->slots : NULL; slot; slot = slot->next)
		if (slot_carried(slot) && slot->current != tunnel_current(t))
			return slot->current;
	return NULL;
}

/* So many pairs at both ends, all carried for a while. */
static void side_by_side(struct world *w, unsigned n)
{
	pair(w);
	w->traffic_max = 40;
	for (int i = 0; i < 2; i++)
		set_children(w, i, n);
	begin(w);
	await_children(w, n, 10 * SECOND);
	world_run(w, 10 * SECOND);
}

/* One pair goes at the peer: it is told, and the others are left alone. */
static void one_removed(struct world *w, const struct params *p)
{
	(void)p;
	side_by_side(w, 3);
	set_children(w, B, 2);
	host_load(w, B);
	world_run(w, 30 * SECOND);
	struct tunnel_view v;
	expect(w, saw(w, A, FACT_NARROWED, BLAME_PEER), "A is told that a pair is gone");
	expect(w,
		ike_view(w->hosts[A].ike, tunnel_id(w, A, "t"), &v) && v.state == TUNNEL_UP && v.uncovered &&
			strstr(v.uncovered, THEIRS ".2.0/24"),
		"and which");
	expect(w, carried(w, A) == 2 && carried(w, B) == 2, "the others stay");
	set_children(w, B, 3);
	host_load(w, B);
	world_run(w, 5 * MINUTE);
	expect(w, ike_view(w->hosts[A].ike, tunnel_id(w, A, "t"), &v) && !v.uncovered, "all is covered again");
	none_lost(w, 3);
}

/* The peer closes one child and keeps the pair: it is made again. */
static void one_closed(struct world *w, const struct params *p)
{
	side_by_side(w, 3);
	struct child *c = w->failed ? NULL : second_child(w, p->host);
	expect(w, c, "there is a second child");
	if (c) {
		c->delete_due = true;
		sa_mark(&(struct step){ .ike = w->hosts[p->host].ike, .now = world_moment(w) }, c->sa);
		host_order(w, p->host, "t", COMMAND_TRACE); /* a step, for the DELETE to leave in */
	}
	world_run(w, 20 * SECOND);
	await_children(w, 3, SECOND);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

/* An operator's rekey is of all children, and is answered when all are done. */
static void rekey_all(struct world *w, const struct params *p)
{
	struct child *old[3] = { 0 };
	unsigned n = 0;
	(void)p;
	side_by_side(w, 3);
	const struct tunnel *t = tunnel_of(w, A, "t");
	for (const struct slot *slot = t ? t->slots : NULL; slot && n < 3; slot = slot->next)
		old[n++] = slot->current;
	uint64_t token = host_order(w, A, "t", COMMAND_REKEY);
	for (int i = 0; i < 10000 && !w->failed && order_reply(w, token)->pending; i++)
		world_run(w, 1);
	expect(w, order_reply(w, token)->ok, "it is answered");
	for (unsigned i = 0; i < n && t; i++)
		for (const struct child *c = t->sa_list->children; c; c = c->next)
			expect(w, c != old[i] || c->state >= CHILD_REPLACED, "each child was rekeyed by then");
	none_lost(w, 3);
}

/* A pair is added and one is changed while the tunnel is up: the others are left alone. */
static void pairs_change(struct world *w, const struct params *p)
{
	(void)p;
	side_by_side(w, 2);
	for (int i = 0; i < 2; i++) {
		set_children(w, !i, 4);
		host_load(w, !i);
	}
	await_children(w, 4, 20 * SECOND);
	world_run(w, 20 * SECOND);
	none_lost(w, 4);
}

static void acquire(struct world *w, int host, unsigned pair)
{
	struct ike_event e = { .kind = EVENT_ACQUIRE };
	char text[24];
	struct prefix p;
	e.acquire.tunnel = tunnel_id(w, host, "t");
	snprintf(text, sizeof text, OURS ".%u.7/32", pair);
	expect(w, prefix_parse(&p, text), "a prefix");
	e.acquire.local = ts_from_prefix(&p);
	snprintf(text, sizeof text, THEIRS ".%u.9/32", pair);
	expect(w, prefix_parse(&p, text), "a prefix");
	e.acquire.remote = ts_from_prefix(&p);
	host_step(w, host, &e);
}

/* The peer makes a small child beside the one for all, and then that one ends: it is asked for again. */
static void wide_ends(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	w->traffic_max = 40;
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 10 * SECOND);
	struct tunnel *t = tunnel_of(w, B, "t");
	struct ts l = { 0 }, r = { 0 };
	struct prefix lp, rp;
	expect(w, t && prefix_parse(&lp, THEIRS ".7.0/24") && prefix_parse(&rp, OURS ".7.0/24"), "a small pair");
	if (w->failed)
		return;
	l = ts_from_prefix(&lp);
	r = ts_from_prefix(&rp);
	expect(w, slot_add_pair(t, &l, &r), "B wants it");
	t->wanted = true;
	tunnel_mark(&(struct step){ .ike = w->hosts[B].ike, .now = world_moment(w) }, t);
	host_order(w, B, "t", COMMAND_TRACE);
	world_run(w, 20 * SECOND);
	await_children(w, 2, SECOND);
	t->wanted = false; /* A is to ask */
	struct child *c = w->failed ? NULL : tunnel_of(w, A, "t")->slots->current;
	expect(w, c, "the one for all");
	if (c) {
		c->delete_due = true;
		sa_mark(&(struct step){ .ike = w->hosts[A].ike, .now = world_moment(w) }, c->sa);
		host_order(w, A, "t", COMMAND_TRACE);
	}
	world_run(w, 20 * SECOND);
	await_children(w, 2, SECOND);
}

#define PAIR_OF(l, r, i) "{local-ts: " l "." i ".0/24, remote-ts: " r "." i ".0/24}"

/* One pair is replaced by another, in another order: what stays does not notice, and nothing of the new takes the place of the old in the kernel. */
static void pairs_replaced(struct world *w, const struct params *p)
{
	pair(w);
	w->traffic_max = 40;
	for (int i = 0; i < 2 && !p->disjoint; i++) /* disjoint: from one child for all to pairs */
		set_children(w, i, 2);
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 10 * SECOND);
	set(w, A, "t", "children", "[" PAIR_OF(OURS, THEIRS, "2") ", " PAIR_OF(OURS, THEIRS, "0") "]");
	set(w, B, "t", "children", "[" PAIR_OF(THEIRS, OURS, "2") ", " PAIR_OF(THEIRS, OURS, "0") "]");
	host_load(w, B);
	host_load(w, A);
	world_run(w, 2 * MINUTE);
	await_children(w, 2, SECOND);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, p->disjoint || w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

/* Who only answers makes no children by itself; traffic for a pair that has none asks for one. */
static void by_traffic(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	w->traffic_max = 40;
	set(w, A, "t", "start", "respond");
	set(w, B, "t", "start", "initiate");
	set_children(w, A, 3);
	set_children(w, B, 3);
	set(w, B, "t", "children", "[{local-ts: " THEIRS ".0.0/24, remote-ts: " OURS ".0.0/24}]");
	begin(w);
	await_children(w, 1, 10 * SECOND);
	set_children(w, B, 3);
	set(w, B, "t", "start", "respond");
	host_load(w, B);
	world_run(w, 30 * SECOND);
	expect(w, carried(w, A) == 1, "nobody asks for more");
	acquire(w, A, 2);
	world_run(w, SECOND);
	expect(w, carried(w, A) == 2 && carried(w, B) == 2, "traffic does");
	acquire(w, A, 1);
	world_run(w, 30 * SECOND);
	none_lost(w, 3);
}

/* The peer has one of the pairs only. What is not covered is told, and the peer is not asked without end. */
static void no_more(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	set_children(w, A, 3);
	set_children(w, B, 1);
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 10 * MINUTE);
	expect(w, carried(w, A) == 1, "one child is made");
	expect(w, saw(w, A, FACT_NARROWED, BLAME_PEER), "the others are told");
	const struct tunnel *t = tunnel_of(w, A, "t");
	for (const struct slot *slot = t ? t->slots : NULL; slot; slot = slot->next)
		expect(w, slot->refusals < 20, "it is not asked again and again");
	expect(w, t && w->hosts[A].up_epoch[t->id] == 0, "the tunnel stayed up");
	check_stayed_up(w);
}

const struct scenario scenarios_children[] = {
	{ "children", pairs_of_both, 10, "two child SAs side by side, configured at both ends", { 0 } },
	{ "children-both", pairs_of_both, 10, "... both ends make them at once", { .both_initiate = true } },
	{ "children-five", pairs_of_both, 10, "... five of them", { .both_initiate = true, .disjoint = true } },
	{ "children-peers", pairs_of_peer, 10, "a peer makes a child SA per pair inside our selectors", { 0 } },
	{ "children-peers-five", pairs_of_peer, 10, "... five of them", { .disjoint = true } },
	{ "children-ask-all", asks_for_all, 10, "a peer with pairs is asked for all", { 0 } },
	{ "children-more", more_possible, 10, "a peer narrows and says that there is more to be had", { 0 } },
	{ "children-removed", one_removed, 10, "a pair is taken from the peer's configuration and comes back", { 0 } },
	{ "children-closed", one_closed, 10, "one child of three is closed by A", { .host = A } },
	{ "children-closed-peers", one_closed, 10, "one child of three is closed by the peer", { .host = B } },
	{ "children-rekey", rekey_all, 10, "an operator's rekey is of all three", { 0 } },
	{ "children-change", pairs_change, 10, "pairs are added to a tunnel that is up", { 0 } },
	{ "children-replaced", pairs_replaced, 10, "one of two pairs is replaced by another, before the one that stays", { 0 } },
	{ "children-instead", pairs_replaced, 10, "pairs take the place of one child for all", { .disjoint = true } },
	{ "children-wide-ends", wide_ends, 10, "a small child of the peer's beside one for all, which ends", { 0 } },
	{ "children-by-traffic", by_traffic, 10, "traffic for a pair without a child asks for one", { 0 } },
	{ "children-no-more", no_more, 10, "a peer that takes only one of three", { 0 } },
	{ 0 },
};
