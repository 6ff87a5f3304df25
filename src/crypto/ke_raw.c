/*
 * ke_raw.c - X25519 and X448 (RFC 8031, RFC 7748): private value, public value and shared secret are octet strings of one length.
 *
 * A public value is what the private one makes of the base point. OpenSSL has a way of its own to it, when it takes a private
 * value in. With X25519 the same ladder as for a shared secret is cheaper, since that way reads a large table; with X448 it
 * takes less than the ladder.
 *
 * The provider's own functions do it (provider.c), provider-keymgmt(7) and provider-keyexch(7): an EVP_PKEY and its context cost
 * a tenth of what the ladder does.
 */
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/util.h"
#include "ke.h"

struct keys { /* keymgmt */
	OSSL_FUNC_keymgmt_new_fn *make;
	OSSL_FUNC_keymgmt_free_fn *drop;
	OSSL_FUNC_keymgmt_import_fn *fill;
	OSSL_FUNC_keymgmt_get_params_fn *tell;
};

struct exchange { /* keyexch */
	OSSL_FUNC_keyexch_newctx_fn *make;
	OSSL_FUNC_keyexch_freectx_fn *drop;
	OSSL_FUNC_keyexch_init_fn *begin;
	OSSL_FUNC_keyexch_set_peer_fn *set_peer;
	OSSL_FUNC_keyexch_derive_fn *derive;
};

/* Read-only: of all threads. */
struct raw {
	EVP_KEYEXCH *from; /* keeps the provider */
	struct keys keys;
	struct exchange exchange;
	void *provider;
	void *base; /* the base point's public half, of X448 only an object of its kind */
};

/* ---------------------------------------------------------------- the provider's functions */

static bool find_keys(struct keys *k, const OSSL_PROVIDER *from, const char *name)
{
	static const int ids[] = { OSSL_FUNC_KEYMGMT_NEW, OSSL_FUNC_KEYMGMT_FREE, OSSL_FUNC_KEYMGMT_IMPORT,
		OSSL_FUNC_KEYMGMT_GET_PARAMS };
	provider_fn *f[ARRAY_SIZE(ids)];
	if (!provider_functions(from, OSSL_OP_KEYMGMT, name, ids, f, ARRAY_SIZE(ids)))
		return false;
	k->make = (OSSL_FUNC_keymgmt_new_fn *)f[0];
	k->drop = (OSSL_FUNC_keymgmt_free_fn *)f[1];
	k->fill = (OSSL_FUNC_keymgmt_import_fn *)f[2];
	k->tell = (OSSL_FUNC_keymgmt_get_params_fn *)f[3];
	return true;
}

static bool find_exchange(struct exchange *x, const OSSL_PROVIDER *from, const char *name)
{
	static const int ids[] = { OSSL_FUNC_KEYEXCH_NEWCTX, OSSL_FUNC_KEYEXCH_FREECTX, OSSL_FUNC_KEYEXCH_INIT,
		OSSL_FUNC_KEYEXCH_SET_PEER, OSSL_FUNC_KEYEXCH_DERIVE };
	provider_fn *f[ARRAY_SIZE(ids)];
	if (!provider_functions(from, OSSL_OP_KEYEXCH, name, ids, f, ARRAY_SIZE(ids)))
		return false;
	x->make = (OSSL_FUNC_keyexch_newctx_fn *)f[0];
	x->drop = (OSSL_FUNC_keyexch_freectx_fn *)f[1];
	x->begin = (OSSL_FUNC_keyexch_init_fn *)f[2];
	x->set_peer = (OSSL_FUNC_keyexch_set_peer_fn *)f[3];
	x->derive = (OSSL_FUNC_keyexch_derive_fn *)f[4];
	return true;
}

/* ---------------------------------------------------------------- keys */

/* Either half may be NULL; from the private octets alone the provider computes the public ones. */
static void *key_of(const struct raw *r, const uint8_t *priv, const uint8_t *pub, size_t n)
{
	OSSL_PARAM params[3], *p = params;
	if (priv)
		*p++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)(uintptr_t)priv, n);
	if (pub)
		*p++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)pub, n);
	*p = OSSL_PARAM_construct_end();
	void *key = r->keys.make(r->provider);
	if (key && r->keys.fill(key, priv ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) == 1)
		return key;
	if (key)
		r->keys.drop(key);
	return NULL;
}

