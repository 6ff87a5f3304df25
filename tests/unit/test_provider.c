/*
 * test_provider.c - each function of OpenSSL's providers that is called below EVP is missing once, and refuses once: without it the algorithm is not
 * there, and what it refuses fails, as a computation, without an answer.
 */
#include <dlfcn.h>
#include <string.h>

#include <openssl/core_names.h>

#include "base/util.h"
#include "crypto/lib.h"
#include "crypto_help.h"

static void *no_state(void *provider)
{
	(void)provider;
	return NULL;
}

static int no_digest_init(void *s, const OSSL_PARAM p[]) { return (void)s, (void)p, 0; }
static int no_digest_update(void *s, const unsigned char *p, size_t n) { return (void)s, (void)p, (void)n, 0; }
static int no_digest_final(void *s, unsigned char *p, size_t *n, size_t size) { return (void)s, (void)p, (void)n, (void)size, 0; }

static int no_cipher_init(void *s, const unsigned char *key, size_t n, const unsigned char *iv, size_t iv_n, const OSSL_PARAM p[])
{
	return (void)s, (void)key, (void)n, (void)iv, (void)iv_n, (void)p, 0;
}

static int no_update(void *s, unsigned char *to, size_t *n, size_t size, const unsigned char *from, size_t from_n)
{
	return (void)s, (void)to, (void)n, (void)size, (void)from, (void)from_n, 0;
}

static int no_final(void *s, unsigned char *to, size_t *n, size_t size) { return (void)s, (void)to, (void)n, (void)size, 0; }
static int no_get(void *s, OSSL_PARAM p[]) { return (void)s, (void)p, 0; }
static int no_set(void *s, const OSSL_PARAM p[]) { return (void)s, (void)p, 0; }
static int no_import(void *key, int what, const OSSL_PARAM p[]) { return (void)key, (void)what, (void)p, 0; }
static int no_exchange_init(void *s, void *key, const OSSL_PARAM p[]) { return (void)s, (void)key, (void)p, 0; }
static int no_peer(void *s, void *key) { return (void)s, (void)key, 0; }
static int no_derive(void *s, unsigned char *p, size_t *n, size_t size) { return (void)s, (void)p, (void)n, (void)size, 0; }

#define STUB(f) (void (*)(void))(f)
enum { CBC_IN = 1, CBC_OUT = 2, GCM_IN = 4, GCM_OUT = 8, IN = CBC_IN | GCM_IN, OUT = CBC_OUT | GCM_OUT }; /* IN: decryption */

