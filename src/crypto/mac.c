/*
 * mac.c - HMAC (RFC 2104), prf+, plain hashes, below the registry: a row says which digest. HMAC is put together from the digest
 * here: OpenSSL's own takes longer for the short messages of IKE, and what its context has of the key is only gone when it was
 * given another one, at the same cost again. In exchange a FIPS module vouches for the digests alone, not for this HMAC.
 *
 * Each thread keeps one state per digest, the provider's own (provider.c), and leaves nothing secret in it, see clean(). Who is told
 * that it failed has nothing half made in his hands.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/util.h"
#include "lib.h"

#define BLOCK_MAX 128 /* of SHA-384 and SHA-512 */
#define INNER 0x36
#define OUTER 0x5c

struct digest {
	EVP_MD *md; /* keeps the provider */
	OSSL_FUNC_digest_newctx_fn *make;
	OSSL_FUNC_digest_freectx_fn *drop;
	OSSL_FUNC_digest_init_fn *begin;
	OSSL_FUNC_digest_update_fn *add;
	OSSL_FUNC_digest_final_fn *end;
	void *state;
	size_t block, size;
};

struct hmac {
	struct digest *d;
	uint8_t inner[BLOCK_MAX], outer[BLOCK_MAX]; /* the key, padded */
};

/* ---------------------------------------------------------------- digests */

static void digest_drop(void *p)
{
	struct digest *d = p;
	if (d->state)
		d->drop(d->state);
	EVP_MD_free(d->md);
	free(d);
}

static bool find_functions(struct digest *d, const char *name)
{
	static const int ids[] = { OSSL_FUNC_DIGEST_NEWCTX, OSSL_FUNC_DIGEST_FREECTX, OSSL_FUNC_DIGEST_INIT,
		OSSL_FUNC_DIGEST_UPDATE, OSSL_FUNC_DIGEST_FINAL };
	provider_fn *f[ARRAY_SIZE(ids)];
	if (!provider_functions(EVP_MD_get0_provider(d->md), OSSL_OP_DIGEST, name, ids, f, ARRAY_SIZE(ids)))
		return false;
	d->make = (OSSL_FUNC_digest_newctx_fn *)f[0];
	d->drop = (OSSL_FUNC_digest_freectx_fn *)f[1];
	d->begin = (OSSL_FUNC_digest_init_fn *)f[2];
	d->add = (OSSL_FUNC_digest_update_fn *)f[3];
	d->end = (OSSL_FUNC_digest_final_fn *)f[4];
	return true;
}

static void new_state(struct digest *d) { d->state = d->make(OSSL_PROVIDER_get0_provider_ctx(EVP_MD_get0_provider(d->md))); }

static struct digest *digest_new(const struct lib_alg *row)
{
	struct digest *d = xcalloc(1, sizeof *d);
	d->md = EVP_MD_fetch(NULL, row->name, NULL);
	d->block = d->md ? (size_t)EVP_MD_get_block_size(d->md) : 0;
	d->size = d->md ? (size_t)EVP_MD_get_size(d->md) : 0;
	if (d->md && find_functions(d, row->name))
		new_state(d);
	if (d->state && d->block && d->block <= BLOCK_MAX && d->size == row->alg.key_bytes && d->size <= d->block)
		return d;
	digest_drop(d);
	return NULL;
}

static struct digest *digest_of(const struct lib_alg *row)
{
	struct lib_kept *kept = lib_kept(row);
	if (!kept || kept->p)
		return kept ? kept->p : NULL;
	*kept = (struct lib_kept){ digest_new(row), digest_drop };
	return kept->p;
}

static bool begin(const struct digest *d) { return d->state && d->begin(d->state, NULL) == 1; }

static bool add(const struct digest *d, const struct bytes *parts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (parts[i].n && d->add(d->state, parts[i].p, parts[i].n) != 1)
			return false;
	return true;
}

static bool end(const struct digest *d, uint8_t *out)
{
	size_t n;
	return d->end(d->state, out, &n, d->size) == 1 && n == d->size;
}

