/* heap.c - see heap.h. Each timer knows its slot, so moving or clearing one costs log n without a search. */
#include "base/heap.h"

#include <stdlib.h>

#include "base/mem.h"

#define BELOW 4

static void place(struct heap *h, uint32_t i, struct deadline d)
{
	h->v[i] = d;
	d.t->slot = i + 1;
}

static void sift_up(struct heap *h, uint32_t i, struct deadline d)
{
	while (i > 0) {
		uint32_t parent = (i - 1) / BELOW;
		if (h->v[parent].at.ms <= d.at.ms)
			break;
		place(h, i, h->v[parent]);
		i = parent;
	}
	place(h, i, d);
}

static uint64_t earliest(const struct heap *h, uint64_t first)
{
	uint64_t least = first, end = first + BELOW < h->n ? first + BELOW : h->n;
	for (uint64_t i = first + 1; i < end; i++)
		least = h->v[i].at.ms < h->v[least].at.ms ? i : least;
	return least;
}

static void sift_down(struct heap *h, uint32_t i, struct deadline d)
{
	for (;;) {
		uint64_t child = BELOW * (uint64_t)i + 1;
		if (child >= h->n)
			break;
		child = earliest(h, child);
		if (h->v[child].at.ms >= d.at.ms)
			break;
		place(h, i, h->v[child]);
		i = (uint32_t)child;
	}
	place(h, i, d);
}

/* To its place, from a hole at i. */
static void settle(struct heap *h, uint32_t i, struct deadline d)
{
	if (i > 0 && d.at.ms < h->v[(i - 1) / BELOW].at.ms)
		sift_up(h, i, d);
	else
		sift_down(h, i, d);
}

void heap_init(struct heap *h) { *h = (struct heap){ 0 }; }

void heap_release(struct heap *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		h->v[i].t->slot = 0;
	free(h->v);
	*h = (struct heap){ 0 };
}

void heap_set(struct heap *h, struct timer *t, struct mono at)
{
	if (mono_is_never(at)) {
		heap_clear(h, t);
		return;
	}
	uint32_t hole = t->slot - 1;
	if (t->slot == 0) {
		if (h->n == h->cap) {
			h->cap = h->cap > 0 ? 2 * h->cap : 64;
			h->v = xrealloc_array(h->v, h->cap, sizeof *h->v);
		}
		hole = h->n++;
	} else if (h->v[hole].at.ms == at.ms)
		return;
	settle(h, hole, (struct deadline){ at, t });
}

void heap_clear(struct heap *h, struct timer *t)
{
	if (t->slot == 0)
		return;
	uint32_t hole = t->slot - 1;
	struct deadline last = h->v[--h->n];
	t->slot = 0;
	if (last.t != t)
		settle(h, hole, last);
}

struct timer *heap_top(const struct heap *h) { return h->n > 0 ? h->v[0].t : NULL; }
struct mono heap_next(const struct heap *h) { return h->n > 0 ? h->v[0].at : MONO_NEVER; }
