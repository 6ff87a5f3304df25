/* test_cred.c - AUTH by pre-shared key, recomputed from RFC 7296 2.15; the live generator. */
#include "crypto_help.h"

START_TEST(psk_is_its_definition)
{
	static const uint16_t prfs[] = { PRF_HMAC_MD5, PRF_HMAC_SHA1, PRF_HMAC_SHA2_256, PRF_HMAC_SHA2_384, PRF_HMAC_SHA2_512 };
	static const char secret[] = "a key both ends know";
	struct bytes psk = bytes_of(secret, sizeof secret - 1), octets = bytes_of("RealMessage1 | Nr | prf(SK_pi, IDi')", 36);
	struct hex pad = hex("4b65792050616420666f7220494b457632"); /* the 17 octets of the RFC */
	need_algs();
	for (size_t i = 0; i < sizeof prfs / sizeof prfs[0]; i++) {
		uint8_t inner[PRF_MAX], want[PRF_MAX], got[PRF_MAX];
		struct bytes part = bytes_of(pad.v, pad.n);
		size_t len = 0;
		ck_assert_int_eq(prf_compute(prfs[i], psk, &part, 1, inner), ERR_OK);
		ck_assert_int_eq(prf_compute(prfs[i], bytes_of(inner, prf_size(prfs[i])), &octets, 1, want), ERR_OK);
		ck_assert_int_eq(psk_auth(prfs[i], psk, octets, got, &len), ERR_OK);
		ck_assert_uint_eq(len, prf_size(prfs[i]));
		ck_assert_mem_eq(got, want, len);
	}
}
END_TEST

START_TEST(other_key_other_octets)
{
	uint8_t a[PRF_MAX], b[PRF_MAX], c[PRF_MAX];
	size_t len;
	struct bytes octets = bytes_of("octets", 6);
	need_algs();
	ck_assert_int_eq(psk_auth(PRF_HMAC_SHA2_256, bytes_of("key", 3), octets, a, &len), ERR_OK);
	ck_assert_int_eq(psk_auth(PRF_HMAC_SHA2_256, bytes_of("kez", 3), octets, b, &len), ERR_OK);
	ck_assert_int_eq(psk_auth(PRF_HMAC_SHA2_256, bytes_of("key", 3), bytes_of("octett", 6), c, &len), ERR_OK);
	ck_assert_mem_ne(a, b, len);
	ck_assert_mem_ne(a, c, len);
	ck_assert_int_eq(psk_auth(9999, bytes_of("key", 3), octets, a, &len), ERR_UNSUPPORTED);
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(generator_fills)
{
	uint8_t a[64] = { 0 }, b[64] = { 0 };
	rng_fill(NULL, a, sizeof a);
	rng_fill(NULL, b, sizeof b);
	ck_assert_mem_ne(a, b, sizeof a);
	ck_assert_mem_ne(a, a + 32, 32);
}
END_TEST

UNIT_MAIN("cred", psk_is_its_definition, other_key_other_octets, generator_fills)
