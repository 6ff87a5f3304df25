/* cert_lib.h - a certificate in the hands of OpenSSL, for the files of this folder that work on it. */
#ifndef CRYPTO_CERT_LIB_H
#define CRYPTO_CERT_LIB_H

#include <stdatomic.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/cert.h"

struct cert {
	atomic_uint owners;
	X509 *x;
	EVP_PKEY *key; /* x's own */
	enum key_kind kind;
	uint16_t bits;
	struct bytes der;             /* owned */
	GENERAL_NAMES *names;         /* subjectAltName; NULL: none */
	struct bytes subject, issuer; /* owned by x */
};

struct cert *cert_hold(struct cert *c);                           /* one more owner; cert_free is one less */
void cert_name_text(const X509_NAME *name, char text[CERT_TEXT]); /* escaped */
int64_t cert_time(const ASN1_TIME *t);                            /* seconds since 1970; 0 when it is none */

#endif
