/*
 * walk.c - one packet's way through a rule set. Each base chain is walked by itself: what is dropped in one is dropped in all, and the advice has to name each.
 */
#include "walk.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "match.h"

#define OUR_TABLE "s2sd"
#define DEPTH_MAX 16 /* the kernel's own bound for jumps */
#define STEPS_MAX 20000

enum verdict { GO_ON, ACCEPT, RETURN, DROP };

struct walk {
	struct asked at;
	struct packet p;
	const struct chain *base, *way[DEPTH_MAX], *accepting;
	struct filter_hits *out;
	struct filter_hit fall;        /* of the last rule that dropped */
	unsigned steps, depth, doubts; /* doubts: rules around this one that may not apply */
	bool uncertain;                /* a rule that might accept or leave stood before */
	bool named;                    /* a rule on the way names the interface that it leaves by */
	bool gone;                     /* its destination is certainly another one */
	bool left[DEPTH_MAX + 1];      /* by depth: a rule of that chain may have led back to the chain before */
};

static enum verdict chain(struct walk *w, const struct chain *c);

/* ---------------------------------------------------------------- hits */
static struct filter_hit hit_at(const struct walk *w, const json_t *rule, enum hit_kind kind, unsigned place)
{
	struct filter_hit h = { .kind = kind, .certain = !w->uncertain && w->doubts == 0, .named = w->named, .place = place };
	const struct chain *in = w->depth > 0 ? w->way[w->depth - 1] : w->base;
	struct text jumps = text_of(h.jumps, sizeof h.jumps);
	snprintf(h.family, sizeof h.family, "%s", in->family);
	snprintf(h.table, sizeof h.table, "%s", in->table);
	snprintf(h.chain, sizeof h.chain, "%s", in->name);
	snprintf(h.base, sizeof h.base, "%s", w->base->name);
	snprintf(h.hook, sizeof h.hook, "%s", json_word(w->base->self, "hook"));
	for (unsigned i = 0; i + 1 < w->depth; i++)
		text_add(&jumps, "%s%s", i > 0 ? ", " : "", w->way[i]->name);
	h.handle = json_integer_value(json_object_get(rule, "handle"));
	h.legacy = json_is_true(json_object_get(w->base->self, "legacy"));
	if (rule != NULL)
		filter_rule_text(rule, h.rule);
	return h;
}

static bool same_hit(const struct filter_hit *a, const struct filter_hit *b)
{
	return a->kind == b->kind && a->handle == b->handle && a->place == b->place && strcmp(a->family, b->family) == 0 &&
	       strcmp(a->table, b->table) == 0 && strcmp(a->chain, b->chain) == 0 && strcmp(a->base, b->base) == 0;
}

static void keep(struct filter_hits *out, const struct filter_hit *h)
{
	for (unsigned i = 0; i < out->n; i++) {
		if (!same_hit(&out->hit[i], h))
			continue;
		out->hit[i].certain |= h->certain;
		return;
	}
	if (out->n < FILTER_HITS)
		out->hit[out->n++] = *h;
}

/* ---------------------------------------------------------------- statements */
static const struct {
	const char *word, *target; /* of nft; of x_tables */
	enum hit_kind kind;
} changes[] = { { "masquerade", "MASQUERADE", HIT_MASQUERADE }, { "snat", "SNAT", HIT_SNAT }, { "dnat", "DNAT", HIT_DNAT },
	{ "redirect", "REDIRECT", HIT_REDIRECT }, { "tproxy", "TPROXY", HIT_REDIRECT }, { "notrack", "NOTRACK", HIT_NOTRACK } };

static bool has(const json_t *statement, const char *key) { return json_object_get(statement, key) != NULL; }

static const json_t *target_of(const json_t *statement)
{
	const json_t *xt = json_object_get(statement, "xt");
	return json_is(xt, "type", "target") ? xt : NULL;
}

static bool changing(const json_t *statement, enum hit_kind *kind)
{
	const char *target = json_word(target_of(statement), "name");
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		if (!has(statement, changes[i].word) && strcmp(target, changes[i].target) != 0)
			continue;
		*kind = changes[i].kind;
		return true;
	}
	return false;
}

