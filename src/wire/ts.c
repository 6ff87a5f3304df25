/*
 * ts.c - traffic selectors: ranges as sets (RFC 7296 2.9) and as bytes (3.13.1).
 *
 * Ports 65535..0 are OPAQUE (3.13.1): the ports cannot be seen. Only "any port" and OPAQUE itself contain it.
 */
#include "wire/ts.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "body.h"

#define TS_IPV4_ADDR_RANGE 7
#define TS_IPV6_ADDR_RANGE 8
#define PORT_MAX 65535

static bool ports_opaque(const struct ts *t) { return t->port_lo == PORT_MAX && t->port_hi == 0; }

static bool ports_any(const struct ts *t) { return t->port_lo == 0 && t->port_hi == PORT_MAX; }

static unsigned address_bits(const struct addr *a) { return a->family == AF_INET ? 32 : 128; }

struct ts ts_from_prefix(const struct prefix *p)
{
	struct prefix net = prefix_mask(p);
	struct ts t = { .protocol = 0, .port_lo = 0, .port_hi = PORT_MAX, .lo = net.addr, .hi = net.addr };
	unsigned octets = address_bits(&net.addr) / 8, at = p->len / 8;
	if (at < octets) {
		t.hi.ip[at] |= (uint8_t)(0xff >> p->len % 8);
		memset(t.hi.ip + at + 1, 0xff, octets - at - 1);
	}
	return t;
}

bool ts_to_prefix(const struct ts *ts, struct prefix *p)
{
	unsigned bits = address_bits(&ts->lo), len = 0;
	if (!ts->lo.family || ts->lo.family != ts->hi.family)
		return false;
	while (len < bits && !((ts->lo.ip[len / 8] ^ ts->hi.ip[len / 8]) & (0x80 >> len % 8)))
		len++;
	*p = (struct prefix){ .addr = ts->lo, .len = (uint8_t)len };
	p->addr.port = 0;
	struct ts whole = ts_from_prefix(p);
	return addr_same_ip(&whole.lo, &ts->lo) && addr_same_ip(&whole.hi, &ts->hi);
}

bool ts_equal(const struct ts *a, const struct ts *b)
{
	return a->protocol == b->protocol && a->port_lo == b->port_lo && a->port_hi == b->port_hi &&
	       addr_same_ip(&a->lo, &b->lo) && addr_same_ip(&a->hi, &b->hi);
}

static bool ports_contain(const struct ts *outer, const struct ts *inner)
{
	if (ports_any(outer))
		return true;
	if (ports_opaque(outer) || ports_opaque(inner))
		return ports_opaque(outer) && ports_opaque(inner);
	return outer->port_lo <= inner->port_lo && inner->port_hi <= outer->port_hi;
}

bool ts_contains(const struct ts *outer, const struct ts *inner)
{
	if (outer->lo.family != inner->lo.family || (outer->protocol && outer->protocol != inner->protocol))
		return false;
	return ports_contain(outer, inner) && addr_compare_ip(&outer->lo, &inner->lo) <= 0 &&
	       addr_compare_ip(&inner->hi, &outer->hi) <= 0;
}

static bool ports_intersect(const struct ts *a, const struct ts *b, struct ts *out)
{
	if (ports_opaque(a) || ports_opaque(b)) {
		out->port_lo = PORT_MAX;
		out->port_hi = 0;
		return ports_contain(a, b) || ports_contain(b, a);
	}
	out->port_lo = a->port_lo > b->port_lo ? a->port_lo : b->port_lo;
	out->port_hi = a->port_hi < b->port_hi ? a->port_hi : b->port_hi;
	return out->port_lo <= out->port_hi;
}

bool ts_intersect(const struct ts *a, const struct ts *b, struct ts *out)
{
	struct ts t = { .protocol = a->protocol ? a->protocol : b->protocol };
	if (a->lo.family != b->lo.family || (a->protocol && b->protocol && a->protocol != b->protocol))
		return false;
	if (!ports_intersect(a, b, &t))
		return false;
	t.lo = addr_compare_ip(&a->lo, &b->lo) >= 0 ? a->lo : b->lo;
	t.hi = addr_compare_ip(&a->hi, &b->hi) <= 0 ? a->hi : b->hi;
	if (addr_compare_ip(&t.lo, &t.hi) > 0)
		return false;
	*out = t;
	return true;
}

