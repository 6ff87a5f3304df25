/* test_rng.c - random numbers out of a supply: none is given out twice, whatever the sizes, and each thread has its own. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "crypto/crypto.h"
#include "unit.h"

#define WIDE 8 /* octets: two of 8000 are the same once in 10^12 runs */

static int ascending(const void *a, const void *b) { return memcmp(a, b, WIDE); }

static void all_differ(uint8_t (*v)[WIDE], size_t n)
{
	qsort(v, n, WIDE, ascending);
	for (size_t i = 1; i < n; i++)
		ck_assert_int_ne(memcmp(v[i - 1], v[i], WIDE), 0);
}

START_TEST(none_is_given_out_twice)
{
	static uint8_t v[8000][WIDE];
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		rng_fill(NULL, v[i], WIDE);
	all_differ(v, ARRAY_SIZE(v));
}
END_TEST

/* Odd sizes meet the end of the supply, large ones go around it. */
START_TEST(sizes_of_all_kinds_are_filled)
{
	static uint8_t v[3000][WIDE];
	size_t at = 0;
	for (size_t size = WIDE; size < 600; size++) {
		uint8_t room[600 + 1];
		memset(room, 0, sizeof room);
		rng_fill(NULL, room, size);
		ck_assert_uint_eq(room[size], 0);
		memcpy(v[at++], room, WIDE);
		memcpy(v[at++], room + size - WIDE, WIDE);
		if (size < 2 * WIDE)
			at--; /* the two overlap */
	}
	uint8_t none = 7;
	rng_fill(NULL, &none, 0);
	ck_assert_uint_eq(none, 7);
	all_differ(v, at);
}
END_TEST

static uint8_t of_threads[4][500][WIDE];
static void *draw(void *arg)
{
	uint8_t(*v)[WIDE] = arg;
	for (size_t i = 0; i < 500; i++)
		rng_fill(NULL, v[i], WIDE);
	return NULL;
}

START_TEST(threads_share_nothing)
{
	pthread_t t[4];
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, draw, of_threads[i]), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	all_differ(of_threads[0], 4 * 500);
}
END_TEST

UNIT_MAIN("rng", none_is_given_out_twice, sizes_of_all_kinds_are_filled, threads_share_nothing)
