/*
 * pkey_store.c - keys by URI, through OSSL_STORE and the provider of its scheme. Each has a library context of its own with the default provider beside: the
 * property query prefers the token's provider for what its key does, hashes stay with the default one.
 */
#include <string.h>

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include "base/util.h"
#include "pkey_store.h"

static const struct scheme {
	const char *prefix, *provider, *propq, *missing;
} schemes[] = {
	{ "pkcs11:", "pkcs11", "?provider=pkcs11", "OpenSSL's provider for PKCS#11 cannot be loaded (package pkcs11-provider)" },
	{ "handle:", "tpm2", "?provider=tpm2", "OpenSSL's provider for TPM 2.0 cannot be loaded (package tpm2-openssl)" },
};

/* UI_METHOD for a PIN: everything that is asked for is answered with it, nothing is ever asked of a terminal. */
static int answer(UI *ui, UI_STRING *string)
{
	const char *pin = UI_get0_user_data(ui);
	if (UI_get_string_type(string) != UIT_PROMPT)
		return 1;
	return pin != NULL && UI_set_result(ui, string, pin) == 0;
}

static EVP_PKEY *load(OSSL_STORE_CTX *ctx)
{
	EVP_PKEY *key = NULL;
	OSSL_STORE_expect(ctx, OSSL_STORE_INFO_PKEY);
	while (key == NULL && !OSSL_STORE_eof(ctx)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(ctx);
		if (info == NULL)
			break;
		if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
			key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	return key;
}

/* The system's openssl.cnf may tell a provider where the token's module is; a file that is not there, or wrong, says nothing. */
static bool load_providers(struct pkey_store *s, const struct scheme *how)
{
	char *path = CONF_get1_default_config_file();
	if (path != NULL)
		OSSL_LIB_CTX_load_config(s->libctx, path);
	OPENSSL_free(path);
	UI_set_default_method(UI_null()); /* a provider that gets no PIN from us would ask the terminal by this one */
	s->providers[0] = OSSL_PROVIDER_load(s->libctx, "default");
	s->providers[1] = OSSL_PROVIDER_load(s->libctx, "base");
	s->providers[2] = OSSL_PROVIDER_load(s->libctx, how->provider);
	return s->providers[0] != NULL && s->providers[1] != NULL && s->providers[2] != NULL;
}

bool pkey_store_open(struct pkey_store *s, const char *uri, const char *pin, const char **why)
{
	const struct scheme *how = NULL;
	*s = (struct pkey_store){ 0 };
	for (unsigned i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strncmp(uri, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
			how = &schemes[i];
	*why = "the URI of a key begins with pkcs11: or handle:";
	if (how == NULL)
		return false;
	s->propq = how->propq;
	*why = "the cryptographic library failed";
	s->libctx = OSSL_LIB_CTX_new();
	UI_METHOD *ui = UI_create_method("s2sd");
	OSSL_STORE_CTX *ctx = NULL;
	if (s->libctx != NULL && ui != NULL && UI_method_set_reader(ui, answer) == 0) {
		*why = how->missing;
		if (load_providers(s, how)) {
			*why = "the token has no such private key, or does not give access to it";
			ctx = OSSL_STORE_open_ex(uri, s->libctx, s->propq, ui, (void *)(uintptr_t)pin, NULL, NULL, NULL);
		}
	}
	s->key = ctx != NULL ? load(ctx) : NULL;
	OSSL_STORE_close(ctx);
	UI_destroy_method(ui);
	ERR_clear_error();
	if (s->key == NULL)
		pkey_store_close(s);
	return s->key != NULL;
}

void pkey_store_close(struct pkey_store *s)
{
	EVP_PKEY_free(s->key);
	for (unsigned i = ARRAY_SIZE(s->providers); i-- > 0;)
		if (s->providers[i] != NULL)
			OSSL_PROVIDER_unload(s->providers[i]);
	OSSL_LIB_CTX_free(s->libctx);
	*s = (struct pkey_store){ 0 };
}
