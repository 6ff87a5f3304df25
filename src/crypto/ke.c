/*
 * ke.c - key exchange: finds the group and hands over to its family (ke_modp.c, ke_ec.c, ke_raw.c).
 *
 * The private value is raw bytes, so that it can be saved with the exchange that waits for it. Each family works on the
 * smallest OpenSSL object that does the arithmetic in constant time; the EVP_PKEY of a MODP group would check more than RFC
 * 6989 asks and cost eight times as much.
 */
#include <openssl/err.h>

#include "lib.h"

static int failed(int err) /* forgets the library's own error records */
{
	ERR_clear_error();
	return err;
}

size_t ke_public_size(uint16_t group)
{
	const struct alg *a = alg_find(TRANSFORM_KE, group, 0);
	return a ? a->key_bytes : 0;
}

int ke_generate(uint16_t group, fill_fn fill, void *arg, struct ke_private *priv, struct ke_public *pub)
{
	const struct lib_alg *row = lib_find(TRANSFORM_KE, group, 0);
	*priv = (struct ke_private){ .group = group };
	pub->len = 0;
	if (!row)
		return ERR_UNSUPPORTED;
	int err = row->method->generate(row, fill, arg, priv, pub);
	if (!err)
		return ERR_OK;
	wipe(priv, sizeof *priv);
	pub->len = 0;
	return failed(err);
}

int ke_derive(const struct ke_private *priv, struct bytes peer_public, struct ke_shared *shared)
{
	const struct lib_alg *row = lib_find(TRANSFORM_KE, priv->group, 0);
	shared->len = 0;
	if (!row || priv->len > KE_PRIVATE_MAX)
		return ERR_UNSUPPORTED;
	if (peer_public.n != row->alg.key_bytes)
		return ERR_BAD_KE;
	int err = row->method->derive(row, priv, peer_public, shared);
	if (!err)
		return ERR_OK;
	wipe(shared, sizeof *shared);
	return failed(err);
}

static int one_then_other(
	const struct lib_alg *row, fill_fn fill, void *arg, struct bytes peer, struct ke_public *pub, struct ke_shared *shared)
{
	struct ke_private priv = { .group = row->alg.id };
	int err = row->method->generate(row, fill, arg, &priv, pub);
	if (!err)
		err = row->method->derive(row, &priv, peer, shared);
	wipe(&priv, sizeof priv);
	return err;
}

int ke_accept(uint16_t group, fill_fn fill, void *arg, struct bytes peer_public, struct ke_public *pub, struct ke_shared *shared)
{
	const struct lib_alg *row = lib_find(TRANSFORM_KE, group, 0);
	pub->len = shared->len = 0;
	if (!row)
		return ERR_UNSUPPORTED;
	if (peer_public.n != row->alg.key_bytes)
		return ERR_BAD_KE;
	int err = (row->method->accept ? row->method->accept : one_then_other)(row, fill, arg, peer_public, pub, shared);
	if (!err)
		return ERR_OK;
	wipe(shared, sizeof *shared);
	pub->len = 0;
	return failed(err);
}
