/* cert_anchors.h - what one tunnel trusts, as OpenSSL's verifier wants it. */
#ifndef CRYPTO_CERT_ANCHORS_H
#define CRYPTO_CERT_ANCHORS_H

#include <stdatomic.h>

#include "cert_lib.h"

struct anchors {
	X509_STORE *store;
	enum crl_policy crl_policy;
	atomic_uint owners;
};

#endif
