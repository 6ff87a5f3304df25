/*
 * test_mac.c - HMAC as it is put together: against OpenSSL's own at the edges of the key, what it leaves behind, and when the
 * digest fails on the way.
 */
#include <dlfcn.h>

#include <openssl/crypto.h>

#include "crypto/lib.h"
#include "crypto_help.h"

#define BLOCK_MAX 128
#define TEXT_MAX 300

static size_t block_of(const struct lib_alg *row) { return row->alg.key_bytes > 32 ? BLOCK_MAX : 64; }

/* Each of the registry that is an HMAC. */
static const struct lib_alg *hmac_row(unsigned *i)
{
	const struct alg *a;
	while ((a = alg_row((*i)++)))
		if (a->type == TRANSFORM_PRF || a->type == TRANSFORM_INTEG)
			return lib_find(a->type, a->id, 0);
	return NULL;
}

static void fill(uint8_t *p, size_t n, uint64_t seed) { seeded_fill(&seed, p, n); }

/* ---------------------------------------------------------------- against OpenSSL's own */

static void agrees(const struct lib_alg *row, struct bytes key, struct bytes text)
{
	uint8_t want[PRF_MAX], out[PRF_MAX];
	size_t n = 0;
	ck_assert_ptr_nonnull(
		EVP_Q_mac(NULL, "HMAC", NULL, row->name, NULL, key.p, key.n, text.p, text.n, want, sizeof want, &n));
	ck_assert_uint_eq(n, row->alg.key_bytes);
	const size_t cuts[] = { 0, text.n / 3, text.n };
	for (unsigned i = 0; i < 3; i++) {
		size_t cut = cuts[i];
		struct bytes parts[] = { bytes_of(text.p, cut), bytes_of(NULL, 0), bytes_of(text.p + cut, text.n - cut) };
		ck_assert_int_eq(mac_compute(row, key, parts, 3, out), ERR_OK);
		ck_assert_msg(!memcmp(out, want, n), "%s %s: key of %zu octets, text of %zu, cut at %zu", row->alg.word,
			row->name, key.n, text.n, cut);
	}
}

START_TEST(as_openssl_does)
{
	uint8_t key[2 * BLOCK_MAX], text[TEXT_MAX];
	unsigned rows = 0, at = 0;
	need_algs();
	fill(key, sizeof key, 1);
	fill(text, sizeof text, 2);
	for (const struct lib_alg *row; (row = hmac_row(&at)); rows++) {
		size_t block = block_of(row);
		const size_t keys[] = { 0, 1, 63, 64, 65, block - 1, block, block + 1, 2 * block };
		const size_t texts[] = { 0, 1, block - 1, block, block + 1, TEXT_MAX };
		for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++)
			for (unsigned k = 0; k < sizeof texts / sizeof texts[0]; k++)
				agrees(row, bytes_of(key, keys[i]), bytes_of(text, texts[k]));
	}
	ck_assert_uint_ge(rows, 6);
}
END_TEST

/* ---------------------------------------------------------------- what stays in OpenSSL's memory */

struct held {
	struct held *next, **from;
	size_t n;
	uint64_t even; /* what follows is aligned as malloc's */
};
static struct held *all_held;

static void *hold(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	struct held *h = n ? calloc(1, sizeof *h + n) : NULL;
	if (!h)
		return NULL;
	*h = (struct held){ all_held, &all_held, n, 0 };
	if (h->next)
		h->next->from = &h->next;
	all_held = h;
	return h + 1;
}

static void let_go(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	struct held *h = p ? (struct held *)p - 1 : NULL;
	if (!h)
		return;
	*h->from = h->next;
	if (h->next)
		h->next->from = h->from;
	free(h);
}

static void *hold_more(void *p, size_t n, const char *file, int line)
{
	void *fresh = hold(n, file, line);
	if (p && fresh) {
		size_t had = ((struct held *)p - 1)->n;
		memcpy(fresh, p, had < n ? had : n);
	}
	if (fresh || n == 0)
		let_go(p, file, line);
	return fresh;
}

/* Only what has taken nothing yet lets its memory be looked after. */
__attribute__((constructor)) static void watch(void)
{
	if (!CRYPTO_set_mem_functions(hold, hold_more, let_go))
		abort();
}

static bool is_held(const uint8_t *p, size_t n)
{
	for (const struct held *h = all_held; h; h = h->next)
		if (memmem(h + 1, h->n, p, n))
			return true;
	return false;
}

/* As the digest's state has it: words of the processor. */
static bool is_held_as_words(const uint8_t *p, size_t word, size_t n)
{
	uint8_t turned[PRF_MAX];
	for (size_t i = 0; i < n; i++)
		turned[i] = p[i / word * word + word - 1 - i % word];
	return is_held(turned, n);
}

