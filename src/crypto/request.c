/* request.c - see request.h. */
#include "crypto/request.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "wire/ikev2.h"

static EVP_PKEY *key_new(const struct request_wish *w)
{
	switch (w->key) {
	case KEY_RSA: return EVP_RSA_gen(w->bits);
	case KEY_P256: return EVP_EC_gen("P-256");
	case KEY_P384: return EVP_EC_gen("P-384");
	case KEY_P521: return EVP_EC_gen("P-521");
	case KEY_ED25519: return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case KEY_ED448: return EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	case KEY_NONE: break;
	}
	return NULL;
}

static bool name_add(GENERAL_NAMES *to, const struct request_name *n)
{
	static const struct {
		uint8_t id, general;
	} types[] = { { ID_FQDN, GEN_DNS }, { ID_RFC822_ADDR, GEN_EMAIL }, { ID_IPV4_ADDR, GEN_IPADD },
		{ ID_IPV6_ADDR, GEN_IPADD } };
	size_t i = 0;
	while (i < ARRAY_SIZE(types) && types[i].id != n->type)
		i++;
	if (i == ARRAY_SIZE(types) || n->value.n > INT_MAX)
		return false;
	bool ip = types[i].general == GEN_IPADD;
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_STRING *s = ip ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	if (g == NULL || s == NULL || !ASN1_STRING_set(s, n->value.p, (int)n->value.n)) {
		GENERAL_NAME_free(g);
		ASN1_STRING_free(s);
		return false;
	}
	GENERAL_NAME_set0_value(g, types[i].general, s);
	if (sk_GENERAL_NAME_push(to, g) > 0)
		return true;
	GENERAL_NAME_free(g);
	return false;
}

static bool names_add(STACK_OF(X509_EXTENSION) * *list, const struct request_wish *w)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	bool ok = names != NULL;
	for (unsigned i = 0; i < w->n && ok; i++)
		ok = name_add(names, &w->names[i]);
	ok = ok && (w->n == 0 || X509V3_add1_i2d(list, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND) == 1);
	GENERAL_NAMES_free(names);
	return ok;
}

/* The texts are constants: nobody's words come into the library's small language. */
static bool extension_add(STACK_OF(X509_EXTENSION) * *list, int nid, const char *value)
{
	X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = x != NULL && X509v3_add_ext(list, x, -1) != NULL;
	X509_EXTENSION_free(x);
	return ok;
}

static bool extensions(X509_REQ *r, const struct request_wish *w)
{
	STACK_OF(X509_EXTENSION) *list = NULL;
	const char *usage = w->key == KEY_RSA && w->tls ? "critical,digitalSignature,keyEncipherment"
							: "critical,digitalSignature";
	bool ok = extension_add(&list, NID_basic_constraints, "critical,CA:FALSE") &&
		  extension_add(&list, NID_key_usage, usage) &&
		  (!w->tls || extension_add(&list, NID_ext_key_usage, "serverAuth,clientAuth")) && names_add(&list, w) &&
		  X509_REQ_add_extensions(r, list) == 1;
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return ok;
}

/* What was written, with a final zero, malloc'd; NULL when there is nothing. */
static char *text_out(BIO *b)
{
	char *p = NULL;
	long n = b != NULL ? BIO_get_mem_data(b, &p) : 0;
	if (n <= 0)
		return NULL;
	char *text = memcpy(xcalloc((size_t)n + 1, 1), p, (size_t)n);
	wipe(p, (size_t)n);
	return text;
}

static bool write_out(EVP_PKEY *key, X509_REQ *r, struct request *out)
{
	BIO *k = BIO_new(BIO_s_mem()), *q = BIO_new(BIO_s_mem());
	if (k != NULL && q != NULL && PEM_write_bio_PKCS8PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		PEM_write_bio_X509_REQ(q, r) == 1) {
		out->key = text_out(k);
		out->request = text_out(q);
	}
	BIO_free(k);
	BIO_free(q);
	return out->key != NULL && out->request != NULL;
}

bool request_has_cn(struct bytes subject)
{
	const uint8_t *p = subject.p;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)subject.n);
	bool has = name != NULL && X509_NAME_get_index_by_NID(name, NID_commonName, -1) >= 0;
	X509_NAME_free(name);
	ERR_clear_error();
	return has;
}

int request_make(const struct request_wish *w, struct request *out)
{
	const unsigned char *at = w->subject.p;
	*out = (struct request){ 0 };
	X509_NAME *subject = w->subject.n > 0 && w->subject.n <= INT_MAX ? d2i_X509_NAME(NULL, &at, (long)w->subject.n) : NULL;
	EVP_PKEY *key = subject != NULL ? key_new(w) : NULL;
	X509_REQ *r = key != NULL ? X509_REQ_new() : NULL;
	bool own = w->key == KEY_ED25519 || w->key == KEY_ED448; /* they have their hash in them */
	int err = subject == NULL ? ERR_SYNTAX : ERR_CRYPTO;
	if (r != NULL && X509_REQ_set_subject_name(r, subject) == 1 && X509_REQ_set_pubkey(r, key) == 1 && extensions(r, w) &&
		X509_REQ_sign(r, key, own ? NULL : EVP_sha256()) > 0 && write_out(key, r, out))
		err = ERR_OK;
	if (err != ERR_OK)
		request_release(out);
	X509_NAME_free(subject);
	X509_REQ_free(r);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return err;
}

void request_release(struct request *r)
{
	if (r->key != NULL)
		wipe(r->key, strlen(r->key));
	free(r->key);
	free(r->request);
	*r = (struct request){ 0 };
}
