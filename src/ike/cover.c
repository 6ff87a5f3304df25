/*
 * cover.c - what of the configured selectors, of `routes` and of the BGP peer's address the children in use do not carry: a peer may narrow what we ask
 * for (RFC 7296 2.9), or close one child of several, and packets to the rest end in the tunnel.
 *
 * What is needed is a pair of prefixes; an end that asks for whatever the peer has (length 0) is open: then the other end, and the routes, say what is
 * needed. Ports narrow what passes, not where it goes. What is covered in pieces is cut in halves, PIECES_MAX times in all.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "machine.h"

#define PIECES_MAX 20000
#define PATIENCE 3000 /* a peer that makes one child after the other needs so long for the next */
#define LISTED_MAX 4  /* in words; the rest is counted */

struct need {
	struct prefix local, remote; /* family 0: open */
};

struct cover {
	const struct tunnel *t;
	unsigned pieces, n;
	struct need missing[LISTED_MAX];
	bool partly[LISTED_MAX];
	bool by_peer; /* we asked for it */
};

enum overlap { APART, PARTLY, WHOLE };

static enum overlap end_overlap(const struct ts *ts, const struct prefix *p)
{
	if (!p->addr.family)
		return WHOLE;
	struct ts all = ts_from_prefix(p), both, one = { 0, 0, 65535, ts->lo, ts->hi };
	if (ts_contains(&one, &all))
		return WHOLE;
	return ts_intersect(&one, &all, &both) ? PARTLY : APART;
}

static enum overlap list_overlap(const struct ts_list *list, const struct prefix *p)
{
	enum overlap best = APART;
	for (unsigned i = 0; i < list->n && best < WHOLE; i++) {
		enum overlap o = end_overlap(&list->v[i], p);
		best = o > best ? o : best;
	}
	return best;
}

/* cut: which end is to be halved so that the pieces fit better; only when PARTLY. */
static enum overlap overlap(const struct tunnel *t, const struct need *n, bool *cut_local)
{
	enum overlap best = APART;
	for (const struct slot *slot = t->slots; slot && best < WHOLE; slot = slot->next) {
		const struct child *c = slot->current;
		enum overlap l = c ? list_overlap(c->local_ts, &n->local) : APART;
		enum overlap r = l > APART ? list_overlap(c->remote_ts, &n->remote) : APART;
		enum overlap both = l < r ? l : r;
		if (both == PARTLY)
			*cut_local = l == PARTLY;
		best = both > best ? both : best;
	}
	return best;
}

static void halve(struct prefix *lower, struct prefix *upper)
{
	*upper = *lower;
	upper->addr.ip[lower->len / 8] |= (uint8_t)(0x80 >> lower->len % 8);
	lower->len = upper->len = (uint8_t)(lower->len + 1);
}

static bool is_covered(struct cover *c, const struct need *n)
{
	bool cut_local = false;
	enum overlap o = c->pieces++ < PIECES_MAX ? overlap(c->t, n, &cut_local) : APART;
	if (o != PARTLY)
		return o == WHOLE;
	struct need lower = *n, upper = *n;
	halve(cut_local ? &lower.local : &lower.remote, cut_local ? &upper.local : &upper.remote);
	return is_covered(c, &lower) && is_covered(c, &upper);
}

static bool need_equal(const struct need *a, const struct need *b)
{
	return a->local.addr.family == b->local.addr.family && a->remote.addr.family == b->remote.addr.family &&
	       (!a->local.addr.family || prefix_equal(&a->local, &b->local)) &&
	       (!a->remote.addr.family || prefix_equal(&a->remote, &b->remote));
}

static void note_missing(struct cover *c, const struct need *n, bool partly, bool asked)
{
	for (unsigned i = 0; i < c->n && i < LISTED_MAX; i++)
		if (need_equal(&c->missing[i], n))
			return;
	if (c->n < LISTED_MAX) {
		c->missing[c->n] = *n;
		c->partly[c->n] = partly;
	}
	c->n++;
	c->by_peer |= asked;
}

/* Of a pair of which one end is nowhere covered only that end is named. */
static void miss(struct cover *c, const struct need *n, bool asked)
{
	bool cut;
	struct need local = { .local = n->local }, remote = { .remote = n->remote };
	bool both = n->local.addr.family && n->remote.addr.family;
	const struct need *say = both && !is_covered(c, &remote) ? &remote : both && !is_covered(c, &local) ? &local : n;
	note_missing(c, say, overlap(c->t, say, &cut) == PARTLY, asked);
}

static void need(struct cover *c, const struct need *n)
{
	if (!is_covered(c, n))
		miss(c, n, true);
}

static bool open_end(const struct ts_parts *parts, uint8_t family)
{
	for (unsigned i = 0; i < parts->n; i++)
		if (parts->v[i].prefix.addr.family == family && parts->v[i].prefix.len > 0)
			return false;
	return true;
}

