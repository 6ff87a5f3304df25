/* walk.c - see walk.h. */
#include <limits.h>
#include <string.h>

#include "walk.h"

#define MESSAGE_MAX (2 * IKE_MESSAGE_MAX)

/* ---------------------------------------------------------------- values */

void walk_octets(struct walk *w, void *p, size_t n)
{
	if (walk_reads(w))
		get_copy(w->in, p, n);
	else
		put_bytes(w->out, p, n);
}

static uint64_t get_number(struct walk *w)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t part = get_u8(w->in);
		v |= (uint64_t)(part & 0x7f) << shift;
		if (!(part & 0x80))
			return v;
	}
	w->bad = true;
	return 0;
}

uint64_t walk_read_number(struct walk *w, uint64_t max)
{
	uint64_t v = get_number(w);
	w->bad |= v > max;
	return w->bad ? 0 : v;
}

void walk_read_when(struct walk *w, struct mono *at)
{
	uint64_t v = walk_read_number(w, (uint64_t)WALK_YEARS * 366 * 86400 * 1000);
	*at = v ? (struct mono){ (msec)v - 1 } : MONO_NEVER;
}

void walk_flags(struct walk *w, bool *const v[], unsigned n)
{
	uint64_t bits = 0;
	for (unsigned i = 0; i < n && !walk_reads(w); i++)
		bits |= (uint64_t)*v[i] << i;
	bits = walk_number_to(w, bits, ((uint64_t)1 << n) - 1);
	for (unsigned i = 0; i < n && walk_reads(w); i++)
		*v[i] = bits >> i & 1;
}

/* malloc'd when read */
void walk_sized(struct walk *w, struct bytes *v, size_t max)
{
	size_t n = (size_t)walk_number_to(w, v->n, max);
	if (walk_reads(w))
		*v = bytes_dup(get_view(w->in, n));
	else
		put_view(w->out, *v);
}

void walk_text(struct walk *w, char *v, size_t size)
{
	size_t n = (size_t)walk_number_to(w, strlen(v), size - 1);
	walk_octets(w, v, n);
	for (size_t i = 0; i < n; i++)
		w->bad |= v[i] < ' ' || v[i] > '~';
}

enum { ADDRESS_NONE, ADDRESS_V4, ADDRESS_V6, ADDRESS_AS };

void walk_address_as(struct walk *w, struct addr *a, const struct addr *usual)
{
	static const uint8_t families[] = { [ADDRESS_NONE] = 0, [ADDRESS_V4] = AF_INET, [ADDRESS_V6] = AF_INET6 };
	uint8_t kind = a->family == AF_INET ? ADDRESS_V4 : a->family == AF_INET6 ? ADDRESS_V6 : ADDRESS_NONE;
	if (!walk_reads(w) && usual && addr_equal(a, usual))
		kind = ADDRESS_AS;
	walk_octet(w, &kind);
	w->bad |= kind > ADDRESS_AS || (kind == ADDRESS_AS && !usual);
	if (w->bad)
		return;
	if (kind == ADDRESS_AS) {
		*a = *usual;
		return;
	}
	a->family = families[kind];
	walk_octets(w, a->ip, addr_bytes(a).n);
	walk_number16(w, &a->port);
}

void walk_address(struct walk *w, struct addr *a) { walk_address_as(w, a, NULL); }

void walk_suite(struct walk *w, struct suite *s)
{
	walk_octet(w, &s->protocol);
	walk_number16(w, &s->encr);
	walk_number16(w, &s->keylen);
	walk_number16(w, &s->prf);
	walk_number16(w, &s->integ);
	walk_number16(w, &s->group);
	walk_number16(w, &s->esn);
}

void walk_nonce(struct walk *w, struct nonce *n)
{
	n->n = (uint16_t)walk_number_to(w, n->n, sizeof n->v);
	walk_octets(w, n->v, n->n);
}

static void selector(struct walk *w, struct ts *ts)
{
	uint8_t form = (uint8_t)((ts->lo.family == AF_INET6) | (ts->protocol || ts->port_lo || ts->port_hi != 65535) << 1);
	walk_octet(w, &form);
	w->bad |= form > 3;
	ts->lo.family = ts->hi.family = form & 1 ? AF_INET6 : AF_INET;
	walk_octets(w, ts->lo.ip, addr_bytes(&ts->lo).n);
	walk_octets(w, ts->hi.ip, addr_bytes(&ts->hi).n);
	if (form & 2) {
		walk_octet(w, &ts->protocol);
		walk_number16(w, &ts->port_lo);
		walk_number16(w, &ts->port_hi);
	} else {
		ts->port_hi = 65535;
	}
}

/* Kept (ts.h), never empty. */
void walk_selectors(struct walk *w, struct ts_list **list)
{
	unsigned n = (unsigned)walk_number_to(w, *list ? (*list)->n : 0, TS_LIST_MAX);
	for (unsigned i = 0; i < n && !walk_wrong(w); i++) {
		if (!walk_reads(w)) {
			selector(w, &(*list)->v[i]);
			continue;
		}
		struct ts ts = { 0 };
		selector(w, &ts);
		ts_list_add(list, &ts);
	}
	w->bad |= !n;
}

/* ---------------------------------------------------------------- messages */

/* What the header of a message says that is made anew stands in the first of its datagrams. */
static void take_header(struct walk *w, const struct sent_message *f)
{
	struct cursor c = cursor_of(f->data, f->size);
	uint16_t n = get_u16(&c);
	struct header h;
	if (header_decode(&h, get_view(&c, n)) != ERR_OK) {
		w->bad = true;
		return;
	}
	f->again->h = (struct header){ .major = 2, .exchange = h.exchange, .flags = h.flags, .message_id = h.message_id };
	memcpy(f->again->h.spi_i, h.spi_i, IKE_SPI_LEN);
	memcpy(f->again->h.spi_r, h.spi_r, IKE_SPI_LEN);
}

void walk_message(struct walk *w, struct sent_message *f)
{
	struct bytes data = bytes_of(f->data, f->size);
	f->n = (uint8_t)walk_number_to(w, f->n, UINT8_MAX);
	if (!f->n)
		return;
	walk_sized(w, &data, MESSAGE_MAX);
	f->data = (uint8_t *)(uintptr_t)data.p;
	f->size = (uint32_t)data.n;
	walk_number16(w, &f->packet);
	FLAGS(w, &f->smaller);
	struct unsealed again = { 0 };
	if (f->again)
		again = *f->again;
	walk_sized(w, &again.plain, IKE_MESSAGE_MAX);
	if (!again.plain.n)
		return;
	walk_octet(w, &again.first);
	if (!walk_reads(w))
		return;
	f->again = xcalloc(1, sizeof *f->again);
	*f->again = again;
	take_header(w, f);
}
