/* lines.h - text files of labels and values, "- Label : value", as consoles hand them out. */
#ifndef CTL_LINES_H
#define CTL_LINES_H

#include "set.h"

struct lines {
	const char *at, *end;
	unsigned number;
};

struct label {
	const char *label; /* lower-case, single blanks, no mark in front */
	const char *value; /* trimmed; NULL when the line has no colon */
	char mark;         /* '-', '+', '>' or 0 */
};

/* The next line that holds anything; false at the end. `comment`: characters that may stand in front of all ("!#"). */
bool line_next(struct import_set *p, struct lines *l, const char *comment, struct label *out);

#endif
