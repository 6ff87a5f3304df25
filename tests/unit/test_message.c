/*
 * test_message.c - header, chain and seal: two whole messages byte by byte, what is refused, what we write.
 */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "wire_help.h"

#define N32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HASH20 "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3"

static const char init_request[] = "1122334455667788 0000000000000000 21 20 22 08 00000000 000000f0 # header\n"
				   "22000030 0000002c 01010004 0300000c 0100000c 800e0100 03000008 02000005 # SA\n"
				   "  03000008 0300000c 00000008 0400001f\n"
				   "28000028 001f0000 " N32 " # KE\n"
				   "29000024 " N32 " # nonce\n"
				   "2900001c 00004004 " HASH20 " # N(NAT_DETECTION_SOURCE_IP)\n"
				   "2900001c 00004005 " HASH20 " # N(NAT_DETECTION_DESTINATION_IP)\n"
				   "29000008 0000402e # N(IKEV2_FRAGMENTATION_SUPPORTED)\n"
				   "2b000010 0000402f 0002000300040005 # N(SIGNATURE_HASH_ALGORITHMS)\n"
				   "00000008 61626364 # V\n";

static const char init_request_text[] =
	"IKE_SA_INIT request 0 from initiator, spi 1122334455667788 0000000000000000, 240 bytes\n"
	"  SA(IKE(1) #1 spi - ENCR=AES_CBC-256 PRF=HMAC_SHA2_256 INTEG=HMAC_SHA2_256_128 KE=CURVE25519)\n"
	"  KE(CURVE25519(31) 32 bytes)\n"
	"  NONCE(32 bytes 00010203...)\n"
	"  N(NAT_DETECTION_SOURCE_IP " HASH20 ")\n"
	"  N(NAT_DETECTION_DESTINATION_IP " HASH20 ")\n"
	"  N(IKEV2_FRAGMENTATION_SUPPORTED)\n"
	"  N(SIGNATURE_HASH_ALGORITHMS 0002000300040005)\n"
	"  V(61626364)\n";

static const char init_response[] = "1122334455667788 99aabbccddeeff00 21 20 22 20 00000000 0000009d # header\n"
				    "22000030 0000002c 01010004 0300000c 0100000c 800e0100 03000008 02000005 # SA\n"
				    "  03000008 0300000c 00000008 0400001f\n"
				    "28000028 001f0000 " N32 " # KE\n"
				    "26000024 " N32 " # nonce\n"
				    "00000005 04 # CERTREQ\n";

static struct header header_for(uint8_t exchange, uint8_t flags)
{
	struct header h = { .exchange = exchange, .flags = flags, .message_id = 7 };
	memset(h.spi_i, 0x11, IKE_SPI_LEN);
	memset(h.spi_r, 0x22, IKE_SPI_LEN);
	return h;
}

START_TEST(whole_request)
{
	char text[4096];
	ck_assert_int_eq(take(hex(init_request)), ERR_OK);
	ck_assert_uint_eq(msg.n, 8);
	ck_assert_uint_eq(msg.sealed_at, 8);
	ck_assert_uint_eq(msg.h.exchange, EXCHANGE_IKE_SA_INIT);
	ck_assert_uint_eq(msg.h.flags, IKE_FLAG_INITIATOR);
	ck_assert_uint_eq(msg.h.spi_i[0], 0x11);
	ck_assert_int_eq(message_judge(&msg, false), ERR_OK);
	message_format(&msg, text, sizeof(text));
	ck_assert_str_eq(text, init_request_text);
}
END_TEST

START_TEST(whole_response)
{
	ck_assert_int_eq(take(hex(init_response)), ERR_OK);
	ck_assert_uint_eq(msg.n, 4);
	ck_assert_uint_eq(msg.h.spi_r[7], 0x00);
	ck_assert_uint_eq(msg.h.spi_r[0], 0x99);
	ck_assert_int_eq(message_judge(&msg, false), ERR_OK);
	ck_assert_uint_eq(message_find(&msg, PAYLOAD_KE, false)->ke.value.n, 32);
}
END_TEST

