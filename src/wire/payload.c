/*
 * payload.c - one row per payload type: how its body is read, written and shown (RFC 7296 3.4 - 3.16, RFC 7383 2.5).
 *
 * A decoder reads the whole body or refuses it; what is left over where the RFC leaves no room is ERR_SYNTAX. Reserved bits are
 * not looked at. An encoder trusts its caller; a size that the format cannot say makes the buffer bad.
 */
#include "wire/payload.h"

#include "base/err.h"
#include "base/util.h"
#include "body.h"

#define CERT_X509_SIGNATURE 4 /* RFC 7296 3.6, 3.7: then CERTREQ holds SHA-1 hashes */
#define CERTREQ_HASH_LEN 20
#define EAP_HEAD 4

static int ended(const struct cursor *c) { return c->bad || cursor_left(c) ? ERR_SYNTAX : ERR_OK; }

static int ke_decode(struct payload *p, struct arena *a)
{
	struct cursor c = cursor_over(p->body);
	(void)a;
	p->ke.group = get_u16(&c);
	get_u16(&c);
	p->ke.value = get_rest(&c);
	return p->ke.value.n ? ended(&c) : ERR_SYNTAX;
}

static void ke_encode(const struct payload *p, struct buf *b)
{
	put_u16(b, p->ke.group);
	put_u16(b, 0);
	put_view(b, p->ke.value);
}

static void ke_format(const struct payload *p, struct text *t)
{
	text_add(t, "%s(%u) %zu bytes", ike_transform_name(TRANSFORM_KE, p->ke.group), p->ke.group, p->ke.value.n);
}

/* The addresses among the identities have a length (RFC 7296 3.5); the rest are bytes. */
static bool id_length_fits(uint8_t type, size_t n)
{
	if (type == ID_IPV4_ADDR)
		return n == 4;
	if (type == ID_IPV6_ADDR)
		return n == 16;
	return true;
}

static int id_decode(struct payload *p, struct arena *a)
{
	struct cursor c = cursor_over(p->body);
	(void)a;
	p->id.id_type = get_u8(&c);
	get_view(&c, 3);
	p->id.value = get_rest(&c);
	return id_length_fits(p->id.id_type, p->id.value.n) ? ended(&c) : ERR_SYNTAX;
}

static void id_encode(const struct payload *p, struct buf *b)
{
	put_u8(b, p->id.id_type);
	put_u8(b, 0);
	put_u16(b, 0);
	put_view(b, p->id.value);
}

static void id_format(const struct payload *p, struct text *t)
{
	struct addr a;
	char one[ADDR_TEXT];
	uint8_t type = p->id.id_type;
	text_add(t, "%s(%u) ", ike_id_name(type), type);
	if ((type == ID_IPV4_ADDR || type == ID_IPV6_ADDR) && addr_from_bytes(&a, p->id.value))
		text_add(t, "%s", addr_format(&a, one));
	else if (type == ID_FQDN || type == ID_RFC822_ADDR)
		text_escape(t, p->id.value, 128);
	else
		text_hex(t, p->id.value, 64);
}

static int cert_decode(struct payload *p, struct arena *a)
{
	struct cursor c = cursor_over(p->body);
	(void)a;
	p->cert.encoding = get_u8(&c);
	p->cert.value = get_rest(&c);
	return ended(&c);
}

static void cert_encode(const struct payload *p, struct buf *b)
{
	put_u8(b, p->cert.encoding);
	put_view(b, p->cert.value);
}

static void cert_format(const struct payload *p, struct text *t)
{
	text_add(t, "encoding %u, %zu bytes", p->cert.encoding, p->cert.value.n);
}

/* A tail that is no whole hash names no authority: it is left out, so that nobody reads past it. */
static int certreq_decode(struct payload *p, struct arena *a)
{
	struct cursor c = cursor_over(p->body);
	(void)a;
	p->certreq.encoding = get_u8(&c);
	p->certreq.hashes = get_rest(&c);
	if (p->certreq.encoding == CERT_X509_SIGNATURE)
		p->certreq.hashes.n -= p->certreq.hashes.n % CERTREQ_HASH_LEN;
	return ended(&c);
}

static void certreq_encode(const struct payload *p, struct buf *b)
{
	put_u8(b, p->certreq.encoding);
	put_view(b, p->certreq.hashes);
}

static void certreq_format(const struct payload *p, struct text *t)
{
	text_add(t, "encoding %u, ", p->certreq.encoding);
	text_hex(t, p->certreq.hashes, CERTREQ_HASH_LEN);
}

static int auth_decode(struct payload *p, struct arena *a)
{
	struct cursor c = cursor_over(p->body);
	(void)a;
	p->auth.method = get_u8(&c);
	get_view(&c, 3);
	p->auth.value = get_rest(&c);
	return p->auth.value.n ? ended(&c) : ERR_SYNTAX;
}

