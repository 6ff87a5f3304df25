/*
 * test_proposal.c - SA payloads (RFC 7296 3.3): what is taken, what is refused, written as it was read.
 */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "wire_help.h"

#define IKE_SA \
	"0000002c 01010004" \
	"0300000c 0100000c 800e0100" \
	"03000008 02000005" \
	"03000008 0300000c" \
	"00000008 0400000e"
#define ESP_PAIR \
	"02000020 01030402 c0ffee01 0300000c 01000014 800e0100 00000008 05000000" \
	"00000030 02030404 c0ffee01 0300000c 0100000c 800e0080 03000008 0300000c 03000008 05000001 00000008 05000000"

static int decode(struct payload *p, struct bytes body)
{
	*p = (struct payload){ .type = PAYLOAD_SA, .body = body };
	return payload_decode(p, &arena);
}

static struct bytes encode(const struct payload *p)
{
	static uint8_t mem[70000];
	struct buf b = buf_of(mem, sizeof(mem));
	payload_encode(p, &b);
	return buf_view(&b);
}

START_TEST(ike_proposal)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, hex(IKE_SA)), ERR_OK);
	ck_assert(p.known);
	ck_assert_uint_eq(p.sa.n, 1);
	const struct offer *o = p.sa.v;
	ck_assert_uint_eq(o->number, 1);
	ck_assert_uint_eq(o->protocol, PROTOCOL_IKE);
	ck_assert_uint_eq(o->spi.n, 0);
	ck_assert_uint_eq(o->n, 4);
	ck_assert_uint_eq(o->t[0].type, TRANSFORM_ENCR);
	ck_assert_uint_eq(o->t[0].id, ENCR_AES_CBC);
	ck_assert_uint_eq(o->t[0].keylen, 256);
	ck_assert_uint_eq(o->t[3].id, GROUP_MODP_2048);
	ck_assert_uint_eq(o->t[3].keylen, 0);
	ck_assert(!o->t[0].foreign);
	ck_assert(bytes_equal(encode(&p), p.body));
}
END_TEST

START_TEST(two_esp_proposals)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, hex(ESP_PAIR)), ERR_OK);
	ck_assert_uint_eq(p.sa.n, 2);
	ck_assert(bytes_equal(p.sa.v[1].spi, hex("c0ffee01")));
	ck_assert_uint_eq(p.sa.v[1].number, 2);
	ck_assert_uint_eq(p.sa.v[1].n, 4);
	ck_assert_uint_eq(p.sa.v[1].t[2].id, ESN_YES);
	ck_assert(bytes_equal(encode(&p), p.body));
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	struct bytes whole = hex(ESP_PAIR);
	struct payload p;
	for (size_t n = 0; n < whole.n; n++)
		ck_assert_msg(decode(&p, cut(whole, n)) == ERR_SYNTAX, "%zu bytes", n);
}
END_TEST

/* Any single wrong byte may be refused or understood, but never reaches past the body (the sanitizer looks on). */
START_TEST(every_byte_damaged)
{
	struct bytes whole = hex(ESP_PAIR);
	struct payload p;
	for (size_t i = 0; i < whole.n * 3; i++) {
		static const uint8_t bad[] = { 0x00, 0x7f, 0xff };
		struct bytes b = cut(whole, whole.n);
		((uint8_t *)(uintptr_t)b.p)[i / 3] = bad[i % 3];
		int rc = decode(&p, b);
		ck_assert_msg(rc == ERR_OK || rc == ERR_SYNTAX, "byte %zu: %d", i / 3, rc);
		arena_reset(&arena);
	}
}
END_TEST

