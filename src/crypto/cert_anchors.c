/* cert_anchors.c - the CAs and CRLs of one tunnel. Nothing else is ever in its store: no directory, no file of the system. */
#include <stdlib.h>

#include <openssl/err.h>

#include "cert_anchors.h"

static bool add_ca(X509_STORE *store, struct bytes der, const char **why)
{
	enum cert_cause cause;
	struct cert *c = cert_read(der, &cause);
	*why = cert_cause_text(cause);
	bool ok = c != NULL && X509_STORE_add_cert(store, c->x) == 1;
	cert_free(c);
	return ok;
}

static bool add_crl(X509_STORE *store, struct bytes der, const char **why)
{
	const uint8_t *at = der.p;
	X509_CRL *crl = der.n <= CERT_CRL_SIZE_MAX ? d2i_X509_CRL(NULL, &at, (long)der.n) : NULL;
	bool ok = crl != NULL && at == der.p + der.n && X509_STORE_add_crl(store, crl) == 1;
	*why = "a CRL cannot be read";
	X509_CRL_free(crl);
	return ok;
}

struct anchors *anchors_new(const struct anchors_conf *conf, const char **why)
{
	struct anchors *a = calloc(1, sizeof *a);
	*why = "the cryptographic library failed";
	bool ok = a != NULL && (a->store = X509_STORE_new()) != NULL;
	if (ok && conf->n_ca == 0) {
		*why = "there is no CA";
		ok = false;
	}
	for (unsigned i = 0; ok && i < conf->n_ca; i++)
		ok = add_ca(a->store, conf->ca[i], why);
	for (unsigned i = 0; ok && conf->crl_policy != CRL_OFF && i < conf->n_crl; i++)
		ok = add_crl(a->store, conf->crl[i], why);
	ERR_clear_error();
	if (a != NULL) {
		a->crl_policy = conf->crl_policy;
		atomic_init(&a->owners, 1);
	}
	if (ok)
		return a;
	anchors_free(a);
	return NULL;
}

struct anchors *anchors_hold(struct anchors *a)
{
	atomic_fetch_add(&a->owners, 1);
	return a;
}

void anchors_free(struct anchors *a)
{
	if (a == NULL || atomic_fetch_sub(&a->owners, 1) > 1)
		return;
	X509_STORE_free(a->store);
	free(a);
}