static void auth_encode(const struct payload *p, struct buf *b)
{
	put_u8(b, p->auth.method);
	put_u8(b, 0);
	put_u16(b, 0);
	put_view(b, p->auth.value);
}

static void auth_format(const struct payload *p, struct text *t)
{
	text_add(t, "%s(%u) %zu bytes", ike_auth_method_name(p->auth.method), p->auth.method, p->auth.value.n);
}

static int nonce_decode(struct payload *p, struct arena *a)
{
	(void)a;
	p->nonce.value = p->body;
	return p->body.n < IKE_NONCE_MIN || p->body.n > IKE_NONCE_MAX ? ERR_SYNTAX : ERR_OK;
}

static void nonce_encode(const struct payload *p, struct buf *b) { put_view(b, p->nonce.value); }

static void nonce_format(const struct payload *p, struct text *t)
{
	text_add(t, "%zu bytes ", p->nonce.value.n);
	text_hex(t, p->nonce.value, 4);
}

static int notify_decode(struct payload *p, struct arena *a)
{
	struct cursor c = cursor_over(p->body);
	(void)a;
	p->notify.protocol = get_u8(&c);
	uint8_t spi_size = get_u8(&c);
	p->notify.type = get_u16(&c);
	p->notify.spi = get_view(&c, spi_size);
	p->notify.data = get_rest(&c);
	return ended(&c);
}

static void notify_encode(const struct payload *p, struct buf *b)
{
	if (p->notify.spi.n > UINT8_MAX)
		b->bad = true;
	put_u8(b, p->notify.protocol);
	put_u8(b, (uint8_t)p->notify.spi.n);
	put_u16(b, p->notify.type);
	put_view(b, p->notify.spi);
	put_view(b, p->notify.data);
}

static void notify_format(const struct payload *p, struct text *t)
{
	const char *name = ike_notify_name(p->notify.type);
	if (name[0] == '?')
		text_add(t, "%u", p->notify.type);
	else
		text_add(t, "%s", name);
	if (p->notify.protocol || p->notify.spi.n) {
		text_add(t, " %s(%u) spi ", ike_protocol_name(p->notify.protocol), p->notify.protocol);
		text_hex(t, p->notify.spi, 16);
	}
	if (p->notify.data.n) {
		text_add(t, " ");
		text_hex(t, p->notify.data, 20);
	}
}

/* RFC 7296 3.11. A Delete for the IKE SA names no SPI: a count without a size counts nothing. */
static int delete_decode(struct payload *p, struct arena *a)
{
	struct cursor c = cursor_over(p->body);
	(void)a;
	p->del.protocol = get_u8(&c);
	p->del.spi_size = get_u8(&c);
	p->del.n = get_u16(&c);
	p->del.spis = get_view(&c, (size_t)p->del.n * p->del.spi_size);
	if (p->del.protocol == PROTOCOL_ESP || p->del.protocol == PROTOCOL_AH) {
		if (p->del.spi_size != ESP_SPI_LEN)
			return ERR_SYNTAX;
	}
	if (!p->del.spi_size)
		p->del.n = 0;
	return ended(&c);
}

static void delete_encode(const struct payload *p, struct buf *b)
{
	if ((size_t)p->del.n * p->del.spi_size != p->del.spis.n)
		b->bad = true;
	put_u8(b, p->del.protocol);
	put_u8(b, p->del.spi_size);
	put_u16(b, p->del.n);
	put_view(b, p->del.spis);
}

static void delete_format(const struct payload *p, struct text *t)
{
	text_add(t, "%s(%u)", ike_protocol_name(p->del.protocol), p->del.protocol);
	for (uint16_t i = 0; i < p->del.n && i < 16; i++) {
		text_add(t, " ");
		text_hex(t, bytes_of(p->del.spis.p + (size_t)i * p->del.spi_size, p->del.spi_size), 16);
	}
	if (p->del.n > 16)
		text_add(t, " and %u more", p->del.n - 16);
}

static int vendor_decode(struct payload *p, struct arena *a)
{
	(void)a;
	p->vendor.value = p->body;
	return ERR_OK;
}

static void vendor_encode(const struct payload *p, struct buf *b) { put_view(b, p->vendor.value); }

static void vendor_format(const struct payload *p, struct text *t) { text_hex(t, p->vendor.value, 20); }

static int cp_decode(struct payload *p, struct arena *a)
{
	struct cursor c = cursor_over(p->body);
	(void)a;
	p->cp.cfg_type = get_u8(&c);
	get_view(&c, 3);
	p->cp.attributes = get_rest(&c);
	return ended(&c);
}

static void cp_encode(const struct payload *p, struct buf *b)
{
	put_u8(b, p->cp.cfg_type);
	put_u8(b, 0);
	put_u16(b, 0);
	put_view(b, p->cp.attributes);
}

