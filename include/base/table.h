/*
 * table.h - a hash table from 64-bit keys (SPIs, ids) to pointers. Peers choose some of the keys, so slots follow a keyed hash
 * (SipHash) and the seed must come from the random source.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot;

struct table {
	struct table_slot *slots;
	size_t cap;         /* a power of two, or 0 before the first put */
	size_t count, dead; /* live slots; slots of deleted keys, kept until the next growth */
	uint64_t seed;
};

void table_init(struct table *t, uint64_t seed);
void table_release(struct table *t); /* the values are the caller's */
void *table_get(const struct table *t, uint64_t key);
bool table_put(struct table *t, uint64_t key, void *value); /* false if the key is there already; value is never NULL */
void *table_del(struct table *t, uint64_t key);             /* the value that was there, or NULL */
size_t table_count(const struct table *t);

/* size_t it = 0; while ((v = table_next(t, &it)) != NULL) ... table_del is allowed inside the loop, table_put is not. */
void *table_next(const struct table *t, size_t *it);

#endif