static const struct broken {
	int operation, id;
	const char *name; /* how the algorithm's names begin */
	void (*stub)(void);
	unsigned fails; /* OSSL_OP_CIPHER: what of it */
} broken[] = {
	{ OSSL_OP_DIGEST, OSSL_FUNC_DIGEST_NEWCTX, "SHA2-256:", STUB(no_state), 0 },
	{ OSSL_OP_DIGEST, OSSL_FUNC_DIGEST_FREECTX, "SHA2-256:", NULL, 0 },
	{ OSSL_OP_DIGEST, OSSL_FUNC_DIGEST_INIT, "SHA2-256:", STUB(no_digest_init), 0 },
	{ OSSL_OP_DIGEST, OSSL_FUNC_DIGEST_UPDATE, "SHA2-256:", STUB(no_digest_update), 0 },
	{ OSSL_OP_DIGEST, OSSL_FUNC_DIGEST_FINAL, "SHA2-256:", STUB(no_digest_final), 0 },
	{ OSSL_OP_CIPHER, OSSL_FUNC_CIPHER_NEWCTX, "AES-256-", STUB(no_state), IN | OUT },
	{ OSSL_OP_CIPHER, OSSL_FUNC_CIPHER_FREECTX, "AES-256-", NULL, 0 },
	{ OSSL_OP_CIPHER, OSSL_FUNC_CIPHER_ENCRYPT_INIT, "AES-256-", STUB(no_cipher_init), OUT },
	{ OSSL_OP_CIPHER, OSSL_FUNC_CIPHER_DECRYPT_INIT, "AES-256-", STUB(no_cipher_init), IN },
	{ OSSL_OP_CIPHER, OSSL_FUNC_CIPHER_UPDATE, "AES-256-", STUB(no_update), IN | OUT },
	{ OSSL_OP_CIPHER, OSSL_FUNC_CIPHER_FINAL, "AES-256-", STUB(no_final), IN | OUT },
	{ OSSL_OP_CIPHER, OSSL_FUNC_CIPHER_GET_CTX_PARAMS, "AES-256-", STUB(no_get), GCM_OUT },
	{ OSSL_OP_CIPHER, OSSL_FUNC_CIPHER_SET_CTX_PARAMS, "AES-256-", STUB(no_set), GCM_IN },
	{ OSSL_OP_KEYMGMT, OSSL_FUNC_KEYMGMT_NEW, "X448", STUB(no_state), 0 },
	{ OSSL_OP_KEYMGMT, OSSL_FUNC_KEYMGMT_FREE, "X448", NULL, 0 },
	{ OSSL_OP_KEYMGMT, OSSL_FUNC_KEYMGMT_IMPORT, "X448", STUB(no_import), 0 },
	{ OSSL_OP_KEYMGMT, OSSL_FUNC_KEYMGMT_GET_PARAMS, "X448", STUB(no_get), 0 },
	{ OSSL_OP_KEYEXCH, OSSL_FUNC_KEYEXCH_NEWCTX, "X25519", STUB(no_state), 0 },
	{ OSSL_OP_KEYEXCH, OSSL_FUNC_KEYEXCH_FREECTX, "X25519", NULL, 0 },
	{ OSSL_OP_KEYEXCH, OSSL_FUNC_KEYEXCH_INIT, "X25519", STUB(no_exchange_init), 0 },
	{ OSSL_OP_KEYEXCH, OSSL_FUNC_KEYEXCH_SET_PEER, "X25519", STUB(no_peer), 0 },
	{ OSSL_OP_KEYEXCH, OSSL_FUNC_KEYEXCH_DERIVE, "X25519", STUB(no_derive), 0 },
};

static const struct broken *now; /* NULL: all is whole */
static bool missing;

#define ALGORITHMS 256
#define FUNCTIONS 48
static OSSL_DISPATCH *without(const OSSL_DISPATCH *from, OSSL_DISPATCH *to)
{
	OSSL_DISPATCH *first = to;
	for (; from->function_id != 0; from++) {
		if (from->function_id == now->id && missing)
			continue;
		*to = *from;
		if (from->function_id == now->id)
			to->function = now->stub;
		to++;
		ck_assert_int_lt(to - first, FUNCTIONS);
	}
	*to = (OSSL_DISPATCH){ 0 };
	return first;
}

/* Stands before the library's own; what it returns is good until it is called again. */
const OSSL_ALGORITHM *OSSL_PROVIDER_query_operation(const OSSL_PROVIDER *prov, int operation, int *no_cache)
{
	static OSSL_ALGORITHM all[ALGORITHMS];
	static OSSL_DISPATCH functions[ALGORITHMS][FUNCTIONS];
	typedef const OSSL_ALGORITHM *query_fn(const OSSL_PROVIDER *, int, int *);
	query_fn *real = (query_fn *)dlsym(RTLD_NEXT, "OSSL_PROVIDER_query_operation");
	const OSSL_ALGORITHM *a = real(prov, operation, no_cache);
	if (now == NULL || operation != now->operation)
		return a;
	unsigned n = 0;
	for (; a->algorithm_names != NULL; a++, n++) {
		ck_assert_uint_lt(n, ALGORITHMS - 1);
		all[n] = *a;
		if (strncmp(a->algorithm_names, now->name, strlen(now->name)) == 0)
			all[n].implementation = without(a->implementation, functions[n]);
	}
	all[n] = (OSSL_ALGORITHM){ 0 };
	return all;
}

/* What was loaded is never given back. */
static const void *keep(const void *p)
{
	static const void *loaded[2 * 2 * ARRAY_SIZE(broken)];
	static unsigned n;
	ck_assert_uint_lt(n, ARRAY_SIZE(loaded));
	return loaded[n++] = p;
}

