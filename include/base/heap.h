/*
 * heap.h - deadlines in order: a min-heap of timers that live inside the structs they belong to. Each place of it has four below it, and the deadline beside
 * the timer: what is compared lies together, and of the structs, which are all over the memory, only those are touched that change their place.
 *
 * A zeroed timer is not armed. A timer must be cleared before its memory goes away.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct timer {
	uint32_t slot; /* 0 = not armed, else its index in the heap + 1 */
};

struct deadline {
	struct mono at;
	struct timer *t;
};

struct heap {
	struct deadline *v;
	uint32_t n, cap;
};

void heap_init(struct heap *h);
void heap_release(struct heap *h);                              /* disarms what is left */
void heap_set(struct heap *h, struct timer *t, struct mono at); /* arms or moves; MONO_NEVER clears */
void heap_clear(struct heap *h, struct timer *t);               /* harmless when not armed */
struct timer *heap_top(const struct heap *h);                   /* the earliest, or NULL */
struct mono heap_next(const struct heap *h);                    /* its deadline, or MONO_NEVER */

#endif
