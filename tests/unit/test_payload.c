/*
 * test_payload.c - each payload type: read, shown, written as it was read, refused when damaged.
 */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "wire_help.h"

#define N16 "000102030405060708090a0b0c0d0e0f"
#define TS_V4 "07000010 0000ffff 0a000000 0affffff"
#define TS_V6 "08110028 00350035 20010db8000000000000000000000000 20010db8ffffffffffffffffffffffff"

static int decode(struct payload *p, uint8_t type, struct bytes body)
{
	*p = (struct payload){ .type = type, .body = body };
	return payload_decode(p, &arena);
}

static struct bytes encode(const struct payload *p)
{
	static uint8_t mem[70000];
	struct buf b = buf_of(mem, sizeof(mem));
	payload_encode(p, &b);
	return buf_view(&b);
}

static const char *show(const struct payload *p)
{
	static char text[512];
	payload_format(p, text, sizeof(text));
	return text;
}

static const struct {
	uint8_t type;
	const char *body, *text;
} good[] = {
	{ PAYLOAD_SA, "0000001801030401 c0ffee01 0000000c01000014800e0100", "SA(ESP(3) #1 spi c0ffee01 ENCR=AES_GCM_16-256)" },
	{ PAYLOAD_KE, "001f0000 aabbccdd", "KE(CURVE25519(31) 4 bytes)" },
	{ PAYLOAD_IDi, "01000000 c0000201", "IDi(IPV4_ADDR(1) 192.0.2.1)" },
	{ PAYLOAD_IDr, "05000000 20010db8000000000000000000000001", "IDr(IPV6_ADDR(5) 2001:db8::1)" },
	{ PAYLOAD_IDr, "02000000 67772e6578616d706c65", "IDr(FQDN(2) gw.example)" },
	{ PAYLOAD_IDi, "0b000000 6b6579", "IDi(KEY_ID(11) 6b6579)" },
	{ PAYLOAD_IDi, "0d000000", "IDi(NULL(13) -)" },
	{ PAYLOAD_CERT, "04 3003020100", "CERT(encoding 4, 5 bytes)" },
	{ PAYLOAD_CERTREQ, "04", "CERTREQ(encoding 4, -)" },
	{ PAYLOAD_CERTREQ, "04 000102030405060708090a0b0c0d0e0f10111213",
		"CERTREQ(encoding 4, 000102030405060708090a0b0c0d0e0f10111213)" },
	{ PAYLOAD_AUTH, "02000000 " N16, "AUTH(SHARED_KEY_MIC(2) 16 bytes)" },
	{ PAYLOAD_NONCE, N16, "NONCE(16 bytes 00010203...)" },
	{ PAYLOAD_NOTIFY, "0000000e", "N(NO_PROPOSAL_CHOSEN)" },
	{ PAYLOAD_NOTIFY, "0304 4009 c0ffee01", "N(REKEY_SA ESP(3) spi c0ffee01)" },
	{ PAYLOAD_NOTIFY, "00000011 000e", "N(INVALID_KE_PAYLOAD 000e)" },
	{ PAYLOAD_NOTIFY, "0000a001", "N(40961)" },
	{ PAYLOAD_DELETE, "01000000", "D(IKE(1))" },
	{ PAYLOAD_DELETE, "03040002 c0ffee01 c0ffee02", "D(ESP(3) c0ffee01 c0ffee02)" },
	{ PAYLOAD_VENDOR, "61626364", "V(61626364)" },
	{ PAYLOAD_VENDOR, "", "V(-)" },
	{ PAYLOAD_TSi, "01000000 " TS_V4, "TSi(10.0.0.0/8)" },
	{ PAYLOAD_TSr, "02000000 " TS_V4 TS_V6, "TSr(10.0.0.0/8 2001:db8::/32[17/53])" },
	{ PAYLOAD_TSr, "01000000 07110010 ffff0000 0a000000 0affffff", "TSr(10.0.0.0/8[17/opaque])" },
	{ PAYLOAD_CP, "01000000 00010000", "CP(type 1, 4 bytes)" },
	{ PAYLOAD_EAP, "01070005 01", "EAP(code 1, 5 bytes)" },
};

