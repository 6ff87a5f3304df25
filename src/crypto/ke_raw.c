/*
 * ke_raw.c - X25519 and X448 (RFC 8031, RFC 7748): private value, public value and shared secret are octet strings of one length.
 */
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "ke.h"

static EVP_PKEY *pair(const struct lib_alg *row, const uint8_t *priv)
{
	return EVP_PKEY_new_raw_private_key_ex(NULL, row->name, NULL, priv, row->alg.key_bytes);
}

static void *raw_load(const struct lib_alg *row)
{
	static const uint8_t one[KE_PRIVATE_MAX] = { 1 };
	static const uint8_t ready;
	EVP_PKEY *probe = pair(row, one);
	EVP_PKEY_free(probe);
	return probe ? (void *)(uintptr_t)&ready : NULL; /* nothing to keep: any address says that the curve is there */
}

static int raw_generate(const struct lib_alg *row, fill_fn fill, void *arg, struct ke_private *priv, struct ke_public *pub)
{
	size_t n = row->alg.key_bytes;
	priv->len = row->alg.key_bytes;
	pub->len = row->alg.key_bytes;
	fill(arg, priv->data, n);
	EVP_PKEY *pkey = pair(row, priv->data);
	bool ok = pkey && EVP_PKEY_get_raw_public_key(pkey, pub->data, &n) == 1 && n == pub->len;
	EVP_PKEY_free(pkey);
	return ok ? ERR_OK : ERR_CRYPTO;
}

/* From the private octets alone OpenSSL would compute the public ones first, as long a work as the derivation itself. The
 * derivation never looks at them, so zeros stand in. */
static EVP_PKEY *private_half(const struct lib_alg *row, const struct ke_private *priv)
{
	uint8_t unused[KE_PRIVATE_MAX] = { 0 };
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)(uintptr_t)priv->data, priv->len),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, unused, priv->len),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, row->name, NULL);
	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static int raw_derive(const struct lib_alg *row, const struct ke_private *priv, struct bytes peer, struct ke_shared *shared)
{
	static const uint8_t zeros[KE_PRIVATE_MAX];
	if (priv->len != row->alg.key_bytes)
		return ERR_CRYPTO;
	size_t n = priv->len;
	int err = ERR_CRYPTO;
	EVP_PKEY *ours = private_half(row, priv);
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key_ex(NULL, row->name, NULL, peer.p, peer.n);
	EVP_PKEY_CTX *ctx = ours ? EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL) : NULL;
	if (!ctx || !theirs || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) != 1)
		goto out;
	/* A value of small order gives zero (RFC 8031 4); OpenSSL refuses by itself, but does not promise to. */
	err = ERR_BAD_KE;
	shared->len = priv->len;
	if (EVP_PKEY_derive(ctx, shared->data, &n) == 1 && n == priv->len && !same_secret(shared->data, zeros, n))
		err = ERR_OK;
out:
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(ours);
	return err;
}

const struct ke_method ke_raw = { raw_load, raw_generate, raw_derive };
