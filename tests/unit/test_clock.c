/* test_clock.c - deadlines saturate at "never"; times and spans read as people write them. */
#include "base/clock.h"

#include "unit.h"

START_TEST(deadlines)
{
	struct mono t = { 1000 };
	ck_assert_int_eq(mono_add(t, 500).ms, 1500);
	ck_assert(mono_is_never(mono_add(MONO_NEVER, 5)));
	ck_assert(mono_is_never(mono_add(MONO_NEVER, -5)));
	ck_assert(!mono_is_never(t));
	ck_assert(mono_due(t, (struct mono){ 1000 }));
	ck_assert(!mono_due(t, (struct mono){ 999 }));
	ck_assert(!mono_due(MONO_NEVER, (struct mono){ INT64_MAX - 1 }));
	ck_assert_int_eq(mono_min(t, MONO_NEVER).ms, 1000);
	ck_assert_int_eq(mono_min(MONO_NEVER, t).ms, 1000);
}
END_TEST

START_TEST(wall_text)
{
	char text[TIME_TEXT];
	ck_assert_str_eq(wall_format(1, text), "1970-01-01T00:00:01Z");
	ck_assert_str_eq(wall_format(951782400, text), "2000-02-29T00:00:00Z");
	ck_assert_str_eq(wall_format(1795255200, text), "2026-11-21T10:00:00Z");
	ck_assert_str_eq(wall_format(INT64_C(253402300799), text), "9999-12-31T23:59:59Z");
	ck_assert_str_eq(wall_format(INT64_C(253402300800), text), "-");
	ck_assert_str_eq(wall_format(INT64_MAX, text), "-");
	ck_assert_str_eq(wall_format(INT64_MIN, text), "-");
	ck_assert_str_eq(wall_format(0, text), "-");
}
END_TEST

START_TEST(span_text)
{
	static const struct {
		msec span;
		const char *text;
	} rows[] = {
		{ 0, "0ms" },
		{ 850, "850ms" },
		{ 999, "999ms" },
		{ 1000, "1s" },
		{ 42999, "42s" },
		{ 60000, "1m00s" },
		{ 192000, "3m12s" },
		{ 3599999, "59m59s" },
		{ 14520000, "4h02m" },
		{ 86399999, "23h59m" },
		{ 86400000, "1d00h" },
		{ 1047600000, "12d03h" },
		{ -1500, "-1s" },
		{ -5, "-5ms" },
		{ INT64_MAX, "106751991167d07h" },
		{ INT64_MIN, "-106751991167d07h" },
	};
	char text[TIME_TEXT];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ck_assert_str_eq(span_format(rows[i].span, text), rows[i].text);
}
END_TEST

UNIT_MAIN("clock", deadlines, wall_text, span_text)
