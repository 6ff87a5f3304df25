/*
 * test_seal.c - SK{} bodies: worked values (RFC 7634, RFC 3602, SP 800-38A, the GCM specification), a recomputation with
 * OpenSSL's plain ciphers, and everything a forger can do to one.
 */
#include <openssl/evp.h>

#include "crypto_help.h"

static struct bytes view(const struct hex *h) { return bytes_of(h->v, h->n); }

static void keys(struct seal_keys *k, uint16_t encr, uint16_t keylen, uint16_t integ, const char *e, const char *a)
{
	static struct hex he, ha;
	he = hex(e);
	ha = hex(a);
	*k = (struct seal_keys){ encr, keylen, integ, view(&he), view(&ha) };
}

/* RFC 7634 appendix B: a whole IKE message. */
START_TEST(rfc7634_message)
{
	struct hex message = hex("c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029"
				 "1011121314151617610394701f8d017f7c12924889"
				 "6b71bfe25236efd7cdc67066906315b2");
	struct hex text = hex("0000000c000040010000000a");
	struct seal_keys k;
	uint8_t body[64];
	struct bytes head = bytes_of(message.v, 32), plain;
	need_algs();
	keys(&k, ENCR_CHACHA20_POLY1305, 0, INTEG_NONE,
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3", "");
	size_t n = message.n - 32;
	ck_assert_uint_eq(seal_size(&k, text.n), n);
	ck_assert_int_eq(seal_write(&k, 0x1011121314151617u, head, view(&text), body, n), ERR_OK);
	ck_assert_mem_eq(body, message.v + 32, n);
	ck_assert_int_eq(seal_open(&k, head, message.v + 32, n, &plain), ERR_OK);
	ck_assert_uint_eq(plain.n, text.n);
	ck_assert_mem_eq(plain.p, text.v, text.n);
}
END_TEST

/* The GCM specification's cases 4 and 16. Their last octet, 0x39, reads as a pad length of 57: two octets of text remain. */
START_TEST(gcm_vectors)
{
	static const struct {
		uint16_t keylen;
		const char *key, *cipher, *tag;
	} cases[] = {
		{ 128, "feffe9928665731c6d6a8f9467308308cafebabe",
			"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
			"5bc94fbc3221a5db94fae95ae7121a47" },
		{ 256, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308cafebabe",
			"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
			"76fc6ece0f4e1768cddf8853bb2d551b" },
	};
	static const char text[] =
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
		"b16aedf5aa0de657ba637b39";
	struct hex ad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"), iv = hex("facedbaddecaf888"), want = hex(text);
	need_algs();
	for (int i = 0; i < 2; i++) {
		struct hex cipher = hex(cases[i].cipher), tag = hex(cases[i].tag);
		struct seal_keys k;
		struct bytes plain;
		uint8_t body[8 + 60 + 16];
		memcpy(body, iv.v, 8);
		memcpy(body + 8, cipher.v, 60);
		memcpy(body + 68, tag.v, 16);
		keys(&k, ENCR_AES_GCM_16, cases[i].keylen, INTEG_NONE, cases[i].key, "");
		ck_assert_int_eq(seal_open(&k, view(&ad), body, sizeof body, &plain), ERR_OK);
		ck_assert_mem_eq(body + 8, want.v, 60);
		ck_assert_uint_eq(plain.n, 2);
	}
}
END_TEST

/* Ciphertexts that end in an octet which reads as a good pad length; the ICV around them comes from prf(). */
START_TEST(cbc_vectors)
{
	static const struct {
		uint16_t keylen;
		const char *key, *iv, *cipher, *plain;
	} cases[] = {
		/* RFC 3602 cases 2, 5 (the octet is a next header there) and 6 */
		{ 128, "c286696d887c9aa0611bbb3e2025a45a", "562e17996d093d28ddb3ba695a2e6f58",
			"d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1", "" },
		{ 128, "90d382b410eeba7ad938c46cec1a82bf", "e96e8c08ab465763fd098d45dd3ff893",
			"f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874a"
			"a269add047ad2d5913ac19b7cfbad4a6",
			"08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637"
			"0102030405060708090a0b0c0d0e" },
		{ 128, "90d382b410eeba7ad938c46cec1a82bf", "69d08df7d203329db093fc4924e5bd80",
			"f51995881ec4e0c4488987ce742e8109689bb379d2d750c0d915dca346a89f75",
			"0800b5e8a80a0500a69c083d0b660e007777777777777777777777770102" },
		/* SP 800-38A F.2.5: 0x10 at the end leaves 47 octets */
		{ 256, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "000102030405060708090a0b0c0d0e0f",
			"f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
			"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52" },
	};
	static const char a[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	need_algs();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct hex iv = hex(cases[i].iv), cipher = hex(cases[i].cipher), want = hex(cases[i].plain), head = hex("010203"),
			   mac = hex(a);
		struct seal_keys k;
		struct bytes plain;
		uint8_t body[256], icv[PRF_MAX];
		keys(&k, ENCR_AES_CBC, cases[i].keylen, INTEG_HMAC_SHA2_256_128, cases[i].key, a);
		memcpy(body, iv.v, 16);
		memcpy(body + 16, cipher.v, cipher.n);
		struct bytes parts[] = { view(&head), bytes_of(body, 16 + cipher.n) };
		ck_assert_int_eq(prf_compute(PRF_HMAC_SHA2_256, view(&mac), parts, 2, icv), ERR_OK);
		memcpy(body + 16 + cipher.n, icv, 16);
		ck_assert_int_eq(seal_open(&k, view(&head), body, 32 + cipher.n, &plain), ERR_OK);
		ck_assert_uint_eq(plain.n, want.n);
		ck_assert_mem_eq(body + 16, want.v, want.n);
	}
}
END_TEST

/* --- every suite --- */

struct suite_row {
	uint16_t encr, keylen, integ;
};
#define SUITES_MAX 64

/* Whatever the registry can seal with: each cipher, the CBC ones with each integrity. */
static unsigned all_suites(struct suite_row out[SUITES_MAX])
{
	const struct alg *e, *a;
	unsigned n = 0;
	for (unsigned i = 0; (e = alg_row(i)); i++) {
		if (e->type != TRANSFORM_ENCR)
			continue;
		if (e->aead)
			out[n++] = (struct suite_row){ e->id, e->keylen, INTEG_NONE };
		for (unsigned j = 0; !e->aead && (a = alg_row(j)); j++)
			if (a->type == TRANSFORM_INTEG)
				out[n++] = (struct suite_row){ e->id, e->keylen, a->id };
		ck_assert(n < SUITES_MAX - 8);
	}
	ck_assert_uint_eq(n, 4 * 5 + 10);
	return n;
}

static void random_keys(struct seal_keys *k, const struct suite_row *s, uint64_t seed)
{
	static uint8_t e[SECRET_MAX], a[SECRET_MAX];
	*k = (struct seal_keys){ s->encr, s->keylen, s->integ, bytes_of(e, seal_key_bytes(s->encr, s->keylen)),
		bytes_of(a, integ_key_bytes(s->integ)) };
	seeded_fill(&seed, e, k->e.n);
	seeded_fill(&seed, a, k->a.n);
}

#define HEAD_LEN 32
#define PLAIN_MAX 300

struct message {
	uint8_t head[HEAD_LEN];
	uint8_t body[PLAIN_MAX + 128];
	uint8_t plain[PLAIN_MAX];
	size_t n, size;
};

static void sealed(struct message *m, const struct seal_keys *k, size_t n, uint64_t counter)
{
	uint64_t seed = n + 1;
	seeded_fill(&seed, m->head, sizeof m->head);
	seeded_fill(&seed, m->plain, sizeof m->plain);
	m->n = n;
	m->size = seal_size(k, n);
	ck_assert(m->size > n && m->size <= sizeof m->body);
	ck_assert_int_eq(seal_write(k, counter, bytes_of(m->head, HEAD_LEN), bytes_of(m->plain, n), m->body, m->size), ERR_OK);
}

static int opened(struct message *m, const struct seal_keys *k, struct bytes *plain)
{
	return seal_open(k, bytes_of(m->head, HEAD_LEN), m->body, m->size, plain);
}

START_TEST(opens_what_it_sealed)
{
	static const size_t sizes[] = { 0, 1, 6, 7, 8, 14, 15, 16, 17, 31, 32, 33, 100, 255, 256, 300 };
	struct suite_row suites[SUITES_MAX];
	need_algs();
	for (unsigned i = 0, n = all_suites(suites); i < n; i++)
		for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
			struct seal_keys k;
			struct message m;
			struct bytes plain;
			random_keys(&k, &suites[i], i);
			sealed(&m, &k, sizes[j], j);
			ck_assert_int_eq(opened(&m, &k, &plain), ERR_OK);
			ck_assert_uint_eq(plain.n, sizes[j]);
			ck_assert_mem_eq(plain.p, m.plain, plain.n);
		}
}
END_TEST

