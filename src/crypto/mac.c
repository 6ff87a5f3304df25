/*
 * mac.c - HMAC, prf+, plain hashes, below the registry: a row says which digest. OpenSSL objects are fetched once, when they are needed first; each thread keeps one HMAC
 * context per digest and re-keys it, because making a context costs several times the HMAC of a short message.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "lib.h"

struct thread_cache {
	EVP_MAC_CTX *mac[LIB_ALGS_MAX];
	EVP_MD_CTX *md;
};

static EVP_MAC *hmac_mac;
static EVP_MD *md_sha1, *md_sha256;
static pthread_key_t cache_key;

static void cache_free(void *p)
{
	struct thread_cache *c = p;
	for (unsigned i = 0; i < LIB_ALGS_MAX; i++)
		EVP_MAC_CTX_free(c->mac[i]);
	EVP_MD_CTX_free(c->md);
	free(c);
}

static void hash_load(void)
{
	md_sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	hmac_mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (md_sha1 && md_sha256 && hmac_mac && !pthread_key_create(&cache_key, cache_free))
		return;
	EVP_MD_free(md_sha1);
	EVP_MD_free(md_sha256);
	EVP_MAC_free(hmac_mac);
	md_sha1 = md_sha256 = NULL;
	hmac_mac = NULL;
}

static struct thread_cache *cache(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, hash_load);
	if (!hmac_mac)
		return NULL;
	struct thread_cache *c = pthread_getspecific(cache_key);
	if (c)
		return c;
	c = xcalloc(1, sizeof *c);
	if (pthread_setspecific(cache_key, c)) {
		free(c);
		return NULL;
	}
	return c;
}

bool hash_ready(void) { return cache() != NULL; }

static EVP_MAC_CTX *mac_context(const struct lib_alg *row)
{
	struct thread_cache *c = cache();
	EVP_MAC_CTX *mac = c ? c->mac[row->index] : NULL;
	if (!c || mac)
		return mac;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)row->name, 0),
		OSSL_PARAM_construct_end(),
	};
	mac = EVP_MAC_CTX_new(hmac_mac);
	if (mac && !EVP_MAC_CTX_set_params(mac, params)) {
		EVP_MAC_CTX_free(mac);
		mac = NULL;
	}
	c->mac[row->index] = mac;
	return mac;
}

static const uint8_t no_key[1]; /* HMAC pads keys with zeros: one zero octet is the same key as none */

static bool mac_key(EVP_MAC_CTX *mac, struct bytes key)
{
	if (!key.n)
		key = bytes_of(no_key, sizeof no_key);
	return EVP_MAC_init(mac, key.p, key.n, NULL) == 1;
}

/* The context outlives the SA whose key it held: another key takes its place. */
static int mac_end(EVP_MAC_CTX *mac, bool ok)
{
	if (!mac_key(mac, bytes_of(no_key, sizeof no_key)))
		ok = false;
	if (ok)
		return ERR_OK;
	ERR_clear_error();
	return ERR_CRYPTO;
}

static bool mac_parts(EVP_MAC_CTX *mac, const struct bytes *parts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (parts[i].n && !EVP_MAC_update(mac, parts[i].p, parts[i].n))
			return false;
	return true;
}

static bool mac_final(EVP_MAC_CTX *mac, uint8_t out[PRF_MAX], size_t expected)
{
	size_t got = 0;
	return EVP_MAC_final(mac, out, &got, PRF_MAX) == 1 && got == expected;
}

int mac_compute(const struct lib_alg *row, struct bytes key, const struct bytes *parts, unsigned n, uint8_t out[PRF_MAX])
{
	EVP_MAC_CTX *mac = mac_context(row);
	if (!mac) {
		ERR_clear_error();
		return ERR_CRYPTO;
	}
	return mac_end(mac, mac_key(mac, key) && mac_parts(mac, parts, n) && mac_final(mac, out, row->alg.key_bytes));
}

/* A digest that is there may still be refused as an HMAC (FIPS): only a computed value counts. */
bool hmac_load(const struct lib_alg *row)
{
	EVP_MD *md = EVP_MD_fetch(NULL, row->name, NULL);
	if (!md)
		return false;
	EVP_MD_free(md);
	uint8_t out[PRF_MAX];
	struct bytes key = bytes_of("0123456789abcdef", 16);
	return mac_compute(row, key, &key, 1, out) == ERR_OK;
}

/* RFC 7296 2.13: T1 = prf(K, S | 1), Tn = prf(K, Tn-1 | S | n). The context keeps the key from block to block. */
static bool prf_blocks(EVP_MAC_CTX *mac, size_t size, const struct bytes *parts, unsigned nparts, uint8_t *out, size_t n)
{
	uint8_t block[PRF_MAX];
	bool ok = true;

	for (unsigned i = 1; ok && n; i++) {
		uint8_t number = (uint8_t)i;
		if (i > 1)
			ok = EVP_MAC_init(mac, NULL, 0, NULL) == 1 && EVP_MAC_update(mac, block, size) == 1;
		ok = ok && mac_parts(mac, parts, nparts) && EVP_MAC_update(mac, &number, 1) == 1 && mac_final(mac, block, size);
		size_t take = n < size ? n : size;
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
	EVP_MAC_CTX *mac = mac_context(row);
	if (!mac)
		return ERR_CRYPTO;
	return mac_end(mac, mac_key(mac, key) && prf_blocks(mac, row->alg.key_bytes, parts, nparts, out, n));
}

static int hash(EVP_MD *const *md, const struct bytes *parts, unsigned n, uint8_t *out)
{
	struct thread_cache *c = cache();
	if (!c || (!c->md && !(c->md = EVP_MD_CTX_new())))
		return ERR_CRYPTO;
	bool ok = EVP_DigestInit_ex2(c->md, *md, NULL) == 1;
	for (unsigned i = 0; ok && i < n; i++)
		ok = !parts[i].n || EVP_DigestUpdate(c->md, parts[i].p, parts[i].n) == 1;
	ok = ok && EVP_DigestFinal_ex(c->md, out, NULL) == 1;
	if (ok)
		return ERR_OK;
	ERR_clear_error();
	return ERR_CRYPTO;
}

int hash_sha1(const struct bytes *parts, unsigned n, uint8_t out[20]) { return hash(&md_sha1, parts, n, out); }
int hash_sha256(const struct bytes *parts, unsigned n, uint8_t out[32]) { return hash(&md_sha256, parts, n, out); }
