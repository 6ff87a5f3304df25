/*
 * made_cert.h - certificates, keys and CRLs that tests make when they run. Times are seconds from MADE_NOW, which is what tests give as the clock.
 */
#ifndef MADE_CERT_H
#define MADE_CERT_H

#include <openssl/x509.h>

#include "crypto/cert.h"
#include "crypto/pkey.h"

#define MADE_NOW (CERT_RELEASED + 30 * 86400)
#define MADE_DAY 86400L

struct made {
	EVP_PKEY *key;
	X509 *x;
	struct bytes der;
};

struct made_spec {
	const char *name;          /* "C=IE,CN=gw1"; NULL: "CN=gw1" */
	const struct made *issuer; /* NULL: itself */
	const char *key;    /* "rsa2048", "rsa3072", "P-256" (NULL), "P-384", "P-521", "ED25519", "ED448", any curve or "rsaN" */
	EVP_PKEY *old_key;  /* this one instead of a new one */
	const char *digest; /* NULL: SHA256; EdDSA has none */
	long from, to;      /* days; both 0: -1 and 100 */
	const char *san;    /* as in openssl's configuration: "DNS:gw1.example,IP:192.0.2.1" */
	const char *usage;  /* keyUsage; NULL: none, for a CA "critical,keyCertSign,cRLSign" */
	const char *constraints; /* basicConstraints: NULL: none */
	const char *names;       /* nameConstraints */
	const char *purposes;    /* extendedKeyUsage */
	bool no_key_ids, version_1;
	bool strange; /* a critical extension that nobody knows */
};
struct made made(const struct made_spec *spec);
struct made made_ca(const char *name, const struct made *issuer);                    /* a CA with P-256 */
struct made made_leaf(const char *name, const struct made *issuer, const char *san); /* P-256 */
void *made_kept(void *p); /* p, which now lasts as long as the program: what a test does not free is no leak */
EVP_PKEY *made_key(const char *word);
void made_free(struct made *m);
void made_again(struct made *m); /* signed by its own key once more, after x was changed */
/* Another public key in it, of these octets, as bad as the test wants it: algorithm and curve are OpenSSL's names. */
void made_key_octets(struct made *m, const char *algorithm, const char *curve, struct bytes octets);
/* A CRL of this CA that revokes the certificates given; days as above. DER, malloc'd. */
struct bytes made_crl(const struct made *issuer, const struct made *const *revoked, unsigned n, long from, long to);
/* Files, malloc'd. */
struct bytes made_key_pem(EVP_PKEY *key, const char *password);
struct bytes made_pem(const char *word, struct bytes der);
struct bytes made_pkcs12(const struct made *m, const struct made *ca, const char *password);
/* An identity as its DER. */
struct bytes made_name(const char *text);

#endif
