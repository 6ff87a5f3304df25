/* store_note.c - see store_note.h. */
#include "store_note.h"

#include <string.h>

#include "base/util.h"

static uint32_t number_of(const struct note *n) { return atomic_load_explicit(&n->number, memory_order_relaxed); }

static uint32_t checksum_of(const struct note *n, uint64_t of, uint32_t number)
{
	return (uint32_t)hash_words(of ^ number, n->v, sizeof n->v);
}

/* Which of the two has the higher number; 0 is before all others. */
static unsigned later(const struct notes *n)
{
	uint32_t a = number_of(&n->v[0]), b = number_of(&n->v[1]);
	return b != 0 && (a == 0 || (int32_t)(b - a) > 0);
}

static uint32_t after(uint32_t number) { return number + 1 != 0 ? number + 1 : 1; }

void notes_write(struct notes *n, uint64_t of, const uint8_t v[STORE_NOTE])
{
	unsigned last = later(n);
	struct note *to = &n->v[!last];
	uint32_t number = after(number_of(&n->v[last]));
	memcpy(to->v, v, sizeof to->v);
	to->checksum = checksum_of(to, of, number);
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&to->number, number, memory_order_release);
}

/* Never the one before it: what is stale is not believed. Of a death the numbers never show anything but one note and the next. */
const uint8_t *notes_latest(const struct notes *n, uint64_t of)
{
	const struct note *last = &n->v[later(n)];
	uint32_t number = number_of(last), before = number_of(&n->v[!later(n)]);
	bool whole = number != 0 && last->checksum == checksum_of(last, of, number) && number == after(before);
	return whole ? last->v : NULL;
}

bool notes_damaged(const struct notes *n, uint64_t of)
{
	return (number_of(&n->v[0]) != 0 || number_of(&n->v[1]) != 0) && notes_latest(n, of) == NULL;
}
