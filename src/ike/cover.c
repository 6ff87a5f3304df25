/*
 * cover.c - what of the configured selectors, of `routes` and of the BGP peer's address the child in use does not carry: a peer may narrow what we ask
 * for (RFC 7296 2.9), and packets to the rest end in the tunnel.
 *
 * Selectors of length 0 ask for whatever the peer has: then the routes say what is needed. Ports narrow what passes, not where it goes. What is covered
 * in pieces is cut in halves, PIECES_MAX times in all.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "machine.h"

#define PIECES_MAX 20000
#define LISTED_MAX 4 /* in words; the rest is counted */

struct cover {
	unsigned pieces, n;
	struct prefix missing[LISTED_MAX];
	bool partly[LISTED_MAX];
	bool by_peer; /* we asked for it */
};

enum overlap { APART, PARTLY, WHOLE };

static enum overlap overlap(const struct ts_list *list, const struct prefix *p)
{
	struct ts all = ts_from_prefix(p), both;
	enum overlap best = APART;
	for (unsigned i = 0; i < list->n; i++) {
		struct ts one = { 0, 0, 65535, list->v[i].lo, list->v[i].hi };
		if (ts_contains(&one, &all))
			return WHOLE;
		if (ts_intersect(&one, &all, &both))
			best = PARTLY;
	}
	return best;
}

static bool is_covered(struct cover *c, const struct ts_list *list, const struct prefix *p)
{
	enum overlap o = c->pieces++ < PIECES_MAX ? overlap(list, p) : APART;
	if (o != PARTLY)
		return o == WHOLE;
	struct prefix lower = *p, upper = *p;
	lower.len = upper.len = (uint8_t)(p->len + 1);
	upper.addr.ip[p->len / 8] |= (uint8_t)(0x80 >> p->len % 8);
	return is_covered(c, list, &lower) && is_covered(c, list, &upper);
}

/* ours: what we asked the peer for. */
static void need(struct cover *c, const struct ts_list *ours, const struct ts_list *list, const struct prefix *p)
{
	struct prefix net = prefix_mask(p);
	if (is_covered(c, list, &net))
		return;
	for (unsigned i = 0; i < c->n && i < LISTED_MAX; i++)
		if (prefix_equal(&c->missing[i], &net))
			return;
	if (c->n < LISTED_MAX) {
		c->missing[c->n] = net;
		c->partly[c->n] = overlap(list, &net) == PARTLY;
	}
	c->n++;
	c->by_peer |= is_covered(c, ours, &net);
}

static void need_selectors(struct cover *c, const struct ts_list *wanted, const struct ts_list *list)
{
	struct ts_parts *parts = xcalloc(1, sizeof *parts);
	ts_cut(wanted, parts);
	for (unsigned i = 0; i < parts->n; i++)
		if (parts->v[i].prefix.len > 0)
			need(c, wanted, list, &parts->v[i].prefix);
	free(parts);
}

static void look(struct cover *c, const struct tunnel_conf *conf, const struct child *child)
{
	need_selectors(c, conf->local_ts, child->local_ts);
	need_selectors(c, conf->remote_ts, child->remote_ts);
	for (unsigned i = 0; i < conf->n_routes; i++)
		need(c, conf->remote_ts, child->remote_ts, &conf->routes[i]);
	if (conf->bgp.set && conf->bgp.peer.family) {
		struct prefix peer = { .addr = conf->bgp.peer, .len = conf->bgp.peer.family == AF_INET ? 32 : 128 };
		need(c, conf->remote_ts, child->remote_ts, &peer);
	}
}

static void words(const struct cover *c, char text[FACT_VALUE * 4])
{
	char one[ADDR_TEXT];
	struct text t = text_of(text, FACT_VALUE * 4);
	text[0] = 0;
	for (unsigned i = 0; i < c->n && i < LISTED_MAX; i++)
		text_add(&t, "%s%s%s", i ? ", " : "", prefix_format(&c->missing[i], one), c->partly[i] ? " in part" : "");
	if (c->n > LISTED_MAX)
		text_add(&t, " and %u more", c->n - LISTED_MAX);
}

void tunnel_cover(struct step *s, struct tunnel *t)
{
	const struct slot *slot = &t->slots[0];
	const struct child *child = slot->current;
	char text[FACT_VALUE * 4];
	if (!t->link_up || !child || slot->switching || !child->remote_ts ||
		(t->covered_by == child->number && t->covered_conf == t->conf))
		return;
	struct cover c = { 0 };
	look(&c, t->conf, child);
	words(&c, text);
	t->covered_by = child->number;
	t->covered_conf = t->conf;
	t->n_uncovered = c.n;
	if (strcmp(text, t->uncovered ? t->uncovered : "") == 0)
		return;
	if (text[0])
		ike_report(s, FACT_NARROWED, c.by_peer ? BLAME_PEER : BLAME_LOCAL, t, &child->core.remote,
			"the child SA does not cover %.140s: %s", text,
			c.by_peer ? "the peer's selectors are narrower than ours" : "it is not in our own selectors");
	else
		ike_report(s, FACT_NARROWED, BLAME_NONE, t, &child->core.remote,
			"the child SA covers all selectors and routes again");
	ike_report_about(s, t, SUBJECT_CHILD_SA, t->uncovered, text);
	free(t->uncovered);
	t->uncovered = text[0] ? xstrdup(text) : NULL;
}