static bool list_has(const struct ts_list *list, const struct ts *t)
{
	for (uint8_t i = 0; i < list->n; i++)
		if (ts_equal(&list->v[i], t))
			return true;
	return false;
}

static bool list_covers(const struct ts_list *list, const struct ts *t)
{
	for (uint8_t i = 0; i < list->n; i++)
		if (ts_contains(&list->v[i], t))
			return true;
	return false;
}

bool ts_list_equal(const struct ts_list *a, const struct ts_list *b)
{
	for (uint8_t i = 0; i < a->n; i++)
		if (!list_has(b, &a->v[i]))
			return false;
	for (uint8_t i = 0; i < b->n; i++)
		if (!list_has(a, &b->v[i]))
			return false;
	return true;
}

bool ts_list_has(const struct ts_list *list, const struct ts *ts)
{
	for (unsigned i = 0; i < list->n; i++)
		if (ts_contains(&list->v[i], ts))
			return true;
	return false;
}

bool ts_list_contains(const struct ts_list *outer, const struct ts_list *inner)
{
	for (uint8_t i = 0; i < inner->n; i++)
		if (!list_covers(outer, &inner->v[i]))
			return false;
	return true;
}

bool ts_list_same(const struct ts_list *a, const struct ts_list *b)
{
	uint8_t i = 0;
	if (!a || !b || a->n != b->n)
		return false;
	while (i < a->n && ts_equal(&a->v[i], &b->v[i]))
		i++;
	return i == a->n;
}

static size_t kept_size(uint8_t n) { return offsetof(struct ts_list, v) + n * sizeof(struct ts); }

struct ts_list *ts_list_keep(const struct ts_list *from)
{
	struct ts_list *kept = memcpy(xcalloc(1, kept_size(from->n)), from, kept_size(from->n));
	kept->shares = 0;
	return kept;
}

struct ts_list *ts_list_share(struct ts_list *kept)
{
	if (kept->shares == UINT16_MAX)
		return ts_list_keep(kept);
	kept->shares++;
	return kept;
}

void ts_list_drop(struct ts_list *kept)
{
	if (kept && kept->shares > 0)
		kept->shares--;
	else
		free(kept);
}

void ts_list_add(struct ts_list **kept, const struct ts *ts)
{
	uint8_t n = *kept ? (*kept)->n : 0;
	struct ts_list *own = *kept;
	if (own && own->shares > 0) {
		own = ts_list_keep(*kept);
		ts_list_drop(*kept);
	}
	struct ts_list *grown = xrealloc_array(own, 1, kept_size(n + 1));
	memcpy((uint8_t *)grown + kept_size(n), ts, sizeof(*ts));
	grown->n = n + 1;
	grown->shares = 0;
	*kept = grown;
}

void ts_list_copy(struct ts_list *to, const struct ts_list *from)
{
	memset(to, 0, sizeof(*to));
	if (from)
		memcpy(to, from, kept_size(from->n));
	to->shares = 0;
}

/* Adds t unless the list covers it already; what t covers leaves. False when the list is full. */
static bool list_add(struct ts_list *list, const struct ts *t)
{
	uint8_t kept = 0;
	if (list_covers(list, t))
		return true;
	for (uint8_t i = 0; i < list->n; i++)
		if (!ts_contains(t, &list->v[i]))
			list->v[kept++] = list->v[i];
	list->n = kept;
	if (list->n == TS_LIST_MAX)
		return false;
	list->v[list->n++] = *t;
	return true;
}

bool ts_narrow(const struct ts_list *ours, const struct ts *theirs, size_t n, struct ts_list *out)
{
	struct ts common;
	out->n = 0;
	for (size_t k = 0; k < n * ours->n; k++) {
		if (!ts_intersect(&theirs[k / ours->n], &ours->v[k % ours->n], &common))
			continue;
		if (!list_add(out, &common))
			return false;
	}
	return out->n > 0;
}