START_TEST(read_shown_written)
{
	struct payload p;
	struct bytes body = hex(good[_i].body);
	ck_assert_int_eq(decode(&p, good[_i].type, body), ERR_OK);
	ck_assert(p.known);
	ck_assert_str_eq(show(&p), good[_i].text);
	ck_assert(bytes_equal(encode(&p), body));
}
END_TEST

/* What the decoder made of the first half of a payload is no payload, or one that fits into these bytes. */
START_TEST(truncated_anywhere)
{
	struct payload p;
	struct bytes body = hex(good[_i].body);
	for (size_t n = 0; n < body.n; n++) {
		int rc = decode(&p, good[_i].type, cut(body, n));
		ck_assert_msg(rc == ERR_OK || rc == ERR_SYNTAX, "%zu bytes: %d", n, rc);
		if (rc == ERR_OK)
			ck_assert_uint_le(encode(&p).n, n);
	}
}
END_TEST

START_TEST(text_is_cut_not_overrun)
{
	struct payload p;
	char text[64];
	ck_assert_int_eq(decode(&p, good[_i].type, hex(good[_i].body)), ERR_OK);
	for (size_t size = 1; size < sizeof(text); size++) {
		memset(text, '#', sizeof(text));
		payload_format(&p, text, size);
		ck_assert_uint_lt(strlen(text), size);
		ck_assert_int_eq(text[size], '#');
	}
}
END_TEST

static const struct {
	const char *why;
	uint8_t type;
	const char *body;
} bad[] = {
	{ "KE without value", PAYLOAD_KE, "000e0000" },
	{ "KE cut", PAYLOAD_KE, "000e00" },
	{ "ID without head", PAYLOAD_IDi, "0100" },
	{ "IPv4 identity of 3 bytes", PAYLOAD_IDi, "01000000 c00002" },
	{ "IPv4 identity of 5 bytes", PAYLOAD_IDr, "01000000 c000020101" },
	{ "IPv6 identity of 4 bytes", PAYLOAD_IDr, "05000000 c0000201" },
	{ "CERT without encoding", PAYLOAD_CERT, "" },
	{ "CERTREQ without encoding", PAYLOAD_CERTREQ, "" },
	{ "AUTH without value", PAYLOAD_AUTH, "02000000" },
	{ "AUTH cut", PAYLOAD_AUTH, "0200" },
	{ "nonce of 15", PAYLOAD_NONCE, "000102030405060708090a0b0c0d0e" },
	{ "notify cut", PAYLOAD_NOTIFY, "000000" },
	{ "notify SPI past the end", PAYLOAD_NOTIFY, "03044009 c0ffee" },
	{ "notify SPI of 255 in nothing", PAYLOAD_NOTIFY, "03ff4009" },
	{ "Delete counts more than there is", PAYLOAD_DELETE, "03040002 c0ffee01" },
	{ "Delete counts less than there is", PAYLOAD_DELETE, "03040001 c0ffee01 c0ffee02" },
	{ "TS counts nothing", PAYLOAD_TSi, "00000000" },
	{ "TS counts more than there is", PAYLOAD_TSi, "02000000 " TS_V4 },
	{ "TS counts less than there is", PAYLOAD_TSi, "01000000 " TS_V4 TS_V4 },
	{ "TS of the other family's length", PAYLOAD_TSi, "01000000 08000010 0000ffff 0a000000 0affffff" },
	{ "TS length below its head", PAYLOAD_TSi, "01000000 07000003 0000ffff 0a000000 0affffff" },
	{ "TS of unknown type past the end", PAYLOAD_TSi, "01000000 09000010 0000" },
	{ "TS range backwards", PAYLOAD_TSi, "01000000 07000010 0000ffff 0affffff 0a000000" },
	{ "TS ports backwards", PAYLOAD_TSi, "01000000 07000010 00020001 0a000000 0affffff" },
	{ "CP cut", PAYLOAD_CP, "0100" },
	{ "SK of nothing", PAYLOAD_SK, "" },
	{ "SKF of nothing", PAYLOAD_SKF, "00010002" },
	{ "SKF cut", PAYLOAD_SKF, "000100" },
};

