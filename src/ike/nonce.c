/* nonce.c - nonces, and which of two is the lower (RFC 7296 2.8.1, 2.10). */
#include <string.h>

#include "machine.h"

void nonce_make(struct ike *ike, struct nonce *n)
{
	n->n = NONCE_SIZE;
	ike->fill(ike->fill_arg, n->v, NONCE_SIZE);
}

bool nonce_set(struct nonce *n, struct bytes b)
{
	if (b.n > sizeof n->v)
		return false;
	n->n = (uint16_t)b.n;
	memcpy(n->v, b.p, b.n);
	return true;
}

struct bytes nonce_bytes(const struct nonce *n) { return bytes_of(n->v, n->n); }

/* Octet by octet; of two that agree as far as the shorter goes the shorter is the lower (RFC 7296 2.8.1). */
static int octets_compare(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
	int r = memcmp(a, b, a_n < b_n ? a_n : b_n);
	return r ? r : (int)a_n - (int)b_n;
}

int collision_nonce_compare(const struct collision_nonce *a, const struct collision_nonce *b)
{
	return memcmp(a->v, b->v, sizeof a->v);
}

struct collision_nonce collision_nonce_of(const struct nonce *a, const struct nonce *b)
{
	const struct nonce *low = octets_compare(a->v, a->n, b->v, b->n) <= 0 ? a : b;
	struct collision_nonce l;
	memcpy(l.v, low->v, sizeof l.v);
	return l;
}
