/*
 * lib.h - the private half of the registry: what OpenSSL has for a row of alg.c. Filled once by alg_init, read-only
 * afterwards, so that worker threads may use it without a lock.
 */
#ifndef CRYPTO_LIB_H
#define CRYPTO_LIB_H

#include <openssl/evp.h>

#include "crypto/alg.h"
#include "crypto/crypto.h"

struct lib_alg;

/* One family of key exchange groups. */
struct ke_method {
	void *(*load)(const struct lib_alg *row); /* what the group needs precomputed; NULL when the library refuses */
	int (*generate)(const struct lib_alg *row, fill_fn fill, void *arg, struct ke_private *priv, struct ke_public *pub);
	int (*derive)(const struct lib_alg *row, const struct ke_private *priv, struct bytes peer, struct ke_shared *shared);
};
extern const struct ke_method ke_modp, ke_ec, ke_raw;

struct lib_alg {
	struct alg alg;
	const char
		*name; /* what OpenSSL calls it: cipher, digest, curve, key type, DHX group; NULL where the number says it all */
	const struct ke_method *method; /* KE */
	EVP_CIPHER *cipher;             /* ENCR */
	const void *group;              /* KE: what method->load made */
	bool ready;
};

#define LIB_ALGS_MAX 64
const struct lib_alg *lib_find(uint8_t type, uint16_t id, uint16_t keylen); /* NULL when unknown or not loaded */
unsigned lib_index(const struct lib_alg *row);                              /* below LIB_ALGS_MAX */
bool lib_by_word(
	const char *word, size_t len, const struct alg **found); /* true for a known word, *found NULL when it did not load */
const struct alg *lib_prf_of(const struct alg *integ);           /* the PRF over the same digest */

/* HMAC with the digest of a PRF or INTEG row; out gets the whole digest. */
int hmac(const struct lib_alg *row, struct bytes key, const struct bytes *parts, unsigned n, uint8_t out[PRF_MAX]);
bool hmac_load(const struct lib_alg *row);
bool hash_load(void);

#endif
