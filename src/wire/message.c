/*
 * message.c - the frame: header, chain of payloads, the sealed payload at its end.
 *
 *	header(28) -> payload -> payload -> SK( iv [ payload -> payload ] padding icv )
 *	             \____ outer, p[0..] ____/       \_ inner, after the SK in p[] _/
 *
 * Each generic header names the type of the next payload and its own length; SK and SKF end the outer chain, and their "next" is the
 * first inner payload (RFC 7296 3.14). Inner payloads arrive later, when somebody with keys has opened the seal.
 */
#include "wire/message.h"

#include <string.h>

#include "base/text.h"

#define FIRST_AT 16
#define LENGTH_AT 24
#define CRITICAL 0x80
#define MAJOR 2
#define NO_PAYLOAD_YET SIZE_MAX

int header_decode(struct header *h, struct bytes datagram)
{
	struct cursor c = cursor_over(datagram);
	memset(h, 0, sizeof(*h));
	if (datagram.n < IKE_HEADER_LEN)
		return ERR_SHORT;
	get_copy(&c, h->spi_i, IKE_SPI_LEN);
	get_copy(&c, h->spi_r, IKE_SPI_LEN);
	h->first = get_u8(&c);
	uint8_t version = get_u8(&c);
	h->major = version >> 4;
	h->minor = version & 0x0f;
	h->exchange = get_u8(&c);
	h->flags = get_u8(&c);
	h->message_id = get_u32(&c);
	h->length = get_u32(&c);
	if (h->major != MAJOR)
		return ERR_VERSION;
	return h->length == datagram.n ? ERR_OK : ERR_LENGTH;
}

static bool is_seal(uint8_t type) { return type == PAYLOAD_SK || type == PAYLOAD_SKF; }

/* One payload of type *type off the cursor; *type becomes the next one's, PAYLOAD_NONE at the end of the chain. */
static int take_payload(struct message *m, uint8_t *type, struct cursor *c, struct arena *a)
{
	if (m->n == MESSAGE_PAYLOADS_MAX)
		return ERR_TOO_MUCH;
	struct payload *p = &m->p[m->n];
	memset(p, 0, sizeof(*p));
	p->type = *type;
	uint8_t next = get_u8(c);
	p->critical = get_u8(c) & CRITICAL;
	uint16_t len = get_u16(c);
	if (!c->bad && len < IKE_PAYLOAD_HEADER_LEN)
		return ERR_LENGTH;
	p->body = get_view(c, len - IKE_PAYLOAD_HEADER_LEN);
	if (c->bad)
		return ERR_SHORT;
	int rc = payload_decode(p, a);
	if (rc)
		return rc;
	if (p->critical && !p->known)
		return ERR_CRITICAL;
	m->n++;
	if (p->type == PAYLOAD_SK)
		p->sk.first = next;
	if (p->type == PAYLOAD_SKF)
		p->skf.first = p->skf.number == 1 ? next : PAYLOAD_NONE; /* RFC 7383 2.5: means something in the first only */
	*type = is_seal(p->type) ? PAYLOAD_NONE : next;
	return ERR_OK;
}

int message_decode(struct message *m, struct bytes datagram, struct arena *a)
{
	m->raw = datagram;
	m->n = m->sealed_at = 0;
	m->critical_type = PAYLOAD_NONE;
	int rc = header_decode(&m->h, datagram);
	if (rc)
		return rc;
	struct cursor c = cursor_of(datagram.p + IKE_HEADER_LEN, datagram.n - IKE_HEADER_LEN);
	for (uint8_t type = m->h.first; type != PAYLOAD_NONE;) {
		m->critical_type = type;
		rc = take_payload(m, &type, &c, a);
		m->sealed_at = m->n && is_seal(m->p[m->n - 1].type) ? m->n - 1 : m->n;
		if (rc)
			return rc;
	}
	return cursor_left(&c) ? ERR_LENGTH : ERR_OK;
}

int message_decode_inner(struct message *m, uint8_t first, struct bytes plaintext, struct arena *a)
{
	struct cursor c = cursor_over(plaintext);
	m->critical_type = PAYLOAD_SK;
	if (m->sealed_at >= m->n)
		return ERR_MISPLACED;
	m->n = m->sealed_at + 1;
	for (uint8_t type = first; type != PAYLOAD_NONE;) {
		m->critical_type = type;
		if (is_seal(type))
			return ERR_MISPLACED;
		int rc = take_payload(m, &type, &c, a);
		if (rc)
			return rc;
	}
	return cursor_left(&c) ? ERR_LENGTH : ERR_OK;
}

const struct payload *message_next(const struct message *m, const struct payload *after, uint8_t type, bool inner)
{
	for (uint16_t i = after ? (uint16_t)(after - m->p) + 1 : 0; i < m->n; i++)
		if (m->p[i].known && m->p[i].type == type && inner == (i > m->sealed_at))
			return &m->p[i];
	return NULL;
}

const struct payload *message_find(const struct message *m, uint8_t type, bool inner)
{
	return message_next(m, NULL, type, inner);
}

const struct payload *message_find_notify(const struct message *m, uint16_t notify, bool inner)
{
	const struct payload *p = message_find(m, PAYLOAD_NOTIFY, inner);
	while (p && p->notify.type != notify)
		p = message_next(m, p, PAYLOAD_NOTIFY, inner);
	return p;
}

