/* pkey_store.h - private keys that a provider keeps, by URI or as a file that only its TPM can use. */
#ifndef CRYPTO_PKEY_STORE_H
#define CRYPTO_PKEY_STORE_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "crypto/pkey.h"

struct provider;

struct pkey_store {
	EVP_PKEY *key;
	struct provider *provider; /* whose it is, counted */
};
/* False: fault is set, or was PKEY_WRONG. */
bool pkey_store_open(struct pkey_store *s, const char *uri, const char *pin, const char **why, enum pkey_fault *fault);
/* TSS2 PRIVATE KEY */
bool pkey_store_read(struct pkey_store *s, struct bytes pem, const char *pin, const char **why, enum pkey_fault *fault);
void pkey_store_close(struct pkey_store *s);
OSSL_LIB_CTX *pkey_store_libctx(const struct pkey_store *s); /* NULL: not of a provider */
const char *pkey_store_propq(const struct pkey_store *s);

#endif
