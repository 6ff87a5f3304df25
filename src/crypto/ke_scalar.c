/* ke_scalar.c - private values of groups with a known order, for ke_modp.c and ke_ec.c. */
#include "ke.h"

bool ke_scalar(BIGNUM *out, const BIGNUM *order, fill_fn fill, void *arg, BN_CTX *ctx)
{
	uint8_t random[KE_PRIVATE_MAX];
	size_t n = (size_t)BN_num_bytes(order) + 8;
	if (n > sizeof random)
		return false;
	fill(arg, random, n);
	BN_CTX_start(ctx);
	BIGNUM *wide = BN_CTX_get(ctx), *less = BN_CTX_get(ctx);
	bool ok = less && BN_bin2bn(random, (int)n, wide) && BN_copy(less, order) && BN_sub_word(less, 1) &&
		  BN_mod(out, wide, less, ctx) && BN_add_word(out, 1);
	BN_CTX_end(ctx);
	wipe(random, sizeof random);
	return ok;
}
