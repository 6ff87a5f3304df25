/* test_util.c - the word that was meant; FNV-1a against its authors' vectors; a hash of words. */
#include <string.h>

#include "base/util.h"
#include "unit.h"

START_TEST(near_words)
{
	static const char *const words[] = { "ike-lifetime", "inside", "azure", "aws", "none", "x448", NULL };
	static const struct {
		const char *text, *near;
	} want[] = {
		{ "azrue", "azure" }, /* a swap counts once */
		{ "asw", "aws" },
		{ "AZURE", "azure" },
		{ "azu", "azure" },             /* begun */
		{ "lifetime", "ike-lifetime" }, /* shares most */
		{ "inside-address", "inside" },
		{ "aw", "aws" },
		{ "x488", "x448" },
		{ "", NULL },
		{ "zebra-crossing", NULL },
		{ "xyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzy", NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const char *got = near_word_in(want[i].text, words);
		ck_assert_msg(
			want[i].near ? got && strcmp(got, want[i].near) == 0 : !got, "%s: %s", want[i].text, got ? got : "none");
	}
}
END_TEST

START_TEST(fnv_vectors)
{
	ck_assert(hash_bytes(HASH_START, "", 0) == 0xcbf29ce484222325u);
	ck_assert(hash_bytes(HASH_START, "a", 1) == 0xaf63dc4c8601ec8cu);
	ck_assert(hash_bytes(HASH_START, "foobar", 6) == 0x85944171f73967e8u);
	ck_assert(hash_bytes(hash_bytes(HASH_START, "foo", 3), "bar", 3) == 0x85944171f73967e8u);
}
END_TEST

/* A flipped bit, an octet less, another start: each is another hash. */
START_TEST(words_tell_apart)
{
	uint8_t octets[75];
	for (size_t n = 0; n <= sizeof octets; n++) {
		memset(octets, 0, sizeof octets);
		uint64_t h = hash_words(1, octets, n);
		ck_assert(hash_words(1, octets, n) == h && hash_words(2, octets, n) != h);
		ck_assert(n == 0 || hash_words(1, octets, n - 1) != h);
		for (size_t bit = 0; bit < n * 8; bit++) {
			octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
			ck_assert(hash_words(1, octets, n) != h);
			octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}
END_TEST

UNIT_MAIN("util", near_words, fnv_vectors, words_tell_apart)
