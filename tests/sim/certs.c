/* certs.c - see certs.h. */
#include "certs.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400
#define FILES_MAX 128
#define CERT_LARGE 2600 /* octets in an extension */

static struct {
	char name[48];
	struct bytes pem;
} files[FILES_MAX];
static unsigned n_files;

static struct {
	char name[48];
	EVP_PKEY *key;
} keys[FILES_MAX];
static unsigned n_keys;

static void die(const char *what)
{
	fprintf(stderr, "certs: %s\n", what);
	abort();
}

static EVP_PKEY *key_make(const char *kind)
{
	if (!strcmp(kind, "rsa"))
		return EVP_RSA_gen(2048);
	if (!strcmp(kind, "p256"))
		return EVP_EC_gen("P-256");
	if (!strcmp(kind, "p384"))
		return EVP_EC_gen("P-384");
	return strcmp(kind, "ed25519") ? NULL : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

/* One for each who and kind. */
static EVP_PKEY *key_of(const char *who, const char *kind)
{
	char name[48];
	snprintf(name, sizeof name, "%s.%s", who, kind);
	for (unsigned i = 0; i < n_keys; i++)
		if (!strcmp(keys[i].name, name))
			return keys[i].key;
	if (n_keys == FILES_MAX)
		die("too many keys");
	snprintf(keys[n_keys].name, sizeof keys[n_keys].name, "%s", name);
	keys[n_keys].key = key_make(kind);
	if (!keys[n_keys].key)
		die(name);
	return keys[n_keys++].key;
}

struct plan { /* of one certificate */
	const char *cn, *san, *usage;
	bool ca;
	int64_t from, to;
	long serial;
	unsigned fat;
};

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, (char *)(uintptr_t)value);
	if (!e || !X509_add_ext(x, e, -1))
		die(value);
	X509_EXTENSION_free(e);
}

static void fatten(X509 *x, unsigned n)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.32473.1", 1);
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	unsigned char *bytes = calloc(1, n);
	ASN1_OCTET_STRING_set(data, bytes, (int)n);
	X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, data);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(data);
	ASN1_OBJECT_free(oid);
	free(bytes);
}

/* issuer NULL: by itself. */
static X509 *issue(const struct plan *p, EVP_PKEY *key, X509 *issuer, EVP_PKEY *by)
{
	X509 *x = X509_new();
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), p->serial);
	ASN1_TIME_set(X509_getm_notBefore(x), p->from);
	ASN1_TIME_set(X509_getm_notAfter(x), p->to);
	X509_NAME *name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Example", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)p->cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
	X509_set_pubkey(x, key);
	extend(x, issuer ? issuer : x, NID_basic_constraints, p->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	extend(x, issuer ? issuer : x, NID_key_usage, p->usage);
	extend(x, issuer ? issuer : x, NID_subject_key_identifier, "hash");
	extend(x, issuer ? issuer : x, NID_authority_key_identifier, "keyid");
	if (p->san)
		extend(x, issuer ? issuer : x, NID_subject_alt_name, p->san);
	if (p->fat)
		fatten(x, p->fat);
	EVP_PKEY *signer = by ? by : key;
	bool plain = EVP_PKEY_get_id(signer) == EVP_PKEY_ED25519;
	if (!X509_sign(x, signer, plain ? NULL : EVP_sha256()))
		die(p->cn);
	return x;
}

struct authority {
	const char *cn, *key;
	unsigned fat;
	int64_t to; /* 0: for years */
	X509 *x;
};
static struct authority roots[2] = { { .cn = "Test Root", .key = "root" }, { .cn = "Other Root", .key = "other" } };
static struct authority subs[2] = { { .cn = "Test Sub 1", .key = "sub1" }, { .cn = "Test Sub 2", .key = "sub2" } };
static struct authority large[2] = { { .cn = "Large Sub 1", .key = "sub1", .fat = CERT_LARGE },
	{ .cn = "Large Sub 2", .key = "sub2", .fat = CERT_LARGE } };

static struct authority brief[2] = { { .cn = "Brief Sub 1", .key = "sub1", .to = CERTS_SOON },
	{ .cn = "Brief Sub 2", .key = "sub2" } };

static X509 *authority(struct authority *a, struct authority *above)
{
	static long serial = 100;
	struct plan p = { .cn = a->cn,
		.usage = "critical,keyCertSign,cRLSign",
		.ca = true,
		.from = CERTS_NOW - 30 * DAY,
		.to = a->to ? a->to : CERTS_NOW + 3650 * (int64_t)DAY,
		/* cppcheck-suppress unknownEvaluationOrder */
		.serial = serial++,
		.fat = a->fat };
	if (!a->x)
		a->x = issue(&p, key_of(a->key, "p256"), above ? above->x : NULL, above ? key_of(above->key, "p256") : NULL);
	return a->x;
}

