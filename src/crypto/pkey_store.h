/* pkey_store.h - a private key that a provider keeps. */
#ifndef CRYPTO_PKEY_STORE_H
#define CRYPTO_PKEY_STORE_H

#include <stdbool.h>

#include <openssl/evp.h>

struct pkey_store {
	EVP_PKEY *key;
	OSSL_LIB_CTX *libctx;
	OSSL_PROVIDER *providers[3];
	const char *propq;
};
bool pkey_store_open(struct pkey_store *s, const char *uri, const char *pin, const char **why);
void pkey_store_close(struct pkey_store *s);

#endif