/* What was decoded, written again, is the same datagram. */
START_TEST(written_as_read)
{
	uint8_t mem[1024];
	struct writer w;
	struct bytes raw = hex(init_request);
	ck_assert_int_eq(take(raw), ERR_OK);
	message_begin(&w, mem, sizeof(mem), &msg.h);
	for (uint16_t i = 0; i < msg.n; i++)
		message_add(&w, &msg.p[i]);
	ck_assert(bytes_equal(message_end(&w), raw));
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	struct bytes raw = hex(init_request);
	for (size_t n = 0; n < raw.n; n++) {
		struct bytes b = cut(raw, n);
		ck_assert_int_eq(take(b), n < IKE_HEADER_LEN ? ERR_SHORT : ERR_LENGTH);
		if (n < IKE_HEADER_LEN)
			continue;
		((uint8_t *)(uintptr_t)b.p)[27] = (uint8_t)n; /* now the header agrees, the chain does not */
		ck_assert_int_ne(take(b), ERR_OK);
	}
}
END_TEST

START_TEST(every_byte_damaged)
{
	struct bytes raw = hex(init_request);
	static const uint8_t damage[] = { 0x00, 0x01, 0x80, 0xff };
	char text[4096];
	for (size_t i = 0; i < raw.n * sizeof(damage); i++) {
		struct bytes b = cut(raw, raw.n);
		((uint8_t *)(uintptr_t)b.p)[i / sizeof(damage)] = damage[i % sizeof(damage)];
		if (take(b) == ERR_OK)
			message_judge(&msg, false);
		message_format(&msg, text, sizeof(text));
		arena_reset(&arena);
	}
}
END_TEST

START_TEST(header_alone)
{
	struct header h;
	struct bytes b = hex("1122334455667788 99aabbccddeeff00 2e 23 25 2b 01020304 0000001c");
	ck_assert_int_eq(header_decode(&h, b), ERR_OK);
	ck_assert_uint_eq(h.first, PAYLOAD_SK);
	ck_assert_uint_eq(h.major, 2);
	ck_assert_uint_eq(h.minor, 3); /* RFC 7296 2.5: a higher minor version is fine */
	ck_assert_uint_eq(h.message_id, 0x01020304);
	ck_assert_uint_eq(h.length, 28);
	ck_assert_uint_eq(h.flags & IKE_FLAG_RESPONSE, IKE_FLAG_RESPONSE);
}
END_TEST

START_TEST(empty_message)
{
	ck_assert_int_eq(take(framed(EXCHANGE_INFORMATIONAL, 0, PAYLOAD_NONE, hex(""))), ERR_OK);
	ck_assert_uint_eq(msg.n, 0);
	ck_assert_int_eq(take(framed(EXCHANGE_INFORMATIONAL, 0, PAYLOAD_NONE, hex("00"))), ERR_LENGTH);
	ck_assert_int_eq(take(framed(EXCHANGE_INFORMATIONAL, 0, PAYLOAD_NOTIFY, hex(""))), ERR_SHORT);
}
END_TEST

/* RFC 7296 2.5: critical is asked only of what is unknown. */
START_TEST(critical)
{
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_SA_INIT, 0, 99, hex("00800005aa"))), ERR_CRITICAL);
	ck_assert_uint_eq(msg.critical_type, 99);
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_SA_INIT, 0, 99, hex("007f0005aa"))), ERR_OK);
	ck_assert_uint_eq(msg.n, 1);
	ck_assert(!msg.p[0].known && !msg.p[0].critical);
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_SA_INIT, 0, PAYLOAD_VENDOR, hex("00800005aa"))), ERR_OK);
	ck_assert_int_eq(take_sealed(EXCHANGE_INFORMATIONAL, 0, 99, hex("00800005aa")), ERR_CRITICAL);
	ck_assert_uint_eq(msg.critical_type, 99);
}
END_TEST

