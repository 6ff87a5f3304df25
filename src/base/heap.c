/* heap.c - see heap.h. Each timer knows its slot, so moving or clearing one costs log n without a search. */
#include "base/heap.h"

#include <stdlib.h>

#include "base/mem.h"

static void place(struct heap *h, uint32_t i, struct timer *t)
{
	h->v[i] = t;
	t->slot = i + 1;
}

static void sift_up(struct heap *h, uint32_t i)
{
	struct timer *t = h->v[i];
	while (i > 0) {
		uint32_t parent = (i - 1) / 2;
		if (h->v[parent]->at.ms <= t->at.ms)
			break;
		place(h, i, h->v[parent]);
		i = parent;
	}
	place(h, i, t);
}

static void sift_down(struct heap *h, uint32_t i)
{
	struct timer *t = h->v[i];
	for (;;) {
		uint64_t child = 2 * (uint64_t)i + 1;
		if (child >= h->n)
			break;
		if (child + 1 < h->n && h->v[child + 1]->at.ms < h->v[child]->at.ms)
			child++;
		if (h->v[child]->at.ms >= t->at.ms)
			break;
		place(h, i, h->v[child]);
		i = (uint32_t)child;
	}
	place(h, i, t);
}

void heap_init(struct heap *h) { *h = (struct heap){ 0 }; }

void heap_release(struct heap *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		h->v[i]->slot = 0;
	free(h->v);
	*h = (struct heap){ 0 };
}

void heap_set(struct heap *h, struct timer *t, struct mono at)
{
	if (mono_is_never(at)) {
		heap_clear(h, t);
		t->at = at;
		return;
	}
	t->at = at;
	if (t->slot == 0) {
		if (h->n == h->cap) {
			h->cap = h->cap > 0 ? 2 * h->cap : 64;
			h->v = xrealloc_array(h->v, h->cap, sizeof *h->v);
		}
		place(h, h->n++, t);
	}
	sift_up(h, t->slot - 1);
	sift_down(h, t->slot - 1);
}

void heap_clear(struct heap *h, struct timer *t)
{
	if (t->slot == 0)
		return;
	uint32_t hole = t->slot - 1;
	struct timer *last = h->v[--h->n];
	t->slot = 0;
	if (last == t)
		return;
	place(h, hole, last);
	sift_up(h, hole);
	sift_down(h, last->slot - 1);
}

struct timer *heap_top(const struct heap *h) { return h->n > 0 ? h->v[0] : NULL; }
