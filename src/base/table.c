/* table.c - open addressing with linear probing; deleted slots stay as markers so that a loop may delete as it goes. */
#include "base/table.h"

#include <stdlib.h>

#include "base/mem.h"

struct table_slot {
	uint64_t key;
	void *value; /* NULL: never used; DEAD: deleted, probing goes on */
};

#define KEEP 1024 /* slots not worth giving back */

static char dead_mark;
#define DEAD ((void *)&dead_mark)

static inline uint64_t rotl(uint64_t x, int n) { return x << n | x >> (64 - n); }

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 of one word. The second half of its key is made from the first: 64 secret bits are plenty for a table. */
static uint64_t hash(uint64_t seed, uint64_t key)
{
	const uint64_t half = ~rotl(seed, 29);
	const uint64_t last = UINT64_C(8) << 56; /* the length block of an 8-byte message */
	uint64_t v[4] = {
		seed ^ UINT64_C(0x736f6d6570736575),
		half ^ UINT64_C(0x646f72616e646f6d),
		seed ^ UINT64_C(0x6c7967656e657261),
		half ^ UINT64_C(0x7465646279746573),
	};
	v[3] ^= key;
	sip_round(v);
	v[0] ^= key;
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The slot of the key, or NULL. There is always an unused slot, so probing ends. */
static struct table_slot *find(const struct table *t, uint64_t key)
{
	if (t->cap == 0)
		return NULL;
	for (size_t i = hash(t->seed, key);; i++) {
		struct table_slot *s = &t->slots[i & (t->cap - 1)];
		if (s->value == NULL)
			return NULL;
		if (s->key == key && s->value != DEAD)
			return s;
	}
}

static void place(struct table *t, uint64_t key, void *value)
{
	size_t i = hash(t->seed, key) & (t->cap - 1);
	while (t->slots[i].value != NULL && t->slots[i].value != DEAD)
		i = (i + 1) & (t->cap - 1);
	if (t->slots[i].value == DEAD)
		t->dead--;
	t->slots[i] = (struct table_slot){ key, value };
	t->count++;
}

/* A new array for the live slots only: half full at most, so it also shrinks after a flood has gone. */
static void rebuild(struct table *t)
{
	struct table old = *t;
	t->cap = 16;
	while (t->cap < 2 * (old.count + 1))
		t->cap *= 2;
	t->slots = xcalloc(t->cap, sizeof *t->slots);
	t->count = t->dead = 0;
	for (size_t i = 0; i < old.cap; i++) {
		if (old.slots[i].value != NULL && old.slots[i].value != DEAD)
			place(t, old.slots[i].key, old.slots[i].value);
	}
	free(old.slots);
}

void table_init(struct table *t, uint64_t seed) { *t = (struct table){ .seed = seed }; }

void table_release(struct table *t)
{
	free(t->slots);
	*t = (struct table){ .seed = t->seed };
}

void *table_get(const struct table *t, uint64_t key)
{
	struct table_slot *s = find(t, key);
	return s != NULL ? s->value : NULL;
}

bool table_put(struct table *t, uint64_t key, void *value)
{
	if (value == NULL || find(t, key) != NULL)
		return false;
	if ((t->count + t->dead + 1) * 4 > t->cap * 3)
		rebuild(t);
	place(t, key, value);
	return true;
}

void *table_del(struct table *t, uint64_t key)
{
	struct table_slot *s = find(t, key);
	if (s == NULL)
		return NULL;
	void *value = s->value;
	s->value = DEAD;
	t->count--;
	t->dead++;
	/* A loop over it has nothing more to find, so the memory of a flood can go at once. */
	if (t->count == 0 && t->cap > KEEP)
		table_release(t);
	return value;
}

size_t table_count(const struct table *t) { return t->count; }

void *table_next(const struct table *t, size_t *it)
{
	while (*it < t->cap) {
		void *value = t->slots[(*it)++].value;
		if (value != NULL && value != DEAD)
			return value;
	}
	return NULL;
}