START_TEST(culprit_of_a_syntax_error)
{
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_SA_INIT, 0, PAYLOAD_VENDOR, hex("28000005aa 00000005aa"))), ERR_SYNTAX);
	ck_assert_uint_eq(msg.critical_type, PAYLOAD_NONCE);
}
END_TEST

START_TEST(seal_is_the_end)
{
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_AUTH, 0, PAYLOAD_SK, hex("23000006aabb"))), ERR_OK);
	ck_assert_uint_eq(msg.sealed_at, 0);
	ck_assert_uint_eq(msg.p[0].sk.first, PAYLOAD_IDi);
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_AUTH, 0, PAYLOAD_SK, hex("23000006aabb 00000005aa"))), ERR_LENGTH);
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_AUTH, 0, PAYLOAD_SKF, hex("2300000a00010002aabb"))), ERR_OK);
	ck_assert_uint_eq(msg.p[0].skf.first, PAYLOAD_IDi);
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_AUTH, 0, PAYLOAD_SKF, hex("2300000a00020002aabb"))), ERR_OK);
	ck_assert_uint_eq(msg.p[0].skf.first, PAYLOAD_NONE);
}
END_TEST

START_TEST(inner_chain)
{
	ck_assert_int_eq(
		take_sealed(EXCHANGE_INFORMATIONAL, 0, PAYLOAD_DELETE, hex("2900000c03040001c0ffee01 000000080000000e")), ERR_OK);
	ck_assert_uint_eq(msg.n, 3);
	ck_assert_uint_eq(msg.sealed_at, 0);
	ck_assert_ptr_null(message_find(&msg, PAYLOAD_DELETE, false));
	ck_assert_ptr_eq(message_find(&msg, PAYLOAD_DELETE, true), &msg.p[1]);
	ck_assert_ptr_eq(message_find_notify(&msg, NOTIFY_NO_PROPOSAL_CHOSEN, true), &msg.p[2]);
	ck_assert_ptr_eq(message_error_notify(&msg, true), &msg.p[2]);
	ck_assert_ptr_null(message_error_notify(&msg, false));
	/* a second opening replaces the first */
	ck_assert_int_eq(message_decode_inner(&msg, PAYLOAD_NONE, hex(""), &arena), ERR_OK);
	ck_assert_uint_eq(msg.n, 1);
	ck_assert_int_eq(message_decode_inner(&msg, PAYLOAD_NONE, hex("00"), &arena), ERR_LENGTH);
	ck_assert_int_eq(message_decode_inner(&msg, PAYLOAD_NONCE, hex(""), &arena), ERR_SHORT);
}
END_TEST

START_TEST(no_seal_in_a_seal)
{
	ck_assert_int_eq(take_sealed(EXCHANGE_INFORMATIONAL, 0, PAYLOAD_SK, hex("00000005aa")), ERR_MISPLACED);
	ck_assert_int_eq(
		take_sealed(EXCHANGE_INFORMATIONAL, 0, PAYLOAD_VENDOR, hex("35000005aa 0000000900010001aa")), ERR_MISPLACED);
	ck_assert_int_eq(take(framed(EXCHANGE_INFORMATIONAL, 0, PAYLOAD_VENDOR, hex("00000005aa"))), ERR_OK);
	ck_assert_int_eq(message_decode_inner(&msg, PAYLOAD_NONE, hex(""), &arena), ERR_MISPLACED);
}
END_TEST

START_TEST(repeated_payloads_are_walked)
{
	struct bytes chain = hex("25000005 01 25000005 02 00000005 03");
	ck_assert_int_eq(take_sealed(EXCHANGE_IKE_AUTH, 0, PAYLOAD_CERT, chain), ERR_OK);
	const struct payload *p = NULL;
	for (uint8_t i = 1; i <= 3; i++) {
		p = message_next(&msg, p, PAYLOAD_CERT, true);
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq(p->cert.encoding, i);
	}
	ck_assert_ptr_null(message_next(&msg, p, PAYLOAD_CERT, true));
}
END_TEST

