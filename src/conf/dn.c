/*
 * dn.c - distinguished names (RFC 5280 4.1.2.4) between "C=IE, O=Example, CN=gw1" and DER.
 *
 * Identities are compared byte by byte, so the string type counts: country and serialNumber are PrintableString, e-mail and domain
 * component IA5String, all else UTF8String, as today's certificate makers write them. Whatever differs can be given as hex: dn:#3081...
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "keys.h"

enum {
	TAG_UTF8 = 0x0c,
	TAG_PRINTABLE = 0x13,
	TAG_T61 = 0x14,
	TAG_IA5 = 0x16,
	TAG_OID = 0x06,
	TAG_SEQUENCE = 0x30,
	TAG_SET = 0x31
};

static const struct attribute {
	const char *word;
	uint8_t tag;
	uint8_t oid_len;
	uint8_t oid[10];
} attributes[] = {
	{ "C", TAG_PRINTABLE, 3, { 0x55, 4, 6 } },
	{ "ST", TAG_UTF8, 3, { 0x55, 4, 8 } },
	{ "L", TAG_UTF8, 3, { 0x55, 4, 7 } },
	{ "O", TAG_UTF8, 3, { 0x55, 4, 10 } },
	{ "OU", TAG_UTF8, 3, { 0x55, 4, 11 } },
	{ "CN", TAG_UTF8, 3, { 0x55, 4, 3 } },
	{ "SERIALNUMBER", TAG_PRINTABLE, 3, { 0x55, 4, 5 } },
	{ "STREET", TAG_UTF8, 3, { 0x55, 4, 9 } },
	{ "E", TAG_IA5, 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1 } },
	{ "EMAILADDRESS", TAG_IA5, 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1 } },
	{ "DC", TAG_IA5, 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25 } },
	{ "UID", TAG_UTF8, 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1 } },
};
#define ATTRIBUTES (ARRAY_SIZE(attributes))

static char upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c; }

static const struct attribute *attribute_of(const char *word, size_t len)
{
	for (size_t i = 0; i < ATTRIBUTES; i++) {
		size_t n = 0;
		while (n < len && attributes[i].word[n] != 0 && upper(word[n]) == attributes[i].word[n])
			n++;
		if (n == len && attributes[i].word[n] == 0)
			return &attributes[i];
	}
	return NULL;
}

/* --- text to DER, written back to front so that every length is known when its turn comes --- */
struct back {
	uint8_t data[IDENT_MAX];
	size_t at; /* the first byte used */
	bool bad;
};

static void back_put(struct back *b, const void *p, size_t n)
{
	if (n > b->at) {
		b->bad = true;
		return;
	}
	b->at -= n;
	memcpy(b->data + b->at, p, n);
}

static void back_header(struct back *b, uint8_t tag, size_t n)
{
	uint8_t h[4] = { tag, (uint8_t)n };
	size_t len = 2;
	if (n >= 0x100) {
		h[1] = 0x82;
		h[2] = (uint8_t)(n >> 8);
		h[3] = (uint8_t)n;
		len = 4;
	} else if (n >= 0x80) {
		h[1] = 0x81;
		h[2] = (uint8_t)n;
		len = 3;
	}
	back_put(b, h, len);
}

struct rdn {
	const struct attribute *attribute;
	size_t start, len; /* of the value, without its escapes, in the scratch text */
};
#define RDN_MAX 24

/* Splits "type = value," at *text; the value goes into scratch without its backslashes. */
static bool rdn_read(const char **text, struct rdn *r, char *scratch, size_t *used, const char **why)
{
	const char *p = *text + strspn(*text, " ");
	size_t word = strcspn(p, "= ");
	r->attribute = attribute_of(p, word);
	p += word;
	p += strspn(p, " ");
	if (r->attribute == NULL || *p != '=') {
		*why = "a distinguished name is written as 'C=IE, O=Example, CN=gw1' (C ST L O OU CN E DC UID serialNumber street)";
		return false;
	}
	p++;
	p += strspn(p, " ");
	r->start = *used;
	size_t end = *used; /* blanks at the end do not count */
	for (; *p != 0 && *p != ',' && *p != '+'; p++) {
		if (*p == '\\' && *++p == 0)
			break;
		scratch[(*used)++] = *p;
		if (*p != ' ' || p[-1] == '\\')
			end = *used;
	}
	*used = end;
	r->len = end - r->start;
	*why = *p == '+'                ? "names with '+' must be given as hex: dn:#3081..."
	       : r->len == 0            ? "a part of the name is empty"
	       : *p == ',' && p[1] == 0 ? "nothing follows the last comma of the name"
					: NULL;
	*text = *p == ',' ? p + 1 : p;
	return *why == NULL;
}

