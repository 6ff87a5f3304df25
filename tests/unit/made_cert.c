/* made_cert.c - see made_cert.h. Whatever fails here is a fault of the test: it ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "made_cert.h"

static void need(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "made_cert: %s failed\n", what);
	abort();
}

void *made_kept(void *p)
{
	static void **all;
	static size_t n;
	void **more = realloc(all, (n + 1) * sizeof *all);
	need(more != NULL, "memory");
	all = more;
	return all[n++] = p;
}

static struct bytes keep(const void *p, long n)
{
	need(p != NULL && n > 0, "octets");
	return bytes_of(memcpy(made_kept(malloc((size_t)n)), p, (size_t)n), (size_t)n);
}

EVP_PKEY *made_key(const char *word)
{
	EVP_PKEY *key = NULL;
	if (word == NULL)
		word = "P-256";
	if (strncmp(word, "rsa", 3) == 0)
		key = EVP_RSA_gen((unsigned)atoi(word + 3));
	else if (strncmp(word, "ED", 2) == 0 || strcmp(word, "X25519") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, word);
	else
		key = EVP_EC_gen(word);
	need(key != NULL, word);
	return made_kept(key);
}

static X509_NAME *name_of(const char *text)
{
	X509_NAME *name = X509_NAME_new();
	char copy[256], *save = NULL;
	snprintf(copy, sizeof copy, "%s", text);
	for (char *part = strtok_r(copy, ",", &save); part != NULL; part = strtok_r(NULL, ",", &save)) {
		char *value = strchr(part, '=');
		need(value != NULL, text);
		*value++ = 0;
		need(X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, (uint8_t *)value, -1, -1, 0), text);
	}
	return name;
}

struct bytes made_name(const char *text)
{
	X509_NAME *name = name_of(text);
	uint8_t *der = NULL;
	int n = i2d_X509_NAME(name, &der);
	struct bytes b = keep(der, n);
	OPENSSL_free(der);
	X509_NAME_free(name);
	return b;
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	if (value == NULL)
		return;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	need(e != NULL && X509_add_ext(x, e, -1), value);
	X509_EXTENSION_free(e);
}

static void extend_all(X509 *x, X509 *issuer, const struct made_spec *s)
{
	bool ca = s->constraints != NULL && strstr(s->constraints, "CA:TRUE") != NULL;
	if (s->version_1)
		return;
	extend(x, issuer, NID_basic_constraints, s->constraints);
	extend(x, issuer, NID_key_usage, s->usage != NULL ? s->usage : ca ? "critical,keyCertSign,cRLSign" : NULL);
	extend(x, issuer, NID_ext_key_usage, s->purposes);
	extend(x, issuer, NID_name_constraints, s->names);
	extend(x, issuer, NID_subject_alt_name, s->san);
	if (!s->no_key_ids) {
		extend(x, issuer, NID_subject_key_identifier, "hash");
		extend(x, issuer, NID_authority_key_identifier, X509_get0_subject_key_id(issuer) != NULL ? "keyid:always" : NULL);
	}
	if (s->strange) {
		ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
		ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
		need(ASN1_OCTET_STRING_set(value, (const uint8_t *)"\5\0", 2), "value");
		X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
		need(e != NULL && X509_add_ext(x, e, -1), "extension");
		X509_EXTENSION_free(e);
		ASN1_OCTET_STRING_free(value);
		ASN1_OBJECT_free(oid);
	}
}

static const EVP_MD *digest_for(EVP_PKEY *key, const char *word)
{
	if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
		return NULL;
	return EVP_get_digestbyname(word != NULL ? word : "SHA256");
}

static void encode(struct made *m)
{
	uint8_t *der = NULL;
	int n = i2d_X509(m->x, &der);
	free((uint8_t *)(uintptr_t)m->der.p);
	m->der = keep(der, n);
	OPENSSL_free(der);
}

void made_again(struct made *m)
{
	need(X509_sign(m->x, m->key, digest_for(m->key, NULL)) > 0, "signature");
	encode(m);
}

void made_key_octets(struct made *m, const char *algorithm, const char *curve, struct bytes octets)
{
	X509_PUBKEY *key = X509_get_X509_PUBKEY(m->x);
	uint8_t *own = OPENSSL_memdup(octets.p, octets.n);
	int type = curve != NULL ? V_ASN1_OBJECT : V_ASN1_NULL;
	need(X509_PUBKEY_set0_param(
		     key, OBJ_txt2obj(algorithm, 0), type, curve != NULL ? OBJ_txt2obj(curve, 0) : NULL, own, (int)octets.n),
		algorithm);
	made_again(m);
}

struct made made(const struct made_spec *s)
{
	static long serial = 1000;
	struct made m = { .key = s->old_key != NULL ? s->old_key : made_key(s->key), .x = made_kept(X509_new()) };
	if (s->old_key != NULL)
		need(EVP_PKEY_up_ref(m.key), "key");
	X509 *issuer = s->issuer != NULL ? s->issuer->x : m.x;
	EVP_PKEY *by = s->issuer != NULL ? s->issuer->key : m.key;
	X509_NAME *name = name_of(s->name != NULL ? s->name : "CN=gw1");
	bool usual = s->from == 0 && s->to == 0;
	long from = usual ? -1 : s->from, to = usual ? 100 : s->to;
	need(X509_set_version(m.x, s->version_1 ? X509_VERSION_1 : X509_VERSION_3), "version");
	ASN1_INTEGER_set(X509_get_serialNumber(m.x), ++serial);
	ASN1_TIME_set(X509_getm_notBefore(m.x), MADE_NOW + from * MADE_DAY);
	ASN1_TIME_set(X509_getm_notAfter(m.x), MADE_NOW + to * MADE_DAY);
	need(X509_set_subject_name(m.x, name) && X509_set_issuer_name(m.x, X509_get_subject_name(issuer)), "names");
	need(X509_set_pubkey(m.x, m.key), "public key");
	extend_all(m.x, issuer, s);
	need(X509_sign(m.x, by, digest_for(by, s->digest)) > 0, "signature");
	encode(&m);
	X509_NAME_free(name);
	return m;
}

struct made made_ca(const char *name, const struct made *issuer)
{
	return made(&(struct made_spec){ .name = name, .issuer = issuer, .constraints = "critical,CA:TRUE" });
}

struct made made_leaf(const char *name, const struct made *issuer, const char *san)
{
	return made(&(struct made_spec){ .name = name, .issuer = issuer, .san = san, .usage = "digitalSignature" });
}

void made_free(struct made *m)
{
	EVP_PKEY_free(m->key);
	X509_free(m->x);
	free((uint8_t *)(uintptr_t)m->der.p);
}

struct bytes made_crl(const struct made *issuer, const struct made *const *revoked, unsigned n, long from, long to)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *when = ASN1_TIME_new();
	need(X509_CRL_set_version(crl, X509_CRL_VERSION_2) && X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x)),
		"CRL");
	ASN1_TIME_set(when, MADE_NOW + from * MADE_DAY);
	X509_CRL_set1_lastUpdate(crl, when);
	for (unsigned i = 0; i < n; i++) {
		X509_REVOKED *r = X509_REVOKED_new();
		X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked[i]->x));
		X509_REVOKED_set_revocationDate(r, when);
		need(X509_CRL_add0_revoked(crl, r), "revoked");
	}
	ASN1_TIME_set(when, MADE_NOW + to * MADE_DAY);
	X509_CRL_set1_nextUpdate(crl, when);
	need(X509_CRL_sign(crl, issuer->key, digest_for(issuer->key, NULL)) > 0, "signature of a CRL");
	uint8_t *der = NULL;
	int size = i2d_X509_CRL(crl, &der);
	struct bytes b = keep(der, size);
	OPENSSL_free(der);
	ASN1_TIME_free(when);
	X509_CRL_free(crl);
	return b;
}

static struct bytes take(BIO *b)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);
	struct bytes all = keep(p, n);
	BIO_free(b);
	return all;
}

struct bytes made_key_pem(EVP_PKEY *key, const char *password)
{
	BIO *b = BIO_new(BIO_s_mem());
	need(PEM_write_bio_PKCS8PrivateKey(b, key, password != NULL ? EVP_aes_256_cbc() : NULL, password,
		     password != NULL ? (int)strlen(password) : 0, NULL, NULL),
		"PEM of a key");
	return take(b);
}

struct bytes made_pem(const char *word, struct bytes der)
{
	BIO *b = BIO_new(BIO_s_mem());
	need(PEM_write_bio(b, word, "", der.p, (long)der.n) > 0, "PEM");
	return take(b);
}

struct bytes made_pkcs12(const struct made *m, const struct made *ca, const char *password)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	if (ca != NULL)
		need(sk_X509_push(others, ca->x), "stack");
	PKCS12 *p = PKCS12_create(password, "gw1", m->key, m->x, others, 0, 0, 0, 0, 0);
	BIO *b = BIO_new(BIO_s_mem());
	need(p != NULL && i2d_PKCS12_bio(b, p), "PKCS#12");
	PKCS12_free(p);
	sk_X509_free(others);
	return take(b);
}
