/*
 * nftpath.c - one packet's way through a rule set as `nft -j list ruleset` tells it. Three-valued: a match that is not
 * understood (a set, a limit, a mark) may or may not apply, and what depends on it is said to be uncertain.
 */
#include <stdio.h>
#include <string.h>

#include "host_network.h"

#define OUR_TABLE "s2sd"
#define DEPTH_MAX 8
#define STEPS_MAX 20000

enum answer { NO, MAYBE, YES };

struct walk {
	const json_t *list; /* of objects: table, chain, rule, set ... */
	const struct packet *p;
	enum fate fate;
	char *why;
	bool uncertain; /* a rule that might accept or leave stood before */
	unsigned steps, depth;
};

/* ---------------------------------------------------------------- matches */
static enum answer same_word(const char *ours, const char *pattern)
{
	size_t n = pattern != NULL ? strlen(pattern) : 0;
	if (ours == NULL || n == 0 || pattern[0] == '@')
		return MAYBE;
	if (pattern[n - 1] == '*')
		return strncmp(ours, pattern, n - 1) == 0 ? YES : NO;
	return strcmp(ours, pattern) == 0 ? YES : NO;
}

static enum answer in_prefix(const struct addr *a, const json_t *v)
{
	struct prefix p;
	char text[ADDR_TEXT];
	const json_t *o = json_object_get(v, "prefix");
	const char *word = json_string_value(o != NULL ? json_object_get(o, "addr") : v);
	if (a->family == 0 || word == NULL || word[0] == '@')
		return MAYBE;
	if (o != NULL)
		snprintf(text, sizeof text, "%.45s/%d", word, (int)json_integer_value(json_object_get(o, "len")));
	else
		snprintf(text, sizeof text, "%.60s", word);
	if (!prefix_parse(&p, text))
		return MAYBE;
	return prefix_contains(&p, a) ? YES : NO;
}

static enum answer same_number(unsigned ours, const json_t *v)
{
	const json_t *range = json_object_get(v, "range");
	if (ours == 0)
		return MAYBE;
	if (range != NULL)
		return ours >= (unsigned)json_integer_value(json_array_get(range, 0)) &&
				       ours <= (unsigned)json_integer_value(json_array_get(range, 1))
			       ? YES
			       : NO;
	if (!json_is_integer(v))
		return MAYBE;
	return (json_int_t)ours == json_integer_value(v) ? YES : NO;
}

static enum answer in_state(enum packet_state s, const json_t *v)
{
	const char *word = json_string_value(v);
	if (word == NULL)
		return MAYBE;
	return strcmp(word, s == PACKET_NEW ? "new" : "established") == 0 ? YES : NO;
}

/* What the left side of a match looks at. */
enum field { FIELD_OTHER, FIELD_IN, FIELD_OUT, FIELD_FROM, FIELD_TO, FIELD_PROTOCOL, FIELD_PORT, FIELD_STATE };

static bool is(const json_t *o, const char *key, const char *value)
{
	const char *word = json_string_value(json_object_get(o, key));
	return word != NULL && strcmp(word, value) == 0;
}

static enum field field_of(const json_t *left, const struct packet *p)
{
	const json_t *meta = json_object_get(left, "meta"), *pay = json_object_get(left, "payload");
	const char *protocol = json_string_value(json_object_get(pay, "protocol"));
	if (is(meta, "key", "iifname") || is(meta, "key", "iif"))
		return FIELD_IN;
	if (is(meta, "key", "oifname") || is(meta, "key", "oif"))
		return FIELD_OUT;
	if (is(meta, "key", "l4proto") || (is(pay, "field", "protocol") && is(pay, "protocol", "ip")) ||
		is(pay, "field", "nexthdr"))
		return FIELD_PROTOCOL;
	if (is(json_object_get(left, "ct"), "key", "state"))
		return FIELD_STATE;
	if (is(pay, "field", "saddr"))
		return FIELD_FROM;
	if (is(pay, "field", "daddr"))
		return FIELD_TO;
	if (is(pay, "field", "dport") && protocol != NULL && p->protocol != NULL)
		return FIELD_PORT;
	return FIELD_OTHER;
}

