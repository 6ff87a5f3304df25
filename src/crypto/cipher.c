/*
 * cipher.c - one pass of a cipher over a text in place, CBC without padding and AEAD, by the provider's functions (provider.c),
 * provider-cipher(7). Each pass has a state of its own, which OpenSSL wipes when it takes it back: no key outlives its use.
 */
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/util.h"
#include "lib.h"

struct lib_cipher {
	EVP_CIPHER *from; /* keeps the provider */
	void *provider;
	OSSL_FUNC_cipher_newctx_fn *make;
	OSSL_FUNC_cipher_freectx_fn *drop;
	OSSL_FUNC_cipher_encrypt_init_fn *encrypt;
	OSSL_FUNC_cipher_decrypt_init_fn *decrypt;
	OSSL_FUNC_cipher_update_fn *run;
	OSSL_FUNC_cipher_final_fn *end;
	OSSL_FUNC_cipher_set_ctx_params_fn *set;
	OSSL_FUNC_cipher_get_ctx_params_fn *get;
};

static bool find_functions(struct lib_cipher *c)
{
	static const int ids[] = { OSSL_FUNC_CIPHER_NEWCTX, OSSL_FUNC_CIPHER_FREECTX, OSSL_FUNC_CIPHER_ENCRYPT_INIT,
		OSSL_FUNC_CIPHER_DECRYPT_INIT, OSSL_FUNC_CIPHER_UPDATE, OSSL_FUNC_CIPHER_FINAL, OSSL_FUNC_CIPHER_SET_CTX_PARAMS,
		OSSL_FUNC_CIPHER_GET_CTX_PARAMS };
	provider_fn *f[ARRAY_SIZE(ids)];
	const OSSL_PROVIDER *from = EVP_CIPHER_get0_provider(c->from);
	if (!provider_functions(from, OSSL_OP_CIPHER, EVP_CIPHER_get0_name(c->from), ids, f, ARRAY_SIZE(ids)))
		return false;
	c->make = (OSSL_FUNC_cipher_newctx_fn *)f[0];
	c->drop = (OSSL_FUNC_cipher_freectx_fn *)f[1];
	c->encrypt = (OSSL_FUNC_cipher_encrypt_init_fn *)f[2];
	c->decrypt = (OSSL_FUNC_cipher_decrypt_init_fn *)f[3];
	c->run = (OSSL_FUNC_cipher_update_fn *)f[4];
	c->end = (OSSL_FUNC_cipher_final_fn *)f[5];
	c->set = (OSSL_FUNC_cipher_set_ctx_params_fn *)f[6];
	c->get = (OSSL_FUNC_cipher_get_ctx_params_fn *)f[7];
	c->provider = OSSL_PROVIDER_get0_provider_ctx(from);
	return true;
}

const struct lib_cipher *cipher_load(const char *name)
{
	struct lib_cipher *c = xcalloc(1, sizeof *c);
	c->from = EVP_CIPHER_fetch(NULL, name, NULL);
	if (c->from && find_functions(c))
		return c;
	EVP_CIPHER_free(c->from);
	free(c);
	return NULL;
}

static void *start(const struct lib_cipher *c, bool encrypt, struct bytes key, struct bytes iv, const OSSL_PARAM *params)
{
	void *state = c->make(c->provider);
	if (state && (encrypt ? c->encrypt : c->decrypt)(state, key.p, key.n, iv.p, iv.n, params) == 1)
		return state;
	if (state)
		c->drop(state);
	return NULL;
}

/* All of the text, and what is left of it at the end: nothing of whole blocks, nothing of a stream. */
static bool pass(const struct lib_cipher *c, void *state, uint8_t *text, size_t n)
{
	size_t first = 0, last = 0;
	return c->run(state, text, &first, n, text, n) == 1 && c->end(state, text + first, &last, n - first) == 1 &&
	       first + last == n;
}

bool cipher_cbc(const struct lib_cipher *c, bool encrypt, struct bytes key, struct bytes iv, uint8_t *text, size_t n)
{
	unsigned none = 0;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_uint(OSSL_CIPHER_PARAM_PADDING, &none), OSSL_PARAM_construct_end() };
	void *state = start(c, encrypt, key, iv, params);
	bool ok = state && pass(c, state, text, n);
	if (state)
		c->drop(state);
	return ok;
}

static bool authenticated(const struct lib_cipher *c, void *state, struct bytes head, uint8_t *text, size_t n)
{
	size_t ad = 0;
	return (!head.n || c->run(state, NULL, &ad, head.n, head.p, head.n) == 1) && pass(c, state, text, n);
}

bool cipher_seal(const struct lib_cipher *c, struct bytes key, struct bytes nonce, struct bytes head, uint8_t *text, size_t n,
	uint8_t *tag, size_t tag_n)
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, tag_n),
		OSSL_PARAM_construct_end() };
	void *state = start(c, true, key, nonce, NULL);
	bool ok = state && authenticated(c, state, head, text, n) && c->get(state, params) == 1;
	if (state)
		c->drop(state);
	return ok;
}

int cipher_open(const struct lib_cipher *c, struct bytes key, struct bytes nonce, struct bytes head, uint8_t *text, size_t n,
	uint8_t *tag, size_t tag_n)
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, tag_n),
		OSSL_PARAM_construct_end() };
	void *state = start(c, false, key, nonce, NULL);
	int err = ERR_CRYPTO;
	if (state && c->set(state, params) == 1)
		err = authenticated(c, state, head, text, n) ? ERR_OK : ERR_INTEGRITY;
	if (state)
		c->drop(state);
	return err;
}
