/* cert_file.c - certificates and CRLs out of files of ours: PEM, DER, PKCS#12. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "cert_lib.h"

void cert_list_free(struct cert_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free((uint8_t *)(uintptr_t)l->der[i].p);
	*l = (struct cert_list){ 0 };
}

static bool add(struct cert_list *l, struct bytes der)
{
	uint8_t *own = malloc(der.n > 0 ? der.n : 1);
	if (own == NULL)
		return false;
	memcpy(own, der.p, der.n);
	l->der[l->n++] = bytes_of(own, der.n);
	return true;
}

static bool add_cert(struct cert_list *l, struct bytes der, const char **why)
{
	enum cert_cause cause;
	struct cert *c = cert_read(der, &cause);
	*why = cert_cause_text(cause);
	bool ok = c != NULL && add(l, der);
	cert_free(c);
	return ok;
}

static bool add_crl(struct cert_list *l, struct bytes der, const char **why)
{
	const uint8_t *at = der.p;
	X509_CRL *crl = der.n <= CERT_CRL_SIZE_MAX ? d2i_X509_CRL(NULL, &at, (long)der.n) : NULL;
	bool ok = crl != NULL && at == der.p + der.n && add(l, der);
	*why = der.n > CERT_CRL_SIZE_MAX ? "a CRL is larger than 256 kB" : "a CRL cannot be read";
	X509_CRL_free(crl);
	return ok;
}

/* What is read of a file, the names of its PEM blocks. */
struct content {
	const char *name, *old_name;
	bool (*add)(struct cert_list *l, struct bytes der, const char **why);
	const char *none;
};
static const struct content certs = { PEM_STRING_X509, PEM_STRING_X509_OLD, add_cert, "there is no certificate in it" };
static const struct content crls = { PEM_STRING_X509_CRL, PEM_STRING_X509_CRL, add_crl, "there is no CRL in it" };

/* Other blocks (the private key is often in the same file) are passed over, and wiped. */
static bool blocks_read(BIO *b, const struct content *what, unsigned max, struct cert_list *out, const char **why)
{
	char *name, *header;
	uint8_t *data;
	long n;
	bool ok = true;
	while (ok && PEM_read_bio(b, &name, &header, &data, &n) == 1) {
		if (strcmp(name, what->name) == 0 || strcmp(name, what->old_name) == 0) {
			*why = "there are more of them in it than are allowed";
			ok = out->n < max && what->add(out, bytes_of(data, (size_t)n), why);
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(data, (size_t)n);
	}
	unsigned long error = ERR_peek_last_error();
	if (ok && ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
		*why = "a block of PEM in it is damaged";
		ok = false;
	}
	return ok;
}

static bool file_read(struct bytes file, const struct content *what, unsigned max, struct cert_list *out, const char **why)
{
	BIO *b = file.n > 0 && file.n <= INT32_MAX ? BIO_new_mem_buf(file.p, (int)file.n) : NULL;
	bool ok;
	*out = (struct cert_list){ 0 };
	*why = what->none;
	ERR_clear_error();
	if (file.n > 0 && file.p[0] == 0x30) /* DER; PEM begins with a letter, a blank or a dash */
		ok = what->add(out, file, why);
	else
		ok = b != NULL && blocks_read(b, what, max < CERT_CRL_MAX ? max : CERT_CRL_MAX, out, why);
	BIO_free(b);
	ERR_clear_error();
	if (ok && out->n > 0)
		return true;
	cert_list_free(out);
	return false;
}

bool cert_pem_read(struct bytes file, unsigned max, struct cert_list *out, const char **why)
{
	return file_read(file, &certs, max, out, why);
}

bool cert_pem_crls(struct bytes file, struct cert_list *out, const char **why)
{
	return file_read(file, &crls, CERT_CRL_MAX, out, why);
}

static bool add_x509(struct cert_list *l, X509 *x, const char **why)
{
	uint8_t *der = NULL;
	int n = i2d_X509(x, &der);
	*why = "there are more certificates in it than are allowed";
	bool ok = n > 0 && l->n < CERT_CHAIN_MAX && add_cert(l, bytes_of(der, (size_t)n), why);
	OPENSSL_free(der);
	return ok;
}

static const char no_pkcs12[] = "it is no PKCS#12 file";

static bool wants_password(PKCS12 *p)
{
	return PKCS12_mac_present(p) == 1 && PKCS12_verify_mac(p, NULL, 0) != 1 && PKCS12_verify_mac(p, "", 0) != 1;
}

bool cert_pkcs12_read(struct bytes file, const char *password, struct cert_list *out, const char **why)
{
	const uint8_t *at = file.p;
	EVP_PKEY *key = NULL;
	X509 *leaf = NULL;
	STACK_OF(X509) *others = NULL;
	PKCS12 *p = file.n > 0 && file.n <= CERT_CRL_SIZE_MAX ? d2i_PKCS12(NULL, &at, (long)file.n) : NULL;
	bool ok = false;
	*out = (struct cert_list){ 0 };
	*why = p == NULL ? no_pkcs12
	       : password == NULL && wants_password(p)
		       ? "it is a PKCS#12 file with a password"
		       : "it cannot be opened: the password is wrong, or its encryption is of before 2010 (openssl pkcs12 -legacy)";
	if (p != NULL && PKCS12_parse(p, password, &key, &leaf, &others) == 1) {
		*why = "there is no certificate in it";
		ok = leaf != NULL && add_x509(out, leaf, why);
		for (int i = 0; ok && i < sk_X509_num(others); i++)
			ok = add_x509(out, sk_X509_value(others, i), why);
	}
	EVP_PKEY_free(key);
	X509_free(leaf);
	sk_X509_pop_free(others, X509_free);
	PKCS12_free(p);
	ERR_clear_error();
	if (!ok)
		cert_list_free(out);
	return ok;
}

bool cert_file_read(struct bytes file, unsigned max, struct cert_list *out, const char **why)
{
	const char *why_p12 = no_pkcs12;
	if (cert_pem_read(file, max, out, why))
		return true;
	bool der = file.n > 1 && file.p[0] == 0x30;
	if (der && cert_pkcs12_read(file, NULL, out, &why_p12))
		return true;
	if (why_p12 != no_pkcs12)
		*why = why_p12;
	return false;
}

bool crl_facts(struct bytes der, struct crl_facts *out)
{
	const uint8_t *at = der.p;
	X509_CRL *crl = der.n > 0 && der.n <= CERT_CRL_SIZE_MAX ? d2i_X509_CRL(NULL, &at, (long)der.n) : NULL;
	*out = (struct crl_facts){ 0 };
	if (crl != NULL) {
		cert_name_text(X509_CRL_get_issuer(crl), out->issuer);
		out->issued = cert_time(X509_CRL_get0_lastUpdate(crl));
		out->next = cert_time(X509_CRL_get0_nextUpdate(crl));
	}
	bool ok = crl != NULL && at == der.p + der.n;
	X509_CRL_free(crl);
	ERR_clear_error();
	return ok;
}
