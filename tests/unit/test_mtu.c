/* test_mtu.c - tunnel MTU and MSS against the table that AWS prints, and what follows from the same formula. */
#include <stdlib.h>

#include "crypto/alg.h"
#include "unit.h"

#define GCM \
	{ \
		.encr = ENCR_AES_GCM_16, .keylen = 256 \
	}
#define CBC(hash) \
	{ \
		.encr = ENCR_AES_CBC, .keylen = 256, .integ = INTEG_HMAC_##hash \
	}

static const struct row {
	struct suite suite;
	uint32_t path, mtu;
	bool v6, encap;
} rows[] = {
	/* the table, path 1500 */
	{ GCM, 1500, 1446, false, false },
	{ GCM, 1500, 1438, false, true },
	{ CBC(SHA1_96), 1500, 1438, false, false },
	{ CBC(SHA1_96), 1500, 1422, false, true },
	{ CBC(SHA2_256_128), 1500, 1438, false, false },
	{ CBC(SHA2_256_128), 1500, 1422, false, true },
	{ CBC(SHA2_384_192), 1500, 1422, false, false },
	{ CBC(SHA2_384_192), 1500, 1422, false, true },
	{ CBC(SHA2_512_256), 1500, 1422, false, false },
	{ CBC(SHA2_512_256), 1500, 1406, false, true },
	/* the formula beyond the table */
	{ { .encr = ENCR_CHACHA20_POLY1305 }, 1500, 1446, false, false },
	{ { .encr = ENCR_3DES, .integ = INTEG_HMAC_SHA1_96 }, 1500, 1446, false, false },
	{ { .encr = ENCR_3DES, .integ = INTEG_HMAC_SHA1_96 }, 1500, 1438, false, true },
	{ GCM, 1500, 1426, true, false },
	{ CBC(SHA2_256_128), 1492, 1422, false, false },
	{ GCM, 9001, 8946, false, false },
	{ GCM, 40, 0, false, false },
	{ GCM, 0, 0, false, false },
};

START_TEST(aws_table)
{
	const struct row *r = &rows[_i];
	ck_assert_uint_eq(esp_inside_mtu(r->path, r->v6, r->encap, &r->suite), r->mtu);
}
END_TEST

/* Whatever the path: the packet of that size fits, one octet more does not. */
START_TEST(fits_exactly)
{
	static const struct suite cbc = CBC(SHA2_256_128), gcm = GCM;
	for (uint32_t path = 576; path < 2000; path++) {
		uint32_t mtu = esp_inside_mtu(path, false, true, &cbc);
		uint32_t outside = 20 + 8 + 8 + 16 + (mtu + 2 + 15) / 16 * 16 + 16,
			 more = 20 + 8 + 8 + 16 + (mtu + 3 + 15) / 16 * 16 + 16;
		ck_assert_uint_le(outside, path);
		ck_assert_uint_gt(more, path);
		mtu = esp_inside_mtu(path, true, false, &gcm);
		outside = 40 + 8 + 8 + (mtu + 2 + 3) / 4 * 4 + 16;
		more = 40 + 8 + 8 + (mtu + 3 + 3) / 4 * 4 + 16;
		ck_assert_uint_le(outside, path);
		ck_assert_uint_gt(more, path);
	}
}
END_TEST

/* Of alternatives the dearest counts; the integrity words do not burden an AEAD cipher beside them. */
START_TEST(of_proposals)
{
	static const struct {
		const char *text;
		uint32_t mtu;
	} want[] = { { "aes256gcm16", 1446 }, { "aes256-sha1", 1438 }, { "aes256-sha1-sha512", 1422 },
		{ "3des-aes256-sha256", 1438 }, { "3des-sha1", 1446 }, { "aes256-sha256-modp2048", 1438 } };
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		struct proposal p;
		const char *bad, *why;
		size_t len;
		ck_assert(proposal_parse(&p, PROTOCOL_ESP, want[i].text, &bad, &len, &why));
		ck_assert_msg(esp_inside_least(1500, false, false, &p) == want[i].mtu, "%s: %u", want[i].text,
			esp_inside_least(1500, false, false, &p));
	}
	struct proposal none = { .protocol = PROTOCOL_ESP };
	ck_assert_uint_eq(esp_inside_least(1500, false, false, &none), 0);
}
END_TEST

START_TEST(mss)
{
	ck_assert_uint_eq(tcp_mss(1446, false), 1406);
	ck_assert_uint_eq(tcp_mss(1446, true), 1386);
	ck_assert_uint_eq(tcp_mss(1422, false), 1382);
	ck_assert_uint_eq(tcp_mss(1406, true), 1346);
	ck_assert_uint_eq(tcp_mss(40, false), 0);
	ck_assert_uint_eq(tcp_mss(0, true), 0);
}
END_TEST

int main(void)
{
	const char *why;
	if (!alg_init(&why))
		return EXIT_FAILURE;
	TCase *t = tcase_create("mtu");
	tcase_add_loop_test(t, aws_table, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(t, fits_exactly);
	tcase_add_test(t, of_proposals);
	tcase_add_test(t, mss);
	return unit_run_case("mtu", t);
}