static void ports_format(const struct ts *ts, struct text *t)
{
	if (!ts->protocol && ports_any(ts))
		return;
	text_add(t, "[%u", ts->protocol);
	if (ports_opaque(ts))
		text_add(t, "/opaque");
	else if (ts->port_lo == ts->port_hi)
		text_add(t, "/%u", ts->port_lo);
	else if (!ports_any(ts))
		text_add(t, "/%u-%u", ts->port_lo, ts->port_hi);
	text_add(t, "]");
}

const char *ts_format(const struct ts *ts, char text[TS_TEXT])
{
	char one[ADDR_TEXT], two[ADDR_TEXT];
	struct prefix p;
	struct text t = text_of(text, TS_TEXT);
	if (ts_to_prefix(ts, &p))
		text_add(&t, "%s", prefix_format(&p, one));
	else
		text_add(&t, "%s-%s", addr_format(&ts->lo, one), addr_format(&ts->hi, two));
	ports_format(ts, &t);
	return text;
}

/* --- bytes --- */

static bool addresses_decode(struct cursor *c, struct ts *ts, size_t each)
{
	struct bytes lo = get_view(c, each), hi = get_view(c, each);
	if (c->bad || cursor_left(c) || !addr_from_bytes(&ts->lo, lo) || !addr_from_bytes(&ts->hi, hi))
		return false;
	if (addr_compare_ip(&ts->lo, &ts->hi) > 0)
		return false;
	return ts->port_lo <= ts->port_hi || ports_opaque(ts);
}

/* One selector into v[*n] when its type is ours, else only counted. */
static int selector_decode(struct cursor *c, struct payload *p, struct ts *v)
{
	struct ts ts = { 0 };
	uint8_t type = get_u8(c);
	ts.protocol = get_u8(c);
	uint16_t len = get_u16(c);
	if (c->bad || len < 4)
		return ERR_SYNTAX;
	struct cursor body = get_sub(c, len - 4);
	if (body.bad)
		return ERR_SYNTAX;
	if (type != TS_IPV4_ADDR_RANGE && type != TS_IPV6_ADDR_RANGE) {
		p->ts.unknown++;
		return ERR_OK;
	}
	ts.port_lo = get_u16(&body);
	ts.port_hi = get_u16(&body);
	if (!addresses_decode(&body, &ts, type == TS_IPV4_ADDR_RANGE ? 4 : 16))
		return ERR_SYNTAX;
	v[p->ts.n++] = ts;
	return ERR_OK;
}

int ts_body_decode(struct payload *p, struct arena *a)
{
	struct cursor c = cursor_over(p->body);
	uint8_t count = get_u8(&c);
	get_view(&c, 3);
	if (c.bad || !count || (size_t)count * 4 > cursor_left(&c))
		return ERR_SYNTAX;
	struct ts *v = arena_array(a, count, sizeof(*v));
	if (!v)
		return ERR_NO_ROOM;
	p->ts.v = v;
	for (unsigned i = 0; i < count; i++) {
		int rc = selector_decode(&c, p, v);
		if (rc)
			return rc;
	}
	return cursor_left(&c) ? ERR_SYNTAX : ERR_OK;
}

void ts_body_encode(const struct payload *p, struct buf *b)
{
	if (p->ts.n > UINT8_MAX)
		b->bad = true;
	put_u8(b, (uint8_t)p->ts.n);
	put_u8(b, 0);
	put_u16(b, 0);
	for (uint16_t i = 0; i < p->ts.n; i++) {
		const struct ts *ts = &p->ts.v[i];
		bool v4 = ts->lo.family == AF_INET;
		put_u8(b, v4 ? TS_IPV4_ADDR_RANGE : TS_IPV6_ADDR_RANGE);
		put_u8(b, ts->protocol);
		put_u16(b, v4 ? 16 : 40);
		put_u16(b, ts->port_lo);
		put_u16(b, ts->port_hi);
		put_view(b, addr_bytes(&ts->lo));
		put_view(b, addr_bytes(&ts->hi));
	}
}

void ts_body_format(const struct payload *p, struct text *t)
{
	char one[TS_TEXT];
	for (uint16_t i = 0; i < p->ts.n; i++)
		text_add(t, "%s%s", i ? " " : "", ts_format(&p->ts.v[i], one));
	if (p->ts.unknown)
		text_add(t, "%s+%u of unknown type", p->ts.n ? " " : "", p->ts.unknown);
}
