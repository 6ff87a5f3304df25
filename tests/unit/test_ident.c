/* test_ident.c - identities from text and back; bytes of distinguished names; what hostile bytes look like in print. */
#include "conf_help.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static const struct {
	const char *text;
	uint8_t type; /* 0 = refused */
	const char *printed;
} forms[] = {
	{ "192.0.2.1", ID_IPV4_ADDR, "192.0.2.1" },
	{ "2001:db8::1", ID_IPV6_ADDR, "2001:db8::1" },
	{ "ip:192.0.2.1", ID_IPV4_ADDR, "192.0.2.1" },
	{ "gw.example.net", ID_FQDN, "gw.example.net" },
	{ "fqdn:192.0.2.1", ID_FQDN, "fqdn:192.0.2.1" },
	{ "fqdn:a_b", ID_FQDN, "a_b" },
	{ "a@example.org", ID_RFC822_ADDR, "a@example.org" },
	{ "email:a=b@example.org", ID_RFC822_ADDR, "email:a=b@example.org" },
	{ "CN", ID_FQDN, "CN" },
	{ "keyid:foo bar", ID_KEY_ID, "keyid:foo bar" },
	{ "keyid:#00ff", ID_KEY_ID, "keyid:#00ff" },
	{ "keyid:#6162", ID_KEY_ID, "keyid:ab" },
	{ "C=IE, O=Example, CN=gw1", ID_DER_ASN1_DN, "C=IE, O=Example, CN=gw1" },
	{ "dn:cn=x", ID_DER_ASN1_DN, "CN=x" },
	{ "CN=a\\, b,O=x y ", ID_DER_ASN1_DN, "CN=a\\, b, O=x y" },
	{ "dn:#3000", ID_DER_ASN1_DN, "dn:#3000" },
	{ "DC=example, DC=org, E=a@b.c, UID=7", ID_DER_ASN1_DN, "DC=example, DC=org, E=a@b.c, UID=7" },
	{ "CN=K\xc3\xb6ln", ID_DER_ASN1_DN, "CN=K\xc3\xb6ln" },
	{ "", 0, NULL },
	{ "ip:gw", 0, NULL },
	{ "ip:", 0, NULL },
	{ "fqdn:", 0, NULL },
	{ "fqdn:a b", 0, NULL },
	{ "email:nobody", 0, NULL },
	{ "300.1.2.3", 0, NULL },
	{ "X=1", 0, NULL },
	{ "CN=", 0, NULL },
	{ "CN=gw,", 0, NULL },
	{ "CN=gw\\,", ID_DER_ASN1_DN, "CN=gw\\," },
	{ "CN=a+O=b", 0, NULL },
	{ "dn:#301", 0, NULL },
	{ "dn:#zz", 0, NULL },
	{ "dn:", 0, NULL },
	{ "dn:CN", 0, NULL },
	{ "two words", 0, NULL },
	{ "keyid:", 0, NULL },
	{ "other:thing", 0, NULL },
};

START_TEST(forms_and_back)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct ident id, again;
		const char *why = NULL;
		char text[300];
		bool good = ident_parse(&id, forms[i].text, &why);
		ck_assert_msg(good == (forms[i].type != 0), "%s: %s", forms[i].text, why != NULL ? why : "taken");
		if (!good) {
			ck_assert_ptr_nonnull(why);
			ck_assert_ptr_null(id.data);
			continue;
		}
		ck_assert_uint_eq(id.type, forms[i].type);
		ck_assert_str_eq(ident_format(&id, text, sizeof text), forms[i].printed);
		ck_assert(ident_parse(&again, text, &why));
		ck_assert(ident_equal(&id, &again));
		free(id.data);
		free(again.data);
	}
}
END_TEST

/* Made by hand after RFC 5280 and X.690. */
START_TEST(names_are_der)
{
	static const uint8_t wanted[] = { 0x30, 0x1b, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02, 'I', 'E',
		0x31, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x03, 'g', 'w', '1' };
	struct ident id;
	const char *why = NULL;
	ck_assert(ident_parse(&id, "C=IE, CN=gw1", &why));
	ck_assert_uint_eq(id.len, sizeof wanted);
	ck_assert_mem_eq(id.data, wanted, sizeof wanted);
	free(id.data);
}
END_TEST

START_TEST(long_names_have_long_lengths)
{
	char text[1100] = "CN=", printed[3000];
	for (size_t n = 1; n < 1000; n += 7) {
		struct ident id;
		const char *why = NULL;
		memset(text + 3, 'x', n);
		text[3 + n] = 0;
		ck_assert_msg(ident_parse(&id, text, &why), "%zu: %s", n, why);
		ck_assert_str_eq(ident_format(&id, printed, sizeof printed), text);
		free(id.data);
	}
	struct ident id;
	const char *why = NULL;
	memset(text + 3, 'x', 1090);
	text[1093] = 0;
	ck_assert(!ident_parse(&id, text, &why));
}
END_TEST

START_TEST(type_and_bytes_are_compared)
{
	struct ident a = { ID_FQDN, 1, (uint8_t *)"x" }, b = { ID_KEY_ID, 1, (uint8_t *)"x" }, c = { ID_FQDN, 1, (uint8_t *)"X" };
	ck_assert(ident_equal(&a, &a) && !ident_equal(&a, &b) && !ident_equal(&a, &c));
}
END_TEST

/* The first octet of text that breaks a promise, or -1: terminated inside size, printable before that, untouched behind. */
static int harmful_octet(const char *text, size_t size, size_t whole)
{
	size_t n = strnlen(text, size);
	if (n == size)
		return (int)size;
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)text[i] < ' ' || text[i] == 0x7f)
			return (int)i;
	for (size_t i = size; i < whole; i++)
		if (text[i] != 'Z')
			return (int)i;
	return -1;
}

/* Whatever a peer sends: one line, terminated, no control characters, nothing outside of the buffer.
   Judged without an assertion in the loop: libcheck notes the place of each on a pipe, which costs more than the round. */
START_TEST(hostile_bytes_print_harmlessly)
{
	uint8_t bytes[64];
	char text[96];
	uint32_t r = 1;
	for (unsigned round = 0; round < 200000; round++) {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)((r = r * 1664525 + 1013904223) >> 24);
		if (round % 2 == 0) { /* close to a name */
			static const uint8_t start[] = { 0x30, 0x0e, 0x31, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c,
				0x03 };
			memcpy(bytes, start, sizeof start);
			bytes[(r >> 8) % 20] = (uint8_t)(r >> 16);
		}
		struct ident id = { (uint8_t)(r >> 20) % 14, (uint16_t)((r >> 9) % 65), bytes };
		size_t size = 1 + (r >> 12) % (sizeof text - 1);
		memset(text, 'Z', sizeof text);
		bool itself = ident_format(&id, text, size) == text;
		int bad = harmful_octet(text, size, sizeof text);
		if (!itself || bad >= 0)
			ck_abort_msg("round %u, type %u, size %zu: octet %d of %.*s", round, id.type, size, bad, (int)sizeof text,
				text);
	}
}
END_TEST

UNIT_MAIN("ident", forms_and_back, names_are_der, long_names_have_long_lengths, type_and_bytes_are_compared,
	hostile_bytes_print_harmlessly)