/* A change of addresses ends its chain; an untracked packet goes on. */
static enum verdict change(struct walk *w, const json_t *rule, const json_t *statement, enum hit_kind kind, unsigned place)
{
	struct filter_hit h = hit_at(w, rule, kind, place);
	snprintf(h.to, sizeof h.to, "%s", json_word(json_object_get(statement, kind == HIT_SNAT ? "snat" : "dnat"), "addr"));
	keep(w->out, &h);
	if (kind == HIT_NOTRACK) {
		w->p.state = h.certain ? PACKET_UNTRACKED : w->p.state;
		return GO_ON;
	}
	w->gone |= h.certain && (kind == HIT_DNAT || kind == HIT_REDIRECT);
	return ACCEPT;
}

static enum verdict jump(struct walk *w, const json_t *statement)
{
	const json_t *there = json_object_get(statement, "jump"), *go = json_object_get(statement, "goto");
	const struct chain *in = w->way[w->depth - 1];
	const char *target = json_word(there != NULL ? there : go, "target");
	enum verdict v = chain(w, ruleset_chain(w->at.set, in->family, in->table, target));
	if (v == ACCEPT || v == DROP)
		return v;
	return go != NULL ? RETURN : GO_ON;
}

/* The statement that ends or leaves the rule; jumps are followed. */
static enum verdict act(struct walk *w, const json_t *rule, const json_t *statement, unsigned place)
{
	enum hit_kind kind;
	const char *target = json_word(target_of(statement), "name");
	if (has(statement, "accept") || has(statement, "queue"))
		return ACCEPT;
	if (has(statement, "return"))
		return RETURN;
	if (has(statement, "drop") || has(statement, "reject") || strcmp(target, "REJECT") == 0) {
		w->fall = hit_at(w, rule, has(statement, "drop") ? HIT_DROP : HIT_REJECT, place);
		return DROP;
	}
	if (changing(statement, &kind))
		return change(w, rule, statement, kind, place);
	return has(statement, "jump") || has(statement, "goto") ? jump(w, statement) : GO_ON;
}

/* What may not apply at all: a drop there is no proof, an accept there makes a later drop uncertain. */
static enum verdict act_perhaps(struct walk *w, const json_t *rule, const json_t *statement, unsigned place)
{
	w->doubts++;
	enum verdict v = act(w, rule, statement, place);
	w->doubts--;
	w->uncertain |= v == ACCEPT || v == RETURN;
	w->left[w->depth] |= v == RETURN;
	return GO_ON;
}

static enum verdict act_if(struct walk *w, enum answer fits, const json_t *rule, const json_t *statement, unsigned place)
{
	return fits == YES ? act(w, rule, statement, place) : act_perhaps(w, rule, statement, place);
}

/* Of a map of verdicts: those of values that it may be, up to the one that it is. */
static enum verdict run_map(struct walk *w, enum answer fits, const json_t *rule, const json_t *map, unsigned place)
{
	const json_t *list = match_elements(&w->at, json_object_get(map, "data"));
	if (list == NULL)
		w->uncertain = true;
	for (size_t i = 0; i < json_array_size(list) && w->steps++ < STEPS_MAX; i++) {
		const json_t *pair = json_array_get(list, i);
		enum answer a = match_value(&w->at, json_object_get(map, "key"), json_array_get(pair, 0));
		if (a == NO)
			continue;
		enum verdict v = act_if(w, a < fits ? a : fits, rule, json_array_get(pair, 1), place);
		if (a == YES || v != GO_ON)
			return v;
	}
	return GO_ON;
}

static bool not_understood(const json_t *e)
{
	static const char *const words[] = { "limit", "fib", "quota", "meter", "connlimit", "ct count", "last" };
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (has(e, words[i]))
			return true;
	return has(e, "xt") && target_of(e) == NULL;
}

/* ---------------------------------------------------------------- rules */
static enum verdict run_rule(struct walk *w, const json_t *rule, unsigned place)
{
	const json_t *expr = json_object_get(rule, "expr");
	enum answer fits = YES;
	w->at.rule = rule;
	for (size_t i = 0; i < json_array_size(expr); i++) {
		const json_t *e = json_array_get(expr, i), *m = json_object_get(e, "match"), *map = json_object_get(e, "vmap");
		enum answer a = m != NULL ? match_applies(&w->at, m) : not_understood(e) ? MAYBE : YES;
		fits = a < fits ? a : fits;
		if (fits == NO)
			return GO_ON;
		w->named |= m != NULL && a == YES && match_names_out(m);
		enum verdict v = map != NULL ? run_map(w, fits, rule, map, place) : act_if(w, fits, rule, e, place);
		w->at.rule = rule;
		if (v != GO_ON)
			return v;
	}
	return GO_ON;
}

