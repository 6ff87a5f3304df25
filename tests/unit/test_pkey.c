/* test_pkey.c - private keys: each kind and form of file, passwords, what is no key; whose key it is; signatures that another verifier takes. Tokens: test_pkey_store. */
#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>

#include "crypto_help.h"
#include "made_cert.h"

static struct pkey *opened(struct bytes file, const char *password, const char **why)
{
	return pkey_open(&(struct pkey_source){ .file = file, .password = password }, why);
}

static const struct {
	const char *word;
	enum key_kind kind;
	uint16_t bits;
} keys[] = { { "rsa2048", KEY_RSA, 2048 }, { "P-256", KEY_P256, 256 }, { "P-384", KEY_P384, 384 }, { "P-521", KEY_P521, 521 },
	{ "ED25519", KEY_ED25519, 256 }, { "ED448", KEY_ED448, 456 } };
#define KEYS (sizeof keys / sizeof keys[0])

static struct bytes old_pem(EVP_PKEY *key)
{
	char *p;
	BIO *b = BIO_new(BIO_s_mem());
	ck_assert(PEM_write_bio_PrivateKey_traditional(b, key, NULL, NULL, 0, NULL, NULL) == 1);
	long n = BIO_get_mem_data(b, &p);
	uint8_t *own = memcpy(made_kept(malloc((size_t)n)), p, (size_t)n);
	BIO_free(b);
	return bytes_of(own, (size_t)n);
}

START_TEST(kinds_and_forms)
{
	const char *why = "";
	need_algs();
	for (unsigned i = 0; i < KEYS; i++) {
		struct made m = made(&(struct made_spec){ .key = keys[i].word });
		bool old = keys[i].kind != KEY_ED25519 && keys[i].kind != KEY_ED448; /* these have no older form */
		const struct {
			struct bytes file;
			const char *password;
		} files[] = { { made_key_pem(m.key, NULL), NULL }, { made_key_pem(m.key, NULL), "not needed" },
			{ made_key_pem(m.key, "secret"), "secret" }, { old ? old_pem(m.key) : made_key_pem(m.key, NULL), NULL },
			{ made_pkcs12(&m, NULL, "secret"), "secret" }, { made_pkcs12(&m, NULL, NULL), NULL },
			{ made_pkcs12(&m, NULL, ""), NULL } };
		for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
			struct pkey *k = opened(files[f].file, files[f].password, &why);
			ck_assert_msg(k != NULL, "%s, file %zu: %s", keys[i].word, f, why);
			ck_assert_int_eq(pkey_kind(k), keys[i].kind);
			ck_assert_uint_eq(pkey_bits(k), keys[i].bits);
			pkey_close(k);
		}
		made_free(&m);
	}
}
END_TEST

START_TEST(what_is_no_key)
{
	const char *why;
	need_algs();
	struct made m = made(&(struct made_spec){ 0 });
	struct bytes plain = made_key_pem(m.key, NULL), sealed = made_key_pem(m.key, "secret"),
		     p12 = made_pkcs12(&m, NULL, "secret");
	uint8_t *big = calloc(PKEY_FILE_MAX + 1, 1);
	const struct {
		struct bytes file;
		const char *password, *why;
	} files[] = {
		{ bytes_of(NULL, 0), NULL, "the file is empty, or larger than 64 kB" },
		{ bytes_of(big, PKEY_FILE_MAX + 1), NULL, "the file is empty, or larger than 64 kB" },
		{ bytes_of("key", 3), NULL, "there is no private key in it" },
		{ made_pem("CERTIFICATE", m.der), NULL, "there is no private key in it" },
		{ bytes_of(plain.p, plain.n - 30), NULL,
			"the private key in it cannot be read: it is damaged, or the password is wrong" },
		{ sealed, NULL, "it is encrypted, and there is no password" },
		{ sealed, "wrong", "the private key in it cannot be read: it is damaged, or the password is wrong" },
		{ p12, NULL,
			"it is a PKCS#12 file with a password, or its encryption is of before 2010 (openssl pkcs12 -legacy)" },
		{ p12, "wrong",
			"it cannot be opened: the password is wrong, or its encryption is of before 2010 (openssl pkcs12 -legacy)" },
		{ m.der, NULL, "it is neither PEM nor PKCS#12" },
		{ made_key_pem(made_key("rsa1024"), NULL), NULL, "an RSA key has 2048 to 4096 bits here" },
		{ made_key_pem(made_key("secp256k1"), NULL), NULL,
			"the key is neither RSA, nor ECDSA with P-256, P-384 or P-521, nor Ed25519 or Ed448" },
		{ made_key_pem(made_key("X25519"), NULL), NULL,
			"the key is neither RSA, nor ECDSA with P-256, P-384 or P-521, nor Ed25519 or Ed448" },
	};
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		ck_assert_ptr_null(opened(files[i].file, files[i].password, &why));
		ck_assert_str_eq(why, files[i].why);
	}
	free(big);
}
END_TEST