static void need_one_end(struct cover *c, const struct ts_parts *one, const struct ts_parts *other, bool local)
{
	for (unsigned i = 0; i < one->n; i++) {
		const struct prefix *p = &one->v[i].prefix;
		struct need n = { 0 };
		*(local ? &n.local : &n.remote) = *p;
		if (p->len > 0 && open_end(other, p->addr.family))
			need(c, &n);
	}
}

static bool has_all(const struct slot *slot)
{
	const struct child *c = slot->current;
	return c && ts_list_same(c->local_ts, slot->local_ts) && ts_list_same(c->remote_ts, slot->remote_ts);
}

static void need_selectors(struct cover *c, const struct slot *slot)
{
	if (has_all(slot))
		return;
	struct ts_parts *parts = ts_parts_new(), *l = &parts[0], *r = &parts[1];
	ts_cut(slot->local_ts, l);
	ts_cut(slot->remote_ts, r);
	need_one_end(c, l, r, true);
	need_one_end(c, r, l, false);
	for (unsigned i = 0; i < l->n; i++)
		for (unsigned k = 0; k < r->n; k++) {
			struct need n = { l->v[i].prefix, r->v[k].prefix };
			if (n.local.len > 0 && n.remote.len > 0 && n.local.addr.family == n.remote.addr.family)
				need(c, &n);
		}
	free(parts);
}

static void need_route(struct cover *c, const struct prefix *p)
{
	struct need n = { .remote = prefix_mask(p) };
	if (is_covered(c, &n))
		return;
	struct ts all = ts_from_prefix(&n.remote);
	struct ts_list *one = NULL;
	ts_list_add(&one, &all);
	miss(c, &n, ts_list_contains(c->t->conf->remote_ts, one));
	free(one);
}

static void look(struct cover *c)
{
	const struct tunnel_conf *conf = c->t->conf;
	for (const struct slot *slot = c->t->slots; slot; slot = slot->next)
		if (slot->kind == SLOT_CONFIGURED)
			need_selectors(c, slot);
	for (unsigned i = 0; i < conf->n_routes; i++)
		need_route(c, &conf->routes[i]);
	if (conf->bgp.set && conf->bgp.peer.family) {
		struct prefix peer = { .addr = conf->bgp.peer, .len = conf->bgp.peer.family == AF_INET ? 32 : 128 };
		need_route(c, &peer);
	}
}

static void words(const struct cover *c, char text[FACT_VALUE * 4])
{
	char one[ADDR_TEXT], two[ADDR_TEXT];
	struct text t = text_of(text, FACT_VALUE * 4);
	text[0] = 0;
	for (unsigned i = 0; i < c->n && i < LISTED_MAX; i++) {
		const struct need *n = &c->missing[i];
		bool l = n->local.addr.family, r = n->remote.addr.family;
		text_add(&t, "%s%s%s%s%s", i ? ", " : "", l ? prefix_format(&n->local, one) : "", l && r ? " === " : "",
			r ? prefix_format(&n->remote, two) : "", c->partly[i] ? " in part" : "");
	}
	if (c->n > LISTED_MAX)
		text_add(&t, " and %u more", c->n - LISTED_MAX);
}

/* What is asked for the first time, or being made, may cover what nothing covers yet. */
static bool changing(const struct tunnel *t)
{
	for (const struct slot *slot = t->slots; slot; slot = slot->next)
		if (slot->switching || (!slot->current && slot->lacking && !slot->refusals))
			return true;
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		for (const struct child *c = sa->children; c; c = c->next)
			if (c->state < CHILD_READY && !c->slot->current)
				return true;
	return false;
}

static struct mono youngest(const struct tunnel *t)
{
	struct mono at = { 0 };
	for (const struct slot *slot = t->slots; slot; slot = slot->next)
		if (slot->current && slot->current->core.created.ms > at.ms)
			at = slot->current->core.created;
	return at;
}

void tunnel_cover(struct step *s, struct tunnel *t)
{
	char text[FACT_VALUE * 4];
	if (!t->link_up || !t->recover || changing(t))
		return;
	struct cover c = { .t = t };
	look(&c);
	words(&c, text);
	struct mono at = mono_add(youngest(t), PATIENCE);
	if (text[0] && !mono_due(at, s->now.mono)) {
		t->ask_at = mono_min(t->ask_at, at);
		return;
	}
	t->recover = false;
	t->n_uncovered = c.n;
	if (strcmp(text, t->uncovered ? t->uncovered : "") == 0)
		return;
	const struct addr *peer = &tunnel_current(t)->core.remote;
	if (text[0])
		ike_report(s, FACT_NARROWED, c.by_peer ? BLAME_PEER : BLAME_LOCAL, t, peer,
			"the child SAs do not cover %.140s: %s", text,
			c.by_peer ? "the peer's selectors are narrower than ours" : "it is not in our own selectors");
	else
		ike_report(s, FACT_NARROWED, BLAME_NONE, t, peer, "the child SAs cover all selectors and routes again");
	ike_report_about(s, t, SUBJECT_CHILD_SA, t->uncovered, text);
	free(t->uncovered);
	t->uncovered = text[0] ? xstrdup(text) : NULL;
}