START_TEST(malformed)
{
	struct payload p;
	ck_assert_msg(decode(&p, bad[_i].type, hex(bad[_i].body)) == ERR_SYNTAX, "%s", bad[_i].why);
}
END_TEST

START_TEST(nonce_bounds)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_NONCE, fill(1, IKE_NONCE_MIN - 1)), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_NONCE, fill(1, IKE_NONCE_MIN)), ERR_OK);
	ck_assert_int_eq(decode(&p, PAYLOAD_NONCE, fill(1, IKE_NONCE_MAX)), ERR_OK);
	ck_assert_int_eq(decode(&p, PAYLOAD_NONCE, fill(1, IKE_NONCE_MAX + 1)), ERR_SYNTAX);
}
END_TEST

START_TEST(reserved_bits_are_not_looked_at)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_KE, hex("000effff aa")), ERR_OK);
	ck_assert_uint_eq(p.ke.group, 14);
	ck_assert_int_eq(decode(&p, PAYLOAD_IDi, hex("01ffffff c0000201")), ERR_OK);
	ck_assert_int_eq(decode(&p, PAYLOAD_AUTH, hex("02ffffff aa")), ERR_OK);
	ck_assert_int_eq(decode(&p, PAYLOAD_TSi, hex("01ffffff " TS_V4)), ERR_OK);
	ck_assert_int_eq(decode(&p, PAYLOAD_SA, hex("00ff001001010001 00ff000802ff0005")), ERR_OK);
}
END_TEST

/* RFC 7296 2.9: a selector type we do not know is not ours to judge; it is skipped and counted. */
START_TEST(unknown_selector_types)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_TSi, hex("03000000 0a000006 0102 " TS_V4 " 09000004")), ERR_OK);
	ck_assert_uint_eq(p.ts.n, 1);
	ck_assert_uint_eq(p.ts.unknown, 2);
	ck_assert_str_eq(show(&p), "TSi(10.0.0.0/8 +2 of unknown type)");
}
END_TEST

START_TEST(selectors_255)
{
	struct payload p;
	struct bytes body = hex("ff000000");
	for (int i = 0; i < 255; i++)
		body = join(body, hex(TS_V4));
	ck_assert_int_eq(decode(&p, PAYLOAD_TSr, body), ERR_OK);
	ck_assert_uint_eq(p.ts.n, 255);
	ck_assert(bytes_equal(encode(&p), body));
	p.ts.n = 256;
	ck_assert_uint_eq(encode(&p).n, 0);
}
END_TEST

START_TEST(unknown_payload)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, 200, hex("0102")), ERR_OK);
	ck_assert(!p.known);
	ck_assert_str_eq(show(&p), "unknown 200, 2 bytes");
	ck_assert(bytes_equal(encode(&p), p.body));
}
END_TEST

START_TEST(sealed_payloads)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_SK, fill(9, 40)), ERR_OK);
	ck_assert_uint_eq(p.sk.sealed.n, 40);
	ck_assert_str_eq(show(&p), "SK(40 bytes)");
	ck_assert_uint_eq(encode(&p).n, 0); /* only message_seal writes one */
	ck_assert_int_eq(decode(&p, PAYLOAD_SKF, hex("00020003 aabb")), ERR_OK);
	ck_assert_uint_eq(p.skf.number, 2);
	ck_assert_uint_eq(p.skf.total, 3);
	ck_assert_uint_eq(p.skf.sealed.n, 2);
	ck_assert_str_eq(show(&p), "SKF(2/3 2 bytes)");
}
END_TEST

