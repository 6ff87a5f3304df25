/* test_table.c - the table against a plain array that does the same, over many random operations. */
#include "base/table.h"

#include "unit.h"

enum { KEYS = 997 };

START_TEST(puts_gets_deletes)
{
	struct table t;
	int a = 1, b = 2;
	table_init(&t, 42);
	ck_assert(table_get(&t, 0) == NULL && table_del(&t, 0) == NULL);
	ck_assert(table_put(&t, 0, &a)); /* zero is a key like any other */
	ck_assert(table_put(&t, UINT64_MAX, &b));
	ck_assert(!table_put(&t, 0, &b));
	ck_assert(!table_put(&t, 5, NULL));
	ck_assert_ptr_eq(table_get(&t, 0), &a);
	ck_assert_ptr_eq(table_get(&t, UINT64_MAX), &b);
	ck_assert_uint_eq(table_count(&t), 2);
	ck_assert_ptr_eq(table_del(&t, 0), &a);
	ck_assert(table_del(&t, 0) == NULL);
	ck_assert_ptr_eq(table_get(&t, UINT64_MAX), &b);
	ck_assert_uint_eq(table_count(&t), 1);
	table_release(&t);
	ck_assert_uint_eq(table_count(&t), 0);
}
END_TEST

START_TEST(agrees_with_an_array)
{
	static int values[KEYS];
	static bool in[KEYS];
	size_t count = 0;
	struct table t;
	table_init(&t, 7);
	uint32_t r = 12345;
	for (int step = 0; step < 200000; step++) {
		r = r * 1664525 + 1013904223;
		size_t k = (r >> 8) % KEYS;
		/* Long phases of growing and of shrinking, so that deleted slots pile up and are swept. */
		if ((step / 5000 % 2 == 0) == (r >> 28 < 12)) {
			ck_assert(table_put(&t, k << 32, &values[k]) == !in[k]);
			count += !in[k];
			in[k] = true;
		} else {
			ck_assert_ptr_eq(table_del(&t, k << 32), in[k] ? &values[k] : NULL);
			count -= in[k];
			in[k] = false;
		}
		ck_assert_uint_eq(table_count(&t), count);
	}
	for (size_t k = 0; k < KEYS; k++)
		ck_assert_ptr_eq(table_get(&t, k << 32), in[k] ? &values[k] : NULL);
	ck_assert_uint_le(t.cap, 4096);
	table_release(&t);
}
END_TEST

START_TEST(loop_may_delete)
{
	static uint64_t values[KEYS];
	struct table t;
	table_init(&t, 99);
	for (uint64_t k = 0; k < KEYS; k++) {
		values[k] = k;
		ck_assert(table_put(&t, k, &values[k]));
	}
	size_t it = 0, seen = 0;
	for (uint64_t *v; (v = table_next(&t, &it)) != NULL; seen++) {
		if (*v % 3 != 0)
			ck_assert_ptr_eq(table_del(&t, *v), v);
	}
	ck_assert_uint_eq(seen, KEYS);
	ck_assert_uint_eq(table_count(&t), (KEYS + 2) / 3);
	it = seen = 0;
	for (uint64_t *v; (v = table_next(&t, &it)) != NULL; seen++)
		ck_assert_uint_eq(*v % 3, 0);
	ck_assert_uint_eq(seen, (KEYS + 2) / 3);
	table_release(&t);
}
END_TEST

START_TEST(shrinks_after_a_flood)
{
	static int value;
	struct table t;
	table_init(&t, 3);
	for (uint64_t k = 0; k < 100000; k++)
		table_put(&t, k, &value);
	size_t most = t.cap;
	for (uint64_t k = 1; k < 100000; k++)
		table_del(&t, k);
	for (uint64_t k = 100000; k < 600000; k++) {
		table_put(&t, k, &value);
		table_del(&t, k);
	}
	ck_assert_ptr_eq(table_get(&t, 0), &value);
	ck_assert_uint_lt(t.cap, most / 100);

	for (uint64_t k = 1; k < 100000; k++)
		table_put(&t, k, &value);
	size_t it = 0, seen = 0;
	for (uint64_t k = 0; table_next(&t, &it) != NULL; k++, seen++)
		table_del(&t, k);
	ck_assert_uint_gt(seen, 0);
	for (uint64_t k = 0; k < 100000; k++)
		table_del(&t, k);
	ck_assert_uint_eq(t.cap, 0);
	it = 5; /* a loop that was under way */
	ck_assert(table_next(&t, &it) == NULL);
	table_release(&t);
}
END_TEST

/* Where a key lands must depend on the seed: otherwise a peer could choose SPIs that all collide. */
START_TEST(order_depends_on_the_seed)
{
	static uint64_t values[64];
	struct table a, b;
	table_init(&a, 1);
	table_init(&b, 2);
	for (uint64_t k = 0; k < 64; k++) {
		values[k] = k;
		table_put(&a, k, &values[k]);
		table_put(&b, k, &values[k]);
	}
	size_t i = 0, j = 0, same = 0;
	for (int k = 0; k < 64; k++)
		same += table_next(&a, &i) == table_next(&b, &j);
	ck_assert_uint_lt(same, 20);
	table_release(&a);
	table_release(&b);
}
END_TEST

UNIT_MAIN("table", puts_gets_deletes, agrees_with_an_array, loop_may_delete, shrinks_after_a_flood, order_depends_on_the_seed)
