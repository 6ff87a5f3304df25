/*
 * test_rules.c - the shapes of messages: complete, withheld, repeated, unexpected (RFC 7296 1.2 - 1.5, 2.5, 2.21, appendix C).
 *
 * A message is written as a row of letters, one per payload; see `parts`.
 */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "wire_help.h"

#define R IKE_FLAG_RESPONSE
#define N16 "000102030405060708090a0b0c0d0e0f"
#define TS_BODY "01000000 07000010 0000ffff 00000000 ffffffff"

static const struct part {
	char letter;
	uint8_t type;
	const char *body;
} parts[] = {
	{ 'S', PAYLOAD_SA, "0000001401010001 0000000c0100000c800e0100" },         /* protocol IKE */
	{ 's', PAYLOAD_SA, "0000001801030401c0ffee01 0000000c01000014800e0100" }, /* protocol ESP */
	{ 'K', PAYLOAD_KE, "000e0000 01" },
	{ 'n', PAYLOAD_NONCE, N16 },
	{ 'i', PAYLOAD_IDi, "01000000 c0000201" },
	{ 'r', PAYLOAD_IDr, "01000000 c0000202" },
	{ 'c', PAYLOAD_CERT, "04 30" },
	{ 'q', PAYLOAD_CERTREQ, "04" },
	{ 'A', PAYLOAD_AUTH, "02000000 01" },
	{ '<', PAYLOAD_TSi, TS_BODY },
	{ '>', PAYLOAD_TSr, TS_BODY },
	{ 'E', PAYLOAD_NOTIFY, "0000000e" },    /* NO_PROPOSAL_CHOSEN */
	{ 'o', PAYLOAD_NOTIFY, "00004000" },    /* INITIAL_CONTACT */
	{ 'C', PAYLOAD_NOTIFY, "00004006 aa" }, /* COOKIE */
	{ 'D', PAYLOAD_DELETE, "01000000" },
	{ 'V', PAYLOAD_VENDOR, "aa" },
	{ 'P', PAYLOAD_CP, "01000000" },
	{ 'e', PAYLOAD_EAP, "03010004" }, /* EAP-Success */
	{ '?', 222, "aa" },
};

static const struct part *part(char letter)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].letter == letter)
			return &parts[i];
	ck_abort_msg("no part %c", letter);
}

static struct bytes chain_of(const char *letters)
{
	struct bytes all = hex("");
	for (; *letters; letters++)
		all = join(all, chained(letters[1] ? part(letters[1])->type : PAYLOAD_NONE, hex(part(letters[0])->body)));
	return all;
}

static int judge(uint8_t exchange, uint8_t flags, const char *letters)
{
	uint8_t first = *letters ? part(*letters)->type : PAYLOAD_NONE;
	bool open = exchange == EXCHANGE_IKE_SA_INIT;
	int rc = open ? take(framed(exchange, flags, first, chain_of(letters)))
		      : take_sealed(exchange, flags, first, chain_of(letters));
	ck_assert_int_eq(rc, ERR_OK);
	if (!open)
		ck_assert_int_eq(message_judge(&msg, false), ERR_OK);
	return message_judge(&msg, !open);
}

