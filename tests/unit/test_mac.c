/*
 * test_mac.c - HMAC as it is put together: against OpenSSL's own at the edges of the key, and when the digest fails on the way.
 */
#include <dlfcn.h>

#include <openssl/crypto.h>

#include "base/util.h"
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

/* ---------------------------------------------------------------- the digest fails */

static unsigned calls, fails_at; /* 0: never */

static bool fails(void) { return ++calls == fails_at; }

static OSSL_FUNC_digest_init_fn *real_init;
static OSSL_FUNC_digest_update_fn *real_update;
static OSSL_FUNC_digest_final_fn *real_final;

static int may_init(void *state, const OSSL_PARAM params[]) { return !fails() && real_init(state, params); }
static int may_update(void *state, const uint8_t *p, size_t n) { return !fails() && real_update(state, p, n); }
static int may_final(void *state, uint8_t *out, size_t *n, size_t size) { return !fails() && real_final(state, out, n, size); }

static const OSSL_DISPATCH *of_sha256(const OSSL_DISPATCH *d)
{
	static OSSL_DISPATCH ours[32];
	unsigned n = 0;
	for (; d->function_id != 0; d++) {
		OSSL_DISPATCH *o = &ours[n++];
		ck_assert_uint_lt(n, ARRAY_SIZE(ours));
		*o = *d;
		if (d->function_id == OSSL_FUNC_DIGEST_INIT) {
			real_init = OSSL_FUNC_digest_init(d);
			o->function = (void (*)(void))may_init;
		} else if (d->function_id == OSSL_FUNC_DIGEST_UPDATE) {
			real_update = OSSL_FUNC_digest_update(d);
			o->function = (void (*)(void))may_update;
		} else if (d->function_id == OSSL_FUNC_DIGEST_FINAL) {
			real_final = OSSL_FUNC_digest_final(d);
			o->function = (void (*)(void))may_final;
		}
	}
	return ours;
}

/* Stands before the library's own: SHA-256 may fail. */
const OSSL_ALGORITHM *OSSL_PROVIDER_query_operation(const OSSL_PROVIDER *prov, int operation, int *no_cache)
{
	static OSSL_ALGORITHM ours[64];
	typedef const OSSL_ALGORITHM *query_fn(const OSSL_PROVIDER *, int, int *);
	query_fn *real = (query_fn *)dlsym(RTLD_NEXT, "OSSL_PROVIDER_query_operation");
	const OSSL_ALGORITHM *all = real(prov, operation, no_cache);
	if (operation != OSSL_OP_DIGEST)
		return all;
	unsigned n = 0;
	for (; all->algorithm_names != NULL; all++) {
		ck_assert_uint_lt(n + 1, ARRAY_SIZE(ours));
		ours[n] = *all;
		if (strncmp(all->algorithm_names, "SHA2-256:", 9) == 0)
			ours[n].implementation = of_sha256(all->implementation);
		n++;
	}
	return ours;
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

UNIT_MAIN("mac", as_openssl_does, failure_leaves_nothing)
