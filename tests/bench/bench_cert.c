/*
 * bench_cert.c KIND - what proof by certificate costs, microseconds of CPU; KIND is rsa2048 or ecp256. Prints
 *	judged    a chain of two and AUTH, as the daemon judges them of a peer whose certificate it has not seen lately
 *	bare      what that cannot do without: the peer's certificate read by the library, its signature and AUTH's verified by keys that are there
 *	signed    a signature made
 * Medians of rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "crypto/cert.h"
#include "crypto/sign_lib.h"

#define ROUNDS 9
#define TIMES 50
#define PEERS 100 /* more than it remembers */

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_cert: %s failed\n", what);
	exit(1);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	need(e != NULL && X509_add_ext(x, e, -1) == 1, value);
	X509_EXTENSION_free(e);
}

static X509 *certificate(EVP_PKEY *key, const char *name, long serial, X509 *issuer, EVP_PKEY *by)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	need(X509_set_version(x, X509_VERSION_3) &&
			X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0),
		name);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	ASN1_TIME_set(X509_getm_notBefore(x), CERT_RELEASED);
	ASN1_TIME_set(X509_getm_notAfter(x), CERT_RELEASED + 86400);
	X509_set_issuer_name(x, X509_get_subject_name(issuer != NULL ? issuer : x));
	X509_set_pubkey(x, key);
	if (issuer == NULL) {
		extend(x, x, NID_basic_constraints, "critical,CA:TRUE");
		extend(x, x, NID_key_usage, "critical,keyCertSign");
	} else {
		extend(x, issuer, NID_subject_alt_name, "DNS:gw1.example");
	}
	extend(x, issuer != NULL ? issuer : x, NID_subject_key_identifier, "hash");
	extend(x, issuer != NULL ? issuer : x, NID_authority_key_identifier, "keyid");
	need(X509_sign(x, by, EVP_sha256()) > 0, "the signature of a certificate");
	return x;
}

static struct bytes der_of(X509 *x)
{
	uint8_t *der = NULL;
	int n = i2d_X509(x, &der);
	need(n > 0, "DER");
	return bytes_of(der, (size_t)n);
}

struct bench {
	EVP_PKEY *key;
	const struct sign_scheme *scheme;
	struct sign_octets octets;
	struct sign_auth auth;
	struct anchors *anchors;
	struct cert_claim claim;
	struct bytes chains[PEERS];
	unsigned next;
};

static void judge(struct bench *b)
{
	struct cert_verdict v;
	b->claim.chain = &b->chains[b->next++ % PEERS];
	cert_judge(b->anchors, &b->claim, &v);
	need(v.cause == CERT_OK, cert_cause_word(v.cause));
}

/* AUTH twice: the signature of the certificate is the same arithmetic. */
static void bare(struct bench *b)
{
	const uint8_t *at = b->claim.chain[0].p;
	X509 *x = d2i_X509(NULL, &at, (long)b->claim.chain[0].n);
	need(x != NULL && X509_get0_pubkey(x) != NULL, "the certificate");
	X509_free(x);
	for (unsigned i = 0; i < 2; i++)
		need(sign_lib_verify(b->key, &b->auth, b->octets.part, SIGN_PARTS) == ERR_OK, "verification");
}

static void sign(struct bench *b)
{
	uint8_t out[SIGN_MAX];
	size_t len;
	need(sign_lib_sign(b->key, NULL, NULL, b->scheme, b->octets.part, SIGN_PARTS, out, &len) == ERR_OK, "signature");
}

static double cost(struct bench *b, void (*work)(struct bench *))
{
	double v[ROUNDS];
	for (unsigned r = 0; r < ROUNDS; r++) {
		double start = now_us();
		for (unsigned i = 0; i < TIMES; i++)
			work(b);
		v[r] = (now_us() - start) / TIMES;
	}
	qsort(v, ROUNDS, sizeof v[0], ascending);
	return v[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	static uint8_t message[400], data[SIGN_ALGORITHM_MAX + SIGN_MAX + 1], signature[SIGN_MAX];
	const char *why;
	bool rsa = argc == 2 && strcmp(argv[1], "rsa2048") == 0;
	struct bench b = { 0 };
	size_t len;
	if (argc != 2 || !alg_init(&why) || (!rsa && strcmp(argv[1], "ecp256") != 0)) {
		fprintf(stderr, "usage: bench_cert rsa2048|ecp256\n");
		return 2;
	}
	EVP_PKEY *ca_key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	b.key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	X509 *ca = certificate(ca_key, "ca", 1, NULL, ca_key);
	struct bytes root = der_of(ca);
	for (long i = 0; i < PEERS; i++)
		b.chains[i] = der_of(certificate(b.key, "gw1", i + 2, ca, ca_key));
	b.anchors = anchors_new(&(struct anchors_conf){ .ca = &root, .n_ca = 1 }, &why);
	need(b.anchors != NULL, "the anchor");
	b.scheme = sign_choose(&(struct sign_wish){ rsa ? KEY_RSA : KEY_P256, rsa ? 2048 : 256, SIGN_HASHES_OURS, false, false });
	struct auth_input in = { PRF_HMAC_SHA2_256, bytes_of(message, sizeof message), bytes_of(message, 32),
		bytes_of(message, 32), bytes_of(message, 16) };
	need(sign_octets(&in, &b.octets) == ERR_OK, "the octets");
	need(sign_lib_sign(b.key, NULL, NULL, b.scheme, b.octets.part, SIGN_PARTS, signature, &len) == ERR_OK, "the signature");
	struct buf auth = buf_of(data, sizeof data);
	sign_auth_write(&auth, b.scheme, bytes_of(signature, len));
	need(!auth.bad && sign_auth_read(b.scheme->method, buf_view(&auth), &b.auth) == ERR_OK, "AUTH");
	b.claim = (struct cert_claim){ .chain = b.chains,
		.n_chain = 1,
		.id_type = ID_FQDN,
		.id = bytes_of("gw1.example", 11),
		.now = CERT_RELEASED + 1,
		.method = b.scheme->method,
		.auth = buf_view(&auth),
		.octets = &b.octets };
	judge(&b);
	printf("%.1f %.1f %.1f\n", cost(&b, judge), cost(&b, bare), cost(&b, sign));
	return 0;
}
