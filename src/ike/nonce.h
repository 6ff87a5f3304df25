/* nonce.h - nonces, and what is kept of them to know which of two crossing SAs stays. */
#ifndef IKE_NONCE_H
#define IKE_NONCE_H

#include "ike/ike.h"
#include "wire/message.h"

#define NONCE_SIZE 32 /* ours; at least half the PRF's key (RFC 7296 2.10), enough for SHA-512 */

struct nonce {
	uint16_t n;
	uint8_t v[IKE_NONCE_MAX];
};

/*
 * What every nonce has (RFC 7296 3.9) of the lower of two: it outlives its exchange, in every SA. Two that agree in all of it are one and the same, but once
 * in 2^128 crossings.
 */
struct collision_nonce {
	uint8_t v[IKE_NONCE_MIN];
};

void nonce_make(struct ike *ike, struct nonce *n);
bool nonce_set(struct nonce *n, struct bytes b);
struct bytes nonce_bytes(const struct nonce *n);
struct collision_nonce collision_nonce_of(const struct nonce *a, const struct nonce *b);
int collision_nonce_compare(const struct collision_nonce *a, const struct collision_nonce *b);

#endif
