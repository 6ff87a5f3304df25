/*
 * sign_lib.h - the table of sign.c in OpenSSL's words: signatures made and verified with keys that are there already. What certificates and private keys
 * have in common.
 */
#ifndef CRYPTO_SIGN_LIB_H
#define CRYPTO_SIGN_LIB_H

#include <openssl/evp.h>

#include "crypto/sign.h"

enum key_kind sign_lib_kind(const EVP_PKEY *key, uint16_t *bits); /* KEY_NONE for what we do not take */
/* ERR_OK: it is the signature of these octets by this key. ERR_INTEGRITY: it is not. ERR_UNSUPPORTED: the scheme is not for such a key. */
int sign_lib_verify(EVP_PKEY *key, const struct sign_auth *auth, const struct bytes *parts, unsigned n);
/* libctx and propq as the key was loaded. */
int sign_lib_sign(EVP_PKEY *key, OSSL_LIB_CTX *libctx, const char *propq, const struct sign_scheme *scheme,
	const struct bytes *parts, unsigned n, uint8_t out[SIGN_MAX], size_t *len);

#endif