static enum answer one_value(const struct packet *p, enum field f, const json_t *left, const json_t *v)
{
	const json_t *pay = json_object_get(left, "payload");
	const char *protocol = json_string_value(json_object_get(pay, "protocol"));
	switch (f) {
	case FIELD_IN: return same_word(p->in, json_string_value(v));
	case FIELD_OUT: return same_word(p->out, json_string_value(v));
	case FIELD_FROM: return in_prefix(&p->from, v);
	case FIELD_TO: return in_prefix(&p->to, v);
	case FIELD_PROTOCOL: return same_word(p->protocol, json_string_value(v));
	case FIELD_PORT:
		if (strcmp(protocol, "th") != 0 && strcmp(protocol, p->protocol) != 0)
			return NO;
		return same_number(p->port, v);
	case FIELD_STATE: return in_state(p->state, v);
	case FIELD_OTHER: return MAYBE;
	}
	return MAYBE;
}

/* Of several values the best answer counts. */
static enum answer any_value(const struct packet *p, enum field f, const json_t *left, const json_t *right)
{
	const json_t *set = json_object_get(right, "set"), *list = json_is_array(set) ? set : json_is_array(right) ? right : NULL;
	enum answer best = NO;
	if (list == NULL)
		return one_value(p, f, left, set != NULL ? set : right);
	for (size_t i = 0; i < json_array_size(list); i++) {
		enum answer a = one_value(p, f, left, json_array_get(list, i));
		best = a > best ? a : best;
	}
	return best;
}

static enum answer match(const struct packet *p, const json_t *m)
{
	const json_t *left = json_object_get(m, "left"), *right = json_object_get(m, "right");
	enum field f = field_of(left, p);
	/* Of another protocol than the packet's: the family of an address, a port of a packet without ports. */
	if ((f == FIELD_FROM || f == FIELD_TO) && is(json_object_get(left, "payload"), "protocol", "ip6") !=
							  (p->to.family == AF_INET6 || p->from.family == AF_INET6))
		return p->to.family == 0 && p->from.family == 0 ? MAYBE : NO;
	enum answer a = any_value(p, f, left, right);
	if (is(m, "op", "!="))
		return a == YES ? NO : a == NO ? YES : MAYBE;
	return is(m, "op", "==") || is(m, "op", "in") ? a : MAYBE;
}

/* ---------------------------------------------------------------- rules */
enum verdict { GO_ON, ACCEPT, RETURN, DROP };

static enum verdict chain(struct walk *w, const json_t *of, const char *name);

static bool same_place(const json_t *a, const json_t *b)
{
	return is(a, "family", json_string_value(json_object_get(b, "family"))) &&
	       is(a, "table", json_string_value(json_object_get(b, "table")));
}

static void blame(struct walk *w, const json_t *r, const char *what)
{
	const char *name = json_string_value(json_object_get(r, "chain"));
	if (name == NULL)
		name = json_string_value(json_object_get(r, "name"));
	snprintf(w->why, FATE_WHY, "%s of chain %s %s %s", what, json_string_value(json_object_get(r, "family")),
		json_string_value(json_object_get(r, "table")), name != NULL ? name : "?");
}

/* The statement that ends or leaves the rule; jumps are followed. */
static enum verdict act(struct walk *w, const json_t *rule, const json_t *statement)
{
	const json_t *jump = json_object_get(statement, "jump"), *go = json_object_get(statement, "goto");
	if (json_object_get(statement, "accept") != NULL)
		return ACCEPT;
	if (json_object_get(statement, "return") != NULL)
		return RETURN;
	if (json_object_get(statement, "drop") != NULL || json_object_get(statement, "reject") != NULL) {
		char what[64];
		snprintf(what, sizeof what, "rule with handle %d", (int)json_integer_value(json_object_get(rule, "handle")));
		blame(w, rule, what);
		return DROP;
	}
	if (jump == NULL && go == NULL)
		return GO_ON;
	enum verdict v = chain(w, rule, json_string_value(json_object_get(jump != NULL ? jump : go, "target")));
	return v == RETURN || (v == GO_ON && go != NULL) ? (go != NULL ? RETURN : GO_ON) : v;
}

