/*
 * proposal.c - the SA payload: proposals in a chain, transforms in a chain, attributes in a chain (RFC 7296 3.3).
 *
 *	SA body   = proposal*      each: more? len number protocol spi-size count spi transform*
 *	transform = more? len type id attribute*
 *
 * Three nested lengths and two counts that must agree; a peer that contradicts itself is refused.
 */
#include "wire/proposal.h"

#include "base/err.h"
#include "body.h"

#define MORE_PROPOSALS 2
#define MORE_TRANSFORMS 3
#define ATTRIBUTE_TV 0x8000 /* RFC 7296 3.3.5: AF bit */
#define ATTRIBUTE_KEY_LENGTH 14
#define PROPOSAL_HEAD 8
#define TRANSFORM_HEAD 8

bool suite_equal(const struct suite *a, const struct suite *b)
{
	return a->protocol == b->protocol && a->encr == b->encr && a->keylen == b->keylen && a->prf == b->prf &&
	       a->integ == b->integ && a->group == b->group && a->esn == b->esn;
}

/* RFC 7296 3.3.6: an attribute we do not understand spoils this transform, not the message. */
static int attribute_decode(struct cursor *c, struct transform *t)
{
	uint16_t type = get_u16(c);
	uint16_t value = get_u16(c);
	if (!(type & ATTRIBUTE_TV)) {
		get_view(c, value);
		if (c->bad || type == ATTRIBUTE_KEY_LENGTH) /* 3.3.5: a key length has the short form only */
			return ERR_SYNTAX;
		t->foreign = true;
		return ERR_OK;
	}
	if (c->bad)
		return ERR_SYNTAX;
	if ((type & ~ATTRIBUTE_TV) != ATTRIBUTE_KEY_LENGTH) {
		t->foreign = true;
		return ERR_OK;
	}
	if (t->keylen)
		return ERR_SYNTAX;
	t->keylen = value;
	if (!value) /* would read as "no attribute" */
		t->foreign = true;
	return ERR_OK;
}

static int transform_decode(struct cursor *c, struct transform *t, bool last)
{
	uint8_t more = get_u8(c);
	get_u8(c);
	uint16_t len = get_u16(c);
	t->type = get_u8(c);
	get_u8(c);
	t->id = get_u16(c);
	if (c->bad || len < TRANSFORM_HEAD || more != (last ? 0 : MORE_TRANSFORMS))
		return ERR_SYNTAX;
	struct cursor attributes = get_sub(c, len - TRANSFORM_HEAD);
	while (cursor_left(&attributes)) {
		int rc = attribute_decode(&attributes, t);
		if (rc)
			return rc;
	}
	return attributes.bad ? ERR_SYNTAX : ERR_OK;
}

/* What is none of our protocols keeps its SPI as it came: an error answer may have to name it. */
static bool spi_size_fits(uint8_t protocol, uint8_t size)
{
	switch (protocol) {
	case PROTOCOL_IKE: return size == 0 || size == IKE_SPI_LEN;
	case PROTOCOL_AH:
	case PROTOCOL_ESP: return size == ESP_SPI_LEN;
	}
	return true;
}

static int offer_decode(struct cursor *c, struct offer *o, bool *last, struct arena *a)
{
	uint8_t more = get_u8(c);
	get_u8(c);
	uint16_t len = get_u16(c);
	if (c->bad || len < PROPOSAL_HEAD || (more != 0 && more != MORE_PROPOSALS))
		return ERR_SYNTAX;
	*last = more == 0;
	struct cursor body = get_sub(c, len - 4);
	o->number = get_u8(&body);
	o->protocol = get_u8(&body);
	uint8_t spi_size = get_u8(&body);
	o->n = get_u8(&body);
	o->spi = get_view(&body, spi_size);
	if (body.bad || !spi_size_fits(o->protocol, spi_size) || (size_t)o->n * TRANSFORM_HEAD > cursor_left(&body))
		return ERR_SYNTAX;
	struct transform *t = o->n ? arena_array(a, o->n, sizeof(*t)) : NULL;
	if (o->n && !t)
		return ERR_NO_ROOM;
	o->t = t;
	for (uint16_t i = 0; i < o->n; i++) {
		int rc = transform_decode(&body, &t[i], i + 1 == o->n);
		if (rc)
			return rc;
	}
	return body.bad || cursor_left(&body) ? ERR_SYNTAX : ERR_OK;
}