static void cp_format(const struct payload *p, struct text *t)
{
	text_add(t, "type %u, %zu bytes", p->cp.cfg_type, p->cp.attributes.n);
}

/* The EAP header has a length of its own; RFC 3748 4.1 calls what follows it padding. */
static int eap_decode(struct payload *p, struct arena *a)
{
	struct cursor c = cursor_over(p->body);
	(void)a;
	get_u16(&c);
	uint16_t len = get_u16(&c);
	if (c.bad || len < EAP_HEAD || len > p->body.n)
		return ERR_SYNTAX;
	p->eap.message = bytes_of(p->body.p, len);
	return ERR_OK;
}

static void eap_encode(const struct payload *p, struct buf *b) { put_view(b, p->eap.message); }

static void eap_format(const struct payload *p, struct text *t)
{
	text_add(t, "code %u, %zu bytes", p->eap.message.p[0], p->eap.message.n);
}

/* No cipher seals into nothing: there is always an integrity tag. How long it must be, crypto/seal knows. */
static int sk_decode(struct payload *p, struct arena *a)
{
	(void)a;
	p->sk.sealed = p->body;
	return p->body.n ? ERR_OK : ERR_SYNTAX;
}

static void sk_format(const struct payload *p, struct text *t) { text_add(t, "%zu bytes", p->sk.sealed.n); }

static int skf_decode(struct payload *p, struct arena *a)
{
	struct cursor c = cursor_over(p->body);
	(void)a;
	p->skf.number = get_u16(&c);
	p->skf.total = get_u16(&c);
	p->skf.sealed = get_rest(&c);
	if (!p->skf.number || p->skf.number > p->skf.total || !p->skf.sealed.n)
		return ERR_SYNTAX;
	return ended(&c);
}

static void skf_format(const struct payload *p, struct text *t)
{
	text_add(t, "%u/%u %zu bytes", p->skf.number, p->skf.total, p->skf.sealed.n);
}

/* Written by message_seal only. */
static void sealed_encode(const struct payload *p, struct buf *b)
{
	(void)p;
	b->bad = true;
}

static const struct row {
	uint8_t type;
	const char *name; /* as the RFC writes it in its message drawings */
	int (*decode)(struct payload *p, struct arena *a);
	void (*encode)(const struct payload *p, struct buf *b);
	void (*format)(const struct payload *p, struct text *t);
} rows[] = {
	{ PAYLOAD_SA, "SA", sa_decode, sa_encode, sa_format },
	{ PAYLOAD_KE, "KE", ke_decode, ke_encode, ke_format },
	{ PAYLOAD_IDi, "IDi", id_decode, id_encode, id_format },
	{ PAYLOAD_IDr, "IDr", id_decode, id_encode, id_format },
	{ PAYLOAD_CERT, "CERT", cert_decode, cert_encode, cert_format },
	{ PAYLOAD_CERTREQ, "CERTREQ", certreq_decode, certreq_encode, certreq_format },
	{ PAYLOAD_AUTH, "AUTH", auth_decode, auth_encode, auth_format },
	{ PAYLOAD_NONCE, "NONCE", nonce_decode, nonce_encode, nonce_format },
	{ PAYLOAD_NOTIFY, "N", notify_decode, notify_encode, notify_format },
	{ PAYLOAD_DELETE, "D", delete_decode, delete_encode, delete_format },
	{ PAYLOAD_VENDOR, "V", vendor_decode, vendor_encode, vendor_format },
	{ PAYLOAD_TSi, "TSi", ts_body_decode, ts_body_encode, ts_body_format },
	{ PAYLOAD_TSr, "TSr", ts_body_decode, ts_body_encode, ts_body_format },
	{ PAYLOAD_SK, "SK", sk_decode, sealed_encode, sk_format },
	{ PAYLOAD_CP, "CP", cp_decode, cp_encode, cp_format },
	{ PAYLOAD_EAP, "EAP", eap_decode, eap_encode, eap_format },
	{ PAYLOAD_SKF, "SKF", skf_decode, sealed_encode, skf_format },
};

static const struct row *find_row(uint8_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

int payload_decode(struct payload *p, struct arena *a)
{
	const struct row *row = find_row(p->type);
	p->known = row != NULL;
	return row ? row->decode(p, a) : ERR_OK;
}

void payload_encode(const struct payload *p, struct buf *b)
{
	const struct row *row = find_row(p->type);
	if (row)
		row->encode(p, b);
	else
		put_view(b, p->body);
}

void payload_format(const struct payload *p, char *text, size_t size)
{
	const struct row *row = find_row(p->type);
	struct text t = text_of(text, size);
	if (!row || !p->known) {
		text_add(&t, "unknown %u%s, %zu bytes", p->type, p->critical ? " (critical)" : "", p->body.n);
		return;
	}
	text_add(&t, "%s(", row->name);
	row->format(p, &t);
	text_add(&t, ")");
}
