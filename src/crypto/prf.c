/* prf.c - the PRFs of the registry: prf and prf+ (RFC 7296 2.13). */
#include "lib.h"

size_t prf_size(uint16_t prf_id)
{
	const struct alg *a = alg_find(TRANSFORM_PRF, prf_id, 0);
	return a ? a->key_bytes : 0;
}

int prf_compute(uint16_t prf_id, struct bytes key, const struct bytes *parts, unsigned n, uint8_t out[PRF_MAX])
{
	const struct lib_alg *row = lib_find(TRANSFORM_PRF, prf_id, 0);
	return row ? mac_compute(row, key, parts, n, out) : ERR_UNSUPPORTED;
}

int prf_plus(uint16_t prf_id, struct bytes key, const struct bytes *parts, unsigned nparts, uint8_t *out, size_t n)
{
	const struct lib_alg *row = lib_find(TRANSFORM_PRF, prf_id, 0);
	if (!row)
		return ERR_UNSUPPORTED;
	if (n > 255u * row->alg.key_bytes)
		return ERR_TOO_MUCH;
	return hmac_blocks(row, key, parts, nparts, out, n);
}