static const struct {
	const char *why, *body;
} refused[] = {
	{ "nothing", "" },
	{ "proposal says more, none follows", "0200001401010001 0000000c0100000c800e0100" },
	{ "proposal says last, one follows",
		"0000001401010001 0000000c0100000c800e0100 0000001402010001 0000000c0100000c800e0100" },
	{ "proposal marker is a transform's",
		"0300001401010001 0000000c0100000c800e0100 0000001402010001 0000000c0100000c800e0100" },
	{ "transform says more, none follows", "0000001401010001 0300000c0100000c800e0100" },
	{ "transform says last, one follows", "0000001801010002 0000000802000005 0000000802000006" },
	{ "transform marker is a proposal's", "0000001801010002 0200000802000005 0000000802000006" },
	{ "fewer transforms than counted", "0000001001010002 0300000802000005" },
	{ "more transforms than counted", "0000001801010001 0000000802000005 0000000802000006" },
	{ "proposal length past the end", "0000001501010001 0000000c0100000c800e0100" },
	{ "proposal length below its head", "0000000701010000" },
	{ "transform length past its proposal", "0000001001010001 0000000902000005" },
	{ "transform length below its head", "0000001001010001 0000000702000005" },
	{ "bytes behind the last proposal", "0000001001010001 0000000802000005 00" },
	{ "bytes behind the last transform", "0000001101010001 0000000802000005 00" },
	{ "SPI past the end", "0000000a010304000102" },
	{ "IKE SPI of 4", "0000001401010401 01020304 0000000802000005" },
	{ "ESP without SPI", "0000001001030001 0000000801000003" },
	{ "ESP SPI of 8", "0000001801030801 0102030405060708 0000000801000003" },
	{ "AH SPI of 3", "0000001301020301 010203 0000000803000002" },
	{ "half an attribute", "0000001201010001 0000000a0100000c 800e" },
	{ "attribute longer than its transform", "0000001401010001 0000000c0100000c 00010001" },
	{ "key length in the long form", "0000001601010001 0000000e0100000c 000e00020100" },
	{ "two key lengths", "0000001801010001 000000100100000c 800e0100 800e0080" },
};

START_TEST(malformed)
{
	struct payload p;
	ck_assert_msg(decode(&p, hex(refused[_i].body)) == ERR_SYNTAX, "%s", refused[_i].why);
}
END_TEST

/* RFC 7296 3.3.6: the transform is spoiled, its siblings are not. */
START_TEST(foreign_attributes)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, hex("0000003001010003 030000100100000c 800e0100 80110001 030000100100000c 00110004 01020304"
					"0000000802000005")),
		ERR_OK);
	ck_assert(p.sa.v->t[0].foreign && p.sa.v->t[0].keylen == 256);
	ck_assert(p.sa.v->t[1].foreign);
	ck_assert(!p.sa.v->t[2].foreign);
	ck_assert_int_eq(decode(&p, hex("0000001401010001 0000000c0100000c800e0000")), ERR_OK);
	ck_assert(p.sa.v->t[0].foreign);
}
END_TEST

START_TEST(ike_rekey_carries_an_spi)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, hex("0000001801010801 0102030405060708 0000000802000005")), ERR_OK);
	ck_assert_uint_eq(p.sa.v->spi.n, 8);
	ck_assert(bytes_equal(encode(&p), p.body));
}
END_TEST

START_TEST(unknown_protocol_is_kept_for_the_answer)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, hex("0000001201090201 abcd 0000000801000003")), ERR_OK);
	ck_assert_uint_eq(p.sa.v->protocol, 9);
	ck_assert(bytes_equal(p.sa.v->spi, hex("abcd")));
}
END_TEST

START_TEST(proposals_are_bounded)
{
	struct payload p;
	struct bytes more = hex("0200001001010001 0000000802000005"), sa = hex("0000001001010001 0000000802000005");
	for (int i = 1; i < 64; i++)
		sa = join(more, sa);
	ck_assert_int_eq(decode(&p, sa), ERR_OK);
	ck_assert_uint_eq(p.sa.n, 64);
	ck_assert(bytes_equal(encode(&p), sa));
	ck_assert_int_eq(decode(&p, join(more, sa)), ERR_TOO_MUCH);
}
END_TEST