START_TEST(notifies_among_others)
{
	struct bytes chain = hex("29000008 00004006 29000005 aa"); /* the second claims to be a notify and is too short */
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_SA_INIT, 0, PAYLOAD_NOTIFY, chain)), ERR_SYNTAX);
	chain = hex("29000008 00004006 29000008 00004004 00000008 00000011");
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_SA_INIT, IKE_FLAG_RESPONSE, PAYLOAD_NOTIFY, chain)), ERR_OK);
	ck_assert_ptr_eq(message_find_notify(&msg, NOTIFY_NAT_DETECTION_SOURCE_IP, false), &msg.p[1]);
	ck_assert_ptr_null(message_find_notify(&msg, NOTIFY_REDIRECT, false));
	ck_assert_uint_eq(message_error_notify(&msg, false)->notify.type, NOTIFY_INVALID_KE_PAYLOAD);
}
END_TEST

/* Outer payload, SK, inner chain: sealed "by hand", opened again. */
START_TEST(sealed_message_written)
{
	uint8_t mem[256], inner_mem[64];
	struct header h = header_for(EXCHANGE_INFORMATIONAL, IKE_FLAG_INITIATOR);
	struct payload outer = payload_notify(NOTIFY_COOKIE2, hex("0102")),
		       gone = { .type = PAYLOAD_DELETE, .del = { PROTOCOL_IKE, 0, 0, { 0 } } };
	struct writer w;
	struct chain c;
	chain_begin(&c, inner_mem, sizeof(inner_mem));
	chain_add(&c, &gone);
	chain_add(&c, &outer);
	ck_assert_uint_eq(c.first, PAYLOAD_DELETE);
	struct bytes plain = buf_view(&c.out);
	message_begin(&w, mem, sizeof(mem), &h);
	message_add(&w, &outer);
	uint8_t *body = message_seal(&w, c.first, plain.n, 0, 0);
	ck_assert_ptr_nonnull(body);
	ck_assert_ptr_eq(body, mem + 28 + 10 + 4); /* the associated data ends here */
	memcpy(body, plain.p, plain.n);
	ck_assert_int_eq(take(message_end(&w)), ERR_OK);
	ck_assert_uint_eq(msg.sealed_at, 1);
	ck_assert_uint_eq(msg.h.message_id, 7);
	ck_assert_int_eq(message_decode_inner(&msg, msg.p[1].sk.first, msg.p[1].sk.sealed, &arena), ERR_OK);
	ck_assert_uint_eq(message_find(&msg, PAYLOAD_DELETE, true)->del.protocol, PROTOCOL_IKE);
}
END_TEST

START_TEST(fragment_written)
{
	uint8_t mem[128];
	struct header h = header_for(EXCHANGE_IKE_AUTH, IKE_FLAG_INITIATOR);
	for (uint16_t number = 1; number <= 3; number++) {
		struct writer w;
		message_begin(&w, mem, sizeof(mem), &h);
		uint8_t *body = message_seal(&w, PAYLOAD_IDi, 10, number, 3);
		ck_assert_ptr_eq(body, mem + 28 + 8);
		ck_assert_int_eq(take(message_end(&w)), ERR_OK);
		ck_assert_uint_eq(msg.p[0].skf.number, number);
		ck_assert_uint_eq(msg.p[0].skf.total, 3);
		ck_assert_uint_eq(msg.p[0].skf.sealed.n, 10);
		ck_assert_uint_eq(msg.p[0].skf.first, number == 1 ? PAYLOAD_IDi : PAYLOAD_NONE);
	}
}
END_TEST