static void *raw_load(const struct lib_alg *row)
{
	const uint8_t base[KE_PRIVATE_MAX] = { 9 }; /* RFC 7748 4.1 */
	struct raw *r = xcalloc(1, sizeof *r);
	r->from = EVP_KEYEXCH_fetch(NULL, row->name, NULL);
	const OSSL_PROVIDER *from = r->from ? EVP_KEYEXCH_get0_provider(r->from) : NULL;
	const char *name = r->from ? EVP_KEYEXCH_get0_name(r->from) : NULL;
	r->provider = from ? OSSL_PROVIDER_get0_provider_ctx(from) : NULL;
	if (from && find_keys(&r->keys, from, name) && find_exchange(&r->exchange, from, name))
		r->base = key_of(r, NULL, base, row->alg.key_bytes);
	if (r->base)
		return r;
	EVP_KEYEXCH_free(r->from);
	free(r);
	return NULL;
}

/* ---------------------------------------------------------------- what is computed with them */

static bool multiply(const struct raw *r, void *ctx, void *point, uint8_t *out, size_t n)
{
	size_t got = n;
	return r->exchange.set_peer(ctx, point) == 1 && r->exchange.derive(ctx, out, &got, n) == 1 && got == n;
}

/* A value of small order gives zero (RFC 8031 4); OpenSSL refuses by itself, but does not promise to. */
static int agree(const struct raw *r, void *ctx, struct bytes peer, struct ke_shared *shared)
{
	static const uint8_t zeros[KE_PRIVATE_MAX];
	void *theirs = key_of(r, NULL, peer.p, peer.n);
	if (!theirs)
		return ERR_CRYPTO;
	shared->len = (uint16_t)peer.n;
	bool ok = multiply(r, ctx, theirs, shared->data, peer.n) && !same_secret(shared->data, zeros, peer.n);
	r->keys.drop(theirs);
	return ok ? ERR_OK : ERR_BAD_KE;
}

static bool by_ladder(const struct lib_alg *row) { return row->alg.id == GROUP_CURVE25519; }

static bool public_of(const struct lib_alg *row, const struct raw *r, void *ctx, void *ours, struct ke_public *pub)
{
	size_t n = pub->len = row->alg.key_bytes;
	if (by_ladder(row))
		return multiply(r, ctx, r->base, pub->data, n);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, pub->data, n),
		OSSL_PARAM_construct_end(),
	};
	return r->keys.tell(ours, params) == 1 && params[0].return_size == n;
}

/* Either of the two is NULL where it is not wanted; peer goes with shared. */
static int compute(
	const struct lib_alg *row, const uint8_t *priv, struct ke_public *pub, struct bytes peer, struct ke_shared *shared)
{
	static const uint8_t unread[KE_PRIVATE_MAX]; /* a derivation never looks at the public half */
	const struct raw *r = row->group;
	bool whole = pub && !by_ladder(row);
	void *ours = key_of(r, priv, whole ? NULL : unread, row->alg.key_bytes);
	void *ctx = ours ? r->exchange.make(r->provider) : NULL;
	int err = ctx && r->exchange.begin(ctx, ours, NULL) == 1 ? ERR_OK : ERR_CRYPTO;
	if (!err && pub)
		err = public_of(row, r, ctx, ours, pub) ? ERR_OK : ERR_CRYPTO;
	if (!err && shared)
		err = agree(r, ctx, peer, shared);
	if (ctx)
		r->exchange.drop(ctx); /* holds ours, too: with the next line it is wiped */
	if (ours)
		r->keys.drop(ours);
	return err;
}

static int raw_generate(const struct lib_alg *row, fill_fn fill, void *arg, struct ke_private *priv, struct ke_public *pub)
{
	priv->len = row->alg.key_bytes;
	fill(arg, priv->data, priv->len);
	return compute(row, priv->data, pub, (struct bytes){ 0 }, NULL);
}

static int raw_derive(const struct lib_alg *row, const struct ke_private *priv, struct bytes peer, struct ke_shared *shared)
{
	return priv->len == row->alg.key_bytes ? compute(row, priv->data, NULL, peer, shared) : ERR_CRYPTO;
}

static int raw_accept(
	const struct lib_alg *row, fill_fn fill, void *arg, struct bytes peer, struct ke_public *pub, struct ke_shared *shared)
{
	uint8_t priv[KE_PRIVATE_MAX];
	fill(arg, priv, row->alg.key_bytes);
	int err = compute(row, priv, pub, peer, shared);
	wipe(priv, sizeof priv);
	return err;
}

const struct ke_method ke_raw = { raw_load, raw_generate, raw_derive, raw_accept };
