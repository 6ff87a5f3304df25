/* selectors.c - traffic selectors as values. */
#include <stdlib.h>
#include <string.h>

#include "keys.h"

/* PREFIX or FIRST-LAST, then maybe [PROTOCOL] or [PROTOCOL/PORT] or [PROTOCOL/FIRST-LAST] */
static const char selector_form[] = "a traffic selector such as 10.0.0.0/8, 10.0.0.1-10.0.0.9 or 10.0.0.0/8[6/443]";

static bool port_parse(const char *text, uint16_t *port)
{
	int64_t v;
	if (!number_parse(text, &v) || v < 0 || v > 65535)
		return false;
	*port = (uint16_t)v;
	return true;
}

/* What stands between the brackets; text may be cut up. */
static bool service_parse(char *text, struct ts *ts)
{
	int64_t protocol;
	char *slash = strchr(text, '/'), *dash = slash != NULL ? strchr(slash, '-') : NULL;
	if (slash != NULL)
		*slash++ = 0;
	if (dash != NULL)
		*dash++ = 0;
	if (!number_parse(text, &protocol) || protocol < 0 || protocol > 255 || (slash != NULL && protocol == 0))
		return false;
	ts->protocol = (uint8_t)protocol;
	if (slash == NULL)
		return true;
	if (strcmp(slash, "opaque") == 0 && dash == NULL) {
		ts->port_lo = 65535; /* RFC 7296 3.13.1 */
		ts->port_hi = 0;
		return true;
	}
	return port_parse(slash, &ts->port_lo) && port_parse(dash != NULL ? dash : slash, &ts->port_hi) &&
	       ts->port_lo <= ts->port_hi;
}

static bool range_parse(char *text, struct ts *ts)
{
	char *dash = strchr(text, '-');
	struct prefix p;
	if (dash == NULL) {
		if (!prefix_parse(&p, text) || prefix_has_host_bits(&p))
			return false;
		*ts = ts_from_prefix(&p);
		return true;
	}
	*dash++ = 0;
	*ts = (struct ts){ .port_hi = 65535 };
	return addr_parse(&ts->lo, text) && addr_parse(&ts->hi, dash) && ts->lo.family == ts->hi.family &&
	       addr_compare_ip(&ts->lo, &ts->hi) <= 0;
}

static bool selector_parse(const char *text, struct ts *ts)
{
	char copy[TS_TEXT];
	size_t n = strlen(text);
	if (n >= sizeof copy)
		return false;
	memcpy(copy, text, n + 1);
	char *bracket = strchr(copy, '[');
	if (bracket != NULL && (copy[n - 1] != ']' || bracket + 1 == copy + n))
		return false;
	if (bracket != NULL) {
		copy[n - 1] = 0;
		*bracket++ = 0;
	}
	return range_parse(copy, ts) && (bracket == NULL || service_parse(bracket, ts));
}

static const struct ts_list *selectors_in(const struct key *k, const void *base)
{
	static const struct ts_list none;
	const struct ts_list *const *list = field_in(k, base);
	return *list != NULL ? *list : &none;
}

static bool selectors_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	struct ts_list **list = field_of(k, base);
	struct ts ts;
	char q[QUOTED_TEXT];
	struct prefix p;
	if (prefix_parse(&p, text) && prefix_has_host_bits(&p))
		return refuse_host_bits(c, text, &p);
	if (!selector_parse(text, &ts))
		return refuse(c, FINDING_VALUE, "%s is not %s", quoted(q, text), selector_form);
	ts_list_add(list, &ts); /* the reader stops at max_items */
	return true;
}

static void selector_print(struct text *o, const void *list, unsigned i, bool several)
{
	const struct ts_list *l = list;
	char text[TS_TEXT];
	ts_format(&l->v[i], text);
	const char *quote = several && strchr(text, '[') != NULL ? "\"" : ""; /* brackets mean something in a YAML list */
	text_add(o, "%s%s%s", quote, text, quote);
}

static void selectors_print(const struct key *k, const void *base, struct text *o)
{
	const struct ts_list *list = selectors_in(k, base);
	text_list(o, list->n, selector_print, list);
}

static void selectors_pack(const struct key *k, const void *base, struct buf *b)
{
	const struct ts_list *list = selectors_in(k, base);
	put_u8(b, list->n);
	for (unsigned i = 0; i < list->n; i++) {
		const struct ts *ts = &list->v[i];
		put_u8(b, ts->protocol);
		put_u16(b, ts->port_lo);
		put_u16(b, ts->port_hi);
		addr_pack(&ts->lo, b);
		addr_pack(&ts->hi, b);
	}
}

static bool selectors_unpack(const struct key *k, void *base, struct cursor *c)
{
	struct ts_list list = { 0 }, **field = field_of(k, base);
	unsigned n = get_u8(c);
	if (c->bad || n > TS_LIST_MAX)
		return false;
	for (unsigned i = 0; i < n; i++) {
		struct ts *ts = &list.v[i];
		ts->protocol = get_u8(c);
		ts->port_lo = get_u16(c);
		ts->port_hi = get_u16(c);
		bool opaque = ts->port_lo == 65535 && ts->port_hi == 0;
		if (!addr_unpack(&ts->lo, c) || !addr_unpack(&ts->hi, c) || ts->lo.family == 0 || ts->lo.family != ts->hi.family)
			return false;
		if (addr_compare_ip(&ts->lo, &ts->hi) > 0 || (ts->port_lo > ts->port_hi && !opaque))
			return false;
	}
	list.n = (uint8_t)n;
	ts_list_drop(*field);
	*field = ts_list_keep(&list);
	return true;
}

static void selectors_clear(const struct key *k, void *base)
{
	struct ts_list **list = field_of(k, base);
	ts_list_drop(*list);
	*list = NULL;
}

const struct kind kind_selectors = { "traffic selectors", true, selectors_read, selectors_print, selectors_pack, selectors_unpack,
	selectors_clear };
