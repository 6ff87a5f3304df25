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

/* As much of the lower of two nonces as can decide a crossing: it outlives its exchange, in every SA. */
struct collision_nonce {
	uint8_t n; /* 0: none */
	uint8_t v[NONCE_SIZE];
};

/* A crossing rekey by the peer: its lower nonce, and the number of the SA or child that it made; 0 = none. */
struct peer_half {
	struct collision_nonce nonce;
	uint32_t number;
};

void nonce_make(struct ike *ike, struct nonce *n);
bool nonce_set(struct nonce *n, struct bytes b);
struct bytes nonce_bytes(const struct nonce *n);
struct collision_nonce collision_nonce_of(const struct nonce *a, const struct nonce *b);
int collision_nonce_compare(const struct collision_nonce *a, const struct collision_nonce *b);

#endif
