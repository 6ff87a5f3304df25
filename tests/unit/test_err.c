/* test_err.c - every code has a name of its own, and no two codes share a value. */
#include "base/err.h"

#include <string.h>

#include "unit.h"

static const struct {
	int code;
	const char *text;
} rows[] = {
#define X(name, value, text) { name, text },
	ERR_LIST(X)
#undef X
};
enum { ROWS = sizeof rows / sizeof rows[0] };

START_TEST(codes_are_distinct_and_negative)
{
	for (size_t i = 0; i < ROWS; i++) {
		ck_assert_int_lt(rows[i].code, 0);
		for (size_t j = i + 1; j < ROWS; j++) {
			ck_assert_int_ne(rows[i].code, rows[j].code);
			ck_assert_str_ne(rows[i].text, rows[j].text);
		}
	}
}
END_TEST

START_TEST(every_code_is_named)
{
	for (size_t i = 0; i < ROWS; i++)
		ck_assert_str_eq(err_text(rows[i].code), rows[i].text);
	ck_assert_str_eq(err_text(ERR_OK), "no error");
}
END_TEST

START_TEST(unknown_codes)
{
	ck_assert_str_eq(err_text(1), "?");
	ck_assert_str_eq(err_text(-100000), "?");
}
END_TEST

UNIT_MAIN("err", codes_are_distinct_and_negative, every_code_is_named, unknown_codes)
