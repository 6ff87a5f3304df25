/*
 * ke_modp.c - Diffie-Hellman modulo a prime: RFC 7296 appendix B, RFC 3526, RFC 5114. Checks: RFC 6989 2.1, 2.2.
 *
 * The prime p of the usual groups is safe: (p - 1) / 2 is prime, so a value between 2 and p - 2 has an order too large to
 * matter, and a range check is all that a peer's value needs. The groups of RFC 5114 have many small subgroups; there y^q = 1
 * must hold as well.
 */
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/util.h"
#include "ke.h"

/* Exponent sizes: twice the group's strength and a bit more, what OpenSSL takes. A longer exponent costs time and adds no
 * strength. */
static const struct safe_prime {
	uint16_t group;
	uint16_t exponent_bits;
	BIGNUM *(*prime)(BIGNUM *);
} safe_primes[] = {
	{ GROUP_MODP_1024, 200, BN_get_rfc2409_prime_1024 },
	{ GROUP_MODP_1536, 200, BN_get_rfc3526_prime_1536 },
	{ GROUP_MODP_2048, 225, BN_get_rfc3526_prime_2048 },
	{ GROUP_MODP_3072, 275, BN_get_rfc3526_prime_3072 },
	{ GROUP_MODP_4096, 325, BN_get_rfc3526_prime_4096 },
	{ GROUP_MODP_6144, 375, BN_get_rfc3526_prime_6144 },
	{ GROUP_MODP_8192, 400, BN_get_rfc3526_prime_8192 },
};

struct modp {
	BIGNUM *p, *g, *top; /* top: p - 1 */
	BIGNUM *q;           /* order of g where y^q = 1 must be tested, else NULL */
	BN_MONT_CTX *mont;
	uint16_t exponent_bits; /* with q: unused */
	uint16_t private_len;
};

static void modp_free(struct modp *m)
{
	BN_free(m->p);
	BN_free(m->g);
	BN_free(m->q);
	BN_free(m->top);
	BN_MONT_CTX_free(m->mont);
	free(m);
}

static bool take_safe_prime(struct modp *m, uint16_t group)
{
	for (unsigned i = 0; i < ARRAY_SIZE(safe_primes); i++) {
		if (safe_primes[i].group != group)
			continue;
		m->exponent_bits = safe_primes[i].exponent_bits;
		m->private_len = (m->exponent_bits + 7) / 8;
		return (m->p = safe_primes[i].prime(NULL)) && (m->g = BN_new()) && BN_set_word(m->g, 2);
	}
	return false;
}

/* RFC 5114: OpenSSL knows p, q and g by a name. */
static bool take_named(struct modp *m, const char *name)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DHX", NULL);
	bool ok = ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
		  EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEY_PARAMETERS, params) == 1 &&
		  EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_P, &m->p) &&
		  EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_G, &m->g) &&
		  EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_Q, &m->q);
	if (ok)
		m->private_len = (uint16_t)BN_num_bytes(m->q);
	EVP_PKEY_free(pkey);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static void *modp_load(const struct lib_alg *row)
{
	struct modp *m = xcalloc(1, sizeof *m);
	BN_CTX *ctx = BN_CTX_new();
	bool ok = ctx && (row->name ? take_named(m, row->name) : take_safe_prime(m, row->alg.id)) &&
		  BN_num_bytes(m->p) == row->alg.key_bytes && m->private_len <= KE_PRIVATE_MAX && (m->top = BN_dup(m->p)) &&
		  BN_sub_word(m->top, 1) && (m->mont = BN_MONT_CTX_new()) && BN_MONT_CTX_set(m->mont, m->p, ctx);
	BN_CTX_free(ctx);
	if (ok)
		return m;
	modp_free(m);
	return NULL;
}

/* Random bits with the highest one set: the length is fixed and zero cannot happen. */
static bool short_exponent(BIGNUM *x, const struct modp *m, fill_fn fill, void *arg)
{
	uint8_t random[KE_PRIVATE_MAX];
	fill(arg, random, m->private_len);
	unsigned highest = (m->exponent_bits - 1) % 8;
	random[0] &= (uint8_t)((2u << highest) - 1);
	random[0] |= (uint8_t)(1u << highest);
	bool ok = BN_bin2bn(random, m->private_len, x) != NULL;
	wipe(random, sizeof random);
	return ok;
}

static int modp_generate(const struct lib_alg *row, fill_fn fill, void *arg, struct ke_private *priv, struct ke_public *pub)
{
	const struct modp *m = row->group;
	int err = ERR_CRYPTO;
	BN_CTX *ctx = BN_CTX_new();
	if (!ctx)
		return err;
	BN_CTX_start(ctx);
	BIGNUM *x = BN_CTX_get(ctx), *y = BN_CTX_get(ctx);
	if (!y || !(m->q ? ke_scalar(x, m->q, fill, arg, ctx) : short_exponent(x, m, fill, arg)))
		goto out;
	BN_set_flags(x, BN_FLG_CONSTTIME);
	if (!BN_mod_exp_mont_consttime(y, m->g, x, m->p, ctx, m->mont))
		goto out;
	priv->len = m->private_len;
	pub->len = row->alg.key_bytes;
	if (BN_bn2binpad(x, priv->data, priv->len) == priv->len && BN_bn2binpad(y, pub->data, pub->len) == pub->len)
		err = ERR_OK;
out:
	BN_CTX_end(ctx);
	BN_CTX_free(ctx); /* clears what it held */
	return err;
}

static int public_check(const struct modp *m, const BIGNUM *y, BIGNUM *scratch, BN_CTX *ctx)
{
	if (BN_cmp(y, BN_value_one()) <= 0 || BN_cmp(y, m->top) >= 0)
		return ERR_BAD_KE;
	if (!m->q)
		return ERR_OK;
	if (!BN_mod_exp_mont(scratch, y, m->q, m->p, ctx, m->mont))
		return ERR_CRYPTO;
	return BN_is_one(scratch) ? ERR_OK : ERR_BAD_KE;
}

static int modp_derive(const struct lib_alg *row, const struct ke_private *priv, struct bytes peer, struct ke_shared *shared)
{
	const struct modp *m = row->group;
	int err = ERR_CRYPTO;
	if (priv->len != m->private_len)
		return err;
	BN_CTX *ctx = BN_CTX_new();
	if (!ctx)
		return err;
	BN_CTX_start(ctx);
	BIGNUM *x = BN_CTX_get(ctx), *y = BN_CTX_get(ctx), *z = BN_CTX_get(ctx);
	if (!z || !BN_bin2bn(peer.p, (int)peer.n, y) || !BN_bin2bn(priv->data, priv->len, x))
		goto out;
	BN_set_flags(x, BN_FLG_CONSTTIME);
	err = public_check(m, y, z, ctx);
	if (err)
		goto out;
	err = ERR_CRYPTO;
	if (!BN_mod_exp_mont_consttime(z, y, x, m->p, ctx, m->mont))
		goto out;
	shared->len = row->alg.key_bytes;
	if (BN_cmp(z, BN_value_one()) <= 0 || BN_cmp(z, m->top) == 0)
		err = ERR_BAD_KE;
	else if (BN_bn2binpad(z, shared->data, shared->len) == shared->len)
		err = ERR_OK;
out:
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	return err;
}

const struct ke_method ke_modp = { modp_load, modp_generate, modp_derive, NULL };
