/* nets.c - values that are addresses, identities, prefixes, selectors and proposals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"

/* --- one address --- */
void addr_pack(const struct addr *a, struct buf *b)
{
	struct bytes ip = addr_bytes(a);
	put_u8(b, (uint8_t)ip.n);
	put_view(b, ip);
}

bool addr_unpack(struct addr *a, struct cursor *c)
{
	size_t n = get_u8(c);
	struct bytes ip = get_view(c, n);
	*a = (struct addr){ 0 };
	return !c->bad && (n == 0 || addr_from_bytes(a, ip));
}

static bool link_local(const struct addr *a) { return a->family == AF_INET6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80; }

static bool multicast(const struct addr *a)
{
	return a->family == AF_INET ? a->ip[0] >= 224 : a->ip[0] == 0xff; /* 255.255.255.255 and class E with it */
}

static const char *addr_fault(const struct addr *a)
{
	if (addr_is_any(a))
		return "is no address of a host";
	if (multicast(a))
		return "is a multicast or reserved address";
	return link_local(a) ? "is a link-local address, which says nothing without its link" : NULL;
}

static bool addr_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	char q[QUOTED_TEXT];
	struct addr a;
	if (!addr_parse(&a, text))
		return refuse(c, FINDING_VALUE, "%s is not %s", quoted(q, text), k->kind->form);
	const char *fault = addr_fault(&a);
	if (fault != NULL)
		return refuse(c, FINDING_VALUE, "%s %s", quoted(q, text), fault);
	memcpy(field_of(k, base), &a, sizeof a);
	return true;
}

static void addr_print(const struct key *k, const void *base, struct out *o)
{
	const struct addr *a = field_in(k, base);
	char text[ADDR_TEXT];
	if (a->family != 0)
		out_add(o, "%s", addr_format(a, text));
}

static void addr_field_pack(const struct key *k, const void *base, struct buf *b) { addr_pack(field_in(k, base), b); }
static bool addr_field_unpack(const struct key *k, void *base, struct cursor *c) { return addr_unpack(field_of(k, base), c); }

const struct kind kind_addr = { "an IPv4 or IPv6 address", false, addr_read, addr_print, addr_field_pack, addr_field_unpack,
	NULL };

/* --- remote: an address, a name or anyone --- */
static bool remote_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	struct tunnel_conf *t = base;
	struct addr a;
	char q[QUOTED_TEXT];
	if (strcmp(text, "any") == 0) {
		t->remote_any = true;
		return true;
	}
	if (addr_parse(&a, text))
		return addr_read(c, k, base, text);
	if (!dns_name_valid(text))
		return refuse(
			c, FINDING_VALUE, "%s is neither an IPv4 or IPv6 address, nor a DNS name, nor 'any'", quoted(q, text));
	t->remote_name = xstrdup(text);
	return true;
}

static void remote_print(const struct key *k, const void *base, struct out *o)
{
	const struct tunnel_conf *t = base;
	if (t->remote_any)
		out_add(o, "any");
	else if (t->remote_name != NULL)
		out_add(o, "%s", t->remote_name);
	else
		addr_print(k, base, o);
}

static void remote_pack(const struct key *k, const void *base, struct buf *b)
{
	const struct tunnel_conf *t = base;
	size_t n = t->remote_name != NULL ? strlen(t->remote_name) : 0;
	put_u8(b, t->remote_any);
	put_u8(b, (uint8_t)n);
	put_bytes(b, t->remote_name, n);
	addr_field_pack(k, base, b);
}

static bool remote_unpack(const struct key *k, void *base, struct cursor *c)
{
	struct tunnel_conf *t = base;
	char name[256] = "";
	uint8_t any = get_u8(c), n = get_u8(c);
	get_copy(c, name, n);
	if (!addr_field_unpack(k, base, c) || c->bad || any > 1 || strlen(name) != n)
		return false;
	if (any + (n > 0) + (t->remote.family != 0) > 1 || (n > 0 && !dns_name_valid(name)))
		return false;
	t->remote_any = any;
	t->remote_name = n > 0 ? xstrdup(name) : NULL;
	return true;
}