/* How many proposals the lengths make: bounds the allocation before anything is believed. */
static int count_offers(struct bytes sa, uint16_t *n)
{
	struct cursor c = cursor_over(sa);
	for (*n = 0; cursor_left(&c); ++*n) {
		if (*n == SA_PROPOSALS_MAX)
			return ERR_TOO_MUCH;
		get_u16(&c);
		uint16_t len = get_u16(&c);
		if (c.bad || len < PROPOSAL_HEAD)
			return ERR_SYNTAX;
		get_view(&c, len - 4);
	}
	return c.bad || !*n ? ERR_SYNTAX : ERR_OK;
}

int sa_decode(struct payload *p, struct arena *a)
{
	int rc = count_offers(p->body, &p->sa.n);
	if (rc)
		return rc;
	struct offer *v = arena_array(a, p->sa.n, sizeof(*v));
	if (!v)
		return ERR_NO_ROOM;
	p->sa.v = v;
	struct cursor c = cursor_over(p->body);
	for (uint16_t i = 0; i < p->sa.n; i++) {
		bool last = false;
		rc = offer_decode(&c, &v[i], &last, a);
		if (rc)
			return rc;
		if (last != (i + 1 == p->sa.n))
			return ERR_SYNTAX;
	}
	return ERR_OK;
}

static void transform_encode(const struct transform *t, bool last, struct buf *b)
{
	put_u8(b, last ? 0 : MORE_TRANSFORMS);
	put_u8(b, 0);
	put_u16(b, t->keylen ? TRANSFORM_HEAD + 4 : TRANSFORM_HEAD);
	put_u8(b, t->type);
	put_u8(b, 0);
	put_u16(b, t->id);
	if (!t->keylen)
		return;
	put_u16(b, ATTRIBUTE_TV | ATTRIBUTE_KEY_LENGTH);
	put_u16(b, t->keylen);
}

static void offer_encode(const struct offer *o, bool last, struct buf *b)
{
	size_t start = b->len;
	put_u8(b, last ? 0 : MORE_PROPOSALS);
	put_u8(b, 0);
	put_u16(b, 0);
	put_u8(b, o->number);
	put_u8(b, o->protocol);
	put_u8(b, (uint8_t)o->spi.n);
	put_u8(b, (uint8_t)o->n);
	put_view(b, o->spi);
	for (uint16_t i = 0; i < o->n; i++)
		transform_encode(&o->t[i], i + 1 == o->n, b);
	if (o->spi.n > UINT8_MAX || o->n > UINT8_MAX || b->len - start > UINT16_MAX)
		b->bad = true;
	buf_set_u16(b, start + 2, (uint16_t)(b->len - start));
}

void sa_encode(const struct payload *p, struct buf *b)
{
	for (uint16_t i = 0; i < p->sa.n; i++)
		offer_encode(&p->sa.v[i], i + 1 == p->sa.n, b);
}

static void transform_format(const struct transform *t, struct text *s)
{
	const char *name = ike_transform_name(t->type, t->id);
	text_add(s, " %s=", ike_transform_type_name(t->type));
	if (name[0] == '?')
		text_add(s, "%u/%u", t->type, t->id);
	else
		text_add(s, "%s", name);
	if (t->keylen)
		text_add(s, "-%u", t->keylen);
	if (t->foreign)
		text_add(s, "!");
}

void sa_format(const struct payload *p, struct text *t)
{
	for (uint16_t i = 0; i < p->sa.n; i++) {
		const struct offer *o = &p->sa.v[i];
		text_add(t, "%s%s(%u) #%u spi ", i ? "; " : "", ike_protocol_name(o->protocol), o->protocol, o->number);
		text_hex(t, o->spi, 16);
		for (uint16_t k = 0; k < o->n; k++)
			transform_format(&o->t[k], t);
	}
}