/*
 * Of what went through it the state has the chaining value, which a new beginning overwrites, and in its block the octets of
 * the end. Whether these are taken away, too, is the matter of OpenSSL's version: zeros go over them, but for one octet of the length.
 */
static bool clean(struct digest *d)
{
	static const uint8_t zeros[BLOCK_MAX];
	struct bytes over = bytes_of(zeros, d->block - 1);
	if (begin(d) && add(d, &over, 1))
		return true;
	if (d->state)
		d->drop(d->state);
	new_state(d);
	return false;
}

static int done(struct digest *d, bool ok, uint8_t *out, size_t n)
{
	if (d && clean(d) && ok)
		return ERR_OK;
	wipe(out, n);
	ERR_clear_error();
	return ERR_CRYPTO;
}

/* ---------------------------------------------------------------- HMAC */

static bool hmac_key(struct hmac *m, const struct lib_alg *row, struct bytes key)
{
	struct digest *d = m->d = digest_of(row);
	uint8_t padded[BLOCK_MAX] = { 0 };
	if (!d)
		return false;
	bool ok = true;
	if (key.n > d->block)
		ok = begin(d) && add(d, &key, 1) && end(d, padded);
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
	const struct digest *d = m->d;
	struct bytes inner[] = { bytes_of(m->inner, d->block), before },
		     outer[] = { bytes_of(m->outer, d->block), bytes_of(out, d->size) };
	return begin(d) && add(d, inner, 2) && add(d, parts, n) && add(d, &after, 1) && end(d, out) && begin(d) &&
	       add(d, outer, 2) && end(d, out);
}

static int hmac_done(struct hmac *m, bool ok, uint8_t *out, size_t n)
{
	wipe(m->inner, sizeof m->inner);
	wipe(m->outer, sizeof m->outer);
	return done(m->d, ok, out, n);
}

int mac_compute(const struct lib_alg *row, struct bytes key, const struct bytes *parts, unsigned n, uint8_t out[PRF_MAX])
{
	static const struct bytes none;
	struct hmac m;
	bool ok = hmac_key(&m, row, key) && hmac_of(&m, none, parts, n, none, out);
	return hmac_done(&m, ok, out, row->alg.key_bytes);
}

bool hmac_load(const struct lib_alg *row)
{
	uint8_t out[PRF_MAX];
	struct bytes key = bytes_of("0123456789abcdef", 16);
	return mac_compute(row, key, &key, 1, out) == ERR_OK;
}

/* RFC 7296 2.13: T1 = prf(K, S | 1), Tn = prf(K, Tn-1 | S | n). */
static bool prf_blocks(const struct hmac *m, const struct bytes *parts, unsigned nparts, uint8_t *out, size_t n)
{
	uint8_t block[PRF_MAX];
	size_t size = m->d->size;
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
	bool ok = hmac_key(&m, row, key) && prf_blocks(&m, parts, nparts, out, n);
	return hmac_done(&m, ok, out, n);
}

/* ---------------------------------------------------------------- plain hashes: there whatever rows the library has */

static const struct lib_alg sha1 = { .alg.key_bytes = 20, .name = "SHA1", .index = LIB_ALGS_MAX };
static const struct lib_alg sha256 = { .alg.key_bytes = 32, .name = "SHA256", .index = LIB_ALGS_MAX + 1 };

bool hash_ready(void) { return digest_of(&sha1) && digest_of(&sha256); }

static int hash(const struct lib_alg *row, const struct bytes *parts, unsigned n, uint8_t *out)
{
	struct digest *d = digest_of(row);
	return done(d, d && begin(d) && add(d, parts, n) && end(d, out), out, row->alg.key_bytes);
}

int hash_sha1(const struct bytes *parts, unsigned n, uint8_t out[20]) { return hash(&sha1, parts, n, out); }
int hash_sha256(const struct bytes *parts, unsigned n, uint8_t out[32]) { return hash(&sha256, parts, n, out); }
