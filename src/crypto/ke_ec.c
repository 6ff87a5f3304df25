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

static int ec_generate(const struct lib_alg *row, fill_fn fill, void *arg, struct ke_private *priv, struct ke_public *pub)
{
	const EC_GROUP *group = row->group;
	int err = ERR_CRYPTO;
	BN_CTX *ctx = BN_CTX_new();
	if (!ctx)
		return err;
	BN_CTX_start(ctx);
	BIGNUM *x = BN_CTX_get(ctx);
	EC_POINT *point = EC_POINT_new(group);
	if (!x || !point || !ke_scalar(x, EC_GROUP_get0_order(group), fill, arg, ctx))
		goto out;
	BN_set_flags(x, BN_FLG_CONSTTIME);
	if (!EC_POINT_mul(group, point, x, NULL, NULL, ctx))
		goto out;
	priv->len = scalar_len(group);
	pub->len = row->alg.key_bytes;
	if (BN_bn2binpad(x, priv->data, priv->len) == priv->len && write_public(group, point, pub, ctx))
		err = ERR_OK;
out:
	EC_POINT_free(point);
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	return err;
}

/* Refuses coordinates not below the field's prime and points that are not on the curve; infinity has no such form. */
static bool read_public(const EC_GROUP *group, EC_POINT *point, struct bytes peer, BN_CTX *ctx)
{
	uint8_t octets[POINT_MAX] = { UNCOMPRESSED };
	memcpy(octets + 1, peer.p, peer.n);
	return EC_POINT_oct2point(group, point, octets, peer.n + 1, ctx) == 1 && EC_POINT_is_on_curve(group, point, ctx) == 1;
}

static int multiply(
	const struct lib_alg *row, const struct ke_private *priv, EC_POINT *point, struct ke_shared *shared, BN_CTX *ctx)
{
	const EC_GROUP *group = row->group;
	BIGNUM *d = BN_CTX_get(ctx), *x = BN_CTX_get(ctx);
	if (!x || !BN_bin2bn(priv->data, priv->len, d))
		return ERR_CRYPTO;
	BN_set_flags(d, BN_FLG_CONSTTIME);
	if (BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0 || !EC_POINT_mul(group, point, NULL, point, d, ctx))
		return ERR_CRYPTO;
	if (EC_POINT_is_at_infinity(group, point))
		return ERR_BAD_KE;
	if (!EC_POINT_get_affine_coordinates(group, point, x, NULL, ctx))
		return ERR_CRYPTO;
	shared->len = row->alg.key_bytes / 2;
	return BN_bn2binpad(x, shared->data, shared->len) == shared->len ? ERR_OK : ERR_CRYPTO;
}

static int ec_derive(const struct lib_alg *row, const struct ke_private *priv, struct bytes peer, struct ke_shared *shared)
{
	const EC_GROUP *group = row->group;
	int err = ERR_CRYPTO;
	if (priv->len != scalar_len(group))
		return err;
	BN_CTX *ctx = BN_CTX_new();
	if (!ctx)
		return err;
	BN_CTX_start(ctx);
	EC_POINT *point = EC_POINT_new(group);
	if (point)
		err = read_public(group, point, peer, ctx) ? multiply(row, priv, point, shared, ctx) : ERR_BAD_KE;
	EC_POINT_clear_free(point);
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	return err;
}

const struct ke_method ke_ec = { ec_load, ec_generate, ec_derive, NULL };
