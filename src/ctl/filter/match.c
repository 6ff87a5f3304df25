/* match.c - one condition of a rule held against a packet. What is not understood, and what is not known of the packet, is MAYBE. */
#include "match.h"

#include <string.h>

#include "base/util.h"

#define ELEMENTS_MAX 4096 /* a longer set is not looked through */

/* ---------------------------------------------------------------- values */
static enum answer yes(bool b) { return b ? YES : NO; }

static enum answer same_word(const char *ours, const char *pattern)
{
	size_t n = pattern != NULL ? strlen(pattern) : 0;
	if (ours == NULL || n == 0 || pattern[0] == '@')
		return MAYBE;
	if (pattern[n - 1] == '*')
		return yes(strncmp(ours, pattern, n - 1) == 0);
	return yes(strcmp(ours, pattern) == 0);
}

static enum answer in_range(const struct addr *a, const json_t *range)
{
	struct addr lo, hi;
	const char *from = json_string_value(json_array_get(range, 0)), *to = json_string_value(json_array_get(range, 1));
	if (from == NULL || to == NULL || !addr_parse(&lo, from) || !addr_parse(&hi, to))
		return MAYBE;
	return yes(a->family == lo.family && addr_compare_ip(a, &lo) >= 0 && addr_compare_ip(a, &hi) <= 0);
}

static enum answer in_prefix(const struct addr *a, const json_t *v)
{
	struct prefix p;
	char text[ADDR_TEXT];
	const json_t *o = json_object_get(v, "prefix"), *range = json_object_get(v, "range");
	const char *word = json_string_value(o != NULL ? json_object_get(o, "addr") : v);
	if (a->family == 0)
		return MAYBE;
	if (range != NULL)
		return in_range(a, range);
	if (word == NULL || word[0] == '@')
		return MAYBE;
	if (strcmp(word, "*") == 0)
		return YES;
	if (o != NULL)
		snprintf(text, sizeof text, "%.45s/%d", word, (int)json_integer_value(json_object_get(o, "len")));
	else
		snprintf(text, sizeof text, "%.60s", word);
	return prefix_parse(&p, text) ? yes(prefix_contains(&p, a)) : MAYBE;
}

static enum answer same_number(unsigned ours, const json_t *v)
{
	const json_t *range = json_object_get(v, "range");
	if (ours == 0)
		return MAYBE;
	if (range != NULL)
		return yes(ours >= json_integer_value(json_array_get(range, 0)) &&
			   ours <= json_integer_value(json_array_get(range, 1)));
	return json_is_integer(v) ? yes(ours == json_integer_value(v)) : MAYBE;
}

static enum answer same_protocol(const char *ours, const json_t *v)
{
	static const struct {
		int number;
		const char *word;
	} rows[] = { { 1, "icmp" }, { 6, "tcp" }, { 17, "udp" }, { 50, "esp" }, { 51, "ah" }, { 58, "ipv6-icmp" } };
	for (size_t i = 0; ours != NULL && json_is_integer(v) && i < ARRAY_SIZE(rows); i++)
		if (rows[i].number == json_integer_value(v))
			return yes(strcmp(ours, rows[i].word) == 0);
	return same_word(ours, json_string_value(v));
}

static enum answer in_state(enum packet_state s, const json_t *v)
{
	static const char *const words[] = { "new", "established", "untracked" };
	const char *word = json_string_value(v);
	return word != NULL ? yes(strcmp(word, words[s]) == 0) : MAYBE;
}

/* ---------------------------------------------------------------- what the left side of a match looks at */
enum field {
	FIELD_OTHER,
	FIELD_IN,
	FIELD_OUT,
	FIELD_FROM,
	FIELD_TO,
	FIELD_PROTOCOL,
	FIELD_PORT,
	FIELD_OF_PROTOCOL, /* another field of a header above IP */
	FIELD_STATE,
	FIELD_NAT, /* ct status: only dnat and snat are understood */
	FIELD_DIRECTION,
	FIELD_FAMILY,
	FIELD_KIND_TO /* fib: is the destination this machine? */
};

