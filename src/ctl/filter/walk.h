/* walk.h - a walk on which one chain accepts whatever enters it: what a rule at its beginning would do. */
#ifndef CTL_WALK_H
#define CTL_WALK_H

#include "ruleset.h"

/* The first chain of that name and table to be entered accepts. Is the packet then neither dropped nor changed in that base chain? */
bool walk_passes_with(const struct ruleset *r, const struct packet *p, const struct chain *base, const struct chain *accepting);

#endif
