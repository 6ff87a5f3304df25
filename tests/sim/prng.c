/*
 * prng.c - randomness that can be repeated, and a set that remembers what was seen.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* splitmix64: one addition and two multiplications; any seed will do. */
uint64_t prng_next(struct prng *p)
{
	uint64_t z = p->s += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint32_t prng_below(struct prng *p, uint32_t n) { return n ? (uint32_t)((prng_next(p) >> 32) * n >> 32) : 0; }

msec prng_between(struct prng *p, msec low, msec high)
{
	return high <= low ? low : low + (msec)prng_below(p, (uint32_t)(high - low + 1));
}

bool prng_percent(struct prng *p, unsigned percent) { return percent && prng_below(p, 100) < percent; }

void prng_fill(void *arg, void *out, size_t n)
{
	uint8_t *to = out;
	while (n) {
		uint64_t v = prng_next(arg);
		size_t k = n < sizeof v ? n : sizeof v;
		memcpy(to, &v, k);
		to += k;
		n -= k;
	}
}

uint64_t mix_bytes(uint64_t seed, const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t h = seed ^ (uint64_t)n * 0x9e3779b97f4a7c15u;
	for (; n >= 8; n -= 8, b += 8) {
		uint64_t v;
		memcpy(&v, b, 8);
		h = (h ^ v) * 0x94d049bb133111ebu;
		h ^= h >> 29;
	}
	for (; n; n--, b++)
		h = (h ^ *b) * 0xbf58476d1ce4e5b9u;
	h ^= h >> 32;
	h *= 0xbf58476d1ce4e5b9u;
	return h ^ h >> 29;
}

static struct seen_slot *seen_slot_of(struct seen_slot *v, size_t cap, uint64_t key)
{
	size_t i = (size_t)(key * 0x9e3779b97f4a7c15u) & (cap - 1);
	while (v[i].key && v[i].key != key)
		i = (i + 1) & (cap - 1);
	return &v[i];
}

uint64_t *seen_put(struct seen *s, uint64_t key, bool *fresh)
{
	key |= (uint64_t)!key;
	if (s->n * 2 >= s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 256;
		struct seen_slot *v = xcalloc(cap, sizeof *v);
		for (size_t i = 0; i < s->cap; i++)
			if (s->v[i].key)
				*seen_slot_of(v, cap, s->v[i].key) = s->v[i];
		free(s->v);
		s->v = v;
		s->cap = cap;
	}
	struct seen_slot *slot = seen_slot_of(s->v, s->cap, key);
	*fresh = !slot->key;
	s->n += *fresh;
	slot->key = key;
	return &slot->value;
}

void seen_release(struct seen *s)
{
	free(s->v);
	*s = (struct seen){ 0 };
}