static void inner_of(const struct lib_alg *row, const uint8_t *pad, struct bytes text, uint8_t out[PRF_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_MD *md = EVP_MD_fetch(NULL, row->name, NULL);
	ck_assert(EVP_DigestInit_ex2(ctx, md, NULL) && EVP_DigestUpdate(ctx, pad, block_of(row)) &&
		  EVP_DigestUpdate(ctx, text.p, text.n) && EVP_DigestFinal_ex(ctx, out, NULL));
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
}

START_TEST(nothing_is_left)
{
	uint8_t key[32], text[TEXT_MAX], out[PRF_MAX], inner[PRF_MAX], pads[2][BLOCK_MAX];
	unsigned at = 0;
	need_algs();
	fill(key, sizeof key, 3);
	fill(text, sizeof text, 4);
	for (unsigned i = 0; i < BLOCK_MAX; i++) {
		pads[0][i] = (i < sizeof key ? key[i] : 0) ^ 0x36;
		pads[1][i] = (i < sizeof key ? key[i] : 0) ^ 0x5c;
	}
	for (const struct lib_alg *row; (row = hmac_row(&at));) {
		struct bytes part = bytes_of(text, sizeof text);
		size_t word = block_of(row) / 16;
		inner_of(row, pads[0], part, inner);
		ck_assert_int_eq(mac_compute(row, bytes_of(key, sizeof key), &part, 1, out), ERR_OK);
		for (unsigned i = 0; i < 2; i++)
			ck_assert_msg(!is_held(pads[i], 16), "%s: the key", row->name);
		ck_assert_msg(!is_held(inner, 16) && !is_held_as_words(inner, word, 16), "%s: the inner digest", row->name);
		ck_assert_msg(!is_held(out, 16) && !is_held_as_words(out, word, 16), "%s: the outer digest", row->name);
		ck_assert_msg(!is_held(text + sizeof text - 16, 16), "%s: the text", row->name);
	}
}
END_TEST

/* ---------------------------------------------------------------- the digest fails */

static unsigned calls, fails_at; /* 0: never */

static bool fails(void) { return ++calls == fails_at; }

/* These stand before the library's own. */
int EVP_DigestInit_ex2(EVP_MD_CTX *ctx, const EVP_MD *md, const OSSL_PARAM params[])
{
	int (*real)(EVP_MD_CTX *, const EVP_MD *, const OSSL_PARAM *) = (int (*)(
		EVP_MD_CTX *, const EVP_MD *, const OSSL_PARAM *))dlsym(RTLD_NEXT, "EVP_DigestInit_ex2");
	return !fails() && real(ctx, md, params);
}

int EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *p, size_t n)
{
	int (*real)(EVP_MD_CTX *, const void *, size_t) = (int (*)(EVP_MD_CTX *, const void *, size_t))dlsym(
		RTLD_NEXT, "EVP_DigestUpdate");
	return !fails() && real(ctx, p, n);
}

int EVP_DigestFinal_ex(EVP_MD_CTX *ctx, uint8_t *out, unsigned *n)
{
	int (*real)(EVP_MD_CTX *, uint8_t *, unsigned *) = (int (*)(EVP_MD_CTX *, uint8_t *, unsigned *))dlsym(
		RTLD_NEXT, "EVP_DigestFinal_ex");
	return !fails() && real(ctx, out, n);
}

struct attempt {
	int (*of)(uint8_t *out);
	size_t n;
	uint8_t want[100];
};

static int a_mac(uint8_t *out)
{
	static uint8_t key[65];
	struct bytes part = bytes_of("text", 4);
	return prf_compute(PRF_HMAC_SHA2_256, bytes_of(key, sizeof key), &part, 1, out);
}

static int an_expansion(uint8_t *out)
{
	struct bytes part = bytes_of("text", 4);
	return prf_plus(PRF_HMAC_SHA2_256, part, &part, 1, out, 90);
}

static int a_hash(uint8_t *out)
{
	struct bytes part = bytes_of("text", 4);
	return hash_sha256(&part, 1, out);
}

static int a_seal(uint8_t *out)
{
	static const uint8_t key[32];
	struct seal_keys k = { .encr = ENCR_AES_CBC,
		.keylen = 128,
		.integ = INTEG_HMAC_SHA2_256_128,
		.e = bytes_of(key, 16),
		.a = bytes_of(key, 32) };
	return seal_write(&k, 1, bytes_of("head", 4), bytes_of("a plain text", 12), out, 48);
}

/* Wherever it fails: nothing half made comes out, and the next time is as if nothing had been. */
static void try_all(struct attempt *a)
{
	static const uint8_t zeros[100];
	uint8_t out[100];
	int err = ERR_CRYPTO;
	fails_at = 0;
	ck_assert_int_eq(a->of(a->want), ERR_OK);
	for (unsigned i = 1; err; i++) {
		memset(out, 0x77, sizeof out);
		calls = 0;
		fails_at = i;
		err = a->of(out);
		ck_assert(i > 3 || err == ERR_CRYPTO);
		ck_assert_msg(!memcmp(out, err ? zeros : a->want, a->n), "call %u", i);
		ck_assert_uint_eq(out[a->n], 0x77);
		fails_at = 0;
		ck_assert_int_eq(a->of(out), ERR_OK);
		ck_assert_mem_eq(out, a->want, a->n);
	}
}

START_TEST(failure_leaves_nothing)
{
	struct attempt all[] = { { .of = a_mac, .n = 32 }, { .of = an_expansion, .n = 90 }, { .of = a_hash, .n = 32 },
		{ .of = a_seal, .n = 48 } };
	need_algs();
	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
		try_all(&all[i]);
}
END_TEST

UNIT_MAIN("mac", as_openssl_does, nothing_is_left, failure_leaves_nothing)
