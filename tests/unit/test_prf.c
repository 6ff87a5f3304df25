/* test_prf.c - HMAC as PRF against RFC 2202 and RFC 4231, prf+ against a recomputation from its definition, the hashes. */
#include <pthread.h>

#include "crypto_help.h"

static const struct {
	uint16_t prf;
	const char *key, *data, *out; /* data is text */
} vectors[] = {
	{ PRF_HMAC_MD5, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There", "9294727a3638bb1c13f48ef8158bfc9d" },
	{ PRF_HMAC_MD5, "4a656665", "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738" },
	{ PRF_HMAC_SHA1, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00" },
	{ PRF_HMAC_SHA1, "4a656665", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
	{ PRF_HMAC_SHA2_256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ PRF_HMAC_SHA2_256, "4a656665", "what do ya want for nothing?",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ PRF_HMAC_SHA2_384, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
		"afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6" },
	{ PRF_HMAC_SHA2_384, "4a656665", "what do ya want for nothing?",
		"af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649" },
	{ PRF_HMAC_SHA2_512, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
		"87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
		"daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
	{ PRF_HMAC_SHA2_512, "4a656665", "what do ya want for nothing?",
		"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
		"9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
};

START_TEST(rfc_vectors)
{
	need_algs();
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		struct hex key = hex(vectors[i].key), want = hex(vectors[i].out);
		uint8_t out[PRF_MAX];
		const char *data = vectors[i].data;
		struct bytes parts[] = { bytes_of(data, 3), bytes_of(NULL, 0), bytes_of(data + 3, strlen(data) - 3) };
		ck_assert_int_eq(prf_compute(vectors[i].prf, bytes_of(key.v, key.n), parts, 3, out), ERR_OK);
		ck_assert_uint_eq(prf_size(vectors[i].prf), want.n);
		ck_assert_mem_eq(out, want.v, want.n);
	}
}
END_TEST

START_TEST(key_longer_than_a_block)
{
	uint8_t key[131], out[PRF_MAX];
	static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	struct bytes part = bytes_of(text, sizeof text - 1);
	struct hex want = hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	need_algs();
	memset(key, 0xaa, sizeof key);
	ck_assert_int_eq(prf_compute(PRF_HMAC_SHA2_256, bytes_of(key, sizeof key), &part, 1, out), ERR_OK);
	ck_assert_mem_eq(out, want.v, want.n);
}
END_TEST

/* An empty key must mean the empty key, not the one of the call before. */
START_TEST(empty_key)
{
	uint8_t out[PRF_MAX], other[PRF_MAX];
	struct bytes nothing = bytes_of(NULL, 0);
	struct hex want = hex(
		"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"); /* HMAC-SHA-256 of nothing under nothing */
	need_algs();
	ck_assert_int_eq(prf_compute(PRF_HMAC_SHA2_256, bytes_of("left behind", 11), &nothing, 1, other), ERR_OK);
	ck_assert_int_eq(prf_compute(PRF_HMAC_SHA2_256, nothing, NULL, 0, out), ERR_OK);
	ck_assert_mem_eq(out, want.v, want.n);
	ck_assert_mem_ne(out, other, want.n);
}
END_TEST

/* RFC 7296 2.13 word by word, out of prf() alone. */
static void plain_prf_plus(uint16_t id, struct bytes key, struct bytes seed, uint8_t *out, size_t n)
{
	uint8_t block[PRF_MAX], number = 1;
	size_t size = prf_size(id);
	for (size_t done = 0; done < n; number++) {
		struct bytes parts[] = { bytes_of(block, number > 1 ? size : 0), seed, bytes_of(&number, 1) };
		ck_assert_int_eq(prf_compute(id, key, parts, 3, block), ERR_OK);
		for (size_t i = 0; i < size && done < n; i++)
			out[done++] = block[i];
	}
}

START_TEST(prf_plus_is_its_definition)
{
	static const uint16_t prfs[] = { PRF_HMAC_MD5, PRF_HMAC_SHA1, PRF_HMAC_SHA2_256, PRF_HMAC_SHA2_384, PRF_HMAC_SHA2_512 };
	static const size_t sizes[] = { 0, 1, 31, 32, 33, 64, 160, 224, 1000 };
	uint8_t want[1000], got[1001];
	struct bytes key = bytes_of("SKEYSEED", 8), seed = bytes_of("Ni | Nr | SPIi | SPIr", 21);
	need_algs();
	for (size_t i = 0; i < sizeof prfs / sizeof prfs[0]; i++)
		for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
			struct bytes parts[] = { bytes_of(seed.p, 5), bytes_of(seed.p + 5, seed.n - 5) };
			memset(got, 0x77, sizeof got);
			plain_prf_plus(prfs[i], key, seed, want, sizes[k]);
			ck_assert_int_eq(prf_plus(prfs[i], key, parts, 2, got, sizes[k]), ERR_OK);
			ck_assert_mem_eq(got, want, sizes[k]);
			ck_assert_uint_eq(got[sizes[k]], 0x77);
		}
}
END_TEST

START_TEST(prf_plus_ends_at_255_blocks)
{
	static uint8_t out[255 * 32 + 1];
	struct bytes key = bytes_of("k", 1);
	need_algs();
	ck_assert_int_eq(prf_plus(PRF_HMAC_SHA2_256, key, &key, 1, out, sizeof out - 1), ERR_OK);
	ck_assert_int_eq(prf_plus(PRF_HMAC_SHA2_256, key, &key, 1, out, sizeof out), ERR_TOO_MUCH);
}
END_TEST

START_TEST(unknown_prf_is_refused)
{
	uint8_t out[PRF_MAX];
	struct bytes key = bytes_of("k", 1);
	need_algs();
	ck_assert_uint_eq(prf_size(4), 0); /* AES128_XCBC: we have none */
	ck_assert_int_eq(prf_compute(4, key, &key, 1, out), ERR_UNSUPPORTED);
	ck_assert_int_eq(prf_plus(65535, key, &key, 1, out, 1), ERR_UNSUPPORTED);
}
END_TEST

START_TEST(hashes)
{
	uint8_t out[32];
	struct bytes parts[] = { bytes_of("a", 1), bytes_of(NULL, 0), bytes_of("bc", 2) };
	struct hex one = hex("a9993e364706816aba3e25717850c26c9cd0d89d");
	struct hex two = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	need_algs();
	ck_assert_int_eq(hash_sha1(parts, 3, out), ERR_OK);
	ck_assert_mem_eq(out, one.v, one.n);
	ck_assert_int_eq(hash_sha256(parts, 3, out), ERR_OK);
	ck_assert_mem_eq(out, two.v, two.n);
}
END_TEST

static void *work(void *arg)
{
	struct hex want = hex(vectors[4].out), key = hex(vectors[4].key);
	struct bytes part = bytes_of("Hi There", 8);
	for (int i = 0; i < 2000; i++) {
		uint8_t out[PRF_MAX];
		if (prf_compute(PRF_HMAC_SHA2_256, bytes_of(key.v, key.n), &part, 1, out) || memcmp(out, want.v, want.n))
			return arg;
	}
	return NULL;
}

START_TEST(threads_do_not_meet)
{
	pthread_t threads[4];
	need_algs();
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, threads), 0);
	for (int i = 0; i < 4; i++) {
		void *failed;
		ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
		ck_assert(!failed);
	}
}
END_TEST

UNIT_MAIN("prf", rfc_vectors, key_longer_than_a_block, empty_key, prf_plus_is_its_definition, prf_plus_ends_at_255_blocks,
	unknown_prf_is_refused, hashes, threads_do_not_meet)
