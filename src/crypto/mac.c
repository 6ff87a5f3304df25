/*
 * mac.c - HMAC (RFC 2104), prf+, plain hashes, below the registry: a row says which digest. HMAC is put together from the digest
 * here: OpenSSL's own takes longer for the short messages of IKE, and what its context has of the key is only gone when it was
 * given another one, at the same cost again. In exchange a FIPS module vouches for the digests alone, not for this HMAC.
 *
 * The provider's functions do it (provider.c), provider-digest(7). A state is made for each computation: OpenSSL wipes it when it
 * takes it back. Who is told that it failed has nothing half made in his hands.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/util.h"
#include "lib.h"

#define BLOCK_MAX 128 /* of SHA-384 and SHA-512 */
#define INNER 0x36
#define OUTER 0x5c

struct lib_digest {
	EVP_MD *from; /* keeps the provider */
	void *provider;
	OSSL_FUNC_digest_newctx_fn *make;
	OSSL_FUNC_digest_freectx_fn *drop;
	OSSL_FUNC_digest_init_fn *begin;
	OSSL_FUNC_digest_update_fn *add;
	OSSL_FUNC_digest_final_fn *end;
	size_t block, size;
};

struct running {
	const struct lib_digest *d;
	void *state; /* NULL: there is none */
};

/* ---------------------------------------------------------------- digests */

static bool find_functions(struct lib_digest *d)
{
	static const int ids[] = { OSSL_FUNC_DIGEST_NEWCTX, OSSL_FUNC_DIGEST_FREECTX, OSSL_FUNC_DIGEST_INIT,
		OSSL_FUNC_DIGEST_UPDATE, OSSL_FUNC_DIGEST_FINAL };
	provider_fn *f[ARRAY_SIZE(ids)];
	const OSSL_PROVIDER *from = EVP_MD_get0_provider(d->from);
	if (!provider_functions(from, OSSL_OP_DIGEST, EVP_MD_get0_name(d->from), ids, f, ARRAY_SIZE(ids)))
		return false;
	d->make = (OSSL_FUNC_digest_newctx_fn *)f[0];
	d->drop = (OSSL_FUNC_digest_freectx_fn *)f[1];
	d->begin = (OSSL_FUNC_digest_init_fn *)f[2];
	d->add = (OSSL_FUNC_digest_update_fn *)f[3];
	d->end = (OSSL_FUNC_digest_final_fn *)f[4];
	d->provider = OSSL_PROVIDER_get0_provider_ctx(from);
	return true;
}

const struct lib_digest *digest_load(const char *name, size_t size)
{
	struct lib_digest *d = xcalloc(1, sizeof *d);
	d->from = EVP_MD_fetch(NULL, name, NULL);
	d->block = d->from ? (size_t)EVP_MD_get_block_size(d->from) : 0;
	d->size = d->from ? (size_t)EVP_MD_get_size(d->from) : 0;
	if (d->from && d->block && d->block <= BLOCK_MAX && d->size == size && d->size <= d->block && find_functions(d))
		return d;
	EVP_MD_free(d->from);
	free(d);
	return NULL;
}

static bool begin(const struct running *r) { return r->state && r->d->begin(r->state, NULL) == 1; }

static bool add(const struct running *r, const struct bytes *parts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (parts[i].n && r->d->add(r->state, parts[i].p, parts[i].n) != 1)
			return false;
	return true;
}

static bool end(const struct running *r, uint8_t *out)
{
	size_t n = 0;
	return r->d->end(r->state, out, &n, r->d->size) == 1 && n == r->d->size;
}

static struct running start(const struct lib_digest *d) { return (struct running){ d, d ? d->make(d->provider) : NULL }; }

static int done(const struct running *r, bool ok, uint8_t *out, size_t n)
{
	if (r->state)
		r->d->drop(r->state);
	if (ok)
		return ERR_OK;
	wipe(out, n);
	ERR_clear_error();
	return ERR_CRYPTO;
}

/* ---------------------------------------------------------------- HMAC */

struct hmac {
	struct running digest;
	uint8_t inner[BLOCK_MAX], outer[BLOCK_MAX]; /* the key, padded */
};