static void remote_clear(const struct key *k, void *base)
{
	struct tunnel_conf *t = base;
	(void)k;
	free(t->remote_name);
	t->remote_name = NULL;
}

const struct kind kind_remote = { "an address, a DNS name or 'any'", false, remote_read, remote_print, remote_pack, remote_unpack,
	remote_clear };

/* --- identities --- */
static bool ident_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	char q[QUOTED_TEXT];
	const char *why = "";
	struct ident *id = field_of(k, base);
	return ident_parse(id, text, &why) || refuse(c, FINDING_VALUE, "%s: invalid identity: %s", quoted(q, text), why);
}

static void ident_print(const struct key *k, const void *base, struct out *o)
{
	const struct ident *id = field_in(k, base);
	if (id->type == 0 || o->len + 1 >= o->size)
		return;
	ident_format(id, o->text + o->len, o->size - o->len);
	o->len += strlen(o->text + o->len);
}

static void ident_pack(const struct key *k, const void *base, struct buf *b)
{
	const struct ident *id = field_in(k, base);
	put_u8(b, id->type);
	put_u16(b, id->len);
	put_bytes(b, id->data, id->len);
}

static bool ident_unpack(const struct key *k, void *base, struct cursor *c)
{
	struct ident *id = field_of(k, base);
	uint8_t type = get_u8(c);
	uint16_t n = get_u16(c);
	struct bytes data = get_view(c, n);
	bool address = type == ID_IPV4_ADDR || type == ID_IPV6_ADDR;
	bool known = type == 0 || address || type == ID_FQDN || type == ID_RFC822_ADDR || type == ID_DER_ASN1_DN ||
		     type == ID_KEY_ID;
	if (c->bad || !known || n > IDENT_MAX || (type == 0) != (n == 0) || (address && n != (type == ID_IPV4_ADDR ? 4 : 16)))
		return false;
	if (n > 0)
		*id = (struct ident){ .type = type, .len = n, .data = memcpy(xcalloc(n, 1), data.p, n) };
	return true;
}

static void ident_clear(const struct key *k, void *base)
{
	struct ident *id = field_of(k, base);
	free(id->data);
	*id = (struct ident){ 0 };
}

const struct kind kind_ident = { "an identity", false, ident_read, ident_print, ident_pack, ident_unpack, ident_clear };

/* --- lists on the heap: a pointer and a count of one or two bytes --- */
static unsigned count_get(const struct key *k, const void *base)
{
	const uint8_t *p = (const uint8_t *)base + k->count_offset;
	uint16_t n;
	if (k->count_size == 1)
		return *p;
	memcpy(&n, p, sizeof n);
	return n;
}

static void count_set(const struct key *k, void *base, unsigned v)
{
	uint8_t *p = (uint8_t *)base + k->count_offset;
	uint16_t n = (uint16_t)v;
	if (k->count_size == 1)
		*p = (uint8_t)v;
	else
		memcpy(p, &n, sizeof n);
}

static void *array_get(const struct key *k, const void *base)
{
	void *v;
	memcpy(&v, field_in(k, base), sizeof v);
	return v;
}

/* Room for n members of `size` bytes; what was there stays. */
static void *array_grow(const struct key *k, void *base, unsigned n, size_t size)
{
	void *v = xrealloc_array(array_get(k, base), n, size);
	memcpy(field_of(k, base), &v, sizeof v);
	return v;
}

static void array_clear(const struct key *k, void *base)
{
	void *none = NULL;
	free(array_get(k, base));
	memcpy(field_of(k, base), &none, sizeof none);
	count_set(k, base, 0);
}

/* --- prefixes; arg 1: host bits matter --- */
void prefix_pack(const struct prefix *p, struct buf *b)
{
	addr_pack(&p->addr, b);
	put_u8(b, p->len);
}

bool prefix_unpack(struct prefix *p, struct cursor *c)
{
	bool good = addr_unpack(&p->addr, c);
	p->len = get_u8(c);
	return good && !c->bad && p->addr.family != 0 && p->len <= 8 * addr_bytes(&p->addr).n;
}

