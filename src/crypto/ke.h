/* ke.h - shared by the families of key exchange groups. */
#ifndef CRYPTO_KE_H
#define CRYPTO_KE_H

#include <openssl/bn.h>

#include "lib.h"

/* A scalar in [1, order - 1], even to within 2^-64: 64 surplus random bits are reduced. */
bool ke_scalar(BIGNUM *out, const BIGNUM *order, fill_fn fill, void *arg, BN_CTX *ctx);

#endif
