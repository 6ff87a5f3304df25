/* test_heap.c - the earliest timer is always on top, whatever is armed, moved and cleared in between. */
#include "base/heap.h"

#include "unit.h"

enum { TIMERS = 200 };

START_TEST(arms_moves_clears)
{
	struct heap h;
	struct timer a = { 0 }, b = { 0 };
	heap_init(&h);
	ck_assert(heap_top(&h) == NULL);
	heap_clear(&h, &a); /* not armed: nothing */
	heap_set(&h, &a, (struct mono){ 10 });
	heap_set(&h, &b, (struct mono){ 5 });
	ck_assert_ptr_eq(heap_top(&h), &b);
	heap_set(&h, &b, (struct mono){ 20 });
	ck_assert_ptr_eq(heap_top(&h), &a);
	ck_assert_uint_eq(h.n, 2);
	heap_set(&h, &a, MONO_NEVER);
	ck_assert_uint_eq(a.slot, 0);
	ck_assert_ptr_eq(heap_top(&h), &b);
	heap_clear(&h, &b);
	heap_clear(&h, &b);
	ck_assert(heap_top(&h) == NULL);
	heap_set(&h, &a, (struct mono){ 1 });
	heap_release(&h);
	ck_assert_uint_eq(a.slot, 0);
}
END_TEST

START_TEST(top_is_always_the_earliest)
{
	static struct timer timers[TIMERS];
	struct heap h;
	heap_init(&h);
	uint32_t r = 1, armed = 0;
	for (int step = 0; step < 20000; step++) {
		r = r * 1664525 + 1013904223;
		struct timer *t = &timers[(r >> 8) % TIMERS];
		if (r >> 30 == 0)
			heap_clear(&h, t);
		else
			heap_set(&h, t, (struct mono){ (r >> 16) % 1000 });

		msec least = INT64_MAX;
		armed = 0;
		for (size_t i = 0; i < TIMERS; i++) {
			if (timers[i].slot == 0)
				continue;
			armed++;
			ck_assert_ptr_eq(h.v[timers[i].slot - 1].t, &timers[i]);
			if (h.v[timers[i].slot - 1].at.ms < least)
				least = h.v[timers[i].slot - 1].at.ms;
		}
		ck_assert_uint_eq(h.n, armed);
		ck_assert(armed == 0 || heap_next(&h).ms == least);
	}
	ck_assert_uint_gt(armed, TIMERS / 2);
	heap_release(&h);
}
END_TEST

START_TEST(comes_out_in_order)
{
	static struct timer timers[5000];
	struct heap h;
	heap_init(&h);
	for (size_t i = 0; i < 5000; i++)
		heap_set(&h, &timers[i], (struct mono){ (msec)(i * 7919 % 5000) });
	for (msec want = 0; want < 5000; want++) {
		struct timer *t = heap_top(&h);
		ck_assert(t != NULL);
		ck_assert_int_eq(heap_next(&h).ms, want);
		heap_clear(&h, t);
	}
	ck_assert(heap_top(&h) == NULL);
	heap_release(&h);
}
END_TEST

UNIT_MAIN("heap", arms_moves_clears, top_is_always_the_earliest, comes_out_in_order)
