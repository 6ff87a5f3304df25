/*
 * test_repeat.c - the same trouble is told once in a while, other trouble at once, and nobody fills the log.
 */
#include <stdio.h>

#include "engine/repeat.h"
#include "unit.h"

#define NOW 1000000

START_TEST(the_same_once_in_a_while)
{
	struct repeat r = { 0 };
	unsigned left_out;
	ck_assert(repeat_passes(&r, 9, "no answer from 203.0.113.10 (5 times sent)", NOW, &left_out));
	ck_assert_uint_eq(left_out, 0);
	for (unsigned i = 1; i < 20; i++)
		ck_assert(!repeat_passes(&r, 9, "no answer from 203.0.113.10 (6 times sent)", NOW + i * 30000, &left_out));
	ck_assert(repeat_passes(&r, 9, "no answer from 203.0.113.10 (5 times sent)", NOW + REPEAT_SPAN, &left_out));
	ck_assert_uint_eq(left_out, 19);
}
END_TEST

START_TEST(other_trouble_at_once)
{
	struct repeat r = { 0 };
	unsigned left_out;
	ck_assert(repeat_passes(&r, 9, "no answer", NOW, &left_out));
	ck_assert(repeat_passes(&r, 10, "no answer", NOW, &left_out));
	ck_assert(repeat_passes(&r, 9, "no proposal", NOW, &left_out));
	ck_assert(!repeat_passes(&r, 9, "no answer", NOW + 1, &left_out));
	ck_assert(!repeat_passes(&r, 10, "no answer", NOW + 1, &left_out));
}
END_TEST

START_TEST(ever_new_lines_are_few)
{
	struct repeat r = { 0 };
	unsigned left_out, passed = 0;
	char text[32];
	for (unsigned i = 0; i < 6000; i++) { /* ten a second for ten minutes, no two alike */
		snprintf(text, sizeof text, "offers %c%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26, 'x');
		passed += repeat_passes(&r, 10, text, NOW + i * 100, &left_out);
	}
	ck_assert_uint_ge(passed, 180);
	ck_assert_uint_le(passed, 220);
}
END_TEST

START_TEST(a_few_that_alternate_are_remembered)
{
	struct repeat r = { 0 };
	unsigned left_out, passed = 0;
	for (unsigned i = 0; i < 400; i++) {
		char text[] = { (char)('a' + i % REPEAT_KINDS), 0 };
		passed += repeat_passes(&r, 1, text, NOW + i * 1000, &left_out);
	}
	ck_assert_uint_eq(passed, REPEAT_KINDS);
}
END_TEST

UNIT_MAIN("repeat", the_same_once_in_a_while, other_trouble_at_once, ever_new_lines_are_few, a_few_that_alternate_are_remembered)
