/* counter.c - the rows of counters. */
#include "codes/counter.h"

#include <stddef.h>

const struct counter_row counter_rows[COUNTER_COUNT] = {
#define X(code, member, metric, unit, column, line, help) { member, metric, unit, COLUMN_##column, line, help },
	COUNTER_LIST(X)
#undef X
};