static enum field field_of_payload(const json_t *pay)
{
	const char *protocol = json_word(pay, "protocol");
	if (strcmp(protocol, "ip") == 0 || strcmp(protocol, "ip6") == 0)
		return json_is(pay, "field", "saddr")                                          ? FIELD_FROM
		       : json_is(pay, "field", "daddr")                                        ? FIELD_TO
		       : json_is(pay, "field", "protocol") || json_is(pay, "field", "nexthdr") ? FIELD_PROTOCOL
											       : FIELD_OTHER;
	if (protocol[0] == 0 || strcmp(protocol, "ether") == 0 || strcmp(protocol, "vlan") == 0 || strcmp(protocol, "arp") == 0)
		return FIELD_OTHER;
	return json_is(pay, "field", "dport") ? FIELD_PORT : FIELD_OF_PROTOCOL;
}

static bool flag_is(const json_t *fib, const char *flag)
{
	const json_t *flags = json_object_get(fib, "flags");
	const char *only = json_string_value(
		json_is_array(flags) && json_array_size(flags) == 1 ? json_array_get(flags, 0) : flags);
	return only != NULL && strcmp(only, flag) == 0;
}

static enum field field_of(const json_t *left)
{
	static const struct {
		const char *object, *key;
		enum field f;
	} rows[] = { { "meta", "iifname", FIELD_IN }, { "meta", "iif", FIELD_IN }, { "meta", "oifname", FIELD_OUT },
		{ "meta", "oif", FIELD_OUT }, { "meta", "l4proto", FIELD_PROTOCOL }, { "meta", "nfproto", FIELD_FAMILY },
		{ "ct", "state", FIELD_STATE }, { "ct", "status", FIELD_NAT }, { "ct", "direction", FIELD_DIRECTION } };
	const json_t *fib = json_object_get(left, "fib"), *pay = json_object_get(left, "payload");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (json_is(json_object_get(left, rows[i].object), "key", rows[i].key))
			return rows[i].f;
	if (json_is(fib, "result", "type") && flag_is(fib, "daddr"))
		return FIELD_KIND_TO;
	return pay != NULL ? field_of_payload(pay) : FIELD_OTHER;
}

/* ---------------------------------------------------------------- what it finds there */
static unsigned family_of(const struct packet *p) { return p->to.family != 0 ? p->to.family : p->from.family; }

/* The kernel knows no interface of arrival for what is made here, and none of departure before the route was looked up. */
static const char *device(const struct asked *at, enum field f)
{
	bool before = strcmp(at->hook, "prerouting") == 0 || strcmp(at->hook, "input") == 0;
	bool made_here = strcmp(at->hook, "output") == 0 || (strcmp(at->hook, "postrouting") == 0 && !at->p->through);
	if (f == FIELD_IN)
		return made_here ? "" : at->p->in;
	return before ? "" : at->p->out;
}

static enum answer of_protocol(const struct packet *p, enum field f, const json_t *pay, const json_t *v)
{
	const char *protocol = json_word(pay, "protocol");
	if (p->protocol == NULL)
		return MAYBE;
	if (strcmp(protocol, "th") != 0 && strcmp(protocol, p->protocol) != 0)
		return NO;
	return f == FIELD_PORT ? same_number(p->port, v) : MAYBE;
}

static enum answer kind_of_destination(const struct asked *at, const char *word)
{
	if (word == NULL)
		return MAYBE;
	if (at->p->through)
		return yes(strcmp(word, "unicast") == 0);
	return strcmp(at->hook, "prerouting") == 0 || strcmp(at->hook, "input") == 0 ? yes(strcmp(word, "local") == 0) : MAYBE;
}

static enum answer of_address(const struct asked *at, enum field f, const json_t *pay, const json_t *v)
{
	unsigned family = family_of(at->p);
	if (family != 0 && json_is(pay, "protocol", "ip6") != (family == AF_INET6))
		return NO;
	return in_prefix(f == FIELD_FROM ? &at->p->from : &at->p->to, v);
}

static enum answer one_value(const struct asked *at, enum field f, const json_t *left, const json_t *v);

/* "iifname . oifname": each part with its own. */
static enum answer all_parts(const struct asked *at, const json_t *lefts, const json_t *values)
{
	enum answer all = YES;
	if (json_array_size(lefts) != json_array_size(values))
		return MAYBE;
	for (size_t i = 0; i < json_array_size(lefts) && all != NO; i++) {
		const json_t *left = json_array_get(lefts, i);
		enum answer a = json_object_get(left, "concat") != NULL
					? MAYBE
					: one_value(at, field_of(left), left, json_array_get(values, i));
		all = a < all ? a : all;
	}
	return all;
}