static enum verdict run_rule(struct walk *w, const json_t *rule)
{
	const json_t *expr = json_object_get(rule, "expr");
	enum answer fits = YES;
	char why[FATE_WHY];
	for (size_t i = 0; i < json_array_size(expr); i++) {
		const json_t *e = json_array_get(expr, i), *m = json_object_get(e, "match");
		bool unknown = json_object_get(e, "limit") != NULL || json_object_get(e, "xt") != NULL ||
			       json_object_get(e, "vmap") != NULL || json_object_get(e, "fib") != NULL ||
			       json_object_get(e, "quota") != NULL;
		enum answer a = m != NULL ? match(w->p, m) : unknown ? MAYBE : YES;
		fits = a < fits ? a : fits;
		if (fits == NO)
			return GO_ON;
		memcpy(why, w->why, sizeof why);
		enum verdict v = act(w, rule, e);
		if (v == GO_ON)
			continue;
		if (fits == YES)
			return v;
		/* It may end here. What may drop is no proof; what may accept makes a later drop uncertain. */
		memcpy(w->why, why, sizeof why);
		w->uncertain |= v != DROP;
		return GO_ON;
	}
	return GO_ON;
}

static enum verdict chain(struct walk *w, const json_t *of, const char *name)
{
	enum verdict v = GO_ON;
	if (name == NULL || w->depth >= DEPTH_MAX)
		return GO_ON;
	w->depth++;
	for (size_t i = 0; i < json_array_size(w->list) && v == GO_ON && w->steps++ < STEPS_MAX; i++) {
		const json_t *r = json_object_get(json_array_get(w->list, i), "rule");
		if (r != NULL && is(r, "chain", name) && same_place(r, of))
			v = run_rule(w, r);
	}
	w->depth--;
	return v;
}

static bool looks_at(const json_t *c, const struct packet *p)
{
	bool v6 = p->to.family == AF_INET6 || p->from.family == AF_INET6;
	return is(c, "type", "filter") && !is(c, "table", OUR_TABLE) &&
	       (is(c, "family", "inet") || is(c, "family", v6 ? "ip6" : "ip"));
}

static enum fate base_chain(struct walk *w, const json_t *c)
{
	w->uncertain = false;
	w->steps = 0;
	enum verdict v = chain(w, c, json_string_value(json_object_get(c, "name")));
	if ((v == GO_ON || v == RETURN) && is(c, "policy", "drop")) {
		blame(w, c, "policy drop");
		v = DROP;
	}
	return v != DROP ? FATE_PASSES : w->uncertain ? FATE_MAYBE : FATE_DROPPED;
}

enum fate packet_fate(const json_t *rules, const char *const *hooks, const struct packet *p, char why[FATE_WHY])
{
	char text[FATE_WHY] = "";
	struct walk w = { .list = json_object_get(rules, "nftables"), .p = p, .why = text };
	enum fate worst = FATE_PASSES;
	why[0] = 0;
	for (; *hooks != NULL; hooks++) {
		for (size_t i = 0; i < json_array_size(w.list); i++) {
			const json_t *c = json_object_get(json_array_get(w.list, i), "chain");
			if (c == NULL || !is(c, "hook", *hooks) || !looks_at(c, p))
				continue;
			enum fate f = base_chain(&w, c);
			if (f <= worst)
				continue;
			worst = f;
			memcpy(why, text, FATE_WHY);
		}
	}
	return worst;
}
