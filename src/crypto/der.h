/*
 * der.h - reading DER (X.690 8.1, 10.1) where OpenSSL shall not see it yet, or has no strict reader: definite lengths in the fewest octets, below 64 kB.
 */
#ifndef CRYPTO_DER_H
#define CRYPTO_DER_H

#include "base/buf.h"

#define DER_INTEGER 0x02
#define DER_BITS 0x03
#define DER_NULL 0x05
#define DER_OID 0x06
#define DER_SEQUENCE 0x30
#define DER_SET 0x31
#define DER_FIELD 0xa0 /* [n], constructed: plus n */

static inline size_t der_length(struct cursor *c)
{
	size_t n = get_u8(c);
	if (n == 0x81) {
		n = get_u8(c);
		c->bad |= n < 0x80;
	} else if (n == 0x82) {
		n = get_u16(c);
		c->bad |= n < 0x100;
	} else if (n > 0x7f) {
		c->bad = true;
	}
	return n;
}

/* The content of the next element, which must have this tag. */
static inline struct cursor der_element(struct cursor *c, uint8_t tag)
{
	c->bad |= get_u8(c) != tag;
	size_t n = der_length(c);
	return get_sub(c, n);
}

static inline struct bytes der_view(struct cursor *c, uint8_t tag)
{
	struct cursor e = der_element(c, tag);
	return get_rest(&e);
}

static inline bool der_next_is(const struct cursor *c, uint8_t tag) { return cursor_left(c) > 0 && *c->at == tag; }

/* A whole number that is not negative, in the fewest octets; its octets without a leading zero. */
static inline struct bytes der_natural(struct cursor *c)
{
	struct bytes v = der_view(c, DER_INTEGER);
	if (v.n == 0 || (v.p[0] & 0x80) != 0 || (v.n > 1 && v.p[0] == 0 && (v.p[1] & 0x80) == 0)) {
		c->bad = true;
		return bytes_of(NULL, 0);
	}
	return v.p[0] == 0 ? bytes_of(v.p + 1, v.n - 1) : v;
}

#endif
