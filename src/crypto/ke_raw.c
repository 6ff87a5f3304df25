/*
 * ke_raw.c - X25519 and X448 (RFC 8031, RFC 7748): private value, public value and shared secret are octet strings of one length.
 *
 * A public value is what the private one makes of the base point. OpenSSL has a way of its own to it, when it takes a private
 * value in. With X25519 the same ladder as for a shared secret is cheaper: that way reads a large table, and the object around
 * the private value has to be made anew. With X448 OpenSSL's own way takes less than the ladder.
 */
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "ke.h"

struct raw { /* nothing in it is secret */
	EVP_PKEY_CTX *maker;
	EVP_PKEY *base, *theirs; /* public halves: of X25519's base point, and of the peer's value of the moment */
};

static void raw_drop(void *p)
{
	struct raw *r = p;
	EVP_PKEY_CTX_free(r->maker);
	EVP_PKEY_free(r->base);
	EVP_PKEY_free(r->theirs);
	free(r);
}

static EVP_PKEY *public_half(const struct lib_alg *row, const uint8_t *value)
{
	return EVP_PKEY_new_raw_public_key_ex(NULL, row->name, NULL, value, row->alg.key_bytes);
}

static struct raw *raw_new(const struct lib_alg *row)
{
	uint8_t base[KE_PRIVATE_MAX] = { 9 }; /* RFC 7748 4.1; for X448 the two objects are only of its kind */
	struct raw *r = xcalloc(1, sizeof *r);
	r->maker = EVP_PKEY_CTX_new_from_name(NULL, row->name, NULL);
	r->base = public_half(row, base);
	r->theirs = public_half(row, base);
	if (r->maker && r->base && r->theirs && EVP_PKEY_fromdata_init(r->maker) == 1)
		return r;
	raw_drop(r);
	return NULL;
}

static struct raw *raw_of(const struct lib_alg *row)
{
	struct lib_kept *kept = lib_kept(row);
	if (!kept || kept->p)
		return kept ? kept->p : NULL;
	*kept = (struct lib_kept){ raw_new(row), raw_drop };
	return kept->p;
}

static void *raw_load(const struct lib_alg *row)
{
	static const uint8_t ready;
	return raw_of(row) ? (void *)(uintptr_t)&ready : NULL; /* nothing to keep: any address says that the curve is there */
}

/* From the private octets alone OpenSSL computes the public ones first, as long a work as the derivation itself. */
static EVP_PKEY *both_halves(const struct lib_alg *row, const uint8_t *priv)
{
	return EVP_PKEY_new_raw_private_key_ex(NULL, row->name, NULL, priv, row->alg.key_bytes);
}

/* The derivation never looks at the public octets, so zeros stand in. */
static EVP_PKEY *private_half(const struct raw *r, const uint8_t *priv, size_t n)
{
	uint8_t unused[KE_PRIVATE_MAX] = { 0 };
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)(uintptr_t)priv, n),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, unused, n),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *pkey = NULL;
	return EVP_PKEY_fromdata(r->maker, &pkey, EVP_PKEY_KEYPAIR, params) == 1 ? pkey : NULL;
}

static bool multiply(EVP_PKEY_CTX *ctx, EVP_PKEY *point, uint8_t *out, size_t n)
{
	size_t got = n;
	return EVP_PKEY_derive_set_peer_ex(ctx, point, 0) == 1 && EVP_PKEY_derive(ctx, out, &got) == 1 && got == n;
}

/* A value of small order gives zero (RFC 8031 4); OpenSSL refuses by itself, but does not promise to. */
static int agree(EVP_PKEY_CTX *ctx, struct raw *r, struct bytes peer, struct ke_shared *shared)
{
	static const uint8_t zeros[KE_PRIVATE_MAX];
	if (EVP_PKEY_set1_encoded_public_key(r->theirs, peer.p, peer.n) != 1)
		return ERR_CRYPTO;
	shared->len = (uint16_t)peer.n;
	return multiply(ctx, r->theirs, shared->data, peer.n) && !same_secret(shared->data, zeros, peer.n) ? ERR_OK : ERR_BAD_KE;
}

static bool by_ladder(const struct lib_alg *row) { return row->alg.id == GROUP_CURVE25519; }

static bool public_of(const struct lib_alg *row, EVP_PKEY *ours, EVP_PKEY_CTX *ctx, const struct raw *r, struct ke_public *pub)
{
	size_t n = row->alg.key_bytes;
	pub->len = row->alg.key_bytes;
	if (by_ladder(row))
		return multiply(ctx, r->base, pub->data, n);
	return EVP_PKEY_get_raw_public_key(ours, pub->data, &n) == 1 && n == pub->len;
}

/* Either of the two is NULL where it is not wanted; peer goes with shared. */
static int compute(
	const struct lib_alg *row, const uint8_t *priv, struct ke_public *pub, struct bytes peer, struct ke_shared *shared)
{
	struct raw *r = raw_of(row);
	bool whole = pub && !by_ladder(row);
	EVP_PKEY *ours = !r ? NULL : whole ? both_halves(row, priv) : private_half(r, priv, row->alg.key_bytes);
	EVP_PKEY_CTX *ctx = ours ? EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL) : NULL;
	int err = ctx && EVP_PKEY_derive_init(ctx) == 1 ? ERR_OK : ERR_CRYPTO;
	if (!err && pub)
		err = public_of(row, ours, ctx, r, pub) ? ERR_OK : ERR_CRYPTO;
	if (!err && shared)
		err = agree(ctx, r, peer, shared);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(ours);
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