static void try_digest(void)
{
	static const uint8_t zeros[32];
	uint8_t out[PRF_MAX];
	struct bytes text = bytes_of("a text", 6);
	struct lib_alg row = { .alg.key_bytes = 32, .name = "SHA256", .digest = keep(digest_load("SHA256", 32)) };
	ck_assert(missing == (row.digest == NULL));
	if (missing)
		return;
	memset(out, 0x77, sizeof out);
	ck_assert_int_eq(mac_compute(&row, text, &text, 1, out), ERR_CRYPTO);
	ck_assert_mem_eq(out, zeros, 32);
}

static void try_cipher(void)
{
	static const uint8_t key[32], nonce[16];
	uint8_t text[32] = { 1 }, tag[16] = { 0 };
	struct bytes k = bytes_of(key, 32), n12 = bytes_of(nonce, 12), n16 = bytes_of(nonce, 16), head = bytes_of("head", 4);
	const struct lib_cipher *cbc = keep(cipher_load("AES-256-CBC")), *gcm = keep(cipher_load("AES-256-GCM"));
	ck_assert(missing == (cbc == NULL) && missing == (gcm == NULL));
	if (missing)
		return;
	ck_assert(cipher_cbc(cbc, true, k, n16, text, sizeof text) == !(now->fails & CBC_OUT));
	ck_assert(cipher_cbc(cbc, false, k, n16, text, sizeof text) == !(now->fails & CBC_IN));
	ck_assert(cipher_seal(gcm, k, n12, head, text, sizeof text, tag, sizeof tag) == !(now->fails & GCM_OUT));
	if (now->fails & GCM_IN)
		ck_assert_int_ne(cipher_open(gcm, k, n12, head, text, sizeof text, tag, sizeof tag), ERR_OK);
	else if (!(now->fails & GCM_OUT))
		ck_assert_int_eq(cipher_open(gcm, k, n12, head, text, sizeof text, tag, sizeof tag), ERR_OK);
}

static void try_exchange(void)
{
	uint16_t group = strcmp(now->name, "X448") == 0 ? GROUP_CURVE448 : GROUP_CURVE25519;
	const struct lib_alg *real = lib_find(TRANSFORM_KE, group, 0);
	struct ke_private priv, theirs;
	struct ke_public pub, peer;
	struct ke_shared shared;
	const struct broken *one = now;
	now = NULL;
	ck_assert_int_eq(ke_generate(group, rng_fill, NULL, &theirs, &peer), ERR_OK);
	now = one;
	struct lib_alg row = { .alg = real->alg, .name = real->name, .method = real->method };
	row.group = keep(row.method->load(&row));
	bool no_base = now->stub == STUB(no_import) || (now->stub == STUB(no_state) && now->operation == OSSL_OP_KEYMGMT);
	ck_assert((missing || no_base) == (row.group == NULL));
	if (row.group == NULL)
		return;
	struct bytes to = bytes_of(peer.data, peer.len);
	ck_assert_int_ne(row.method->generate(&row, rng_fill, NULL, &priv, &pub), ERR_OK);
	ck_assert_int_ne(row.method->accept(&row, rng_fill, NULL, to, &pub, &shared), ERR_OK);
	if (now->operation == OSSL_OP_KEYEXCH)
		ck_assert_int_ne(row.method->derive(&row, &theirs, to, &shared), ERR_OK);
}

START_TEST(each_is_missed_and_may_refuse)
{
	need_algs();
	ck_assert(lib_find(TRANSFORM_KE, GROUP_CURVE448, 0) && lib_find(TRANSFORM_KE, GROUP_CURVE25519, 0));
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(broken); i++) {
		now = &broken[i / 2];
		missing = i % 2 == 0;
		if (!missing && now->stub == NULL) /* it cannot refuse */
			continue;
		if (now->operation == OSSL_OP_DIGEST)
			try_digest();
		else if (now->operation == OSSL_OP_CIPHER)
			try_cipher();
		else
			try_exchange();
	}
	now = NULL;
}
END_TEST

UNIT_MAIN("provider", each_is_missed_and_may_refuse)
