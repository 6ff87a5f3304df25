/* test_cert_auth.c - AUTH of a peer whose certificate is good: each scheme with each kind of key, and signatures that are none. */
#include <openssl/rsa.h>

#include "shown_help.h"

START_TEST(each_scheme_and_each_key)
{
	static const char *const words[] = { "rsa2048", "P-256", "P-384", "P-521", "ED25519", "ED448" };
	static const enum key_kind kinds[] = { KEY_RSA, KEY_P256, KEY_P384, KEY_P521, KEY_ED25519, KEY_ED448 };
	struct shown s;
	unsigned signatures = 0;
	usual();
	struct anchors *a = trust(&root);
	for (unsigned k = 0; k < 6; k++) {
		struct made m = made(&(struct made_spec){ .issuer = &root, .key = words[k], .san = GW1 });
		struct made other = made(&(struct made_spec){ .issuer = &root, .key = words[k], .san = GW1 });
		const struct sign_scheme *scheme;
		for (unsigned i = 0; (scheme = sign_scheme_row(i)) != NULL; i++) {
			SHOW(&s, a, k == 0 ? &m : &leaf); /* fills in the rest */
			s.chain[0] = m.der;
			if (!sign_fits(scheme, kinds[k])) {
				s.claim.method = scheme->method;
				struct buf b = buf_of(s.auth, sizeof s.auth);
				sign_auth_write(&b, scheme, bytes_of("0123456789", 10));
				s.claim.auth = buf_view(&b);
				s.claim.sha1 = true;
				ck_cause(&s, METHOD);
				continue;
			}
			sign_it(&s, m.key, scheme);
			if (scheme->weak != NULL)
				ck_cause(&s, AUTH_WEAK);
			s.claim.sha1 = true;
			ck_cause(&s, OK);
			ck_assert_ptr_eq(s.verdict.scheme, scheme);
			s.octets.mac[0] ^= 1;
			ck_cause(&s, AUTH_BAD);
			s.octets.mac[0] ^= 1;
			uint8_t *last = (uint8_t *)(uintptr_t)s.claim.auth.p + s.claim.auth.n - 1;
			*last ^= 1;
			ck_cause(&s, AUTH_BAD);
			*last ^= 1;
			s.chain[0] = other.der; /* somebody else's key */
			ck_cause(&s, AUTH_BAD);
			signatures++;
		}
	}
	ck_assert_uint_eq(signatures, 8 + 3 * 5 + 2);
}
END_TEST

START_TEST(no_method_no_proof)
{
	struct shown s;
	usual();
	SHOW(&s, trust(&root), &leaf, &sub);
	static const uint8_t methods[] = { 0, AUTH_SHARED_KEY_MIC, AUTH_DSS_SIGNATURE, AUTH_NULL, 255 };
	for (unsigned i = 0; i < sizeof methods; i++) {
		s.claim.method = methods[i];
		ck_cause(&s, METHOD);
	}
	cert_judge_chain(s.anchors, &s.claim, &s.verdict); /* for who asks about certificates alone */
	ck_assert_int_eq(s.verdict.cause, CERT_OK);
	ck_assert_ptr_null(s.verdict.scheme);
}
END_TEST

/* CVE-2013-2944: an empty signature, r or s that is zero or too large. */
START_TEST(bug_CVE_2013_2944_signature)
{
	struct shown s;
	uint8_t raw[66] = { 0 }, order[] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
	usual();
	SHOW(&s, trust(&root), &leaf, &sub);
	s.claim.method = AUTH_ECDSA_256;
	s.claim.auth = bytes_of(raw, 0);
	ck_cause(&s, METHOD); /* none at all is malformed */
	s.claim.auth = bytes_of(raw, 64);
	ck_cause(&s, AUTH_BAD); /* r = s = 0 */
	raw[31] = 1;
	ck_cause(&s, AUTH_BAD); /* s = 0 */
	raw[31] = 0;
	raw[63] = 1;
	ck_cause(&s, AUTH_BAD); /* r = 0 */
	memcpy(raw, order, 32);
	memcpy(raw + 32, order, 32);
	ck_cause(&s, AUTH_BAD); /* both are the order */
	memset(raw, 0xff, sizeof raw);
	ck_cause(&s, AUTH_BAD);
	/* A good one with an octet before, behind, less. */
	sign_it(&s, leaf.key, sign_scheme(2));
	ck_cause(&s, OK);
	memcpy(raw, s.claim.auth.p, 64);
	raw[64] = 0;
	s.claim.auth = bytes_of(raw, 65);
	ck_cause(&s, AUTH_BAD);
	s.claim.auth = bytes_of(raw, 63);
	ck_cause(&s, AUTH_BAD);
	/* In DER: SEQUENCE { 0, 0 }, an empty one, a good one with octets behind it. */
	static const uint8_t head[] = { 12, 0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2 };
	static const char *const tails[] = { "\x30\6\2\1\0\2\1\0", "\x30\0", "\x30\6\2\1\1\2\1\0" };
	static const size_t sizes[] = { 8, 2, 8 };
	s.claim.method = AUTH_DIGITAL_SIGNATURE;
	for (unsigned i = 0; i < 3; i++) {
		memcpy(s.auth, head, sizeof head);
		memcpy(s.auth + sizeof head, tails[i], sizes[i]);
		s.claim.auth = bytes_of(s.auth, sizeof head + sizes[i]);
		ck_cause(&s, AUTH_BAD);
	}
	sign_it(&s, leaf.key, sign_scheme(10));
	ck_cause(&s, OK);
	s.auth[s.claim.auth.n++] = 0;
	ck_cause(&s, AUTH_BAD);
}
END_TEST

