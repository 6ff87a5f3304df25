/* der.c - see der.h. */
#include "conf/der.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"
#include "base/util.h"

struct der {
	struct der *next; /* another one with its hash */
	uint64_t hash, walk;
	size_t n;
	uint32_t owners, number; /* number: in that walk */
	uint8_t octets[];
};

/*
 * hash -> the first that has it. Whoever makes certificates can make some of one hash, whatever it starts from, so that equal octets alone mean the same
 * one: a second object with them would be packed a second time, which nobody takes. n of one hash cost n * n / 2 comparisons, which end at the first octet
 * that differs; there are no more than the files in keys/ hold.
 */
static struct table all;
static unsigned count;
static uint64_t walks;

static struct der *der_of(struct bytes held) { return (struct der *)(uintptr_t)(held.p - offsetof(struct der, octets)); }

void der_seed(uint64_t seed) { table_init(&all, seed); }

static struct der *find(uint64_t hash, struct bytes octets)
{
	struct der *d = table_get(&all, hash);
	while (d != NULL && !bytes_equal(bytes_of(d->octets, d->n), octets))
		d = d->next;
	return d;
}

static struct der *add(uint64_t hash, struct bytes octets)
{
	struct der *first = table_get(&all, hash), *d = xcalloc(1, sizeof *d + octets.n);
	d->hash = hash;
	d->n = octets.n;
	memcpy(d->octets, octets.p, octets.n);
	if (first == NULL) {
		table_put(&all, hash, d);
	} else {
		d->next = first->next;
		first->next = d;
	}
	count++;
	return d;
}

static void take_out(const struct der *d)
{
	struct der *before = table_get(&all, d->hash);
	if (before == d) {
		table_del(&all, d->hash);
		if (d->next != NULL)
			table_put(&all, d->hash, d->next);
		return;
	}
	while (before->next != d)
		before = before->next;
	before->next = d->next;
}

struct bytes der_hold(struct bytes octets)
{
	uint64_t hash = hash_words(HASH_START, octets.p, octets.n);
	struct der *d = find(hash, octets);
	if (d == NULL)
		d = add(hash, octets);
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
	take_out(d);
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