static bool hex_parse(const char *text, uint8_t **der, uint16_t *len, const char **why)
{
	struct bytes b;
	*why = "hex digits in pairs are needed behind '#'";
	if (!text_unhex(text, IDENT_MAX, &b))
		return false;
	*der = (uint8_t *)(uintptr_t)b.p;
	*len = (uint16_t)b.n;
	return true;
}

bool dn_parse(const char *text, uint8_t **der, uint16_t *len, const char **why)
{
	struct rdn rdns[RDN_MAX];
	char scratch[IDENT_MAX];
	size_t n = 0, used = 0;
	if (*text == '#')
		return hex_parse(text + 1, der, len, why);
	*why = "the name is too long";
	if (strlen(text) >= sizeof scratch)
		return false;
	do {
		if (n == RDN_MAX || !rdn_read(&text, &rdns[n], scratch, &used, why))
			return false;
		n++;
	} while (*text != 0);

	struct back b = { .at = sizeof b.data };
	while (n-- > 0) {
		const struct attribute *a = rdns[n].attribute;
		size_t end = b.at;
		back_put(&b, scratch + rdns[n].start, rdns[n].len);
		back_header(&b, a->tag, rdns[n].len);
		back_put(&b, a->oid, a->oid_len);
		back_header(&b, TAG_OID, a->oid_len);
		back_header(&b, TAG_SEQUENCE, end - b.at);
		back_header(&b, TAG_SET, end - b.at);
	}
	back_header(&b, TAG_SEQUENCE, sizeof b.data - b.at);
	*why = "the name is too long";
	if (b.bad)
		return false;
	*len = (uint16_t)(sizeof b.data - b.at);
	*der = memcpy(xcalloc(*len, 1), b.data + b.at, *len);
	return true;
}

/* --- DER to text --- */
static struct cursor element(struct cursor *c, uint8_t tag)
{
	if (get_u8(c) != tag)
		c->bad = true;
	size_t n = get_u8(c);
	if (n == 0x81)
		n = get_u8(c);
	else if (n == 0x82)
		n = get_u16(c);
	else if (n > 0x80)
		c->bad = true;
	return get_sub(c, n);
}

static const struct attribute *attribute_of_oid(struct bytes oid)
{
	for (size_t i = 0; i < ATTRIBUTES; i++)
		if (bytes_equal(oid, bytes_of(attributes[i].oid, attributes[i].oid_len)))
			return &attributes[i];
	return NULL;
}

/* False when the value has bytes that cannot stand in a line of text. */
static bool value_print(struct text *o, struct bytes v)
{
	char clean[IDENT_MAX + 1];
	log_escape(clean, sizeof clean, v);
	if (!bytes_equal(v, bytes_of(clean, strlen(clean))))
		return false;
	for (size_t i = 0; i < v.n; i++) {
		bool special = v.p[i] == ',' || v.p[i] == '+' || (v.p[i] == ' ' && (i == 0 || i + 1 == v.n));
		text_add(o, "%s%c", special ? "\\" : "", v.p[i]);
	}
	return v.n > 0;
}

bool dn_print(struct text *o, struct bytes der)
{
	struct cursor c = cursor_over(der), name = element(&c, TAG_SEQUENCE);
	struct text start = *o;
	for (bool first = true; cursor_left(&name) > 0; first = false) {
		struct cursor set = element(&name, TAG_SET), pair = element(&set, TAG_SEQUENCE), oid = element(&pair, TAG_OID);
		const struct attribute *a = attribute_of_oid(get_rest(&oid));
		struct cursor value = a != NULL ? element(&pair, a->tag) : pair;
		if (a == NULL || value.bad || cursor_left(&set) > 0 || cursor_left(&pair) > 0)
			name.bad = true;
		if (name.bad)
			break;
		text_add(o, "%s%s=", first ? "" : ", ", a->word);
		name.bad = !value_print(o, get_rest(&value));
	}
	if (!name.bad && !c.bad && cursor_left(&c) == 0 && o->len > start.len)
		return true;
	*o = start;
	if (o->size > 0)
		o->p[o->len] = 0;
	return false;
}
