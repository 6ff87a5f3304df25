/* test_prf.c - HMAC as PRF against RFC 2202 and RFC 4231 without truncation, prf+ against its definition, the hashes. */
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

static const char truncation[] = "Test With Truncation";
static const char hash_key_first[] = "Test Using Larger Than Block-Size Key - Hash Key First";
static const char larger_1[] = "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data";
static const char larger_2[] =
	"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
	"hashed before being used by the HMAC algorithm.";

/* Keys and data as the RFCs write them: one octet many times, 01 02 03... (octet 0), or text. */
static const struct {
	uint16_t prf;
	uint8_t octet, key_n, data_octet, data_n;
	const char *text, *out;
} edges[] = {
	{ PRF_HMAC_SHA1, 0xaa, 20, 0xdd, 50, NULL, "125d7342b9ac11cd91a39af48aa17b4f63f175d3" },
	{ PRF_HMAC_SHA1, 0x00, 25, 0xcd, 50, NULL, "4c9007f4026250c6bc8414f9bf50c86c2d7235da" },
	{ PRF_HMAC_SHA1, 0x0c, 20, 0x00, 0, truncation, "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04" },
	{ PRF_HMAC_SHA1, 0xaa, 80, 0x00, 0, hash_key_first, "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
	{ PRF_HMAC_SHA1, 0xaa, 80, 0x00, 0, larger_1, "e8e99d0f45237d786d6bbaa7965c7808bbff1a91" },
	{ PRF_HMAC_SHA2_256, 0xaa, 20, 0xdd, 50, NULL, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ PRF_HMAC_SHA2_384, 0xaa, 20, 0xdd, 50, NULL,
		"88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27" },
	{ PRF_HMAC_SHA2_512, 0xaa, 20, 0xdd, 50, NULL,
		"fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
		"bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb" },
	{ PRF_HMAC_SHA2_256, 0x00, 25, 0xcd, 50, NULL, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
	{ PRF_HMAC_SHA2_384, 0x00, 25, 0xcd, 50, NULL,
		"3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb" },
	{ PRF_HMAC_SHA2_512, 0x00, 25, 0xcd, 50, NULL,
		"b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
		"a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd" },
	{ PRF_HMAC_SHA2_256, 0xaa, 131, 0x00, 0, hash_key_first,
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ PRF_HMAC_SHA2_384, 0xaa, 131, 0x00, 0, hash_key_first,
		"4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952" },
	{ PRF_HMAC_SHA2_512, 0xaa, 131, 0x00, 0, hash_key_first,
		"80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
		"6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
	{ PRF_HMAC_SHA2_256, 0xaa, 131, 0x00, 0, larger_2, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
	{ PRF_HMAC_SHA2_384, 0xaa, 131, 0x00, 0, larger_2,
		"6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e" },
	{ PRF_HMAC_SHA2_512, 0xaa, 131, 0x00, 0, larger_2,
		"e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
		"b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58" },
};

START_TEST(rfc_vectors_at_the_edges)
{
	need_algs();
	for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
		uint8_t key[131], data[50], out[PRF_MAX];
		struct hex want = hex(edges[i].out);
		for (unsigned k = 0; k < edges[i].key_n; k++)
			key[k] = edges[i].octet ? edges[i].octet : (uint8_t)(k + 1);
		memset(data, edges[i].data_octet, sizeof data);
		const char *text = edges[i].text;
		struct bytes part = text ? bytes_of(text, strlen(text)) : bytes_of(data, edges[i].data_n);
		ck_assert_int_eq(prf_compute(edges[i].prf, bytes_of(key, edges[i].key_n), &part, 1, out), ERR_OK);
		ck_assert_msg(!memcmp(out, want.v, want.n), "row %zu", i);
	}
}
END_TEST

/* An empty key must mean the empty key, not the one of the call before. */
START_TEST(empty_key)
{
	static const struct {
		uint16_t prf;
		const char *out; /* HMAC of nothing under nothing */
	} empty[] = {
		{ PRF_HMAC_SHA1, "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d" },
		{ PRF_HMAC_SHA2_256, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
		{ PRF_HMAC_SHA2_384,
			"6c1f2ee938fad2e24bd91298474382ca218c75db3d83e114b3d4367776d14d3551289e75e8209cd4b792302840234adc" },
		{ PRF_HMAC_SHA2_512, "b936cee86c9f87aa5d3c6f2e84cb5a4239a5fe50480a6ec66b70ab5b1f4ac673"
				     "0c6c515421b327ec1d69402e53dfb49ad7381eb067b338fd7b0cb22247225d47" },
	};
	uint8_t out[PRF_MAX], other[PRF_MAX];
	struct bytes nothing = bytes_of(NULL, 0);
	need_algs();
	for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
		struct hex want = hex(empty[i].out);
		ck_assert_int_eq(prf_compute(empty[i].prf, bytes_of("left behind", 11), &nothing, 1, other), ERR_OK);
		ck_assert_int_eq(prf_compute(empty[i].prf, nothing, NULL, 0, out), ERR_OK);
		ck_assert_mem_eq(out, want.v, want.n);
		ck_assert_mem_ne(out, other, want.n);
	}
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

UNIT_MAIN("prf", rfc_vectors, rfc_vectors_at_the_edges, empty_key, prf_plus_is_its_definition, prf_plus_ends_at_255_blocks,
	unknown_prf_is_refused, hashes, threads_do_not_meet)