static enum answer one_value(const struct asked *at, enum field f, const json_t *left, const json_t *v)
{
	const json_t *pay = json_object_get(left, "payload"), *inner = json_object_get(json_object_get(v, "elem"), "val");
	const char *word;
	if (inner != NULL) /* an element with a comment, a timeout, a counter */
		v = inner;
	word = json_string_value(v);
	if (json_object_get(left, "concat") != NULL)
		return all_parts(at, json_object_get(left, "concat"), json_object_get(v, "concat"));
	switch (f) {
	case FIELD_IN:
	case FIELD_OUT: return same_word(device(at, f), word);
	case FIELD_FROM:
	case FIELD_TO: return of_address(at, f, pay, v);
	case FIELD_PROTOCOL: return same_protocol(at->p->protocol, v);
	case FIELD_PORT:
	case FIELD_OF_PROTOCOL: return of_protocol(at->p, f, pay, v);
	case FIELD_STATE: return in_state(at->p->state, v);
	case FIELD_NAT: return word != NULL && (strcmp(word, "dnat") == 0 || strcmp(word, "snat") == 0) ? NO : MAYBE;
	case FIELD_DIRECTION:
		return at->p->state == PACKET_UNTRACKED ? NO : same_word(at->p->state == PACKET_NEW ? "original" : "reply", word);
	case FIELD_FAMILY: return family_of(at->p) == 0 ? MAYBE : same_word(family_of(at->p) == AF_INET6 ? "ipv6" : "ipv4", word);
	case FIELD_KIND_TO: return kind_of_destination(at, word);
	case FIELD_OTHER: return MAYBE;
	}
	return MAYBE;
}

enum answer match_value(const struct asked *at, const json_t *left, const json_t *value)
{
	return one_value(at, field_of(left), left, value);
}

const json_t *match_elements(const struct asked *at, const json_t *right)
{
	const json_t *set = json_object_get(right, "set");
	const char *name = json_string_value(right);
	if (json_is_array(set))
		return set;
	if (json_is_array(right))
		return right;
	if (name != NULL && name[0] == '@')
		return ruleset_elements(at->set, json_word(at->rule, "family"), json_word(at->rule, "table"), name + 1);
	return NULL;
}

/* Of several values the best answer counts. */
static enum answer any_value(const struct asked *at, const json_t *left, const json_t *right)
{
	const json_t *set = json_object_get(right, "set"), *list = match_elements(at, right);
	enum field f = field_of(left);
	enum answer best = NO;
	if (list == NULL)
		return one_value(at, f, left, set != NULL ? set : right);
	if (json_array_size(list) > ELEMENTS_MAX)
		return MAYBE;
	for (size_t i = 0; i < json_array_size(list) && best != YES; i++) {
		enum answer a = one_value(at, f, left, json_array_get(list, i));
		best = a > best ? a : best;
	}
	return best;
}

/* The left side cannot be taken from this packet at all: then the kernel leaves the rule, whatever is compared. */
static bool not_there(const struct asked *at, const json_t *left)
{
	const json_t *pay = json_object_get(left, "payload");
	enum field f = field_of(left);
	if (f == FIELD_FROM || f == FIELD_TO)
		return family_of(at->p) != 0 && json_is(pay, "protocol", "ip6") != (family_of(at->p) == AF_INET6);
	return (f == FIELD_PORT || f == FIELD_OF_PROTOCOL) && at->p->protocol != NULL && !json_is(pay, "protocol", "th") &&
	       !json_is(pay, "protocol", at->p->protocol);
}

enum answer match_applies(const struct asked *at, const json_t *m)
{
	const json_t *left = json_object_get(m, "left"), *right = json_object_get(m, "right");
	if (not_there(at, left))
		return NO;
	enum answer a = any_value(at, left, right);
	if (json_is(m, "op", "!="))
		return a == YES ? NO : a == NO ? YES : MAYBE;
	return json_is(m, "op", "==") || json_is(m, "op", "in") ? a : MAYBE;
}

bool match_names_out(const json_t *m) { return field_of(json_object_get(m, "left")) == FIELD_OUT && !json_is(m, "op", "!="); }