static bool hmac_key(struct hmac *m, const struct lib_digest *d, struct bytes key)
{
	uint8_t padded[BLOCK_MAX] = { 0 };
	bool ok = true;
	m->digest = start(d);
	if (key.n > d->block)
		ok = begin(&m->digest) && add(&m->digest, &key, 1) && end(&m->digest, padded);
	else if (key.n)
		memcpy(padded, key.p, key.n);
	for (unsigned i = 0; i < BLOCK_MAX; i++) { /* whatever the block: of a length that is known many octets go at once */
		m->inner[i] = padded[i] ^ INNER;
		m->outer[i] = padded[i] ^ OUTER;
	}
	wipe(padded, sizeof padded);
	return ok;
}

/* before | parts | after; out may be before. */
static bool hmac_of(
	const struct hmac *m, struct bytes before, const struct bytes *parts, unsigned n, struct bytes after, uint8_t *out)
{
	const struct running *r = &m->digest;
	struct bytes inner[] = { bytes_of(m->inner, r->d->block), before },
		     outer[] = { bytes_of(m->outer, r->d->block), bytes_of(out, r->d->size) };
	return begin(r) && add(r, inner, 2) && add(r, parts, n) && add(r, &after, 1) && end(r, out) && begin(r) &&
	       add(r, outer, 2) && end(r, out);
}

static int hmac_done(struct hmac *m, bool ok, uint8_t *out, size_t n)
{
	wipe(m->inner, sizeof m->inner);
	wipe(m->outer, sizeof m->outer);
	return done(&m->digest, ok, out, n);
}

int mac_compute(const struct lib_alg *row, struct bytes key, const struct bytes *parts, unsigned n, uint8_t out[PRF_MAX])
{
	static const struct bytes none;
	struct hmac m;
	bool ok = hmac_key(&m, row->digest, key) && hmac_of(&m, none, parts, n, none, out);
	return hmac_done(&m, ok, out, row->alg.key_bytes);
}

bool hmac_works(const struct lib_alg *row)
{
	uint8_t out[PRF_MAX];
	struct bytes key = bytes_of("0123456789abcdef", 16);
	return mac_compute(row, key, &key, 1, out) == ERR_OK;
}

/* RFC 7296 2.13: T1 = prf(K, S | 1), Tn = prf(K, Tn-1 | S | n). */
static bool prf_blocks(const struct hmac *m, const struct bytes *parts, unsigned nparts, uint8_t *out, size_t n)
{
	uint8_t block[PRF_MAX];
	size_t size = m->digest.d->size;
	bool ok = true;
	for (unsigned i = 1; ok && n; i++) {
		uint8_t number = (uint8_t)i;
		size_t take = n < size ? n : size;
		ok = hmac_of(m, bytes_of(block, i > 1 ? size : 0), parts, nparts, bytes_of(&number, 1), block);
		if (ok)
			memcpy(out, block, take);
		out += take;
		n -= take;
	}
	wipe(block, sizeof block);
	return ok;
}

int hmac_blocks(const struct lib_alg *row, struct bytes key, const struct bytes *parts, unsigned nparts, uint8_t *out, size_t n)
{
	struct hmac m;
	bool ok = hmac_key(&m, row->digest, key) && prf_blocks(&m, parts, nparts, out, n);
	return hmac_done(&m, ok, out, n);
}

/* ---------------------------------------------------------------- plain hashes: there whatever rows the library has */

static const struct lib_digest *sha1, *sha256;

static void load_plain(void)
{
	sha1 = digest_load("SHA1", 20);
	sha256 = digest_load("SHA256", 32);
}

bool hash_ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load_plain);
	return sha1 && sha256;
}

static int hash(const struct lib_digest *d, const struct bytes *parts, unsigned n, uint8_t *out, size_t size)
{
	struct running r = start(d);
	return done(&r, begin(&r) && add(&r, parts, n) && end(&r, out), out, size);
}

int hash_sha1(const struct bytes *parts, unsigned n, uint8_t out[20])
{
	return hash(hash_ready() ? sha1 : NULL, parts, n, out, 20);
}

int hash_sha256(const struct bytes *parts, unsigned n, uint8_t out[32])
{
	return hash(hash_ready() ? sha256 : NULL, parts, n, out, 32);
}
