/* test_sign.c - the table of signature schemes against the RFCs' octets; which one is chosen; what AUTH says, well formed and not. */
#include <stdio.h>

#include "crypto/sign.h"
#include "crypto_help.h"

#define PSS256 \
	"304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120"

/* RFC 7427 appendix A and RFC 8420 appendix A. */
static const struct {
	const char *word, *der;
} golden[] = {
	{ "rsa-sha1", "300d06092a864886f70d0101050500" },
	{ "rsa-sha256", "300d06092a864886f70d01010b0500" },
	{ "rsa-sha384", "300d06092a864886f70d01010c0500" },
	{ "rsa-sha512", "300d06092a864886f70d01010d0500" },
	{ "rsa-pss-sha256", PSS256 },
	{ "rsa-pss-sha384",
		"304106092a864886f70d01010a3034a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130" },
	{ "rsa-pss-sha512",
		"304106092a864886f70d01010a3034a00f300d06096086480165030402030500a11c301a06092a864886f70d010108300d06096086480165030402030500a203020140" },
	{ "ecdsa-sha1", "300906072a8648ce3d0401" },
	{ "ecdsa-sha256", "300a06082a8648ce3d040302" },
	{ "ecdsa-sha384", "300a06082a8648ce3d040303" },
	{ "ecdsa-sha512", "300a06082a8648ce3d040304" },
	{ "ed25519", "300506032b6570" },
	{ "ed448", "300506032b6571" },
};

static const struct sign_scheme *by_word(const char *word)
{
	const struct sign_scheme *s;
	for (unsigned i = 0; (s = sign_scheme_row(i)) != NULL; i++)
		if (strcmp(s->word, word) == 0)
			return s;
	ck_abort_msg("no scheme %s", word);
	return NULL;
}

START_TEST(identifiers_are_the_rfcs)
{
	unsigned listed = 0;
	for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
		struct hex want = hex(golden[i].der);
		const struct sign_scheme *s = by_word(golden[i].word);
		ck_assert_uint_eq(s->algorithm.n, want.n);
		ck_assert_mem_eq(s->algorithm.p, want.v, want.n);
		ck_assert_uint_eq(s->method, AUTH_DIGITAL_SIGNATURE);
	}
	for (unsigned i = 0; sign_scheme_row(i) != NULL; i++) {
		const struct sign_scheme *s = sign_scheme_row(i);
		ck_assert_ptr_eq(sign_scheme(s->id), s);
		listed += s->method == AUTH_DIGITAL_SIGNATURE;
	}
	ck_assert_uint_eq(listed, sizeof golden / sizeof golden[0]);
	ck_assert_ptr_null(sign_scheme(0));
	ck_assert_ptr_null(sign_scheme(255));
}
END_TEST

#define H(n) SIGN_HASH_BIT(n)
#define ALL (H(1) | H(2) | H(3) | H(4) | H(5))

static const struct {
	struct sign_wish wish;
	const char *word;
} choices[] = {
	{ { KEY_RSA, 2048, ALL, false, false }, "rsa-sha256" },
	{ { KEY_RSA, 2048, ALL, false, true }, "rsa-pss-sha256" },
	{ { KEY_RSA, 3072, ALL, false, false }, "rsa-sha384" },
	{ { KEY_RSA, 4096, H(2), true, true }, "rsa-pss-sha256" },
	{ { KEY_RSA, 2048, H(3) | H(4), false, false }, "rsa-sha512" },
	{ { KEY_RSA, 2048, H(1), false, false }, NULL },
	{ { KEY_RSA, 2048, H(1), true, false }, "rsa-sha1" },
	{ { KEY_RSA, 2048, H(1) | H(3), true, false }, "rsa-sha384" },
	{ { KEY_RSA, 2048, 0, true, false }, "rsa-sha1-method1" },
	{ { KEY_RSA, 2048, 0, false, false }, NULL },
	{ { KEY_P256, 256, 0, false, false }, "ecdsa-256" },
	{ { KEY_P384, 384, 0, false, false }, "ecdsa-384" },
	{ { KEY_P521, 521, 0, false, false }, "ecdsa-521" },
	{ { KEY_P256, 256, ALL, false, false }, "ecdsa-sha256" },
	{ { KEY_P384, 384, ALL, false, false }, "ecdsa-sha384" },
	{ { KEY_P521, 521, ALL, false, false }, "ecdsa-sha512" },
	{ { KEY_P521, 521, H(2) | H(3), false, false }, "ecdsa-sha384" },
	{ { KEY_P256, 256, 1, false, false }, NULL }, /* a list with nothing known in it */
	{ { KEY_ED25519, 256, ALL, false, false }, "ed25519" },
	{ { KEY_ED25519, 256, H(2), false, false }, NULL },
	{ { KEY_ED25519, 256, 0, true, false }, NULL }, /* there is no EdDSA without method 14 */
	{ { KEY_ED448, 456, H(5), false, false }, "ed448" },
};

