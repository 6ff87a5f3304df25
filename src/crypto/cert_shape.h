/*
 * cert_shape.h - what a certificate must be before OpenSSL gets it: strict DER within bounds, and a public key that is worth computing with.
 */
#ifndef CRYPTO_CERT_SHAPE_H
#define CRYPTO_CERT_SHAPE_H

#include "crypto/cert.h"

enum cert_cause shape_of_cert(struct bytes der, enum key_kind *kind, uint16_t *bits);
bool shape_is_der(struct bytes der); /* one element, strict all the way down */
/* A SubjectPublicKeyInfo. */
enum cert_cause shape_of_key(struct bytes spki, enum key_kind *kind, uint16_t *bits);

#endif
