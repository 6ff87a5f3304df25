/*
 * fuzz_identity_cert.c - an identity against a certificate whose subject and
 * subjectAltName are the input's, held against a naive reading of them. Input:
 * type of the identity, its length (2 octets), it; length of the subject (2
 * octets), the subject (DER); the rest is the value of subjectAltName.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/cert.h"

#define INPUT_MAX 3000
#define CERT_ROOM 8192

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* tag and length in the fewest octets, then the content, which may lie in b
 * already. */
static void put_der(struct buf *b, uint8_t tag, struct bytes content)
{
	put_u8(b, tag);
	if (content.n >= 0x100) {
		put_u8(b, 0x82);
		put_u16(b, (uint16_t)content.n);
	} else {
		if (content.n >= 0x80)
			put_u8(b, 0x81);
		put_u8(b, (uint8_t)content.n);
	}
	put_view(b, content);
}

#define ALG "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define ISSUER "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02\x63\x61"
#define VALIDITY \
	"\x30\x1e\x17\x0d" \
	"261101000000Z" \
	"\x17\x0d" \
	"361101000000Z"
#define KEY \
	"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00" \
	"0123456789abcdef0123456789abcdef"
#define SAN_OID "\x06\x03\x55\x1d\x11"
#define LITERAL(s) bytes_of(s, sizeof(s) - 1)

/* Nobody has signed it: it is read, and asked for its names. */
static struct bytes certificate(struct bytes subject, struct bytes san, uint8_t room[CERT_ROOM])
{
	static uint8_t level[4][CERT_ROOM];
	struct buf ext = buf_of(level[0], CERT_ROOM), list = buf_of(level[1], CERT_ROOM), tbs = buf_of(level[2], CERT_ROOM),
		   whole = buf_of(level[3], CERT_ROOM);
	struct buf out = buf_of(room, CERT_ROOM);
	put_view(&ext, LITERAL(SAN_OID));
	put_der(&ext, 0x04, san);
	put_der(&list, 0x30, buf_view(&ext));
	struct buf seq = buf_of(level[0], CERT_ROOM);
	put_der(&seq, 0x30, buf_view(&list));
	put_view(&tbs, LITERAL("\xa0\x03\x02\x01\x02\x02\x01\x05" ALG ISSUER VALIDITY));
	put_view(&tbs, subject);
	put_view(&tbs, LITERAL(KEY));
	if (san.n > 0)
		put_der(&tbs, 0xa3, buf_view(&seq));
	put_der(&whole, 0x30, buf_view(&tbs));
	put_view(&whole, LITERAL(ALG "\x03\x09\x00"
				     "\x30\x06\x02\x01\x01\x02\x01\x01"));
	put_der(&out, 0x30, buf_view(&whole));
	check(!out.bad);
	return buf_view(&out);
}

static bool same_text(struct bytes a, struct bytes b, bool any_case)
{
	return a.n == b.n &&
	       (any_case ? strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0 && memchr(a.p, 0, a.n) == NULL
			 : bytes_equal(a, b));
}

/* Is there a name of this context tag with this value? */
static bool naive(struct bytes san, uint8_t tag, struct bytes id, bool any_case)
{
	struct cursor c = cursor_over(san);
	bool found = false;
	if (get_u8(&c) != 0x30)
		return false;
	for (bool outer = true; cursor_left(&c) > 0; outer = false) {
		uint8_t t = outer ? 0x30 : get_u8(&c);
		size_t n = get_u8(&c);
		n = n == 0x81 ? get_u8(&c) : n == 0x82 ? get_u16(&c) : n;
		if (outer)
			continue;
		struct bytes v = get_view(&c, n);
		found |= !c.bad && t == tag && same_text(v, id, any_case);
	}
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[CERT_ROOM];
	const char *why;
	enum cert_cause cause;
	struct cursor c = cursor_of(data, size);
	if (size < 5 || size > INPUT_MAX)
		return 0;
	check(alg_init(&why));
	uint8_t type = get_u8(&c);
	struct bytes id = get_view(&c, get_u16(&c)), subject = get_view(&c, get_u16(&c)), san = get_rest(&c);
	if (c.bad)
		return 0;
	struct bytes der = certificate(subject, san, room);
	uint8_t *own = malloc(id.n > 0 ? id.n : 1); /* a read beyond it is seen */
	check(own != NULL);
	if (id.n > 0)
		memcpy(own, id.p, id.n);
	id.p = own;
	check(cert_same_name(id, subject) == cert_same_name(subject, id));
	struct cert *x = cert_read(der, &cause);
	if (x != NULL) {
		bool carries = cert_carries(x, type, id);
		bool like = type == ID_FQDN                                ? naive(san, 0x82, id, true)
			    : type == ID_RFC822_ADDR                       ? naive(san, 0x81, id, true)
			    : type == ID_IPV4_ADDR || type == ID_IPV6_ADDR ? naive(san, 0x87, id, false)
			    : type == ID_DER_ASN1_DN                       ? cert_same_name(subject, id)
									   : false;
		check(!carries || like);
		if (type == ID_IPV4_ADDR && id.n == 4)
			check(carries == like);
		cert_free(x);
	}
	free(own);
	return 0;
}