START_TEST(whose_key_it_is)
{
	const char *why;
	enum cert_cause cause;
	need_algs();
	for (unsigned i = 0; i < KEYS; i++) {
		struct made one = made(&(struct made_spec){ .key = keys[i].word }),
			    two = made(&(struct made_spec){ .key = keys[(i + 1) % KEYS].word });
		struct made again = made(&(struct made_spec){ .key = keys[i].word });
		struct pkey *k = opened(made_key_pem(one.key, NULL), NULL, &why);
		struct cert *a = cert_read(one.der, &cause), *b = cert_read(two.der, &cause), *c = cert_read(again.der, &cause);
		ck_assert(pkey_fits(k, a) && !pkey_fits(k, b) && !pkey_fits(k, c));
		pkey_close(k);
		cert_free(a);
		cert_free(b);
		cert_free(c);
	}
}
END_TEST

START_TEST(signatures_as_auth_has_them)
{
	static const struct bytes parts[] = { { (const uint8_t *)"some", 4 }, { NULL, 0 }, { (const uint8_t *)" octets", 7 } };
	const char *why;
	uint8_t out[SIGN_MAX];
	size_t len;
	need_algs();
	struct pkey *k = opened(made_key_pem(made_key("P-521"), NULL), NULL, &why);
	ck_assert_int_eq(pkey_sign(k, sign_scheme(4), parts, 3, out, &len), ERR_OK);
	ck_assert_uint_eq(len, 132); /* r and s, 66 octets each, whatever their values */
	ck_assert_int_eq(pkey_sign(k, sign_scheme(12), parts, 3, out, &len), ERR_OK);
	ck_assert(out[0] == 0x30 && len <= 139);
	ck_assert_int_eq(pkey_sign(k, sign_scheme(2), parts, 3, out, &len), ERR_UNSUPPORTED); /* P-256's */
	ck_assert_int_eq(pkey_sign(k, sign_scheme(6), parts, 3, out, &len), ERR_UNSUPPORTED);
	ck_assert_uint_eq(len, 0);
	pkey_close(k);

	EVP_PKEY *rsa = made_key("rsa4096");
	k = opened(made_key_pem(rsa, NULL), NULL, &why);
	ck_assert_int_eq(pkey_sign(k, sign_scheme(6), parts, 3, out, &len), ERR_OK);
	ck_assert_uint_eq(len, 512);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new(); /* by the library's plain calls */
	ck_assert_int_eq(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, rsa), 1);
	ck_assert_int_eq(EVP_DigestVerify(ctx, out, len, (const uint8_t *)"some octets", 11), 1);
	EVP_MD_CTX_free(ctx);
	pkey_close(k);
	pkey_close(NULL);
}
END_TEST

START_TEST(what_is_a_uri)
{
	const char *why;
	ck_assert(pkey_is_uri("pkcs11:token=gw;object=key") && pkey_is_uri("handle:0x81000001"));
	ck_assert(!pkey_is_uri("gw1.pem") && !pkey_is_uri("file:gw1.pem") && !pkey_is_uri(""));
	ck_assert_ptr_null(pkey_open(&(struct pkey_source){ .uri = "file:/etc/ssl/private/key.pem" }, &why));
	ck_assert_str_eq(why, "the URI of a key begins with pkcs11: or handle:");
}
END_TEST

UNIT_MAIN("pkey", kinds_and_forms, what_is_no_key, whose_key_it_is, signatures_as_auth_has_them, what_is_a_uri)
