/*
 * request.h - a new private key and what a CA is asked to certify it with (PKCS#10, RFC 2986): for `s2sctl certificate request`.
 */
#ifndef CRYPTO_REQUEST_H
#define CRYPTO_REQUEST_H

#include "base/buf.h"
#include "crypto/sign.h"

#define REQUEST_NAMES_MAX 16
struct request_name {
	uint8_t type; /* enum ike_id_type: FQDN, RFC822_ADDR, IPV4_ADDR, IPV6_ADDR */
	struct bytes value;
};
struct request_wish {
	enum key_kind key;
	unsigned bits;        /* RSA */
	struct bytes subject; /* DER */
	unsigned n;
	struct request_name names[REQUEST_NAMES_MAX]; /* subjectAltName */
	bool tls;                                     /* extendedKeyUsage serverAuth and clientAuth, which clouds ask for */
};
struct request { /* PEM, malloc'd */
	char *key, *request;
};
int request_make(const struct request_wish *w, struct request *out); /* ERR_OK, ERR_SYNTAX: a name that cannot be; ERR_CRYPTO */
bool request_has_cn(struct bytes subject);                           /* DER */
void request_release(struct request *r);                             /* the key is wiped */

#endif