START_TEST(the_scheme_that_both_can_do)
{
	for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
		const struct sign_scheme *s = sign_choose(&choices[i].wish);
		ck_assert_msg((s == NULL) == (choices[i].word == NULL), "row %zu: %s", i, s != NULL ? s->word : "none");
		if (s != NULL)
			ck_assert_str_eq(s->word, choices[i].word);
	}
}
END_TEST

START_TEST(lists_of_hashes)
{
	uint8_t ours[SIGN_HASHES_SIZE];
	sign_hashes_write(ours);
	ck_assert_mem_eq(ours, "\0\2\0\3\0\4\0\5", 8);
	ck_assert_uint_eq(sign_hashes_read(bytes_of(ours, 8)), SIGN_HASHES_OURS | 1);
	ck_assert_uint_eq(sign_hashes_read(bytes_of(NULL, 0)), 1);
	ck_assert_uint_eq(sign_hashes_read(bytes_of("\0\1\0\2\0", 5)), 1 | H(1) | H(2));
	ck_assert_uint_eq(sign_hashes_read(bytes_of("\0\0\0\6\1\2\xff\xff\0\x20\0\x22", 12)), 1);
}
END_TEST

static int read_hex(uint8_t method, const char *text, struct sign_auth *out)
{
	static struct hex h;
	h = hex(text);
	return sign_auth_read(method, bytes_of(h.v, h.n), out);
}

START_TEST(what_auth_says)
{
	struct sign_auth a;
	for (unsigned i = 0; sign_scheme_row(i) != NULL; i++) {
		uint8_t room[128];
		struct buf b = buf_of(room, sizeof room);
		const struct sign_scheme *s = sign_scheme_row(i);
		sign_auth_write(&b, s, bytes_of("signature", 9));
		ck_assert(!b.bad);
		ck_assert_int_eq(sign_auth_read(s->method, buf_view(&b), &a), ERR_OK);
		ck_assert_ptr_eq(a.scheme, s);
		ck_assert_uint_eq(a.signature.n, 9);
		ck_assert_mem_eq(a.signature.p, "signature", 9);
		ck_assert_uint_eq(a.salt, s->pss ? 16u * s->hash : 0);
	}
	for (unsigned method = 0; method < 256; method++) { /* PSK, DSS, NULL, and what is not assigned */
		bool known = method == 1 || (method >= 9 && method <= 11) || method == 14;
		int err = sign_auth_read((uint8_t)method, bytes_of("\7\x30\5\6\3\x2b\x65\x70sig", 11), &a);
		ck_assert_int_eq(err, known ? ERR_OK : ERR_UNSUPPORTED);
	}
}
END_TEST

