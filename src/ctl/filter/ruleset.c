/* ruleset.c - see ruleset.h. */
#include "ruleset.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *json_word(const json_t *o, const char *key)
{
	const char *word = json_string_value(json_object_get(o, key));
	return word != NULL ? word : "";
}

bool json_is(const json_t *o, const char *key, const char *value)
{
	const char *word = json_string_value(json_object_get(o, key));
	return word != NULL && strcmp(word, value) == 0;
}

static int compare(const struct chain *a, const struct chain *b)
{
	int d = strcmp(a->family, b->family);
	if (d == 0)
		d = strcmp(a->table, b->table);
	return d != 0 ? d : strcmp(a->name, b->name);
}

static int by_name(const void *x, const void *y) { return compare(x, y); }

const struct chain *ruleset_chain(const struct ruleset *r, const char *family, const char *table, const char *name)
{
	struct chain wanted = { .family = family, .table = table, .name = name };
	return r->n_chains > 0 ? bsearch(&wanted, r->chains, r->n_chains, sizeof *r->chains, by_name) : NULL;
}

static struct chain *chain_of(const struct ruleset *r, const json_t *rule)
{
	return (struct chain *)(uintptr_t)ruleset_chain(
		r, json_word(rule, "family"), json_word(rule, "table"), json_word(rule, "chain"));
}

static void read_chains(struct ruleset *r)
{
	for (size_t i = 0; i < json_array_size(r->list); i++) {
		const json_t *c = json_object_get(json_array_get(r->list, i), "chain");
		if (json_word(c, "name")[0] != 0)
			r->chains[r->n_chains++] = (struct chain){ .family = json_word(c, "family"),
				.table = json_word(c, "table"),
				.name = json_word(c, "name"),
				.self = c };
	}
	if (r->n_chains > 0)
		qsort(r->chains, r->n_chains, sizeof *r->chains, by_name);
}

/* Counted first, then put in their places: the order within a chain is that of the list. A rule whose chain is not there can be reached by nothing. */
static void read_rules(struct ruleset *r)
{
	unsigned first = 0;
	for (size_t i = 0; i < json_array_size(r->list); i++) {
		struct chain *c = chain_of(r, json_object_get(json_array_get(r->list, i), "rule"));
		if (c != NULL)
			c->n++;
	}
	for (unsigned i = 0; i < r->n_chains; i++) {
		r->chains[i].first = first;
		first += r->chains[i].n;
		r->chains[i].n = 0;
	}
	for (size_t i = 0; i < json_array_size(r->list); i++) {
		const json_t *rule = json_object_get(json_array_get(r->list, i), "rule");
		struct chain *c = chain_of(r, rule);
		if (c != NULL)
			r->rules[c->first + c->n++] = rule;
	}
	r->n_rules = first;
}

static json_int_t priority(const struct ruleset *r, unsigned base)
{
	return json_integer_value(json_object_get(r->chains[base].self, "prio"));
}

/* By insertion: base chains are few, and those of one priority keep their order. */
static void read_bases(struct ruleset *r)
{
	for (unsigned i = 0; i < r->n_chains; i++) {
		if (json_word(r->chains[i].self, "hook")[0] == 0)
			continue;
		unsigned k = r->n_bases++;
		for (; k > 0 && priority(r, r->bases[k - 1]) > priority(r, i); k--)
			r->bases[k] = r->bases[k - 1];
		r->bases[k] = i;
	}
}

struct ruleset *ruleset_new(const json_t *rules)
{
	struct ruleset *r = xcalloc(1, sizeof *r);
	r->list = json_object_get(rules, "nftables");
	size_t n = json_array_size(r->list) + 1;
	r->chains = xcalloc(n, sizeof *r->chains);
	r->rules = xcalloc(n, sizeof *r->rules);
	r->bases = xcalloc(n, sizeof *r->bases);
	read_chains(r);
	read_rules(r);
	read_bases(r);
	return r;
}

void ruleset_free(struct ruleset *r)
{
	if (r == NULL)
		return;
	free(r->chains);
	free(r->rules);
	free(r->bases);
	free(r);
}

const json_t *ruleset_elements(const struct ruleset *r, const char *family, const char *table, const char *name)
{
	for (size_t i = 0; i < json_array_size(r->list); i++) {
		const json_t *o = json_array_get(r->list, i), *set = json_object_get(o, "set");
		if (set == NULL)
			set = json_object_get(o, "map");
		if (set != NULL && json_is(set, "name", name) && json_is(set, "family", family) && json_is(set, "table", table)) {
			const json_t *list = json_object_get(set, "elem");
			return json_is_array(list) ? list : NULL;
		}
	}
	return NULL;
}
