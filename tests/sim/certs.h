/*
 * certs.h - certificates for the simulator and for tests that live in its world: made when a configuration first names them, once per process.
 *
 *	ca.pem, other-ca.pem              roots; sub-ca.pem: one below ca.pem
 *	WHO.KEY.VARIANT.cert              a leaf and what is between it and ca.pem; WHO is a or b: the name t-WHO.example
 *	WHO.KEY.key                       its private key; KEY: rsa, p256, p384, ed25519
 *	crl.pem                           of ca.pem: it revokes the leafs of the variant "revoked"
 *
 * VARIANT: plain; deep (two CAs between); large (the same with big extensions); old (expired), young (not valid yet), soon (expires three hours after
 * CERTS_NOW), brief (deep, and a CA of the chain expires then), revoked, foreign (of other-ca.pem), usage (not for signatures), authority (a CA), nameless (another name).
 */
#ifndef SIM_CERTS_H
#define SIM_CERTS_H

#include "conf/conf.h"
#include "crypto/cert.h"

#define CERTS_NOW (CERT_RELEASED + 3600) /* for the wall clock of a world with certificates */
#define CERTS_SOON (CERTS_NOW + 3 * 3600)

struct psk *certs_reader(void *arg, const char *name, size_t max, struct key_fault *fault); /* a key_reader */
/* PEM, malloc'd once; empty when there is no such file. */
struct bytes certs_file(const char *name);

#endif
