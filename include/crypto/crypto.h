/*
 * crypto.h - what the protocol needs of cryptography, as plain functions on plain data (RFC 7296 2.13-2.18, 3.14; RFC 5282;
 * RFC 6989). src/crypto is the only user of OpenSSL. Everything here is deterministic but ke_generate and ke_accept, which take
 * their randomness from the caller. OpenSSL's objects are fetched when they are needed first: ciphers and groups once, digests
 * once in each thread. All functions return ERR_OK or a negative enum err.
 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include "base/err.h"
#include "base/mem.h"
#include "crypto/alg.h"

/* --- PRF (RFC 7296 2.13) --- */
#define PRF_MAX 64
/* out gets the PRF's output size. parts are concatenated. */
int prf_compute(uint16_t prf_id, struct bytes key, const struct bytes *parts, unsigned n, uint8_t out[PRF_MAX]);
/* prf+ (key, seed parts): fills out[n]; at most 255 blocks. */
int prf_plus(uint16_t prf_id, struct bytes key, const struct bytes *parts, unsigned nparts, uint8_t *out, size_t n);
size_t prf_size(uint16_t prf_id); /* 0 when unknown */

/* --- SK{}: sealing (RFC 7296 3.14; RFC 5282 for AEAD, where integ is INTEG_NONE and key = cipher key + 4 bytes salt) --- */
struct seal_keys { /* one direction; the keys are where their owner has them */
	uint16_t encr, keylen, integ;
	struct bytes e, a;
};
size_t seal_key_bytes(uint16_t encr, uint16_t keylen); /* with salt; 0 unknown */
size_t integ_key_bytes(uint16_t integ);
/* Size of the SK body (IV + ciphertext with minimal padding and pad length + ICV) for n plaintext bytes. */
size_t seal_size(const struct seal_keys *k, size_t n);
/* Writes the body; body_size must be seal_size(); plain may lie inside body. head: everything of the message before the body
 * (for AEAD: the associated data; for the others the ICV covers head + body). iv_counter: unique per key; AEAD uses it as the
 * explicit IV; CBC encrypts it under the key to make an unpredictable IV (NIST SP 800-38A app. C). */
int seal_write(
	const struct seal_keys *k, uint64_t iv_counter, struct bytes head, struct bytes plain, uint8_t *body, size_t body_size);
/* Checks and opens in place: *plain becomes a view into body without padding; body is unspecified on error. ERR_SHORT,
 * ERR_TOO_MUCH, ERR_INTEGRITY: not authentic, nothing may change. ERR_PADDING: authentic, but malformed inside.
 * ERR_UNSUPPORTED, ERR_CRYPTO: the fault is ours. head + body must be contiguous as received (body directly follows head in
 * memory). */
int seal_open(const struct seal_keys *k, struct bytes head, uint8_t *body, size_t body_size, struct bytes *plain);

/* --- key exchange (RFC 7296 2.7, 3.4; RFC 3526, 5114, 5903, 8031; checks RFC 6989) --- */
#define KE_PUBLIC_MAX 1024 /* group 18 */
#define KE_PRIVATE_MAX 128
#define KE_SHARED_MAX 1024
struct ke_private { /* plain data, so that it can be saved; wiped by its owner */
	uint16_t group;
	uint16_t len;
	uint8_t data[KE_PRIVATE_MAX];
};
struct ke_public {
	uint16_t len;
	uint8_t data[KE_PUBLIC_MAX];
};
struct ke_shared {
	uint16_t len;
	uint8_t data[KE_SHARED_MAX];
};
typedef void (*fill_fn)(void *arg, void *out, size_t n); /* random bytes; never fails */
int ke_generate(uint16_t group, fill_fn fill, void *arg, struct ke_private *priv, struct ke_public *pub);
/* ERR_BAD_KE when the value fails the check (wrong length included); the owner of shared wipes it. May run on any thread, as
 * ke_generate may. */
int ke_derive(const struct ke_private *priv, struct bytes peer_public, struct ke_shared *shared);
/* Both in one, for who answers an offer; the private value is nobody's. */
int ke_accept(uint16_t group, fill_fn fill, void *arg, struct bytes peer_public, struct ke_public *pub, struct ke_shared *shared);
size_t ke_public_size(uint16_t group); /* 0 unknown */

/* --- AUTH (RFC 7296 2.15) --- */
struct auth_input { /* of the end that proves its identity; all but the pre-shared key */
	uint16_t prf;
	struct bytes message; /* its IKE_SA_INIT, whole */
	struct bytes nonce;   /* the other end's */
	struct bytes sk_p;    /* SK_pi of the initiator, SK_pr of the responder */
	struct bytes id_body; /* its identity payload, less the generic header */
};
/* prf(prf(psk, "Key Pad for IKEv2"), message | nonce | prf(SK_p, id_body)) */
int psk_auth(const struct auth_input *in, struct bytes psk, uint8_t out[PRF_MAX], size_t *len);

/* --- hashing --- */
int hash_sha1(const struct bytes *parts, unsigned n, uint8_t out[20]); /* NAT detection (RFC 7296 2.23) */
int hash_sha256(const struct bytes *parts, unsigned n, uint8_t out[32]);

/* --- randomness of the live daemon: fill_fn over RAND_bytes; aborts the process when the generator fails --- */
void rng_fill(void *arg, void *out, size_t n);
/* For what is no key: seeds of tables and the like. The kernel's generator, since to start OpenSSL's takes as long as the rest of
 * a start. */
void rng_seed(void *arg, void *out, size_t n);

#endif
