/*
 * payload.h - one payload of a message: bytes <-> struct, by one row per payload type (RFC 7296 3.2 - 3.16, RFC 7383 2.5).
 * Everything decoded lives in the step arena or is a view into the datagram (or into the opened plaintext).
 */
#ifndef WIRE_PAYLOAD_H
#define WIRE_PAYLOAD_H

#include "base/buf.h"
#include "base/mem.h"
#include "wire/ikev2.h"
#include "wire/proposal.h"
#include "wire/ts.h"

/* clang-format off */
struct payload {
	uint8_t type; /* enum ike_payload, or an unknown number */
	bool critical;
	bool known;	   /* there is a row for it; unknown non-critical payloads are kept for the record and otherwise ignored */
	struct bytes body; /* without the generic header */
	union {
		struct { uint16_t n; const struct offer *v; } sa;
		struct { uint16_t group; struct bytes value; } ke;
		struct { uint8_t id_type; struct bytes value; } id;	     /* IDi, IDr */
		struct { uint8_t encoding; struct bytes value; } cert;	     /* CERT */
		struct { uint8_t encoding; struct bytes hashes; } certreq;   /* CERTREQ; hashes: a multiple of 20 when encoding is 4 */
		struct { uint8_t method; struct bytes value; } auth;
		struct { struct bytes value; } nonce;			     /* 16..256 bytes */
		struct { uint8_t protocol; uint16_t type; struct bytes spi, data; } notify;
		struct { uint8_t protocol, spi_size; uint16_t n; struct bytes spis; } del; /* spis: n * spi_size bytes */
		struct { struct bytes value; } vendor;
		struct { uint16_t n; const struct ts *v; uint16_t unknown; } ts; /* selectors of types we know; count of others */
		struct { uint8_t cfg_type; struct bytes attributes; } cp;
		struct { struct bytes message; } eap;
		struct { struct bytes sealed; uint8_t first; } sk; /* first: type of the first inner payload */
		struct { struct bytes sealed; uint8_t first; uint16_t number, total; } skf;
	};
};
/* clang-format on */

/* Decodes body according to type into *p (type, critical, body set by the caller). ERR_OK, ERR_SYNTAX, ERR_LENGTH, ERR_SHORT, ERR_TOO_MUCH, ERR_NO_ROOM. */
int payload_decode(struct payload *p, struct arena *a);
/* Appends the body of *p (no generic header). b->bad when it does not fit. SK and SKF are written by message.h. */
void payload_encode(const struct payload *p, struct buf *b);
/* One line for people, foreign bytes escaped, keys and nonces shortened: "N(NO_PROPOSAL_CHOSEN)", "SA(ESP #1 spi c0ffee01 ...)". */
void payload_format(const struct payload *p, char *text, size_t size);

#endif