START_TEST(plaintext_may_lie_in_the_body)
{
	const struct suite_row aes = { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128 };
	struct seal_keys k;
	struct message m, in_place;
	need_algs();
	random_keys(&k, &aes, 5);
	sealed(&m, &k, 100, 7);
	memcpy(in_place.body, m.plain, 100);
	ck_assert_int_eq(
		seal_write(&k, 7, bytes_of(m.head, HEAD_LEN), bytes_of(in_place.body, 100), in_place.body, m.size), ERR_OK);
	ck_assert_mem_eq(in_place.body, m.body, m.size);
}
END_TEST

/* The body, put together from OpenSSL's one-block cipher and its CBC mode as RFC 7296 3.14 says. */
static void check_cbc(const struct suite_row *s, const char *cbc_name, const char *block_name, size_t block)
{
	struct seal_keys k;
	struct message m;
	uint8_t counter[16] = { 0 }, iv[32], text[64] = { 0 }, cipher[80], icv[PRF_MAX];
	int n = 0;
	random_keys(&k, s, 11);
	sealed(&m, &k, 41, 0x0102030405060708u);
	for (unsigned i = 0; i < 8; i++)
		counter[block - 8 + i] = (uint8_t)(i + 1);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	EVP_CIPHER *one = EVP_CIPHER_fetch(NULL, block_name, NULL), *cbc = EVP_CIPHER_fetch(NULL, cbc_name, NULL);
	ck_assert(EVP_EncryptInit_ex2(ctx, one, k.e.p, NULL, NULL) == 1 &&
		  EVP_EncryptUpdate(ctx, iv, &n, counter, (int)block) == 1);
	ck_assert_mem_eq(m.body, iv, block);
	memcpy(text, m.plain, 41);
	text[47] = 48 - 41 - 1;
	ck_assert(EVP_EncryptInit_ex2(ctx, cbc, k.e.p, iv, NULL) == 1 && EVP_EncryptUpdate(ctx, cipher, &n, text, 48) == 1);
	ck_assert_int_eq(n, 48);
	ck_assert_mem_eq(m.body + block, cipher, 48);
	struct bytes parts[] = { bytes_of(m.head, HEAD_LEN), bytes_of(m.body, block + 48) };
	ck_assert_int_eq(prf_compute(PRF_HMAC_SHA2_384, k.a, parts, 2, icv), ERR_OK);
	ck_assert_mem_eq(m.body + block + 48, icv, 24);
	ck_assert_uint_eq(m.size, block + 48 + 24);
	EVP_CIPHER_free(one);
	EVP_CIPHER_free(cbc);
	EVP_CIPHER_CTX_free(ctx);
}

