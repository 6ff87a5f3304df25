/* pair.h - a tunnel's packets as they are walked: samples of its networks, or the operator's own pair (`--from`, `--to`). */
#ifndef CTL_EXPLAIN_PAIR_H
#define CTL_EXPLAIN_PAIR_H

#include "explain.h"

struct pair { /* family 0: none was given */
	struct addr from, to;
};
/* filter: may be NULL. False when the pair is none of this tunnel's, with why. */
bool pair_walk(const struct way_facts *f, const struct symptoms *s, const struct pair *p, way_filter_fn *filter, void *arg,
	struct way *w, char why[WAY_REFUSAL]);
/* a way_filter_fn: what a struct ruleset does to it; NULL = it could not be read */
void pair_filters(void *rules, struct way_leg *leg);
/* The steps of a pair's way, before the verdict. */
void pair_text(const struct way *w, const struct way_facts *f, FILE *to, bool terminal);
json_t *pair_json(const struct way *w);

#endif
