/* repeat.c - see repeat.h. */
#include "base/util.h"
#include "repeat.h"

#define ALL_SPAN 60000
#define ALL_MOST 20

static uint32_t hash(unsigned code, const char *text)
{
	uint64_t h = HASH_START ^ code;
	for (; *text != 0; text++)
		if (*text < '0' || *text > '9')
			h = hash_bytes(h, text, 1);
	return (uint32_t)h != 0 ? (uint32_t)h : 1;
}

bool repeat_passes(struct repeat *r, unsigned code, const char *text, int64_t now, unsigned *left_out)
{
	uint32_t what = hash(code, text);
	unsigned at = 0;
	*left_out = 0;
	for (unsigned i = 0; i < REPEAT_KINDS; i++) {
		if (r->said[i].what == what && now - r->said[i].at < REPEAT_SPAN) {
			r->said[i].left_out++;
			return false;
		}
		if (r->said[i].what == what) {
			at = i;
			break;
		}
		if (r->said[i].at < r->said[at].at)
			at = i;
	}
	if (!limit_passes(&r->all, now, ALL_SPAN, ALL_MOST, left_out))
		return false;
	*left_out += r->said[at].what == what ? r->said[at].left_out : 0;
	r->said[at].what = what;
	r->said[at].left_out = 0;
	r->said[at].at = now;
	return true;
}
