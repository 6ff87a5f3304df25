/*
 * test_limit.c - who floods is cut short, and what was left out is counted.
 */
#include "ipc/limit.h"
#include "unit.h"

START_TEST(so_many_and_no_more)
{
	struct limit l = { 0 };
	unsigned lost, passed = 0;
	for (unsigned i = 0; i < 1000; i++) {
		passed += limit_passes(&l, 5000 + i, 10000, 20, &lost);
		ck_assert_uint_eq(lost, 0);
	}
	ck_assert_uint_eq(passed, 20);
}
END_TEST

START_TEST(a_new_span_tells_what_was_lost)
{
	struct limit l = { 0 };
	unsigned lost;
	for (unsigned i = 0; i < 25; i++)
		limit_passes(&l, 1000, 10000, 20, &lost);
	ck_assert(!limit_passes(&l, 10999, 10000, 20, &lost));
	ck_assert(limit_passes(&l, 11000, 10000, 20, &lost));
	ck_assert_uint_eq(lost, 6);
	ck_assert(limit_passes(&l, 11001, 10000, 20, &lost));
	ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(the_clock_may_begin_at_nothing)
{
	struct limit l = { 0 };
	unsigned lost, passed = 0;
	for (unsigned i = 0; i < 5; i++)
		passed += limit_passes(&l, 0, 10000, 2, &lost);
	ck_assert_uint_eq(passed, 2);
}
END_TEST

UNIT_MAIN("limit", so_many_and_no_more, a_new_span_tells_what_was_lost, the_clock_may_begin_at_nothing)