/* What a private key makes of a block of our choice: a "signature" that opens to it. */
static void forge(struct shown *s, EVP_PKEY *key, const uint8_t *block)
{
	static const uint8_t head[] = { 15, 0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0 };
	size_t n = 256;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	ck_assert(EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1);
	memcpy(s->auth, head, sizeof head);
	ck_assert_int_eq(EVP_PKEY_sign(ctx, s->auth + sizeof head, &n, block, 256), 1);
	s->claim.method = AUTH_DIGITAL_SIGNATURE;
	s->claim.auth = bytes_of(s->auth, sizeof head + n);
	EVP_PKEY_CTX_free(ctx);
}

/* CVE-2018-16151, -16152, -17540, CVE-2026-50722: PKCS#1 v1.5 blocks that a lenient parser takes. */
START_TEST(bug_CVE_2018_16151_signature)
{
	static const uint8_t info[] = { 0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20 };
	struct shown s;
	uint8_t hash[32], block[256], bad[256];
	usual();
	struct made m = made(&(struct made_spec){ .issuer = &root, .key = "rsa2048", .san = GW1 });
	SHOW(&s, trust(&root), &m);
	ck_assert_int_eq(hash_sha256(s.octets.part, SIGN_PARTS, hash), ERR_OK);
	memset(block, 0xff, sizeof block);
	block[0] = 0;
	block[1] = 1;
	block[255 - 32 - sizeof info] = 0;
	memcpy(block + 256 - 32 - sizeof info, info, sizeof info);
	memcpy(block + 256 - 32, hash, 32);
	forge(&s, m.key, block);
	ck_cause(&s, OK); /* the forger's tool works */
	size_t rest = 32 + sizeof info;

	memcpy(bad, block, 256); /* short padding, rubbish behind the hash */
	memmove(bad + 11, block + 256 - rest, rest);
	bad[10] = 0;
	memset(bad + 11 + rest, 0x5a, 256 - 11 - rest);
	forge(&s, m.key, bad);
	ck_cause(&s, AUTH_BAD);
	memcpy(bad, block, 256); /* a hash of one octet */
	bad[255 - 32] = 1;
	forge(&s, m.key, bad);
	ck_cause(&s, AUTH_BAD);
	memcpy(bad, block, 256); /* parameters that are no NULL */
	bad[256 - rest + 15] = 4;
	forge(&s, m.key, bad);
	ck_cause(&s, AUTH_BAD);
	memcpy(bad, block, 256); /* padding that is not ff */
	bad[20] = 0xfe;
	forge(&s, m.key, bad);
	ck_cause(&s, AUTH_BAD);
	memcpy(bad, block, 256); /* block type 2 */
	bad[1] = 2;
	forge(&s, m.key, bad);
	ck_cause(&s, AUTH_BAD);
	memcpy(bad, block, 256); /* an algorithm that is not the one that AUTH names */
	bad[256 - rest + 14] = 2;
	forge(&s, m.key, bad);
	ck_cause(&s, AUTH_BAD);
	s.claim.auth.n--; /* a signature that is too short */
	ck_cause(&s, AUTH_BAD);
}
END_TEST

/* CVE-2018-6459: RSASSA-PSS without the hash of its mask function. */
START_TEST(bug_CVE_2018_6459)
{
	static const uint8_t no_hash[] = { 0x34, 0x30, 0x32, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a, 0x30, 0x25,
		0xa0, 0x0f, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 0xa1, 0x0d, 0x30, 0x0b, 6, 9, 0x2a,
		0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8, 0xa2, 3, 2, 1, 0x20 };
	struct shown s;
	usual();
	struct made m = made(&(struct made_spec){ .issuer = &root, .key = "rsa2048", .san = GW1 });
	SHOW(&s, trust(&root), &m);
	sign_it(&s, m.key, sign_scheme(13));
	ck_cause(&s, OK);
	uint8_t signature[256];
	memcpy(signature, s.claim.auth.p + s.claim.auth.n - 256, 256);
	memcpy(s.auth, no_hash, sizeof no_hash);
	memcpy(s.auth + sizeof no_hash, signature, 256);
	s.claim.auth = bytes_of(s.auth, sizeof no_hash + 256);
	ck_cause(&s, METHOD);
}
END_TEST

UNIT_MAIN("cert_auth", each_scheme_and_each_key, no_method_no_proof, bug_CVE_2013_2944_signature, bug_CVE_2018_16151_signature,
	bug_CVE_2018_6459)