const struct payload *message_error_notify(const struct message *m, bool inner)
{
	const struct payload *p = message_find(m, PAYLOAD_NOTIFY, inner);
	while (p && p->notify.type > IKE_NOTIFY_ERROR_MAX)
		p = message_next(m, p, PAYLOAD_NOTIFY, inner);
	return p;
}

/* --- writing --- */

void message_begin(struct writer *w, void *mem, size_t cap, const struct header *h)
{
	*w = (struct writer){
		.out = buf_of(mem, cap < IKE_MESSAGE_MAX ? cap : IKE_MESSAGE_MAX), .next_at = FIRST_AT, .seal_at = 0
	};
	put_bytes(&w->out, h->spi_i, IKE_SPI_LEN);
	put_bytes(&w->out, h->spi_r, IKE_SPI_LEN);
	put_u8(&w->out, PAYLOAD_NONE);
	put_u8(&w->out, MAJOR << 4);
	put_u8(&w->out, h->exchange);
	put_u8(&w->out, h->flags);
	put_u32(&w->out, h->message_id);
	put_u32(&w->out, 0);
}

/* Generic header and body; *next_at moves to this payload's "next" byte. */
static void put_payload(struct buf *b, size_t *next_at, const struct payload *p)
{
	size_t start = b->len;
	put_u8(b, PAYLOAD_NONE);
	put_u8(b, p->critical ? CRITICAL : 0);
	put_u16(b, 0);
	payload_encode(p, b);
	if (b->len - start > UINT16_MAX)
		b->bad = true;
	buf_set_u16(b, start + 2, (uint16_t)(b->len - start));
	if (*next_at != NO_PAYLOAD_YET)
		buf_set_u8(b, *next_at, p->type);
	*next_at = start;
}

void message_add(struct writer *w, const struct payload *p)
{
	if (w->seal_at) /* the sealed payload is the last one */
		w->out.bad = true;
	put_payload(&w->out, &w->next_at, p);
}

struct bytes message_end(struct writer *w)
{
	buf_set_u32(&w->out, LENGTH_AT, (uint32_t)w->out.len);
	return buf_view(&w->out);
}

void chain_begin(struct chain *c, void *mem, size_t cap)
{
	*c = (struct chain){ .out = buf_of(mem, cap), .first = PAYLOAD_NONE, .next_at = NO_PAYLOAD_YET };
}

void chain_add(struct chain *c, const struct payload *p)
{
	if (c->next_at == NO_PAYLOAD_YET)
		c->first = p->type;
	put_payload(&c->out, &c->next_at, p);
}

uint8_t *message_seal(struct writer *w, uint8_t first_inner, size_t body, uint16_t number, uint16_t total)
{
	struct buf *b = &w->out;
	bool fragment = total > 0;
	size_t len = IKE_PAYLOAD_HEADER_LEN + (fragment ? 4 : 0) + body;
	if (w->seal_at || !body || body > UINT16_MAX || len > UINT16_MAX || (fragment && (!number || number > total))) {
		b->bad = true;
		return NULL;
	}
	buf_set_u8(b, w->next_at, fragment ? PAYLOAD_SKF : PAYLOAD_SK);
	w->seal_at = b->len;
	put_u8(b, fragment && number > 1 ? PAYLOAD_NONE : first_inner);
	put_u8(b, 0);
	put_u16(b, (uint16_t)len);
	if (fragment) {
		put_u16(b, number);
		put_u16(b, total);
	}
	uint8_t *at = put_space(b, body);
	buf_set_u32(b, LENGTH_AT, (uint32_t)b->len);
	return b->bad ? NULL : at;
}

struct payload payload_notify(uint16_t type, struct bytes data)
{
	struct payload p = { .type = PAYLOAD_NOTIFY, .known = true };
	p.notify.type = type;
	p.notify.data = data;
	return p;
}

/* --- for people --- */

static void header_format(const struct header *h, struct text *t)
{
	const char *name = ike_exchange_name(h->exchange);
	if (name[0] == '?')
		text_add(t, "exchange %u", h->exchange);
	else
		text_add(t, "%s", name);
	text_add(t, " %s %u from %s, spi ", h->flags & IKE_FLAG_RESPONSE ? "response" : "request", h->message_id,
		h->flags & IKE_FLAG_INITIATOR ? "initiator" : "responder");
	text_hex(t, bytes_of(h->spi_i, IKE_SPI_LEN), IKE_SPI_LEN);
	text_add(t, " ");
	text_hex(t, bytes_of(h->spi_r, IKE_SPI_LEN), IKE_SPI_LEN);
	text_add(t, ", %u bytes\n", h->length);
}

void message_format(const struct message *m, char *text, size_t size)
{
	struct text t = text_of(text, size);
	if (!size)
		return;
	header_format(&m->h, &t);
	for (uint16_t i = 0; i < m->n; i++) {
		text_add(&t, i > m->sealed_at ? "    " : "  ");
		payload_format(&m->p[i], t.p + t.len, t.size - t.len);
		t.len += strlen(t.p + t.len);
		text_add(&t, "\n");
	}
}