START_TEST(cbc_is_its_definition)
{
	const struct suite_row aes256 = { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_384_192 },
			       aes128 = { ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_384_192 },
			       des3 = { ENCR_3DES, 0, INTEG_HMAC_SHA2_384_192 };
	need_algs();
	check_cbc(&aes256, "AES-256-CBC", "AES-256-ECB", 16);
	check_cbc(&aes128, "AES-128-CBC", "AES-128-ECB", 16);
	check_cbc(&des3, "DES-EDE3-CBC", "DES-EDE3-ECB", 8);
}
END_TEST

/* An IV of the next message cannot be told from those before, and never repeats. */
START_TEST(cbc_ivs_look_random)
{
	const struct suite_row aes = { ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128 };
	struct seal_keys k;
	struct message a, b;
	unsigned bits = 0;
	need_algs();
	random_keys(&k, &aes, 3);
	sealed(&a, &k, 10, 1);
	sealed(&b, &k, 10, 2);
	for (int i = 0; i < 16; i++)
		bits += (unsigned)__builtin_popcount(a.body[i] ^ b.body[i]);
	ck_assert_uint_ge(bits, 32); /* of 128, about 64 */
}
END_TEST

START_TEST(aead_iv_is_the_counter)
{
	const struct suite_row gcm = { ENCR_AES_GCM_16, 256, INTEG_NONE };
	struct seal_keys k;
	struct message m;
	struct hex want = hex("ffeeddccbbaa9988");
	need_algs();
	random_keys(&k, &gcm, 3);
	sealed(&m, &k, 10, 0xffeeddccbbaa9988u);
	ck_assert_mem_eq(m.body, want.v, 8);
	ck_assert_uint_eq(m.size, 8 + 10 + 1 + 16);
}
END_TEST

