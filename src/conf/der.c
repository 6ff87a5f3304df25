/* der.c - see der.h. */
#include "conf/der.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"
#include "base/util.h"

struct der {
	uint64_t hash, walk;
	size_t n;
	uint32_t owners, number; /* number: in that walk */
	bool listed;
	uint8_t octets[];
};

static struct table
	all; /* hash -> der. Of two with one hash, which can be made up, the second is not listed: one that is equal is not found */
static unsigned count;
static uint64_t walks;

static struct der *der_of(struct bytes held) { return (struct der *)(uintptr_t)(held.p - offsetof(struct der, octets)); }

struct bytes der_hold(struct bytes octets)
{
	uint64_t hash = hash_words(HASH_START, octets.p, octets.n);
	struct der *d = table_get(&all, hash);
	if (d == NULL || !bytes_equal(bytes_of(d->octets, d->n), octets)) {
		struct der *fresh = xcalloc(1, sizeof *fresh + octets.n);
		fresh->hash = hash;
		fresh->n = octets.n;
		fresh->listed = d == NULL;
		memcpy(fresh->octets, octets.p, octets.n);
		if (fresh->listed)
			table_put(&all, hash, fresh);
		count++;
		d = fresh;
	}
	d->owners++;
	return bytes_of(d->octets, d->n);
}

struct bytes der_share(struct bytes held)
{
	der_of(held)->owners++;
	return held;
}

void der_let_go(struct bytes held)
{
	struct der *d = der_of(held);
	if (--d->owners > 0)
		return;
	if (d->listed)
		table_del(&all, d->hash);
	free(d);
	if (--count == 0)
		table_release(&all);
}

unsigned der_count(void) { return count; }

void der_walk_begin(struct der_walk *w) { *w = (struct der_walk){ .id = ++walks }; }

bool der_numbered(const struct der_walk *w, struct bytes held, uint32_t *number)
{
	const struct der *d = der_of(held);
	*number = d->number;
	return d->walk == w->id;
}

void der_number(const struct der_walk *w, struct bytes held, uint32_t number)
{
	struct der *d = der_of(held);
	d->walk = w->id;
	d->number = number;
}

bool der_number_next(struct der_walk *w, struct bytes held)
{
	uint32_t number;
	if (der_numbered(w, held, &number))
		return false;
	der_number(w, held, w->n++);
	return true;
}
