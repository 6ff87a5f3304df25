/*
 * lib.h - the private half of the registry: what OpenSSL has for a row of alg.c. Filled when the row is asked for first,
 * read-only afterwards, so that worker threads may use it without a lock.
 *
 * The order inside, from below: provider; mac, cipher, ke_scalar; ke_modp, ke_ec, ke_raw; alg (the registry); prf, ke, seal,
 * suite_text, esp_size; rng and cred stand beside, request, too; sign (the table), sign_read, sign_lib, cert_shape, cert_text; cert;
 * cert_name, cert_file, cert_anchors, cert_known, cert_judge, cert_signed; pkey_store, pkey.
 */
#ifndef CRYPTO_LIB_H
#define CRYPTO_LIB_H

#include <stdatomic.h>

#include <openssl/core_dispatch.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "crypto/alg.h"
#include "crypto/crypto.h"

struct lib_alg;

/* One family of key exchange groups. */
struct ke_method {
	void *(*load)(const struct lib_alg *row); /* what the group needs precomputed; NULL when the library refuses */
	int (*generate)(const struct lib_alg *row, fill_fn fill, void *arg, struct ke_private *priv, struct ke_public *pub);
	int (*derive)(const struct lib_alg *row, const struct ke_private *priv, struct bytes peer, struct ke_shared *shared);
	/* Both in one; NULL where that saves nothing. */
	int (*accept)(const struct lib_alg *row, fill_fn fill, void *arg, struct bytes peer, struct ke_public *pub,
		struct ke_shared *shared);
};
extern const struct ke_method ke_modp, ke_ec, ke_raw;

enum lib_state { LIB_UNTRIED, LIB_READY, LIB_LACKING };

struct lib_alg {
	struct alg alg;
	/* what OpenSSL calls it: cipher, digest, curve, key type, DHX group; NULL where the number says it all */
	const char *name;
	const struct ke_method *method;  /* KE */
	const struct lib_cipher *cipher; /* ENCR */
	const struct lib_digest *digest; /* PRF, INTEG */
	const void *group;               /* KE: what method->load made */
	_Atomic enum lib_state state;
};

const struct lib_alg *lib_find(uint8_t type, uint16_t id, uint16_t keylen); /* NULL when unknown or not loaded */
/* true for a known word, *found NULL when it did not load */
bool lib_by_word(const char *word, size_t len, const struct alg **found);
const struct alg *lib_prf_of(const struct alg *integ); /* the PRF over the same digest */

/*
 * Functions of an algorithm of that provider, by their OSSL_FUNC_..., to be cast to the types of core_dispatch.h; name: the one that
 * EVP gives what it has fetched. They are there as long as what was fetched is. false: one of them is not.
 */
typedef void provider_fn(void);
bool provider_functions(
	const OSSL_PROVIDER *from, int operation, const char *name, const int *ids, provider_fn **found, unsigned n);

/* Over a text in place; its length is one that the cipher can do: of whole blocks for CBC. */
struct lib_cipher;
const struct lib_cipher *cipher_load(const char *name); /* never given back; NULL: the library has none */
bool cipher_cbc(const struct lib_cipher *c, bool encrypt, struct bytes key, struct bytes iv, uint8_t *text, size_t n);
bool cipher_seal(const struct lib_cipher *c, struct bytes key, struct bytes nonce, struct bytes head, uint8_t *text, size_t n,
	uint8_t *tag, size_t tag_n);
/* ERR_INTEGRITY: the tag does not fit, and what is in text is nobody's word. */
int cipher_open(const struct lib_cipher *c, struct bytes key, struct bytes nonce, struct bytes head, uint8_t *text, size_t n,
	uint8_t *tag, size_t tag_n);

struct lib_digest;
/* Never given back; NULL: the library has none of that size. */
const struct lib_digest *digest_load(const char *name, size_t size);

/* HMAC with the digest of a PRF or INTEG row; out gets the whole digest. */
int mac_compute(const struct lib_alg *row, struct bytes key, const struct bytes *parts, unsigned n, uint8_t out[PRF_MAX]);
int hmac_blocks(/* prf+, RFC 7296 2.13; n at most 255 digests */
	const struct lib_alg *row, struct bytes key, const struct bytes *parts, unsigned nparts, uint8_t *out, size_t n);
bool hmac_works(const struct lib_alg *row);
bool hash_ready(void); /* SHA-1 and SHA-256 are there */

#endif