static bool prefix_read(const struct context *c, const char *text, struct prefix *p, bool host_bits)
{
	char q[QUOTED_TEXT], net[ADDR_TEXT];
	if (!prefix_parse(p, text))
		return refuse(c, FINDING_VALUE, "%s is not an IPv4 or IPv6 prefix such as 10.20.0.0/16", quoted(q, text));
	struct prefix masked = prefix_mask(p);
	if (!host_bits && prefix_has_host_bits(p))
		return refuse(c, FINDING_VALUE, "%s has bits set behind the prefix: did you mean '%s'?", quoted(q, text),
			prefix_format(&masked, net));
	return true;
}

static bool prefixes_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	struct prefix p, *v = array_get(k, base);
	char q[QUOTED_TEXT];
	unsigned n = count_get(k, base);
	if (!prefix_read(c, text, &p, k->arg == 1))
		return false;
	const char *fault = k->arg == 1 ? addr_fault(&p.addr) : NULL;
	if (fault != NULL)
		return refuse(c, FINDING_VALUE, "%s %s", quoted(q, text), fault);
	if (k->arg == 0 && p.len > 0 && multicast(&p.addr))
		return refuse(c, FINDING_VALUE, "%s is a multicast or reserved prefix", quoted(q, text));
	for (unsigned i = 0; i < n; i++) {
		if (v[i].len != p.len || !addr_same_ip(&v[i].addr, &p.addr))
			continue;
		finding_add(c->findings, c->place, FINDING_MEMBER_TWICE, "%s is written twice", quoted(q, text));
		return true;
	}
	v = array_grow(k, base, n + 1, sizeof *v);
	v[n] = p;
	count_set(k, base, n + 1);
	return true;
}

static void prefixes_print(const struct key *k, const void *base, struct out *o)
{
	const struct prefix *v = array_get(k, base);
	unsigned n = count_get(k, base);
	char text[ADDR_TEXT];
	out_add(o, "%s", n > 1 ? "[" : "");
	for (unsigned i = 0; i < n; i++)
		out_add(o, "%s%s", i > 0 ? ", " : "", prefix_format(&v[i], text));
	out_add(o, "%s", n > 1 ? "]" : "");
}

static void prefixes_pack(const struct key *k, const void *base, struct buf *b)
{
	const struct prefix *v = array_get(k, base);
	unsigned n = count_get(k, base);
	put_u16(b, (uint16_t)n);
	for (unsigned i = 0; i < n; i++)
		prefix_pack(&v[i], b);
}

static bool prefixes_unpack(const struct key *k, void *base, struct cursor *c)
{
	unsigned n = get_u16(c);
	if (c->bad || n > k->max_items || n > cursor_left(c))
		return false;
	struct prefix *v = n > 0 ? array_grow(k, base, n, sizeof *v) : NULL;
	for (unsigned i = 0; i < n; i++)
		if (!prefix_unpack(&v[i], c) || (k->arg == 0 && prefix_has_host_bits(&v[i])))
			return false;
	count_set(k, base, n);
	return true;
}

const struct kind kind_prefixes = { "prefixes such as 10.20.0.0/16", true, prefixes_read, prefixes_print, prefixes_pack,
	prefixes_unpack, array_clear };

/* --- traffic selectors: PREFIX or FIRST-LAST, then maybe [PROTOCOL] or [PROTOCOL/PORT] or [PROTOCOL/FIRST-LAST] --- */
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
	char q[QUOTED_TEXT], net[ADDR_TEXT];
	struct prefix p;
	if (prefix_parse(&p, text) && prefix_has_host_bits(&p)) {
		p = prefix_mask(&p);
		return refuse(c, FINDING_VALUE, "%s has bits set behind the prefix: did you mean '%s'?", quoted(q, text),
			prefix_format(&p, net));
	}
	if (!selector_parse(text, &ts))
		return refuse(c, FINDING_VALUE, "%s is not %s", quoted(q, text), selector_form);
	ts_list_add(list, &ts); /* the reader stops at max_items */
	return true;
}