/* --- forgeries --- */

START_TEST(each_bit_counts)
{
	struct suite_row suites[SUITES_MAX];
	need_algs();
	for (unsigned i = 0, n = all_suites(suites); i < n; i++) {
		struct seal_keys k;
		struct message good, m;
		struct bytes plain;
		random_keys(&k, &suites[i], i);
		sealed(&good, &k, 20, 9);
		for (size_t bit = 0; bit < (HEAD_LEN + good.size) * 8; bit++) {
			m = good;
			uint8_t *octet = bit / 8 < HEAD_LEN ? &m.head[bit / 8] : &m.body[bit / 8 - HEAD_LEN];
			*octet ^= (uint8_t)(1u << bit % 8);
			ck_assert_int_eq(opened(&m, &k, &plain), ERR_INTEGRITY);
			ck_assert_uint_eq(plain.n, 0);
		}
	}
}
END_TEST

START_TEST(each_shorter_message_is_refused)
{
	struct suite_row suites[SUITES_MAX];
	need_algs();
	for (unsigned i = 0, n = all_suites(suites); i < n; i++) {
		struct seal_keys k;
		struct message good, m;
		struct bytes plain;
		random_keys(&k, &suites[i], i);
		sealed(&good, &k, 40, 9);
		size_t least = seal_size(&k, 0);
		for (size_t size = 0; size < good.size; size++) {
			m = good;
			m.size = size;
			ck_assert_int_eq(opened(&m, &k, &plain), size < least ? ERR_SHORT : ERR_INTEGRITY);
		}
	}
}
END_TEST

/* A forged CBC message must not have been decrypted: its octets lie there as they came. */
START_TEST(integrity_comes_first)
{
	const struct suite_row aes = { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128 };
	struct seal_keys k;
	struct message good, m;
	struct bytes plain;
	need_algs();
	random_keys(&k, &aes, 1);
	sealed(&good, &k, 40, 9);
	good.body[good.size - 1] ^= 1;
	m = good;
	ck_assert_int_eq(opened(&m, &k, &plain), ERR_INTEGRITY);
	ck_assert_mem_eq(m.body, good.body, good.size);
}
END_TEST

/* A peer with the right keys and any padding. Text of 256 octets, last octet the pad length; text that is no multiple of the
 * block. */
static int with_padding(uint8_t padding, size_t text_size, struct bytes *plain)
{
	static uint8_t body[16 + 256 + 16];
	uint8_t text[256] = { 0 }, icv[PRF_MAX], iv[16] = { 0 };
	const struct suite_row aes = { ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128 };
	struct seal_keys k;
	int n = 0;
	random_keys(&k, &aes, 1);
	text[text_size / 16 * 16 - 1] = padding;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	ck_assert(EVP_EncryptInit_ex2(ctx, EVP_aes_128_cbc(), k.e.p, iv, NULL) == 1);
	memset(body, 0, sizeof body);
	ck_assert(EVP_EncryptUpdate(ctx, body + 16, &n, text, (int)(text_size / 16 * 16)) == 1);
	EVP_CIPHER_CTX_free(ctx);
	struct bytes part = bytes_of(body, 16 + text_size);
	ck_assert_int_eq(prf_compute(PRF_HMAC_SHA2_256, k.a, &part, 1, icv), ERR_OK);
	memcpy(body + 16 + text_size, icv, 16);
	return seal_open(&k, bytes_of(NULL, 0), body, 32 + text_size, plain);
}

