/* rule_text.c - a rule as evidence: near to what nft would print, bounded; what has no short form is named only. */
#include <string.h>

#include "base/text.h"
#include "ruleset.h"

#define NESTED_MAX 4
#define LISTED_MAX 6

static void value(struct text *t, const json_t *v, unsigned depth);

static void list(struct text *t, const json_t *of, unsigned depth)
{
	text_add(t, "{ ");
	for (size_t i = 0; i < json_array_size(of) && i < LISTED_MAX; i++) {
		text_add(t, "%s", i > 0 ? ", " : "");
		value(t, json_array_get(of, i), depth);
	}
	text_add(t, "%s", json_array_size(of) > LISTED_MAX ? ", ... }" : " }");
}

static void object(struct text *t, const json_t *v, unsigned depth)
{
	const json_t *prefix = json_object_get(v, "prefix"), *range = json_object_get(v, "range");
	const json_t *meta = json_object_get(v, "meta"), *ct = json_object_get(v, "ct"), *pay = json_object_get(v, "payload");
	if (prefix != NULL)
		text_add(t, "%s/%d", json_word(prefix, "addr"), (int)json_integer_value(json_object_get(prefix, "len")));
	else if (range != NULL) {
		value(t, json_array_get(range, 0), depth);
		text_add(t, "-");
		value(t, json_array_get(range, 1), depth);
	} else if (meta != NULL)
		text_add(t, "%s%s", strstr(json_word(meta, "key"), "if") != NULL ? "" : "meta ", json_word(meta, "key"));
	else if (ct != NULL)
		text_add(t, "ct %s", json_word(ct, "key"));
	else if (pay != NULL)
		text_add(t, "%s %s", json_word(pay, "protocol"), json_word(pay, "field"));
	else if (json_object_get(v, "set") != NULL)
		value(t, json_object_get(v, "set"), depth);
	else
		text_add(t, "(%s)", json_object_iter_key(json_object_iter((json_t *)(uintptr_t)v)));
}

static void value(struct text *t, const json_t *v, unsigned depth)
{
	if (depth >= NESTED_MAX)
		text_add(t, "...");
	else if (json_is_string(v))
		text_add(t, "%s", json_string_value(v));
	else if (json_is_integer(v))
		text_add(t, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_boolean(v))
		text_add(t, "%s", json_is_true(v) ? "exists" : "missing");
	else if (json_is_array(v))
		list(t, v, depth + 1);
	else if (json_object_size(v) > 0)
		object(t, v, depth + 1);
}

static void match(struct text *t, const json_t *m)
{
	const char *op = json_word(m, "op");
	bool equal = strcmp(op, "==") == 0 || strcmp(op, "in") == 0;
	value(t, json_object_get(m, "left"), 0);
	text_add(t, " %s%s", equal ? "" : op, equal ? "" : " ");
	value(t, json_object_get(m, "right"), 0);
}

/* With the address and port that a change of addresses writes. */
static void statement(struct text *t, const char *key, const json_t *v)
{
	if (strcmp(key, "match") == 0)
		match(t, v);
	else if (strcmp(key, "xt") == 0)
		text_add(t, "%s %s", json_is(v, "type", "target") ? "-j" : "-m", json_word(v, "name"));
	else if (strcmp(key, "jump") == 0 || strcmp(key, "goto") == 0)
		text_add(t, "%s %s", key, json_word(v, "target"));
	else {
		text_add(t, "%s", key);
		if (json_object_get(v, "addr") != NULL || json_object_get(v, "port") != NULL)
			text_add(t, " to ");
		value(t, json_object_get(v, "addr"), 1);
		if (json_object_get(v, "port") != NULL) {
			text_add(t, ":");
			value(t, json_object_get(v, "port"), 1);
		}
	}
}

void filter_rule_text(const json_t *rule, char text[FILTER_TEXT])
{
	struct text t = text_of(text, FILTER_TEXT);
	const json_t *expr = json_object_get(rule, "expr");
	for (size_t i = 0; i < json_array_size(expr); i++) {
		json_t *e = json_array_get(expr, i);
		const char *key = json_object_iter_key(json_object_iter(e));
		if (key == NULL || strcmp(key, "counter") == 0)
			continue;
		text_add(&t, "%s", t.len > 0 ? " " : "");
		statement(&t, key, json_object_get(e, key));
	}
}
