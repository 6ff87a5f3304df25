/* limit.c - see limit.h. */
#include "ipc/limit.h"

bool limit_passes(struct limit *l, int64_t now, int64_t span, unsigned most, unsigned *lost)
{
	*lost = 0;
	if (l->passed == 0 || now - l->from >= span) {
		*lost = l->lost;
		*l = (struct limit){ .from = now };
	}
	if (l->passed < most) {
		l->passed++;
		return true;
	}
	l->lost++;
	return false;
}