START_TEST(any_padding_that_fits)
{
	struct bytes plain;
	need_algs();
	for (unsigned padding = 0; padding < 256; padding++) {
		ck_assert_int_eq(with_padding((uint8_t)padding, 256, &plain), ERR_OK);
		ck_assert_uint_eq(plain.n, 255 - padding);
		ck_assert_int_eq(with_padding((uint8_t)padding, 32, &plain), padding < 32 ? ERR_OK : ERR_PADDING);
		ck_assert_uint_eq(plain.n, padding < 32 ? 31 - padding : 0);
	}
	ck_assert_int_eq(with_padding(0, 40, &plain), ERR_PADDING); /* authentic, but no whole number of blocks */
}
END_TEST

START_TEST(wrong_keys_and_sizes)
{
	const struct suite_row aes = { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128 }, gcm = { ENCR_AES_GCM_16, 256, INTEG_NONE };
	struct seal_keys k, other;
	struct message m;
	struct bytes plain, head;
	need_algs();
	random_keys(&k, &aes, 1);
	sealed(&m, &k, 40, 9);
	head = bytes_of(m.head, HEAD_LEN);
	ck_assert_int_eq(seal_write(&k, 1, head, bytes_of(m.plain, 40), m.body, m.size - 1), ERR_NO_ROOM);
	ck_assert_int_eq(seal_write(&k, 1, head, bytes_of(m.plain, 40), m.body, m.size + 1), ERR_NO_ROOM);
	ck_assert_uint_eq(seal_size(&k, IKE_MESSAGE_MAX + 1), 0);
	other = k;
	other.e.n = 16; /* a key that is too short for its cipher */
	ck_assert_int_eq(seal_write(&other, 1, head, bytes_of(m.plain, 40), m.body, m.size), ERR_UNSUPPORTED);
	ck_assert_int_eq(opened(&m, &other, &plain), ERR_UNSUPPORTED);
	other = k;
	other.a.n = 0;
	ck_assert_int_eq(opened(&m, &other, &plain), ERR_UNSUPPORTED);
	other = k;
	other.integ = INTEG_NONE; /* CBC without integrity does not exist */
	ck_assert_int_eq(opened(&m, &other, &plain), ERR_UNSUPPORTED);
	ck_assert_uint_eq(seal_size(&other, 10), 0);
	random_keys(&other, &gcm, 1);
	other.integ = INTEG_HMAC_SHA2_256_128; /* nor AEAD with it */
	ck_assert_uint_eq(seal_size(&other, 10), 0);
	other.keylen = 99;
	ck_assert_int_eq(opened(&m, &other, &plain), ERR_UNSUPPORTED);
	ck_assert_uint_eq(seal_key_bytes(ENCR_AES_GCM_16, 256), 36);
	ck_assert_uint_eq(seal_key_bytes(ENCR_AES_CBC, 192), 24);
	ck_assert_uint_eq(seal_key_bytes(ENCR_3DES, 0), 24);
	ck_assert_uint_eq(seal_key_bytes(ENCR_3DES, 192), 0);
	ck_assert_uint_eq(integ_key_bytes(INTEG_NONE), 0);
}
END_TEST

UNIT_MAIN("seal", rfc7634_message, gcm_vectors, cbc_vectors, opens_what_it_sealed, plaintext_may_lie_in_the_body,
	cbc_is_its_definition, cbc_ivs_look_random, aead_iv_is_the_counter, each_bit_counts, each_shorter_message_is_refused,
	integrity_comes_first, any_padding_that_fits, wrong_keys_and_sizes)
