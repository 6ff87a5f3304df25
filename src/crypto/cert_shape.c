/*
 * cert_shape.c - the shape of a certificate (RFC 5280 4.1) and of its key (RFC 3279, RFC 5480, RFC 8410), judged before the library parses anything: no
 * indefinite lengths, no deep nesting, and a key that is bounded in size, so that nothing is computed with a modulus or a curve of a stranger's choice.
 */
#include "base/util.h"
#include "cert_shape.h"
#include "der.h"

#define DEPTH_MAX 16 /* a name in a policy in an extension is at 12 */
#define CLASS 0xc0   /* none set: universal */
#define CONSTRUCTED 0x20
#define LONG_TAG 0x1f
#define UNCOMPRESSED 0x04
#define EXPONENT_OCTETS 8

static const uint8_t oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
static const uint8_t oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t oid_p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t oid_p384[] = { 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t oid_p521[] = { 0x2b, 0x81, 0x04, 0x00, 0x23 };
static const uint8_t oid_ed25519[] = { 0x2b, 0x65, 0x70 };
static const uint8_t oid_ed448[] = { 0x2b, 0x65, 0x71 };

static const struct curve {
	const uint8_t *oid;
	size_t oid_len, octets; /* of the public key */
	uint16_t bits;
	enum key_kind kind;
} curves[] = {
	{ oid_p256, sizeof oid_p256, 65, 256, KEY_P256 },
	{ oid_p384, sizeof oid_p384, 97, 384, KEY_P384 },
	{ oid_p521, sizeof oid_p521, 133, 521, KEY_P521 },
}, edwards[] = {
	{ oid_ed25519, sizeof oid_ed25519, 32, 256, KEY_ED25519 },
	{ oid_ed448, sizeof oid_ed448, 57, 456, KEY_ED448 },
};

static bool same(struct bytes v, const uint8_t *oid, size_t n) { return bytes_equal(v, bytes_of(oid, n)); }

static unsigned bits_of(struct bytes natural)
{
	unsigned top = 0;
	if (natural.n == 0)
		return 0;
	for (uint8_t first = natural.p[0]; first != 0; first >>= 1)
		top++;
	return (unsigned)(natural.n - 1) * 8 + top;
}

/* RFC 8017 A.1.1. e is odd, at least 3 and at most 2^64: exponents are small in practice, and 0, 1 and even ones are no RSA at all. */
static enum cert_cause rsa_key(struct bytes octets, uint16_t *bits)
{
	struct cursor c = cursor_over(octets), key = der_element(&c, DER_SEQUENCE);
	struct bytes n = der_natural(&key), e = der_natural(&key);
	if (c.bad || key.bad || cursor_left(&c) > 0 || cursor_left(&key) > 0)
		return CERT_MALFORMED;
	unsigned size = bits_of(n);
	if (size < KEY_RSA_BITS_MIN || size > KEY_RSA_BITS_MAX || (n.p[n.n - 1] & 1) == 0)
		return CERT_KEY_WEAK;
	if (e.n == 0 || e.n > EXPONENT_OCTETS || (e.p[e.n - 1] & 1) == 0 || (e.n == 1 && e.p[0] < 3))
		return CERT_KEY_WEAK;
	*bits = (uint16_t)size;
	return CERT_OK;
}

/* RFC 5480 2.1.1: a named curve and an uncompressed point; parameters of the sender's own are not read. */
static enum cert_cause ec_key(struct cursor *algorithm, struct bytes point, enum key_kind *kind, uint16_t *bits)
{
	if (!der_next_is(algorithm, DER_OID))
		return CERT_KEY_KIND;
	struct bytes oid = der_view(algorithm, DER_OID);
	for (unsigned i = 0; i < ARRAY_SIZE(curves); i++) {
		if (!same(oid, curves[i].oid, curves[i].oid_len))
			continue;
		*kind = curves[i].kind;
		*bits = curves[i].bits;
		return point.n == curves[i].octets && point.p[0] == UNCOMPRESSED ? CERT_OK : CERT_KEY_KIND;
	}
	return CERT_KEY_KIND;
}

enum cert_cause shape_of_key(struct bytes spki, enum key_kind *kind, uint16_t *bits)
{
	struct cursor c = cursor_over(spki), key = der_element(&c, DER_SEQUENCE);
	struct cursor algorithm = der_element(&key, DER_SEQUENCE), value = der_element(&key, DER_BITS);
	struct bytes oid = der_view(&algorithm, DER_OID);
	bool whole = get_u8(&value) == 0; /* unused bits */
	struct bytes octets = get_rest(&value);
	enum cert_cause cause = CERT_KEY_KIND;
	*kind = KEY_NONE;
	*bits = 0;
	if (c.bad || key.bad || algorithm.bad || value.bad || !whole || cursor_left(&c) > 0 || cursor_left(&key) > 0)
		return CERT_MALFORMED;
	if (same(oid, oid_rsa, sizeof oid_rsa)) {
		*kind = KEY_RSA;
		cause = der_view(&algorithm, DER_NULL).n == 0 ? rsa_key(octets, bits) : CERT_MALFORMED;
	} else if (same(oid, oid_ec, sizeof oid_ec)) {
		cause = ec_key(&algorithm, octets, kind, bits);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(edwards); i++)
		if (same(oid, edwards[i].oid, edwards[i].oid_len)) {
			*kind = edwards[i].kind;
			*bits = edwards[i].bits;
			cause = octets.n == edwards[i].octets ? CERT_OK : CERT_MALFORMED;
		}
	if (cause == CERT_OK && (algorithm.bad || cursor_left(&algorithm) > 0))
		return CERT_MALFORMED;
	return cause;
}

/* Every element of it is what DER allows, down to the last; octet strings are not opened. */
bool shape_is_der(struct bytes der)
{
	struct cursor stack[DEPTH_MAX], whole = cursor_over(der);
	unsigned depth = 1;
	stack[0] = whole;
	(void)get_u8(&whole);
	size_t size = der_length(&whole);
	if (whole.bad || size != cursor_left(&whole)) /* one element, and nothing behind it */
		return false;
	while (depth > 0) { /* each turn reads two octets at least, or leaves a level */
		struct cursor *c = &stack[depth - 1];
		if (cursor_left(c) == 0) {
			depth--;
			continue;
		}
		uint8_t tag = get_u8(c);
		size_t n = der_length(c);
		struct cursor inside = get_sub(c, n);
		if (c->bad || (tag & LONG_TAG) == LONG_TAG || tag == 0)
			return false;
		if ((tag & CONSTRUCTED) == 0)
			continue;
		bool text_in_pieces = (tag & CLASS) == 0 && tag != DER_SEQUENCE && tag != DER_SET;
		if (depth == DEPTH_MAX || text_in_pieces)
			return false;
		stack[depth++] = inside;
	}
	return true;
}

enum cert_cause shape_of_cert(struct bytes der, enum key_kind *kind, uint16_t *bits)
{
	*kind = KEY_NONE;
	*bits = 0;
	if (der.n > CERT_SIZE_MAX)
		return CERT_TOO_LARGE;
	if (!shape_is_der(der))
		return CERT_MALFORMED;
	struct cursor c = cursor_over(der), cert = der_element(&c, DER_SEQUENCE), tbs = der_element(&cert, DER_SEQUENCE);
	if (der_next_is(&tbs, DER_FIELD))
		der_element(&tbs, DER_FIELD); /* version */
	der_element(&tbs, DER_INTEGER);
	for (unsigned i = 0; i < 4; i++) /* signature, issuer, validity, subject */
		der_element(&tbs, DER_SEQUENCE);
	const uint8_t *spki = tbs.at;
	der_element(&tbs, DER_SEQUENCE);
	if (c.bad || cert.bad || tbs.bad || cursor_left(&c) > 0)
		return CERT_MALFORMED;
	return shape_of_key(bytes_of(spki, (size_t)(tbs.at - spki)), kind, bits);
}

bool cert_key(struct bytes der, enum key_kind *kind, uint16_t *bits) { return shape_of_cert(der, kind, bits) == CERT_OK; }
