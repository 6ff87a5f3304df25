/* test_cred.c - AUTH by pre-shared key, recomputed from RFC 7296 2.15; the live generator. */
#include "crypto_help.h"

static uint8_t count[256]; /* 0, 1, 2 ... */

static struct auth_input spoken(uint16_t prf)
{
	for (unsigned i = 0; i < sizeof count; i++)
		count[i] = (uint8_t)i;
	return (struct auth_input){ prf, bytes_of(count, 200), bytes_of(count + 100, 32), bytes_of(count + 1, prf_size(prf)),
		bytes_of("\2\0\0\0us.example", 14) };
}

/* Values of another implementation (HMAC of Python's standard library), after RFC 7296 2.15. */
static const struct {
	uint16_t prf;
	const char *want;
} golden[] = {
	{ PRF_HMAC_SHA1, "079f4cf27da60b9253ba9227e2122472eabe1b20" },
	{ PRF_HMAC_SHA2_256, "7962a0913be331be4b7e1538cd6a3d6421493e0a2356b272bbdabc27d57ebd84" },
	{ PRF_HMAC_SHA2_512, "f2c3969690567e081a5122ae3a22d6426f2dbdab5f1e193781edf06dd92f7749"
			     "6a878be7f8a5abbe40fe8b4a7d181a742776dc525e294f0b77e172bd583a011a" },
};

START_TEST(psk_auth_is_known)
{
	static const char psk[] = "a key both ends know";
	need_algs();
	for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
		uint8_t got[PRF_MAX];
		size_t len = 0;
		struct hex want = hex(golden[i].want);
		struct auth_input in = spoken(golden[i].prf);
		ck_assert_int_eq(psk_auth(&in, bytes_of(psk, sizeof psk - 1), got, &len), ERR_OK);
		ck_assert_uint_eq(len, want.n);
		ck_assert_mem_eq(got, want.v, len);
	}
}
END_TEST

/* The definition once more in one piece: octets put together, then the two PRFs. */
START_TEST(psk_is_its_definition)
{
	static const uint16_t prfs[] = { PRF_HMAC_MD5, PRF_HMAC_SHA1, PRF_HMAC_SHA2_256, PRF_HMAC_SHA2_384, PRF_HMAC_SHA2_512 };
	struct bytes psk = bytes_of("a key both ends know", 20);
	struct hex pad = hex("4b65792050616420666f7220494b457632"); /* the 17 octets of the RFC */
	need_algs();
	for (size_t i = 0; i < sizeof prfs / sizeof prfs[0]; i++) {
		uint8_t inner[PRF_MAX], want[PRF_MAX], got[PRF_MAX], whole[512];
		struct auth_input in = spoken(prfs[i]);
		struct bytes part = bytes_of(pad.v, pad.n);
		size_t len = 0;
		struct buf b = buf_of(whole, sizeof whole);
		put_view(&b, in.message);
		put_view(&b, in.nonce);
		ck_assert_int_eq(prf_compute(prfs[i], in.sk_p, &in.id_body, 1, inner), ERR_OK);
		put_bytes(&b, inner, prf_size(prfs[i]));
		struct bytes octets = buf_view(&b);
		ck_assert_int_eq(prf_compute(prfs[i], psk, &part, 1, inner), ERR_OK);
		ck_assert_int_eq(prf_compute(prfs[i], bytes_of(inner, prf_size(prfs[i])), &octets, 1, want), ERR_OK);
		ck_assert_int_eq(psk_auth(&in, psk, got, &len), ERR_OK);
		ck_assert_uint_eq(len, prf_size(prfs[i]));
		ck_assert_mem_eq(got, want, len);
	}
}
END_TEST

START_TEST(each_part_of_auth_counts)
{
	uint8_t good[PRF_MAX], bad[PRF_MAX];
	struct bytes key = bytes_of("key", 3);
	size_t len;
	need_algs();
	struct auth_input in = spoken(PRF_HMAC_SHA2_256);
	ck_assert_int_eq(psk_auth(&in, key, good, &len), ERR_OK);
	ck_assert_int_eq(psk_auth(&in, bytes_of("kez", 3), bad, &len), ERR_OK);
	ck_assert_mem_ne(good, bad, len);
	struct bytes *const parts[] = { &in.message, &in.nonce, &in.sk_p, &in.id_body };
	for (unsigned i = 0; i < 4; i++) {
		in = spoken(PRF_HMAC_SHA2_256);
		parts[i]->n--;
		ck_assert_int_eq(psk_auth(&in, key, bad, &len), ERR_OK);
		ck_assert_mem_ne(good, bad, len);
	}
	in.prf = 9999;
	ck_assert_int_eq(psk_auth(&in, key, bad, &len), ERR_UNSUPPORTED);
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

UNIT_MAIN("cred", psk_auth_is_known, psk_is_its_definition, each_part_of_auth_counts, generator_fills)