static void put(BIO *to, X509 *x)
{
	if (!PEM_write_bio_X509(to, x))
		die("PEM");
}

static void leaf(BIO *to, const char *who, const char *kind, const char *variant)
{
	char san[64], cn[64];
	struct authority *between = !strcmp(variant, "deep")    ? subs
				    : !strcmp(variant, "large") ? large
				    : !strcmp(variant, "brief") ? brief
								: NULL;
	bool chain = between != NULL;
	struct authority *root = &roots[!strcmp(variant, "foreign")], *above = chain ? &between[1] : root;
	struct plan p = { .cn = cn,
		.san = san,
		.usage = strcmp(variant, "usage") ? "critical,digitalSignature" : "critical,keyEncipherment",
		.from = CERTS_NOW - DAY,
		.to = CERTS_NOW + 365 * DAY,
		.serial = strcmp(variant, "revoked") ? 1000 : 666,
		.fat = strcmp(variant, "large") ? 0 : CERT_LARGE };
	snprintf(cn, sizeof cn, "gateway %s", who);
	snprintf(san, sizeof san, "DNS:%s-%s.example", strcmp(variant, "nameless") ? "t" : "u", who);
	if (!strcmp(variant, "old"))
		p.to = CERTS_NOW - 3600;
	if (!strcmp(variant, "young"))
		p.from = CERTS_NOW + DAY;
	if (!strcmp(variant, "soon"))
		p.to = CERTS_SOON;
	if (!strcmp(variant, "authority")) {
		p.ca = true;
		p.usage = "critical,digitalSignature,keyCertSign";
	}
	authority(root, NULL);
	if (chain) {
		authority(&between[0], root);
		authority(&between[1], &between[0]);
	}
	X509 *x = issue(&p, key_of(who, kind), above->x, key_of(above->key, "p256"));
	put(to, x);
	X509_free(x);
	if (chain) {
		put(to, between[1].x);
		put(to, between[0].x);
	}
}

static void crl(BIO *to)
{
	X509_CRL *c = X509_CRL_new();
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *from = ASN1_TIME_set(NULL, CERTS_NOW - DAY), *until = ASN1_TIME_set(NULL, CERTS_NOW + 7 * DAY);
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	ASN1_INTEGER_set(serial, 666);
	X509_CRL_set_version(c, 1);
	X509_CRL_set_issuer_name(c, X509_get_subject_name(authority(&roots[0], NULL)));
	X509_CRL_set1_lastUpdate(c, from);
	X509_CRL_set1_nextUpdate(c, until);
	X509_REVOKED_set_serialNumber(r, serial);
	X509_REVOKED_set_revocationDate(r, from);
	X509_CRL_add0_revoked(c, r);
	if (!X509_CRL_sign(c, key_of("root", "p256"), EVP_sha256()) || !PEM_write_bio_X509_CRL(to, c))
		die("CRL");
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	X509_CRL_free(c);
}

static bool make(BIO *to, const char *name)
{
	char who[16], kind[16], rest[32];
	if (!strcmp(name, "ca.pem"))
		put(to, authority(&roots[0], NULL));
	else if (!strcmp(name, "other-ca.pem"))
		put(to, authority(&roots[1], NULL));
	else if (!strcmp(name, "crl.pem"))
		crl(to);
	else if (sscanf(name, "%15[a-z].%15[a-z0-9].%31[a-z.]", who, kind, rest) != 3)
		return false;
	else if (!strcmp(rest, "key"))
		PEM_write_bio_PKCS8PrivateKey(to, key_of(who, kind), NULL, NULL, 0, NULL, NULL);
	else
		leaf(to, who, kind, strtok(rest, "."));
	return true;
}

struct bytes certs_file(const char *name)
{
	for (unsigned i = 0; i < n_files; i++)
		if (!strcmp(files[i].name, name))
			return files[i].pem;
	BIO *b = BIO_new(BIO_s_mem());
	char *data;
	if (!make(b, name)) {
		BIO_free(b);
		return (struct bytes){ 0 };
	}
	long n = BIO_get_mem_data(b, &data);
	uint8_t *copy = malloc((size_t)n);
	if (n_files == FILES_MAX || !copy)
		die("too many files");
	memcpy(copy, data, (size_t)n);
	snprintf(files[n_files].name, sizeof files[n_files].name, "%s", name);
	files[n_files].pem = bytes_of(copy, (size_t)n);
	BIO_free(b);
	return files[n_files++].pem;
}

struct psk *certs_reader(void *arg, const char *name, size_t max, struct key_fault *fault)
{
	struct bytes pem = certs_file(name);
	(void)arg;
	if (!pem.n || pem.n > max) {
		*fault = key_fault_absent();
		return NULL;
	}
	struct psk *p = xcalloc(1, sizeof *p + pem.n);
	p->len = pem.n;
	memcpy(p->data, pem.p, pem.n);
	return p;
}