START_TEST(notify_made_by_us)
{
	struct payload p = payload_notify(NOTIFY_INVALID_KE_PAYLOAD, hex("0013"));
	ck_assert(bytes_equal(encode(&p), hex("00000011 0013")));
	ck_assert_str_eq(show(&p), "N(INVALID_KE_PAYLOAD 0013)");
}
END_TEST

START_TEST(writers_refuse_what_the_format_cannot_say)
{
	struct payload p = payload_notify(NOTIFY_REKEY_SA, bytes_of(NULL, 0));
	p.notify.spi = fill(1, 256);
	ck_assert_uint_eq(encode(&p).n, 0);
	p = (struct payload){ .type = PAYLOAD_DELETE, .del = { PROTOCOL_ESP, 4, 2, fill(1, 4) } };
	ck_assert_uint_eq(encode(&p).n, 0);
}
END_TEST

/* A fragment must be numbered 1 .. total. */
START_TEST(bug_SS_1e1dd2976d)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_SKF, hex("00000001 aa")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_SKF, hex("00030002 aa")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_SKF, hex("00010000 aa")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_SKF, hex("ffffffff aa")), ERR_OK);
}
END_TEST

/* A selector that says another length than its type has. */
START_TEST(bug_CVE_2023_23009)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_TSi, hex("01000000 0700000f 0000ffff 0a000000 0affff")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_TSi, hex("01000000 07000011 0000ffff 0a000000 0affffff 00")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_TSi, hex("01000000 0700ffff 0000ffff 0a000000 0affffff")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_TSi, hex("01000000 07000008 0000ffff 0a000000 0affffff")), ERR_SYNTAX);
}
END_TEST

/* REKEY_SA for a protocol that cannot be rekeyed so: read as it stands, and it can be echoed. */
START_TEST(bug_CVE_2023_38710)
{
	struct payload p;
	for (unsigned protocol = 0; protocol < 256; protocol++) {
		struct bytes b = hex("00044009 c0ffee01");
		((uint8_t *)(uintptr_t)b.p)[0] = (uint8_t)protocol;
		ck_assert_int_eq(decode(&p, PAYLOAD_NOTIFY, b), ERR_OK);
		ck_assert_uint_eq(p.notify.protocol, protocol);
		ck_assert(bytes_equal(encode(&p), b));
	}
}
END_TEST

/* Delete payloads that lie about the size or the number of their SPIs. */
START_TEST(bug_libreswan_67)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_DELETE, hex("0304ffff c0ffee01")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_DELETE, hex("03ffffff c0ffee01")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_DELETE, hex("03080001 c0ffee01c0ffee02")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_DELETE, hex("0300ffff")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_DELETE, hex("0100ffff")), ERR_OK); /* 65535 SPIs of no size are none */
	ck_assert_uint_eq(p.del.n, 0);
	ck_assert_int_eq(decode(&p, PAYLOAD_DELETE, hex("03040000")), ERR_OK);
	ck_assert_uint_eq(p.del.n, 0);
}
END_TEST

/* Distinguished names are bytes here: whatever length their DER claims, nobody walks it. */
START_TEST(bug_CVE_2013_6075)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_IDi, hex("09000000 3084ffffffff")), ERR_OK);
	ck_assert_uint_eq(p.id.value.n, 6);
	ck_assert_str_eq(show(&p), "IDi(DER_ASN1_DN(9) 3084ffffffff)");
	ck_assert_int_eq(decode(&p, PAYLOAD_IDi, hex("09000000")), ERR_OK);
	ck_assert_uint_eq(p.id.value.n, 0);
}
END_TEST

/* An identity of 60000 bytes stays where it is: a view, no copy. */
START_TEST(bug_CVE_2025_9242)
{
	struct payload p;
	struct bytes body = join(hex("02000000"), fill('a', 60000));
	ck_assert_int_eq(decode(&p, PAYLOAD_IDi, body), ERR_OK);
	ck_assert_ptr_eq(p.id.value.p, body.p + 4);
	ck_assert_uint_eq(p.id.value.n, 60000);
	ck_assert_uint_lt(strlen(show(&p)), 200);
}
END_TEST

