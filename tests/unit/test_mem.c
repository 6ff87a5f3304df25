/* test_mem.c - the arena hands out zeroed, aligned, bounded memory and wipes it; secrets leave nothing behind. */
#include "base/mem.h"

#include <signal.h>
#include <stdalign.h>
#include <string.h>

#include "unit.h"

START_TEST(arena_is_zeroed_and_aligned)
{
	struct arena a;
	arena_init(&a, 1 << 20);
	for (size_t n = 0; n < 300; n++) {
		uint8_t *p = arena_alloc(&a, n);
		ck_assert(p != NULL);
		ck_assert_uint_eq((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xff, n); /* a neighbour that overlapped would show */
	}
	arena_release(&a);
}
END_TEST

START_TEST(reset_wipes_and_reuses)
{
	struct arena a;
	arena_init(&a, 1 << 20);
	uint8_t *first = arena_alloc(&a, 64);
	memset(first, 0x5a, 64);
	arena_alloc(&a, 300000); /* a block of its own, gone after the reset */
	arena_reset(&a);
	ck_assert_uint_eq(a.used, 0);
	for (int i = 0; i < 64; i++)
		ck_assert_uint_eq(first[i], 0);
	ck_assert_ptr_eq(arena_alloc(&a, 64), first);
	arena_release(&a);
	ck_assert(a.first == NULL);
	ck_assert(arena_alloc(&a, 1) != NULL); /* usable again */
	arena_release(&a);
}
END_TEST

/* Twice the same step: the second finds the room of the first in one block, which stays. */
START_TEST(reset_keeps_what_a_step_needs)
{
	struct arena a;
	arena_init(&a, 1 << 20);
	memset(arena_alloc(&a, 10000), 0x5a, 10000);
	memset(arena_alloc(&a, 100000), 0x5a, 100000);
	arena_reset(&a);
	for (int step = 0; step < 2; step++) {
		uint8_t *first = arena_alloc(&a, 10000), *second = arena_alloc(&a, 100000);
		ck_assert_ptr_eq(second, first + 10000);
		for (int i = 0; i < 110000; i++)
			ck_assert_uint_eq(first[i], 0);
		memset(first, 0x5a, 110000);
		arena_reset(&a);
		ck_assert_ptr_eq(arena_alloc(&a, 1), first);
		arena_reset(&a);
	}
	arena_release(&a);
}
END_TEST

START_TEST(ceiling_holds)
{
	struct arena a;
	arena_init(&a, 1000);
	ck_assert(arena_alloc(&a, 1001) == NULL);
	ck_assert(arena_alloc(&a, SIZE_MAX) == NULL);
	size_t n = 0;
	while (arena_alloc(&a, 100) != NULL)
		n++;
	ck_assert_uint_ge(n, 8);
	ck_assert_uint_le(n, 10);
	ck_assert_uint_le(a.used, 1000);
	arena_reset(&a);
	ck_assert(arena_alloc(&a, 900) != NULL);
	arena_release(&a);
}
END_TEST

START_TEST(empty_allocations_count_too)
{
	struct arena a;
	arena_init(&a, 4096);
	size_t n = 0;
	while (arena_alloc(&a, 0) != NULL && n < 100000)
		n++;
	ck_assert_uint_le(n, 4096);
	arena_release(&a);
}
END_TEST

START_TEST(array_is_overflow_checked)
{
	struct arena a;
	arena_init(&a, SIZE_MAX);
	ck_assert(arena_array(&a, SIZE_MAX / 2, 4) == NULL);
	ck_assert(arena_array(&a, 10, 4) != NULL);
	arena_release(&a);
}
END_TEST

START_TEST(copy_and_printf)
{
	struct arena a;
	arena_init(&a, 128);
	struct bytes c = arena_copy(&a, bytes_of("hello", 5));
	ck_assert(bytes_equal(c, bytes_of("hello", 5)));
	ck_assert_str_eq(arena_printf(&a, "%s-%d", "aws", 1), "aws-1");
	ck_assert_str_eq(arena_printf(&a, "%0200d", 1), "");
	ck_assert(arena_copy(&a, bytes_of("", 0)).p != NULL);
	uint8_t big[200] = { 0 };
	struct bytes none = arena_copy(&a, bytes_of(big, sizeof big));
	ck_assert(none.p == NULL && none.n == 0);
	arena_release(&a);
}
END_TEST

START_TEST(wipe_and_compare)
{
	uint8_t x[16], y[16];
	memset(x, 7, sizeof x);
	memset(y, 7, sizeof y);
	ck_assert(same_secret(x, y, sizeof x));
	for (size_t i = 0; i < sizeof y; i++) {
		y[i] ^= 0x80;
		ck_assert(!same_secret(x, y, sizeof x));
		y[i] ^= 0x80;
	}
	ck_assert(same_secret(x, y, 0));
	wipe(x, sizeof x);
	for (size_t i = 0; i < sizeof x; i++)
		ck_assert_uint_eq(x[i], 0);
	wipe(NULL, 0);
}
END_TEST

START_TEST(secret_leaves_nothing)
{
	uint8_t key[SECRET_MAX + 1];
	memset(key, 0xaa, sizeof key);
	struct secret s;
	memset(&s, 0xff, sizeof s);
	ck_assert(secret_set(&s, key, SECRET_MAX));
	ck_assert_uint_eq(s.len, SECRET_MAX);
	ck_assert(secret_set(&s, "ab", 2)); /* shorter: nothing of the longer one stays */
	ck_assert_uint_eq(s.len, 2);
	ck_assert_mem_eq(s.data, "ab", 2);
	for (size_t i = 2; i < SECRET_MAX; i++)
		ck_assert_uint_eq(s.data[i], 0);
	ck_assert(secret_set(&s, s.data + 1, 1));
	ck_assert_uint_eq(s.data[0], 'b');
	ck_assert(!secret_set(&s, key, SECRET_MAX + 1));
	ck_assert_uint_eq(s.len, 0);
	ck_assert_uint_eq(s.data[0], 0);
	ck_assert(secret_set(&s, NULL, 0));
	secret_clear(&s);
}
END_TEST

START_TEST(allocation_of_too_much_dies) { free(xrealloc_array(NULL, SIZE_MAX / 2, 4)); }
END_TEST

START_TEST(ordinary_allocation)
{
	char *s = xstrdup("abc");
	ck_assert_str_eq(s, "abc");
	int *v = xcalloc(3, sizeof *v);
	ck_assert_int_eq(v[2], 0);
	v = xrealloc_array(v, 1000, sizeof *v);
	v[999] = 1;
	ck_assert_int_eq(v[1], 0);
	void *zero = xcalloc(0, 8);
	ck_assert(zero != NULL);
	free(zero);
	free(v);
	free(s);
}
END_TEST

START_TEST(a_kept_text)
{
	char *kept = NULL;
	ck_assert(!keep_text(&kept, NULL) && !keep_text(&kept, "") && kept == NULL);
	ck_assert(keep_text(&kept, "one") && strcmp(kept, "one") == 0);
	ck_assert(!keep_text(&kept, "one"));
	ck_assert(keep_text(&kept, "two") && strcmp(kept, "two") == 0);
	ck_assert(keep_text(&kept, NULL) && kept == NULL);
	ck_assert(keep_text(&kept, "one") && keep_text(&kept, "") && kept == NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { arena_is_zeroed_and_aligned, reset_wipes_and_reuses, reset_keeps_what_a_step_needs,
		ceiling_holds, empty_allocations_count_too, array_is_overflow_checked, copy_and_printf, wipe_and_compare,
		secret_leaves_nothing, ordinary_allocation, a_kept_text };
	TCase *all = tcase_create("all");
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
		tcase_add_test(all, tests[i]);
	tcase_add_test_raise_signal(all, allocation_of_too_much_dies, SIGABRT);
	return unit_run_case("mem", all);
}