static const struct {
	uint8_t exchange, flags;
	const char *letters;
	int rc;
	uint8_t culprit;
} rows[] = {
	{ EXCHANGE_IKE_SA_INIT, 0, "SKn", ERR_OK, 0 },
	{ EXCHANGE_IKE_SA_INIT, 0, "CSKnooV?", ERR_OK, 0 },
	{ EXCHANGE_IKE_SA_INIT, R, "SKnqoV", ERR_OK, 0 },
	{ EXCHANGE_IKE_SA_INIT, R, "E", ERR_OK, 0 },
	{ EXCHANGE_IKE_SA_INIT, R, "VEo", ERR_OK, 0 },
	{ EXCHANGE_IKE_SA_INIT, R, "C", ERR_OK, 0 },
	{ EXCHANGE_IKE_SA_INIT, R, "o", ERR_MISSING, PAYLOAD_SA },
	{ EXCHANGE_IKE_SA_INIT, R, "", ERR_MISSING, PAYLOAD_SA },
	{ EXCHANGE_IKE_SA_INIT, R, "ES", ERR_MISSING, PAYLOAD_KE }, /* neither an answer nor a refusal */
	{ EXCHANGE_IKE_SA_INIT, 0, "E", ERR_MISSING, PAYLOAD_SA },  /* a request refuses nothing */
	{ EXCHANGE_IKE_SA_INIT, 0, "C", ERR_MISSING, PAYLOAD_SA },
	{ EXCHANGE_IKE_SA_INIT, 0, "SSKn", ERR_REPEATED, PAYLOAD_SA },
	{ EXCHANGE_IKE_SA_INIT, 0, "SKKn", ERR_REPEATED, PAYLOAD_KE },
	{ EXCHANGE_IKE_SA_INIT, 0, "SKnn", ERR_REPEATED, PAYLOAD_NONCE },
	{ EXCHANGE_IKE_SA_INIT, 0, "SKniA<>e", ERR_OK, 0 }, /* unexpected: ignored */

	{ EXCHANGE_IKE_AUTH, 0, "iAs<>", ERR_OK, 0 },
	{ EXCHANGE_IKE_AUTH, 0, "iccqqrAoPs<>oV?", ERR_OK, 0 },
	{ EXCHANGE_IKE_AUTH, 0, "iAs<", ERR_MISSING, PAYLOAD_TSr },
	{ EXCHANGE_IKE_AUTH, 0, "iAs>", ERR_MISSING, PAYLOAD_TSi },
	{ EXCHANGE_IKE_AUTH, 0, "iA<>", ERR_MISSING, PAYLOAD_SA },
	{ EXCHANGE_IKE_AUTH, 0, "", ERR_MISSING, PAYLOAD_IDi },
	{ EXCHANGE_IKE_AUTH, 0, "iiAs<>", ERR_REPEATED, PAYLOAD_IDi },
	{ EXCHANGE_IKE_AUTH, 0, "iAAs<>", ERR_REPEATED, PAYLOAD_AUTH },
	{ EXCHANGE_IKE_AUTH, 0, "iAs<<>", ERR_REPEATED, PAYLOAD_TSi },
	{ EXCHANGE_IKE_AUTH, 0, "EiA", ERR_MISSING, PAYLOAD_SA },
	{ EXCHANGE_IKE_AUTH, R, "rAs<>", ERR_OK, 0 },
	{ EXCHANGE_IKE_AUTH, R, "rcAPs<>oV", ERR_OK, 0 },
	{ EXCHANGE_IKE_AUTH, R, "rAE", ERR_OK, 0 }, /* the child failed, the IKE SA stands */
	{ EXCHANGE_IKE_AUTH, R, "E", ERR_OK, 0 },
	{ EXCHANGE_IKE_AUTH, R, "rE", ERR_MISSING, PAYLOAD_AUTH },
	{ EXCHANGE_IKE_AUTH, R, "AE", ERR_MISSING, PAYLOAD_IDr },
	{ EXCHANGE_IKE_AUTH, R, "rA", ERR_MISSING, PAYLOAD_SA },
	{ EXCHANGE_IKE_AUTH, R, "C", ERR_MISSING, PAYLOAD_IDr },
	{ EXCHANGE_IKE_AUTH, R, "rrAs<>", ERR_REPEATED, PAYLOAD_IDr },

	{ EXCHANGE_CREATE_CHILD_SA, 0, "sn<>", ERR_OK, 0 },
	{ EXCHANGE_CREATE_CHILD_SA, 0, "osnK<>", ERR_OK, 0 },
	{ EXCHANGE_CREATE_CHILD_SA, R, "sn<>", ERR_OK, 0 },
	{ EXCHANGE_CREATE_CHILD_SA, R, "E", ERR_OK, 0 },
	{ EXCHANGE_CREATE_CHILD_SA, R, "sE", ERR_MISSING, PAYLOAD_NONCE },
	{ EXCHANGE_CREATE_CHILD_SA, 0, "sn", ERR_MISSING, PAYLOAD_TSi },
	{ EXCHANGE_CREATE_CHILD_SA, 0, "s<>", ERR_MISSING, PAYLOAD_NONCE },
	{ EXCHANGE_CREATE_CHILD_SA, 0, "n<>", ERR_MISSING, PAYLOAD_SA },
	{ EXCHANGE_CREATE_CHILD_SA, 0, "snKK<>", ERR_REPEATED, PAYLOAD_KE },
	{ EXCHANGE_CREATE_CHILD_SA, 0, "Ssn<>", ERR_REPEATED, PAYLOAD_SA },
	{ EXCHANGE_CREATE_CHILD_SA, 0, "SnK", ERR_OK, 0 },
	{ EXCHANGE_CREATE_CHILD_SA, R, "SnK", ERR_OK, 0 },
	{ EXCHANGE_CREATE_CHILD_SA, 0, "Sn", ERR_MISSING, PAYLOAD_KE }, /* an IKE SA is never rekeyed without one */
	{ EXCHANGE_CREATE_CHILD_SA, 0, "SK", ERR_MISSING, PAYLOAD_NONCE },

	{ EXCHANGE_INFORMATIONAL, 0, "", ERR_OK, 0 },
	{ EXCHANGE_INFORMATIONAL, R, "", ERR_OK, 0 },
	{ EXCHANGE_INFORMATIONAL, 0, "DDoEP", ERR_OK, 0 },
	{ EXCHANGE_INFORMATIONAL, 0, "PP", ERR_REPEATED, PAYLOAD_CP },
	{ EXCHANGE_INFORMATIONAL, 0, "SSnn", ERR_OK, 0 }, /* unexpected: ignored */

	{ 99, 0, "o", ERR_UNSUPPORTED, 0 },
};