/* CERTREQ of 1..19 bytes and every other length that is no multiple of a hash. */
START_TEST(bug_SS_4af485d87d)
{
	struct payload p;
	for (size_t n = 0; n < 45; n++) {
		ck_assert_int_eq(decode(&p, PAYLOAD_CERTREQ, join(hex("04"), fill(7, n))), ERR_OK);
		ck_assert_uint_eq(p.certreq.hashes.n, n / 20 * 20);
	}
	ck_assert_int_eq(decode(&p, PAYLOAD_CERTREQ, join(hex("0c"), fill(7, 5))), ERR_OK);
	ck_assert_uint_eq(p.certreq.hashes.n, 5);
}
END_TEST

/* The EAP header's length against the payload's. */
START_TEST(bug_OI_f4cf5d1)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_EAP, hex("01")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_EAP, hex("01010003")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_EAP, hex("01010006 01")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_EAP, hex("0101ffff 01")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_EAP, hex("01010005 01 0000")), ERR_OK);
	ck_assert_uint_eq(p.eap.message.n, 5);
}
END_TEST

/* A sealed payload without a single byte. */
START_TEST(bug_SS_febe474926)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_SK, hex("")), ERR_SYNTAX);
	ck_assert_int_eq(decode(&p, PAYLOAD_SKF, hex("00010001")), ERR_SYNTAX);
}
END_TEST

/* No signature is no signature. */
START_TEST(bug_CVE_2013_2944)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_AUTH, hex("09000000")), ERR_SYNTAX);
}
END_TEST

/* A key exchange value longer than any group's, and of a group nobody knows. */
START_TEST(bug_CVE_2023_41913)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_KE, join(hex("04010000"), fill(1, 20000))), ERR_OK);
	ck_assert_uint_eq(p.ke.group, 1025);
	ck_assert_uint_eq(p.ke.value.n, 20000);
	ck_assert_str_eq(show(&p), "KE(?(1025) 20000 bytes)");
}
END_TEST

/* Text of the peer on its way to a log: no quote, no control character, no escape sequence gets through. */
START_TEST(bug_CVE_2023_28771)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, PAYLOAD_IDi, hex("02000000 223b 60 0a 1b5b326d 24 00 ff")), ERR_OK);
	const char *text = show(&p);
	for (const char *c = text; *c; c++)
		ck_assert_msg(*c >= ' ' && *c <= '~' && *c != '"', "%s", text);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_checked_fixture(t, help_setup, help_teardown);
	tcase_add_loop_test(t, read_shown_written, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(t, truncated_anywhere, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(t, text_is_cut_not_overrun, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(t, malformed, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, nonce_bounds);
	tcase_add_test(t, reserved_bits_are_not_looked_at);
	tcase_add_test(t, unknown_selector_types);
	tcase_add_test(t, selectors_255);
	tcase_add_test(t, unknown_payload);
	tcase_add_test(t, sealed_payloads);
	tcase_add_test(t, notify_made_by_us);
	tcase_add_test(t, writers_refuse_what_the_format_cannot_say);
	tcase_add_test(t, bug_SS_1e1dd2976d);
	tcase_add_test(t, bug_CVE_2023_23009);
	tcase_add_test(t, bug_CVE_2023_38710);
	tcase_add_test(t, bug_libreswan_67);
	tcase_add_test(t, bug_CVE_2013_6075);
	tcase_add_test(t, bug_CVE_2025_9242);
	tcase_add_test(t, bug_SS_4af485d87d);
	tcase_add_test(t, bug_OI_f4cf5d1);
	tcase_add_test(t, bug_SS_febe474926);
	tcase_add_test(t, bug_CVE_2013_2944);
	tcase_add_test(t, bug_CVE_2023_41913);
	tcase_add_test(t, bug_CVE_2023_28771);
	return unit_run_case("payload", t);
}
