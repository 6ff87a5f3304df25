/* unit.h - main() of a libcheck program in one line, UNIT_MAIN("buf", reads_numbers, refuses_short_input), or its end when it has fixtures. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stdlib.h>

/* Runs a suite that main() has put together: what main() returns. */
static inline int unit_run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline int unit_run_case(const char *name, TCase *t)
{
	Suite *suite = suite_create(name);
	suite_add_tcase(suite, t);
	return unit_run_suite(suite);
}

static inline int unit_run(const char *name, const TTest *const *tests, size_t n)
{
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(all, tests[i]);
	return unit_run_case(name, all);
}

#define UNIT_MAIN(name, ...) \
	int main(void) \
	{ \
		const TTest *const tests[] = { __VA_ARGS__ }; \
		return unit_run(name, tests, sizeof tests / sizeof tests[0]); \
	}

#endif