START_TEST(shape)
{
	if (rows[_i].exchange == 99) {
		ck_assert_int_eq(take(framed(99, 0, PAYLOAD_NOTIFY, chain_of("o"))), ERR_OK);
		ck_assert_int_eq(message_judge(&msg, false), ERR_UNSUPPORTED);
		ck_assert_int_eq(message_judge(&msg, true), ERR_UNSUPPORTED);
		return;
	}
	int rc = judge(rows[_i].exchange, rows[_i].flags, rows[_i].letters);
	ck_assert_msg(rc == rows[_i].rc, "%s: %s", rows[_i].letters, err_text(rc));
	ck_assert_msg(msg.critical_type == rows[_i].culprit, "%s: culprit %u", rows[_i].letters, msg.critical_type);
}
END_TEST

/* Everything but IKE_SA_INIT must be sealed, refusals too; what stands in the open is not counted as what stands inside. */
START_TEST(open_where_it_must_be_sealed)
{
	static const uint8_t sealed[] = { EXCHANGE_IKE_AUTH, EXCHANGE_CREATE_CHILD_SA, EXCHANGE_INFORMATIONAL,
		EXCHANGE_IKE_INTERMEDIATE };
	for (size_t i = 0; i < sizeof(sealed); i++) {
		ck_assert_int_eq(take(framed(sealed[i], R, PAYLOAD_NOTIFY, chain_of("E"))), ERR_OK);
		ck_assert_int_eq(message_judge(&msg, false), ERR_MISSING);
		ck_assert_uint_eq(msg.critical_type, PAYLOAD_SK);
	}
	struct bytes open = join(chained(PAYLOAD_SK, hex(part('i')->body)), chained(PAYLOAD_AUTH, fill(1, 20)));
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_AUTH, 0, PAYLOAD_IDi, open)), ERR_OK);
	ck_assert_int_eq(message_decode_inner(&msg, PAYLOAD_AUTH, chain_of("As<>"), &arena), ERR_OK);
	ck_assert_int_eq(message_judge(&msg, true), ERR_MISSING);
	ck_assert_uint_eq(msg.critical_type, PAYLOAD_IDi);
}
END_TEST

/* Each mandatory payload withheld, one at a time. */
START_TEST(bug_CVE_2013_6467)
{
	static const struct {
		uint8_t exchange, flags;
		const char *letters;
	} whole[] = { { EXCHANGE_IKE_SA_INIT, 0, "SKn" }, { EXCHANGE_IKE_SA_INIT, R, "SKn" }, { EXCHANGE_IKE_AUTH, 0, "iAs<>" },
		{ EXCHANGE_IKE_AUTH, R, "rAs<>" }, { EXCHANGE_CREATE_CHILD_SA, 0, "sn<>" },
		{ EXCHANGE_CREATE_CHILD_SA, R, "sn<>" } };
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		size_t n = strlen(whole[i].letters);
		for (size_t k = 0; k < n; k++) {
			char letters[8] = { 0 };
			memcpy(letters, whole[i].letters, k);
			memcpy(letters + k, whole[i].letters + k + 1, n - k - 1);
			ck_assert_msg(judge(whole[i].exchange, whole[i].flags, letters) == ERR_MISSING, "%s", letters);
		}
	}
}
END_TEST

/* The same, renumbered: a payload under an unknown number is not there. */
START_TEST(bug_CVE_2013_6466)
{
	ck_assert_int_eq(judge(EXCHANGE_IKE_SA_INIT, 0, "?Kn"), ERR_MISSING);
	ck_assert_int_eq(judge(EXCHANGE_IKE_SA_INIT, 0, "S?n"), ERR_MISSING);
	ck_assert_int_eq(judge(EXCHANGE_IKE_AUTH, 0, "?As<>"), ERR_MISSING);
}
END_TEST

/* EAP-Success instead of AUTH proves nothing. */
START_TEST(bug_CVE_2021_45079)
{
	ck_assert_int_eq(judge(EXCHANGE_IKE_AUTH, R, "re"), ERR_MISSING);
	ck_assert_int_eq(judge(EXCHANGE_IKE_AUTH, R, "res<>"), ERR_MISSING);
	ck_assert_uint_eq(msg.critical_type, PAYLOAD_AUTH);
}
END_TEST

/* An IKE_INTERMEDIATE that nobody asked for has a shape like others, and none in the open. */
START_TEST(bug_libreswan_1609)
{
	ck_assert_int_eq(judge(EXCHANGE_IKE_INTERMEDIATE, 0, "oV"), ERR_OK);
	ck_assert_int_eq(judge(EXCHANGE_IKE_INTERMEDIATE, 0, "KK"), ERR_REPEATED);
	ck_assert_int_eq(take(framed(EXCHANGE_IKE_INTERMEDIATE, 0, PAYLOAD_NONE, hex(""))), ERR_OK);
	ck_assert_int_eq(message_judge(&msg, false), ERR_MISSING);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_checked_fixture(t, help_setup, help_teardown);
	tcase_add_loop_test(t, shape, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, open_where_it_must_be_sealed);
	tcase_add_test(t, bug_CVE_2013_6467);
	tcase_add_test(t, bug_CVE_2013_6466);
	tcase_add_test(t, bug_CVE_2021_45079);
	tcase_add_test(t, bug_libreswan_1609);
	return unit_run_case("rules", t);
}
