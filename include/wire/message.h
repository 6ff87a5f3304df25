/*
 * message.h - a whole IKE message (RFC 7296 3.1): header, chain of payloads, the encrypted payload's frame (3.14, RFC 7383 2.5).
 * Knows no keys: crypto/seal opens and closes what message_sealed / message_seal_begin delimit.
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include "base/err.h"
#include "wire/payload.h"

#define MESSAGE_PAYLOADS_MAX 64 /* outer and inner together; more is ERR_TOO_MUCH */

struct header {
	uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
	uint8_t first; /* type of the first payload */
	uint8_t major, minor;
	uint8_t exchange; /* enum ike_exchange or unknown */
	uint8_t flags;    /* IKE_FLAG_*; other bits ignored */
	uint32_t message_id;
	uint32_t length;
};

struct message {
	struct header h;
	struct bytes raw; /* the whole datagram */
	uint16_t n;
	struct payload p[MESSAGE_PAYLOADS_MAX];
	uint16_t sealed_at;    /* index of SK or SKF, or n when there is none; after message_decode_inner the inner ones follow */
	uint8_t critical_type; /* the culprit when a decode ends with ERR_CRITICAL; for errors also the payload type being decoded */
};

/* Header alone: ERR_SHORT, ERR_VERSION (h is filled), ERR_LENGTH (claimed length != datagram). No allocation. */
int header_decode(struct header *h, struct bytes datagram);

/* Header and outer chain. An SK/SKF payload must be the last and is left sealed. *m may be large: it belongs into the arena or static memory.
 * ERR_CRITICAL: unknown critical payload (m->critical_type). m->h is filled except after ERR_SHORT of the header itself. */
int message_decode(struct message *m, struct bytes datagram, struct arena *a);

/* Continues m with the opened inner chain (plaintext without padding, `first` = type of its first payload). Same errors.
 * SK or SKF inside is ERR_MISPLACED. */
int message_decode_inner(struct message *m, uint8_t first, struct bytes plaintext, struct arena *a);

/* Finds the first payload of the type that stands inside (inner = true) or outside the sealed part; NULL if none. */
const struct payload *message_find(const struct message *m, uint8_t type, bool inner);
/* The next of that type behind `after` (NULL: the first), for types that may be repeated: CERT, CERTREQ, NOTIFY, DELETE. */
const struct payload *message_next(const struct message *m, const struct payload *after, uint8_t type, bool inner);
const struct payload *message_find_notify(const struct message *m, uint16_t notify, bool inner);
/* First error notify (type < 16384), NULL if none. */
const struct payload *message_error_notify(const struct message *m, bool inner);

/* The shape tables of RFC 7296 1.2-1.5, appendix C (src/wire/rules.c): which payloads may or must occur where, how often, encrypted or not.
 * For a known exchange; request or response by the flag. Tolerates unknown and (RFC 7296 2.5) unexpected non-critical payloads: unexpected known ones are
 * ignored. A response without any mandatory payload but with an error notify (in IKE_SA_INIT also COOKIE or REDIRECT) is complete, and an IKE_AUTH response
 * with an error notify needs no SA and TS (2.21.2): test message_error_notify before the payloads. In every other case what is mandatory can be
 * found. ERR_MISSING, ERR_REPEATED, ERR_UNSUPPORTED (exchange without a table); culprit in critical_type.
 * inner = judge the opened part (needs message_decode_inner first); false = the outer part: all of IKE_SA_INIT, for the others that SK or SKF is there. */
int message_judge(struct message *m, bool inner);

/* --- writing --- */

struct writer { /* writes header + chain into out; patches next-payload and lengths as it goes */
	struct buf out;
	size_t next_at; /* offset of the byte that names the next payload */
	size_t seal_at; /* offset of the SK/SKF generic header, 0 = none */
};

void message_begin(struct writer *w, void *mem, size_t cap, const struct header *h);
void message_add(struct writer *w, const struct payload *p);
/* Ends an unencrypted message; sets the total length; empty view when it did not fit. */
struct bytes message_end(struct writer *w);

/* A chain of inner payloads without header: for the plaintext of SK. chain_first is set to the first type. */
struct chain {
	struct buf out;
	uint8_t first;
	size_t next_at; /* SIZE_MAX until the first payload */
};
void chain_begin(struct chain *c, void *mem, size_t cap);
void chain_add(struct chain *c, const struct payload *p);

/* Frame for a sealed message: header + SK (or SKF when total > 0) generic header with room for `body` bytes (IV, ciphertext, padding, ICV).
 * Returns where the body goes; the associated data (RFC 7296 3.14, RFC 5282 5.1) is everything in front of it: w->out.data .. body.
 * NULL when it does not fit. Lengths are already patched; then message_end. */
uint8_t *message_seal(struct writer *w, uint8_t first_inner, size_t body, uint16_t number, uint16_t total);

/* Notify helper: type, protocol 0, no SPI. */
struct payload payload_notify(uint16_t type, struct bytes data);

/* Multi-line text dump of a decoded message for -v -v and golden tests; foreign bytes escaped, no key material. */
void message_format(const struct message *m, char *text, size_t size);

#endif