static bool same_chain(const struct chain *a, const struct chain *b)
{
	return a != NULL && b != NULL && strcmp(a->name, b->name) == 0 && strcmp(a->table, b->table) == 0 &&
	       strcmp(a->family, b->family) == 0;
}

/* GO_ON: it came to the end of the chain. */
static enum verdict chain(struct walk *w, const struct chain *c)
{
	enum verdict v = GO_ON;
	if (c == NULL)
		return GO_ON;
	if (same_chain(c, w->accepting))
		return ACCEPT;
	if (w->depth >= DEPTH_MAX) {
		w->uncertain = true;
		return GO_ON;
	}
	w->way[w->depth++] = c;
	w->left[w->depth] = false;
	for (unsigned i = 0; i < c->n && v == GO_ON; i++) {
		bool named = w->named;
		if (w->steps++ >= STEPS_MAX) {
			w->out->cut = w->uncertain = true;
			break;
		}
		v = run_rule(w, w->at.set->rules[c->first + i], i + 1);
		w->named = named;
	}
	/* It may have come back before: what stands behind the jump is looked at as well. */
	bool back = w->left[w->depth] && w->depth > 1 && (v == ACCEPT || v == DROP);
	if (back && v == DROP)
		keep(w->out, &w->fall);
	w->depth--;
	return back ? GO_ON : v;
}

static void base_chain(struct walk *w, const struct chain *base)
{
	w->base = base;
	w->uncertain = w->named = false;
	w->steps = w->doubts = w->depth = 0;
	w->at.p = &w->p;
	w->at.hook = json_word(base->self, "hook");
	enum verdict v = chain(w, base);
	if ((v == GO_ON || v == RETURN) && json_is(base->self, "policy", "drop")) {
		w->fall = hit_at(w, NULL, HIT_POLICY, 0);
		v = DROP;
	}
	if (v == DROP)
		keep(w->out, &w->fall);
}

/* NAT is decided on the first packet of a flow. */
static bool looks_at(const struct walk *w, const json_t *c)
{
	bool v6 = w->p.to.family == AF_INET6 || w->p.from.family == AF_INET6, nat = json_is(c, "type", "nat");
	return (nat ? w->p.state == PACKET_NEW : json_is(c, "type", "filter") || json_is(c, "type", "route")) &&
	       !json_is(c, "table", OUR_TABLE) && (json_is(c, "family", "inet") || json_is(c, "family", v6 ? "ip6" : "ip"));
}

void filter_walk(const struct ruleset *r, const char *const *hooks, const struct packet *p, struct filter_hits *out)
{
	struct walk w = { .at = { .set = r }, .p = *p, .out = out };
	for (; *hooks != NULL && !w.gone; hooks++) {
		for (unsigned i = 0; i < r->n_bases && !w.gone; i++) {
			const struct chain *base = &r->chains[r->bases[i]];
			if (json_is(base->self, "hook", *hooks) && looks_at(&w, base->self))
				base_chain(&w, base);
		}
	}
}

bool walk_passes_with(const struct ruleset *r, const struct packet *p, const struct chain *base, const struct chain *accepting)
{
	struct filter_hits hits = { 0 };
	struct walk w = { .at = { .set = r }, .p = *p, .out = &hits, .accepting = accepting };
	base_chain(&w, base);
	return hits.n == 0;
}

/* ---------------------------------------------------------------- words */
bool filter_drops(enum hit_kind kind) { return kind == HIT_DROP || kind == HIT_REJECT || kind == HIT_POLICY; }

const char *filter_place(const struct filter_hit *h, char text[FILTER_TEXT])
{
	struct text t = text_of(text, FILTER_TEXT);
	if (h->kind == HIT_POLICY)
		text_add(&t, "policy drop");
	else if (h->legacy)
		text_add(&t, "rule %u", h->place);
	else
		text_add(&t, "rule with handle %" JSON_INTEGER_FORMAT, h->handle);
	text_add(&t, " of chain %s %s %s%s", h->family, h->table + (h->legacy ? strlen(LEGACY) : 0), h->chain,
		h->legacy ? " (iptables-legacy)" : "");
	return text;
}