START_TEST(what_does_not_fit_is_not_written)
{
	static uint8_t mem[IKE_MESSAGE_MAX + 10];
	struct header h = header_for(EXCHANGE_IKE_AUTH, 0);
	struct payload p = { .type = PAYLOAD_VENDOR, .vendor = { fill(1, 65532) } };
	struct writer w;
	struct chain c;
	message_begin(&w, mem, 27, &h);
	ck_assert_uint_eq(message_end(&w).n, 0);
	message_begin(&w, mem, sizeof(mem), &h); /* longer than a datagram can be */
	message_add(&w, &p);
	ck_assert_uint_eq(message_end(&w).n, 0);
	chain_begin(&c, mem, sizeof(mem)); /* longer than a payload can be */
	chain_add(&c, &p);
	ck_assert_uint_eq(buf_view(&c.out).n, 0);
	message_begin(&w, mem, 64, &h);
	ck_assert_ptr_null(message_seal(&w, 0, 33, 0, 0));
	ck_assert_uint_eq(message_end(&w).n, 0);
	message_begin(&w, mem, 64, &h);
	ck_assert_ptr_nonnull(message_seal(&w, 0, 32, 0, 0));
	message_add(&w, &p); /* nothing comes behind the seal */
	ck_assert_uint_eq(message_end(&w).n, 0);
	message_begin(&w, mem, 64, &h);
	ck_assert_ptr_null(message_seal(&w, 0, 8, 3, 2));
}
END_TEST

START_TEST(text_is_cut_not_overrun)
{
	char text[4096];
	ck_assert_int_eq(take(hex(init_request)), ERR_OK);
	for (size_t size = 0; size < sizeof(init_request_text) + 2; size++) {
		memset(text, '#', sizeof(text));
		message_format(&msg, text, size);
		ck_assert_int_eq(text[size], '#');
		if (size)
			ck_assert_int_eq(strncmp(text, init_request_text, strlen(text)), 0);
	}
}
END_TEST

/* Shorter than the version byte, shorter than a header, a length that is not the datagram's, other versions. */
START_TEST(bug_CVE_2013_4564)
{
	struct bytes raw = hex(init_request);
	uint8_t *p = (uint8_t *)(uintptr_t)raw.p;
	for (size_t n = 0; n < IKE_HEADER_LEN; n++)
		ck_assert_int_eq(take(cut(raw, n)), ERR_SHORT);
	for (unsigned version = 0; version < 256; version++) {
		p[17] = (uint8_t)version;
		ck_assert_int_eq(take(raw), version >> 4 == 2 ? ERR_OK : ERR_VERSION);
		ck_assert_uint_eq(msg.h.major, version >> 4);
	}
	p[17] = 0x20;
	static const uint8_t lies[][4] = { { 0, 0, 0, 0 }, { 0, 0, 0, 27 }, { 0, 0, 0, 0xef }, { 0, 0, 0, 0xf1 },
		{ 0xff, 0xff, 0xff, 0xff }, { 0, 1, 0, 0xf0 }, { 0x80, 0, 0, 0xf0 } };
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		memcpy(p + 24, lies[i], 4);
		ck_assert_int_eq(take(raw), ERR_LENGTH);
	}
}
END_TEST

/* More payloads than the array has places, in the open, inside, and both together. */
START_TEST(bug_CVE_2026_12413)
{
	struct bytes some = hex(""), skf = hex("0000000900010001aa");
	for (int i = 0; i < MESSAGE_PAYLOADS_MAX - 1; i++)
		some = join(some, chained(i == MESSAGE_PAYLOADS_MAX - 2 ? PAYLOAD_SKF : 200, hex("")));
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_AUTH, 0, 200, join(some, skf))), ERR_OK);
	ck_assert_uint_eq(msg.n, MESSAGE_PAYLOADS_MAX);
	ck_assert_uint_eq(msg.sealed_at, MESSAGE_PAYLOADS_MAX - 1);
	ck_assert_int_eq(message_decode_inner(&msg, 200, hex("00000004"), &arena), ERR_TOO_MUCH);
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_AUTH, 0, 200, join(chained(200, hex("")), join(some, skf)))), ERR_TOO_MUCH);
	ck_assert_uint_eq(msg.n, MESSAGE_PAYLOADS_MAX);
	some = hex("");
	for (int i = 0; i < 1000; i++)
		some = join(some, hex("c8000004"));
	ck_assert_int_eq(take_sealed(EXCHANGE_IKE_AUTH, 0, 200, some), ERR_TOO_MUCH);
}
END_TEST

