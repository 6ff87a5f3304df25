/* addrs.c - values that are an address, a peer or an identity. */
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

bool addr_is_multicast(const struct addr *a)
{
	return a->family == AF_INET ? a->ip[0] >= 224 : a->ip[0] == 0xff; /* 255.255.255.255 and class E with it */
}

const char *addr_fault(const struct addr *a)
{
	if (addr_is_any(a))
		return "is not the address of a host";
	if (addr_is_multicast(a))
		return "is a multicast or reserved address";
	return link_local(a) ? "is a link-local address, which says nothing without its link" : NULL;
}

bool refuse_host_bits(const struct context *c, const char *text, const struct prefix *p)
{
	char q[QUOTED_TEXT], net[ADDR_TEXT];
	struct prefix masked = prefix_mask(p);
	return refuse(c, FINDING_VALUE, "%s has bits set behind the prefix: did you mean '%s'?", quoted(q, text),
		prefix_format(&masked, net));
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

static void addr_print(const struct key *k, const void *base, struct text *o)
{
	const struct addr *a = field_in(k, base);
	char text[ADDR_TEXT];
	if (a->family != 0)
		text_add(o, "%s", addr_format(a, text));
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

static void remote_print(const struct key *k, const void *base, struct text *o)
{
	const struct tunnel_conf *t = base;
	if (t->remote_any)
		text_add(o, "any");
	else if (t->remote_name != NULL)
		text_add(o, "%s", t->remote_name);
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

static void ident_print(const struct key *k, const void *base, struct text *o)
{
	const struct ident *id = field_in(k, base);
	if (id->type == 0 || o->len + 1 >= o->size)
		return;
	ident_format(id, o->p + o->len, o->size - o->len);
	o->len += strlen(o->p + o->len);
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