START_TEST(malformed_auth)
{
	struct sign_auth a;
	ck_assert_int_eq(sign_auth_read(AUTH_DIGITAL_SIGNATURE, bytes_of(NULL, 0), &a), ERR_SHORT);
	ck_assert_int_eq(read_hex(14, "00", &a), ERR_SYNTAX);
	ck_assert_int_eq(read_hex(14, "0f300d", &a), ERR_SHORT); /* the length goes beyond the payload */
	ck_assert_int_eq(read_hex(14, "ff300d06092a864886f70d01010b0500", &a), ERR_SHORT);
	ck_assert_int_eq(read_hex(14, "0f300d06092a864886f70d01010b0500", &a), ERR_LENGTH);     /* no signature */
	ck_assert_int_eq(read_hex(14, "0f308006092a864886f70d01010b05000000", &a), ERR_SYNTAX); /* indefinite */
	ck_assert_int_eq(read_hex(14, "0d300b06092a864886f70d01010b00", &a), ERR_UNSUPPORTED);
	ck_assert_int_eq(read_hex(14, "0f300d06092a864886f70d0101040500aa", &a), ERR_UNSUPPORTED); /* MD5 */
	uint8_t big[SIGN_MAX + 1] = { 0 };
	ck_assert_int_eq(sign_auth_read(AUTH_RSA_SIGNATURE, bytes_of(big, sizeof big), &a), ERR_LENGTH);
	ck_assert_int_eq(sign_auth_read(AUTH_RSA_SIGNATURE, bytes_of(big, SIGN_MAX), &a), ERR_OK);
}
END_TEST

/* The same parameters in other words (RFC 4055 3.1), and what they must not be. */
static const struct {
	const char *what, *der;
	int want;
	unsigned salt;
} pss[] = {
	{ "explicit trailer",
		"304606092a864886f70d01010a3039a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500"
		"a203020120a303020101",
		ERR_OK, 32 },
	{ "hashes without NULL",
		"303d06092a864886f70d01010a3030a00d300b0609608648016503040201a11a301806092a864886f70d010108300b0609608648016503040201"
		"a203020120",
		ERR_OK, 32 },
	{ "default salt",
		"303c06092a864886f70d01010a302fa00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500",
		ERR_OK, 20 },
	{ "greatest salt",
		"304206092a864886f70d01010a3035a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500"
		"a204020200de",
		ERR_OK, 222 },
	{ "no parameters", "300b06092a864886f70d01010a", ERR_SYNTAX, 0 },
	{ "NULL for parameters", "300d06092a864886f70d01010a0500", ERR_SYNTAX, 0 },
	{ "all default: SHA-1", "300d06092a864886f70d01010a3000", ERR_UNSUPPORTED, 0 },
	{ "SHA-1 for MGF1", "302306092a864886f70d01010a3016a00f300d06096086480165030402010500a203020120", ERR_UNSUPPORTED, 0 },
	{ "MGF1 without a hash",
		"303206092a864886f70d01010a3025a00f300d06096086480165030402010500a10d300b06092a864886f70d010108a203020120",
		ERR_SYNTAX, 0 },
	{ "MGF with another hash",
		"304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402020500"
		"a203020120",
		ERR_UNSUPPORTED, 0 },
	{ "trailer 2",
		"304606092a864886f70d01010a3039a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500"
		"a203020120a303020102",
		ERR_UNSUPPORTED, 0 },
	{ "negative salt",
		"304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500"
		"a2030201a0",
		ERR_SYNTAX, 0 },
	{ "salt in three octets",
		"304306092a864886f70d01010a3036a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500"
		"a2050203010000",
		ERR_SYNTAX, 0 },
	{ "fields out of order",
		"304106092a864886f70d01010a3034a203020120a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500",
		ERR_SYNTAX, 0 },
	{ "a length that is not the shortest",
		"30814106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120",
		ERR_SYNTAX, 0 },
	{ "octets behind it", PSS256 "00", ERR_SYNTAX, 0 },
};

START_TEST(forms_of_pss)
{
	for (size_t i = 0; i < sizeof pss / sizeof pss[0]; i++) {
		struct sign_auth a;
		char text[400];
		snprintf(text, sizeof text, "%02zx%saa", strlen(pss[i].der) / 2, pss[i].der);
		int err = read_hex(AUTH_DIGITAL_SIGNATURE, text, &a);
		ck_assert_msg(err == pss[i].want, "%s: %d", pss[i].what, err);
		if (err)
			continue;
		ck_assert_str_eq(a.scheme->word, "rsa-pss-sha256");
		ck_assert_msg(a.salt == pss[i].salt, "%s: salt %u", pss[i].what, a.salt);
	}
}
END_TEST

UNIT_MAIN("sign", identifiers_are_the_rfcs, the_scheme_that_both_can_do, lists_of_hashes, what_auth_says, malformed_auth,
	forms_of_pss)
