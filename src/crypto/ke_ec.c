/*
 * ke_ec.c - Diffie-Hellman on the NIST curves, RFC 5903: a public value is x | y without a prefix, the shared secret is x.
 * Checks: RFC 6989 2.3. Points are used directly: for P-256 that is OpenSSL's fast path, and no key object has to be built and
 * checked around them.
 */
#include <string.h>

#include <openssl/ec.h>

#include "ke.h"

#define COORDINATE_MAX 66 /* P-521 */
#define UNCOMPRESSED 0x04
#define POINT_MAX (1 + 2 * COORDINATE_MAX)

static void *ec_load(const struct lib_alg *row)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(EC_curve_nist2nid(row->name));
	if (!group)
		return NULL;
	int coordinate = (EC_GROUP_get_degree(group) + 7) / 8;
	if (coordinate <= COORDINATE_MAX && 2 * coordinate == row->alg.key_bytes)
		return group;
	EC_GROUP_free(group);
	return NULL;
}

static uint16_t scalar_len(const EC_GROUP *group) { return (uint16_t)BN_num_bytes(EC_GROUP_get0_order(group)); }

static bool write_public(const EC_GROUP *group, const EC_POINT *point, struct ke_public *pub, BN_CTX *ctx)
{
	uint8_t octets[POINT_MAX];
	size_t n = 1u + pub->len;
	if (EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, octets, n, ctx) != n)
		return false;
	memcpy(pub->data, octets + 1, pub->len);
	return true;
}

/* What a computation works on. */
struct work {
	BN_CTX *ctx;
	EC_POINT *point;
};

static bool begin(struct work *w, const EC_GROUP *group)
{
	*w = (struct work){ BN_CTX_new(), EC_POINT_new(group) };
	if (w->ctx)
		BN_CTX_start(w->ctx);
	return w->ctx && w->point;
}

static int end(struct work *w, int err)
{
	EC_POINT_clear_free(w->point);
	if (w->ctx)
		BN_CTX_end(w->ctx);
	BN_CTX_free(w->ctx);
	return err;
}

/* The private value. */
static BIGNUM *make(const EC_GROUP *group, struct work *w, fill_fn fill, void *arg, struct ke_public *pub)
{
	BIGNUM *d = BN_CTX_get(w->ctx);
	if (!d || !ke_scalar(d, EC_GROUP_get0_order(group), fill, arg, w->ctx))
		return NULL;
	BN_set_flags(d, BN_FLG_CONSTTIME);
	return EC_POINT_mul(group, w->point, d, NULL, NULL, w->ctx) && write_public(group, w->point, pub, w->ctx) ? d : NULL;
}

/* Refuses coordinates not below the field's prime and points that are not on the curve; infinity has no such form. */
static bool read_public(const EC_GROUP *group, EC_POINT *point, struct bytes peer, BN_CTX *ctx)
{
	uint8_t octets[POINT_MAX] = { UNCOMPRESSED };
	memcpy(octets + 1, peer.p, peer.n);
	return EC_POINT_oct2point(group, point, octets, peer.n + 1, ctx) == 1 && EC_POINT_is_on_curve(group, point, ctx) == 1;
}

static int agree(const EC_GROUP *group, struct work *w, const BIGNUM *d, struct bytes peer, struct ke_shared *shared)
{
	BIGNUM *x = BN_CTX_get(w->ctx);
	if (!x)
		return ERR_CRYPTO;
	if (!read_public(group, w->point, peer, w->ctx))
		return ERR_BAD_KE;
	if (!EC_POINT_mul(group, w->point, NULL, w->point, d, w->ctx))
		return ERR_CRYPTO;
	if (EC_POINT_is_at_infinity(group, w->point))
		return ERR_BAD_KE;
	if (!EC_POINT_get_affine_coordinates(group, w->point, x, NULL, w->ctx))
		return ERR_CRYPTO;
	return BN_bn2binpad(x, shared->data, shared->len) == shared->len ? ERR_OK : ERR_CRYPTO;
}

static int ec_generate(const struct lib_alg *row, fill_fn fill, void *arg, struct ke_private *priv, struct ke_public *pub)
{
	const EC_GROUP *group = row->group;
	struct work w;
	pub->len = row->alg.key_bytes;
	priv->len = scalar_len(group);
	const BIGNUM *d = begin(&w, group) ? make(group, &w, fill, arg, pub) : NULL;
	return end(&w, d && BN_bn2binpad(d, priv->data, priv->len) == priv->len ? ERR_OK : ERR_CRYPTO);
}

static int ec_derive(const struct lib_alg *row, const struct ke_private *priv, struct bytes peer, struct ke_shared *shared)
{
	const EC_GROUP *group = row->group;
	struct work w;
	int err = ERR_CRYPTO;
	BIGNUM *d = begin(&w, group) ? BN_CTX_get(w.ctx) : NULL;
	shared->len = row->alg.key_bytes / 2;
	if (d && priv->len == scalar_len(group) && BN_bin2bn(priv->data, priv->len, d) && !BN_is_zero(d) &&
		BN_cmp(d, EC_GROUP_get0_order(group)) < 0) {
		BN_set_flags(d, BN_FLG_CONSTTIME);
		err = agree(group, &w, d, peer, shared);
	}
	return end(&w, err);
}

static int ec_accept(
	const struct lib_alg *row, fill_fn fill, void *arg, struct bytes peer, struct ke_public *pub, struct ke_shared *shared)
{
	const EC_GROUP *group = row->group;
	struct work w;
	pub->len = row->alg.key_bytes;
	shared->len = row->alg.key_bytes / 2;
	const BIGNUM *d = begin(&w, group) ? make(group, &w, fill, arg, pub) : NULL;
	return end(&w, d ? agree(group, &w, d, peer, shared) : ERR_CRYPTO);
}

const struct ke_method ke_ec = { ec_load, ec_generate, ec_derive, ec_accept };
