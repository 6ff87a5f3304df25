/* ruleset.h - an index over the rules, so that a jump does not look through all of them. */
#ifndef CTL_RULESET_H
#define CTL_RULESET_H

#include "ctl/filter.h"

#define LEGACY "legacy-" /* before the name of a table of iptables-legacy: nf_tables may have one of that name, too */

struct chain {
	const char *family, *table, *name;
	const json_t *self; /* NULL: rules are there, the chain itself is not */
	unsigned n, first;  /* its rules, in their order, in ruleset.rules */
};

struct ruleset {
	unsigned n_chains, n_rules, n_bases;
	struct chain *chains; /* sorted by family, table, name */
	const json_t **rules; /* by chain */
	unsigned *bases;      /* indices of base chains, by priority */
	const json_t *list;
};

const struct chain *ruleset_chain(const struct ruleset *r, const char *family, const char *table, const char *name); /* NULL */
/* The elements of a named set or map; NULL. */
const json_t *ruleset_elements(const struct ruleset *r, const char *family, const char *table, const char *name);

const char *json_word(const json_t *o, const char *key); /* "" when it is no string */
bool json_is(const json_t *o, const char *key, const char *value);

#endif
