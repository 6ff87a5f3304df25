/* match.h - one condition of a rule. */
#ifndef CTL_MATCH_H
#define CTL_MATCH_H

#include "ruleset.h"

enum answer { NO, MAYBE, YES };

struct asked {
	const struct ruleset *set;
	const json_t *rule; /* whose family and table its sets are in */
	const struct packet *p;
	const char *hook; /* of the base chain */
};

enum answer match_applies(const struct asked *at, const json_t *match);
/* What a map (vmap) looks at is this value of it. */
enum answer match_value(const struct asked *at, const json_t *left, const json_t *value);
/* The elements that right stands for: of a set in the rule or of one with a name; NULL when it is a single value or a set that is not there. */
const json_t *match_elements(const struct asked *at, const json_t *right);
bool match_names_out(const json_t *match); /* it says: leaves through an interface of that name */

#endif