/* A payload, a fragment above all, that says it is shorter than its own header. */
START_TEST(bug_CVE_2016_1287)
{
	static const char *const lies[] = { "00000000", "00000001", "00000003aabbcc", "00000003" };
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		ck_assert_int_eq(take(framed(EXCHANGE_IKE_AUTH, 0, PAYLOAD_SKF, hex(lies[i]))), ERR_LENGTH);
		ck_assert_int_eq(take_sealed(EXCHANGE_IKE_AUTH, 0, PAYLOAD_VENDOR, hex(lies[i])), ERR_LENGTH);
	}
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_AUTH, 0, PAYLOAD_SKF, hex("0000000700010001"))), ERR_SYNTAX);
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_AUTH, 0, PAYLOAD_SKF, hex("0000ffff00010001"))), ERR_SHORT);
}
END_TEST

/* Payload types of IKEv1 in an IKEv2 message are unknown, no more: ignored, or refused when critical. */
START_TEST(bug_CVE_2015_3991)
{
	for (uint8_t type = 1; type <= 32; type++) {
		ck_assert_int_eq(take(framed(EXCHANGE_IKE_SA_INIT, 0, type, hex("00000008ffffffff"))), ERR_OK);
		ck_assert(!msg.p[0].known);
		ck_assert_ptr_null(message_find(&msg, type, false));
		ck_assert_int_eq(take(framed(EXCHANGE_IKE_SA_INIT, 0, type, hex("00800008ffffffff"))), ERR_CRITICAL);
	}
}
END_TEST

/* The dump of a message that was refused, whatever the reason, shows only what was understood. */
START_TEST(a_refused_message_is_shown_as_far_as_it_was_understood)
{
	char text[1024];
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_SA_INIT, 0, PAYLOAD_VENDOR, hex("21000005aa 00000005aa"))), ERR_SYNTAX);
	message_format(&msg, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "V(aa)"));
	ck_assert_ptr_null(strstr(text, "SA("));
	ck_assert_int_eq(take(hex("00")), ERR_SHORT);
	message_format(&msg, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "exchange 0"));
	ck_assert_int_eq(take_sealed(EXCHANGE_IKE_AUTH, 0, PAYLOAD_NONCE, hex("00000005aa")), ERR_SYNTAX);
	message_format(&msg, text, sizeof(text));
	ck_assert_ptr_null(strstr(text, "NONCE("));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_checked_fixture(t, help_setup, help_teardown);
	tcase_add_test(t, whole_request);
	tcase_add_test(t, whole_response);
	tcase_add_test(t, written_as_read);
	tcase_add_test(t, every_truncation_is_refused);
	tcase_add_test(t, every_byte_damaged);
	tcase_add_test(t, header_alone);
	tcase_add_test(t, empty_message);
	tcase_add_test(t, critical);
	tcase_add_test(t, culprit_of_a_syntax_error);
	tcase_add_test(t, seal_is_the_end);
	tcase_add_test(t, inner_chain);
	tcase_add_test(t, no_seal_in_a_seal);
	tcase_add_test(t, repeated_payloads_are_walked);
	tcase_add_test(t, notifies_among_others);
	tcase_add_test(t, sealed_message_written);
	tcase_add_test(t, fragment_written);
	tcase_add_test(t, what_does_not_fit_is_not_written);
	tcase_add_test(t, text_is_cut_not_overrun);
	tcase_add_test(t, bug_CVE_2013_4564);
	tcase_add_test(t, bug_CVE_2026_12413);
	tcase_add_test(t, bug_CVE_2016_1287);
	tcase_add_test(t, bug_CVE_2015_3991);
	tcase_add_test(t, a_refused_message_is_shown_as_far_as_it_was_understood);
	return unit_run_case("message", t);
}