static void selectors_print(const struct key *k, const void *base, struct out *o)
{
	const struct ts_list *list = selectors_in(k, base);
	char text[TS_TEXT];
	out_add(o, "%s", list->n > 1 ? "[" : "");
	for (unsigned i = 0; i < list->n; i++) {
		ts_format(&list->v[i], text);
		bool quote = list->n > 1 && strchr(text, '[') != NULL; /* brackets mean something in a YAML list */
		out_add(o, "%s%s%s%s", i > 0 ? ", " : "", quote ? "\"" : "", text, quote ? "\"" : "");
	}
	out_add(o, "%s", list->n > 1 ? "]" : "");
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
	free(*field);
	*field = ts_list_keep(&list);
	return true;
}

static void selectors_clear(const struct key *k, void *base)
{
	struct ts_list **list = field_of(k, base);
	free(*list);
	*list = NULL;
}

const struct kind kind_selectors = { "traffic selectors", true, selectors_read, selectors_print, selectors_pack, selectors_unpack,
	selectors_clear };

/* --- proposals; arg: the protocol --- */
static bool proposals_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	struct proposal p, *v;
	char q[QUOTED_TEXT], word[64];
	const char *bad = NULL, *why = "not a proposal";
	size_t bad_len = 0;
	unsigned n = count_get(k, base);
	if (!proposal_parse(&p, k->arg, text, &bad, &bad_len, &why)) {
		if (bad == NULL || bad_len == 0)
			return refuse(c, FINDING_VALUE, "%s: %s", quoted(q, text), why);
		snprintf(word, sizeof word, "%.*s", (int)(bad_len < sizeof word ? bad_len : sizeof word - 1), bad);
		const char *near = alg_nearest_word(bad, bad_len);
		bool other = near != NULL && strcmp(near, word) != 0; /* a good word in a wrong place is its own nearest */
		return refuse(c, FINDING_VALUE, "%s: %s%s%s%s", quoted(q, word), why, other ? ": did you mean '" : "",
			other ? near : "", other ? "'?" : "");
	}
	v = array_grow(k, base, n + 1, sizeof *v);
	v[n] = p;
	count_set(k, base, n + 1);
	return true;
}

static void proposals_print(const struct key *k, const void *base, struct out *o)
{
	const struct proposal *v = array_get(k, base);
	unsigned n = count_get(k, base);
	char text[PROPOSAL_TEXT];
	out_add(o, "%s", n > 1 ? "[" : "");
	for (unsigned i = 0; i < n; i++)
		out_add(o, "%s%s", i > 0 ? ", " : "", proposal_format(&v[i], text));
	out_add(o, "%s", n > 1 ? "]" : "");
}

static void proposals_pack(const struct key *k, const void *base, struct buf *b)
{
	const struct proposal *v = array_get(k, base);
	unsigned n = count_get(k, base);
	put_u8(b, (uint8_t)n);
	for (unsigned i = 0; i < n; i++) {
		put_u8(b, v[i].n);
		for (unsigned j = 0; j < v[i].n; j++) {
			put_u8(b, v[i].t[j].type);
			put_u16(b, v[i].t[j].id);
			put_u16(b, v[i].t[j].keylen);
		}
	}
}

static bool proposal_unpack(struct proposal *p, uint8_t protocol, struct cursor *c)
{
	unsigned n = get_u8(c);
	if (c->bad || n == 0 || n > PROPOSAL_TRANSFORMS_MAX)
		return false;
	*p = (struct proposal){ .protocol = protocol, .n = (uint8_t)n };
	for (unsigned i = 0; i < n; i++) {
		uint8_t type = get_u8(c);
		uint16_t id = get_u16(c), keylen = get_u16(c);
		if (c->bad || type < TRANSFORM_ENCR || type > TRANSFORM_ESN)
			return false;
		p->t[i] = (struct transform){ .type = type, .id = id, .keylen = keylen };
	}
	return true;
}

static bool proposals_unpack(const struct key *k, void *base, struct cursor *c)
{
	unsigned n = get_u8(c);
	if (c->bad || n > PROPOSALS_MAX)
		return false;
	struct proposal *v = n > 0 ? array_grow(k, base, n, sizeof *v) : NULL;
	for (unsigned i = 0; i < n; i++)
		if (!proposal_unpack(&v[i], k->arg, c))
			return false;
	count_set(k, base, n);
	return true;
}

const struct kind kind_proposals = { "proposals such as aes256-sha256-modp2048", true, proposals_read, proposals_print,
	proposals_pack, proposals_unpack, array_clear };
