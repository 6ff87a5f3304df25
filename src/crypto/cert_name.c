/* cert_name.c - which identities a certificate carries (RFC 4945 3.1; RFC 5280 4.2.1.6). */
#include <string.h>

#include <openssl/err.h>

#include "cert_lib.h"

/* X509_NAME_cmp compares canonical forms; an empty name is nobody's. */
static X509_NAME *name_read(struct bytes der)
{
	const uint8_t *at = der.p;
	X509_NAME *name = der.n > 0 && der.n <= CERT_NAME_MAX ? d2i_X509_NAME(NULL, &at, (long)der.n) : NULL;
	if (name != NULL && at == der.p + der.n && X509_NAME_entry_count(name) > 0)
		return name;
	X509_NAME_free(name);
	return NULL;
}

bool cert_same_name(struct bytes a, struct bytes b)
{
	X509_NAME *x = name_read(a), *y = name_read(b);
	bool same = x != NULL && y != NULL && X509_NAME_cmp(x, y) == 0;
	X509_NAME_free(x);
	X509_NAME_free(y);
	ERR_clear_error();
	return same;
}

bool cert_name_format(struct bytes der, char text[CERT_TEXT])
{
	X509_NAME *name = name_read(der);
	text[0] = 0;
	if (name != NULL)
		cert_name_text(name, text);
	X509_NAME_free(name);
	ERR_clear_error();
	return text[0] != 0;
}

uint32_t cert_name_hash(struct bytes der)
{
	X509_NAME *name = name_read(der);
	int ok = 0;
	unsigned long hash = name != NULL ? X509_NAME_hash_ex(name, NULL, NULL, &ok) : 0; /* of the canonical form, 32 bits */
	X509_NAME_free(name);
	ERR_clear_error();
	return ok != 1 ? 0 : hash != 0 ? (uint32_t)hash : 1;
}

/* What X509_check_host and X509_check_email would read as more than one name: a dot in front means any host below, an asterisk is nobody's name. */
static bool plain(struct bytes id)
{
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] <= ' ' || id.p[i] > '~' || id.p[i] == '*')
			return false;
	return id.n > 0 && id.n <= CERT_NAME_MAX && id.p[0] != '.';
}

bool cert_carries(const struct cert *c, uint8_t id_type, struct bytes id)
{
	const unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS;
	const char *text = (const char *)id.p;
	bool carries = false;
	switch (id_type) {
	case ID_DER_ASN1_DN: carries = cert_same_name(c->subject, id); break;
	case ID_FQDN: carries = plain(id) && X509_check_host(c->x, text, id.n, flags, NULL) == 1; break;
	case ID_RFC822_ADDR: carries = plain(id) && X509_check_email(c->x, text, id.n, flags) == 1; break;
	case ID_IPV4_ADDR: carries = id.n == 4 && X509_check_ip(c->x, id.p, id.n, flags) == 1; break;
	case ID_IPV6_ADDR: carries = id.n == 16 && X509_check_ip(c->x, id.p, id.n, flags) == 1; break;
	default: break; /* a number from the wire or the settings: nothing else stands in a certificate */
	}
	ERR_clear_error();
	return carries;
}

static uint8_t type_of(const GENERAL_NAME *name, const ASN1_STRING **value)
{
	int kind;
	*value = GENERAL_NAME_get0_value(name, &kind);
	switch (kind) {
	case GEN_DNS: return ID_FQDN;
	case GEN_EMAIL: return ID_RFC822_ADDR;
	case GEN_IPADD:
		return ASN1_STRING_length(*value) == 4 ? ID_IPV4_ADDR : ASN1_STRING_length(*value) == 16 ? ID_IPV6_ADDR : 0;
	default: return 0;
	}
}

bool cert_name(const struct cert *c, unsigned i, uint8_t *type, struct bytes *value)
{
	int n = c->names != NULL ? sk_GENERAL_NAME_num(c->names) : 0;
	for (int at = 0; at < n; at++) {
		const ASN1_STRING *s;
		*type = type_of(sk_GENERAL_NAME_value(c->names, at), &s);
		if (*type == 0 || i-- > 0)
			continue;
		*value = bytes_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
		return true;
	}
	return false;
}
