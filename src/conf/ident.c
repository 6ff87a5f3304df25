/* ident.c - identities (RFC 7296 3.5): from text by their form or a forced prefix, compared by type and bytes, printed so that they parse again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "keys.h"

static bool own(struct ident *id, uint8_t type, const void *p, size_t n, const char **why)
{
	if (n == 0 || n > IDENT_MAX) {
		*why = n == 0 ? "the identity is empty" : "the identity is too long";
		return false;
	}
	*id = (struct ident){ .type = type, .len = (uint16_t)n, .data = memcpy(xcalloc(n, 1), p, n) };
	return true;
}

static bool ip_parse(struct ident *id, const char *text, const char **why)
{
	struct addr a;
	if (!addr_parse(&a, text)) {
		*why = "not an IPv4 or IPv6 address";
		return false;
	}
	struct bytes b = addr_bytes(&a);
	return own(id, a.family == AF_INET ? ID_IPV4_ADDR : ID_IPV6_ADDR, b.p, b.n, why);
}

static bool plain(const char *text)
{
	for (; *text != 0; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static bool fqdn_parse(struct ident *id, const char *text, const char **why)
{
	if (!plain(text)) {
		*why = "a name has no blanks and no special characters";
		return false;
	}
	return own(id, ID_FQDN, text, strlen(text), why);
}

static bool email_parse(struct ident *id, const char *text, const char **why)
{
	const char *at = strchr(text, '@');
	if (at == NULL || at == text || at[1] == 0 || !plain(text)) {
		*why = "an e-mail address is written as user@example.org";
		return false;
	}
	return own(id, ID_RFC822_ADDR, text, strlen(text), why);
}

static bool dn_ident_parse(struct ident *id, const char *text, const char **why)
{
	struct ident made = { .type = ID_DER_ASN1_DN };
	if (!dn_parse(text, &made.data, &made.len, why))
		return false;
	*id = made;
	return true;
}

static bool key_id_parse(struct ident *id, const char *text, const char **why)
{
	struct ident made = { .type = ID_KEY_ID };
	if (*text != '#')
		return own(id, ID_KEY_ID, text, strlen(text), why);
	if (!dn_parse(text, &made.data, &made.len, why)) /* the same hex form */
		return false;
	*id = made;
	return true;
}

static const struct form {
	const char *prefix;
	bool (*parse)(struct ident *id, const char *text, const char **why);
} forms[] = { { "ip:", ip_parse }, { "fqdn:", fqdn_parse }, { "email:", email_parse }, { "dn:", dn_ident_parse },
	{ "keyid:", key_id_parse } };

bool ident_parse(struct ident *id, const char *text, const char **why)
{
	struct addr a;
	*id = (struct ident){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t n = strlen(forms[i].prefix);
		if (strncmp(text, forms[i].prefix, n) == 0)
			return forms[i].parse(id, text + n, why);
	}
	if (addr_parse(&a, text))
		return ip_parse(id, text, why);
	if (strchr(text, '=') != NULL)
		return dn_ident_parse(id, text, why);
	if (strchr(text, '@') != NULL)
		return email_parse(id, text, why);
	if (strchr(text, ':') != NULL) {
		*why = "a prefix is one of ip: fqdn: email: dn: keyid:";
		return false;
	}
	if (!dns_name_valid(text)) {
		*why = "neither an address nor a name; a prefix forces a type: ip: fqdn: email: dn: keyid:";
		return false;
	}
	return fqdn_parse(id, text, why);
}

bool ident_equal(const struct ident *a, const struct ident *b)
{
	return a->type == b->type && bytes_equal(bytes_of(a->data, a->len), bytes_of(b->data, b->len));
}

/* One line of ASCII that no escape would change. */
static bool printable(struct bytes b)
{
	char clean[IDENT_MAX + 1];
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] > '~')
			return false;
	log_escape(clean, sizeof clean, b);
	return b.n > 0 && bytes_equal(b, bytes_of(clean, strlen(clean)));
}

static void bytes_print(struct text *o, const char *prefix, struct bytes b)
{
	text_add(o, "%s", prefix);
	if (!printable(b) || b.p[0] == '#') {
		text_add(o, "#");
		if (b.n > 0)
			text_hex(o, b, b.n);
		return;
	}
	for (size_t i = 0; i < b.n; i++)
		text_add(o, "%c", b.p[i]);
}

/* Without a prefix when the bare text would be read as this very identity. */
static void name_print(struct text *o, const char *prefix, const struct ident *id, struct bytes b)
{
	char bare[256] = "";
	struct ident again = { 0 };
	const char *why;
	if (b.n < sizeof bare && printable(b)) {
		memcpy(bare, b.p, b.n);
		bare[b.n] = 0;
	}
	bool same = bare[0] != 0 && ident_parse(&again, bare, &why) && ident_equal(&again, id);
	free(again.data);
	text_add(o, "%s", same ? "" : prefix);
	text_escape(o, b, b.n);
}

static void ip_print(struct text *o, struct bytes b, size_t size)
{
	struct addr a;
	char text[ADDR_TEXT];
	if (b.n == size && addr_from_bytes(&a, b))
		text_add(o, "%s", addr_format(&a, text));
	else
		bytes_print(o, "ip:", b);
}

const char *ident_format(const struct ident *id, char *text, size_t size)
{
	struct text o = text_of(text, size);
	struct bytes b = bytes_of(id->data, id->len);
	char number[24];
	switch (id->type) {
	case 0: text_add(&o, "-"); break;
	case ID_IPV4_ADDR: ip_print(&o, b, 4); break;
	case ID_IPV6_ADDR: ip_print(&o, b, 16); break;
	case ID_FQDN: name_print(&o, "fqdn:", id, b); break;
	case ID_RFC822_ADDR: name_print(&o, "email:", id, b); break;
	case ID_KEY_ID: bytes_print(&o, "keyid:", b); break;
	case ID_DER_ASN1_DN:
		if (!dn_print(&o, b)) {
			text_add(&o, "dn:#");
			if (b.n > 0)
				text_hex(&o, b, b.n);
		}
		break;
	default: /* a number from the wire, not an enum */
		snprintf(number, sizeof number, "type-%u:", id->type);
		bytes_print(&o, number, b);
	}
	return text;
}
