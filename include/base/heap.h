/*
 * heap.h - deadlines in order: a binary min-heap of timers that live inside the structs they belong to.
 *
 * A zeroed timer is not armed. A timer must be cleared before its memory goes away.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct timer {
	struct mono at;
	uint32_t slot; /* 0 = not armed, else its index in the heap + 1 */
};

struct heap {
	struct timer **v;
	uint32_t n, cap;
};

void heap_init(struct heap *h);
void heap_release(struct heap *h);                              /* disarms what is left */
void heap_set(struct heap *h, struct timer *t, struct mono at); /* arms or moves; MONO_NEVER clears */
void heap_clear(struct heap *h, struct timer *t);               /* harmless when not armed */
struct timer *heap_top(const struct heap *h);                   /* the earliest, or NULL */

#endif