START_TEST(transforms_are_bounded_by_their_count)
{
	struct payload p;
	struct bytes more = hex("0300000802000005"), chain = hex("0000000802000006");
	for (int i = 1; i < 255; i++)
		chain = join(more, chain);
	ck_assert_int_eq(decode(&p, join(hex("00000800010100ff"), chain)), ERR_OK);
	ck_assert_uint_eq(p.sa.v->n, 255);
	ck_assert_uint_eq(p.sa.v->t[254].id, 6);
}
END_TEST

START_TEST(no_room)
{
	struct arena tiny;
	arena_init(&tiny, 8);
	struct payload p = { .type = PAYLOAD_SA, .body = hex(IKE_SA) };
	ck_assert_int_eq(payload_decode(&p, &tiny), ERR_NO_ROOM);
	arena_release(&tiny);
}
END_TEST

START_TEST(what_does_not_fit_is_not_written)
{
	static struct transform t[300];
	static uint8_t spi[256];
	struct offer o = { .number = 1, .protocol = PROTOCOL_IKE, .n = 256, .t = t };
	struct payload p = { .type = PAYLOAD_SA, .sa = { 1, &o } };
	ck_assert_uint_eq(encode(&p).n, 0);
	o.n = 255;
	ck_assert_uint_eq(encode(&p).n, 8 + 255 * 8);
	o.spi = bytes_of(spi, 256);
	ck_assert_uint_eq(encode(&p).n, 0);
}
END_TEST

START_TEST(suites)
{
	struct suite a = { PROTOCOL_ESP, ENCR_AES_GCM_16, 256, 0, INTEG_NONE, GROUP_ECP_384, ESN_NO }, b = a;
	ck_assert(suite_equal(&a, &b));
	b.keylen = 128;
	ck_assert(!suite_equal(&a, &b));
	b = a;
	b.esn = ESN_YES;
	ck_assert(!suite_equal(&a, &b));
	b = a;
	b.group = GROUP_NONE;
	ck_assert(!suite_equal(&a, &b));
}
END_TEST

/* An IKE proposal without a key exchange is well-formed; the reader sees that it is not there. */
START_TEST(an_ike_proposal_without_a_group_is_well_formed)
{
	struct payload p;
	ck_assert_int_eq(decode(&p, hex("0000001c01010002 0300000c0100000c800e0100 0000000802000005")), ERR_OK);
	for (uint16_t i = 0; i < p.sa.v->n; i++)
		ck_assert_uint_ne(p.sa.v->t[i].type, TRANSFORM_KE);
	ck_assert_int_eq(decode(&p, hex("0000000801010000")), ERR_OK);
	ck_assert_uint_eq(p.sa.v->n, 0);
}
END_TEST

/* A transform type one past the known ones is a number, not an index. */
START_TEST(bug_OI_3fa606c)
{
	struct payload p;
	char text[256];
	ck_assert_int_eq(decode(&p, hex("0000001801010002 0300000806000001 00000008ff00ffff")), ERR_OK);
	payload_format(&p, text, sizeof(text));
	ck_assert_str_eq(text, "SA(IKE(1) #1 spi - ?=6/1 ?=255/65535)");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_checked_fixture(t, help_setup, help_teardown);
	tcase_add_test(t, ike_proposal);
	tcase_add_test(t, two_esp_proposals);
	tcase_add_test(t, every_truncation_is_refused);
	tcase_add_test(t, every_byte_damaged);
	tcase_add_loop_test(t, malformed, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t, foreign_attributes);
	tcase_add_test(t, ike_rekey_carries_an_spi);
	tcase_add_test(t, unknown_protocol_is_kept_for_the_answer);
	tcase_add_test(t, proposals_are_bounded);
	tcase_add_test(t, transforms_are_bounded_by_their_count);
	tcase_add_test(t, no_room);
	tcase_add_test(t, what_does_not_fit_is_not_written);
	tcase_add_test(t, suites);
	tcase_add_test(t, an_ike_proposal_without_a_group_is_well_formed);
	tcase_add_test(t, bug_OI_3fa606c);
	return unit_run_case("proposal", t);
}
