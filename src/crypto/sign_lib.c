/* sign_lib.c - signatures by OpenSSL. The one-shot calls are used throughout, because EdDSA has no others; the octets are put together for them. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/util.h"
#include "sign_lib.h"

#define COORDINATE_MAX 66 /* P-521 */

static const struct group {
	const char *name, *nist;
	enum key_kind kind;
	uint16_t coordinate; /* octets of r and s */
} groups[] = {
	{ "prime256v1", "P-256", KEY_P256, 32 },
	{ "secp384r1", "P-384", KEY_P384, 48 },
	{ "secp521r1", "P-521", KEY_P521, 66 },
};

static enum key_kind kind_of_group(const EVP_PKEY *key)
{
	char name[64] = "";
	size_t len;
	if (EVP_PKEY_get_group_name(key, name, sizeof name, &len) != 1)
		return KEY_NONE;
	for (unsigned i = 0; i < ARRAY_SIZE(groups); i++)
		if (strcmp(name, groups[i].name) == 0 || strcmp(name, groups[i].nist) == 0)
			return groups[i].kind;
	return KEY_NONE;
}

enum key_kind sign_lib_kind(const EVP_PKEY *key, uint16_t *bits)
{
	int size = EVP_PKEY_get_bits(key);
	*bits = size > 0 && size <= UINT16_MAX ? (uint16_t)size : 0;
	if (EVP_PKEY_is_a(key, "RSA"))
		return KEY_RSA;
	if (EVP_PKEY_is_a(key, "EC"))
		return kind_of_group(key);
	return EVP_PKEY_is_a(key, "ED25519") ? KEY_ED25519 : EVP_PKEY_is_a(key, "ED448") ? KEY_ED448 : KEY_NONE;
}

static const char *digest_of(const struct sign_scheme *s)
{
	switch ((enum sign_hash)s->hash) {
	case SIGN_HASH_SHA1: return "SHA1";
	case SIGN_HASH_SHA256: return "SHA256";
	case SIGN_HASH_SHA384: return "SHA384";
	case SIGN_HASH_SHA512: return "SHA512";
	case SIGN_HASH_IDENTITY: break;
	}
	return NULL;
}

/* Padding and, for PSS, the salt; params has room for 4. */
static void rsa_params(const struct sign_scheme *s, int *salt, OSSL_PARAM *params)
{
	char *digest = (char *)(uintptr_t)digest_of(s);
	char *mode = s->pss ? OSSL_PKEY_RSA_PAD_MODE_PSS : OSSL_PKEY_RSA_PAD_MODE_PKCSV15;
	if (s->key == KEY_RSA)
		*params++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, mode, 0);
	if (s->pss) {
		*params++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, digest, 0);
		*params++ = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, salt);
	}
	*params = OSSL_PARAM_construct_end();
}

static uint8_t *join(const struct bytes *parts, unsigned n, size_t *len)
{
	uint8_t *all, *at;
	*len = 0;
	for (unsigned i = 0; i < n; i++)
		*len += parts[i].n;
	at = all = malloc(*len + 1);
	for (unsigned i = 0; all != NULL && i < n; i++)
		if (parts[i].n > 0)
			at = (uint8_t *)memcpy(at, parts[i].p, parts[i].n) + parts[i].n;
	return all;
}

/* --- r and s side by side (RFC 4754 3) --- */
static size_t coordinate_of(const struct sign_scheme *s)
{
	for (unsigned i = 0; i < ARRAY_SIZE(groups); i++)
		if (s->method != AUTH_DIGITAL_SIGNATURE && groups[i].kind == s->key)
			return groups[i].coordinate;
	return 0; /* the signature is as OpenSSL has it */
}

/* malloc'd by OpenSSL; NULL for a wrong length, too. */
static uint8_t *raw_to_der(struct bytes raw, size_t coordinate, size_t *len)
{
	uint8_t *der = NULL;
	if (raw.n != 2 * coordinate)
		return NULL;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw.p, (int)coordinate, NULL), *s = BN_bin2bn(raw.p + coordinate, (int)coordinate, NULL);
	if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
		int n = i2d_ECDSA_SIG(sig, &der);
		*len = n > 0 ? (size_t)n : 0;
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(sig);
	return der;
}

static int der_to_raw(uint8_t *data, size_t *len, size_t coordinate)
{
	const uint8_t *at = data;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)*len);
	int err = ERR_CRYPTO;
	if (sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), data, (int)coordinate) == (int)coordinate &&
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), data + coordinate, (int)coordinate) == (int)coordinate)
		err = ERR_OK;
	*len = 2 * coordinate;
	ECDSA_SIG_free(sig);
	return err;
}

static int verify_octets(EVP_PKEY *key, const struct sign_auth *auth, struct bytes signature, const uint8_t *octets, size_t len)
{
	OSSL_PARAM params[4];
	int salt = auth->salt, err = ERR_CRYPTO;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	rsa_params(auth->scheme, &salt, params);
	/* Only 1 is a yes: 0 and negative numbers are two kinds of no. */
	if (ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, digest_of(auth->scheme), NULL, NULL, key, params) == 1)
		err = EVP_DigestVerify(ctx, signature.p, signature.n, octets, len) == 1 ? ERR_OK : ERR_INTEGRITY;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return err;
}

int sign_lib_verify(EVP_PKEY *key, const struct sign_auth *auth, const struct bytes *parts, unsigned n)
{
	uint16_t bits;
	size_t len, coordinate = coordinate_of(auth->scheme);
	struct bytes signature = auth->signature;
	if (!sign_fits(auth->scheme, sign_lib_kind(key, &bits)))
		return ERR_UNSUPPORTED;
	uint8_t *der = NULL, *octets = join(parts, n, &len);
	if (coordinate > 0) {
		der = raw_to_der(signature, coordinate, &signature.n);
		signature.p = der;
	}
	int err = octets == NULL        ? ERR_CRYPTO
		  : signature.p == NULL ? ERR_INTEGRITY
					: verify_octets(key, auth, signature, octets, len);
	OPENSSL_free(der);
	free(octets);
	return err;
}

int sign_lib_sign(EVP_PKEY *key, OSSL_LIB_CTX *libctx, const char *propq, const struct sign_scheme *scheme,
	const struct bytes *parts, unsigned n, uint8_t out[SIGN_MAX], size_t *len)
{
	OSSL_PARAM params[4];
	uint16_t bits;
	int salt = RSA_PSS_SALTLEN_DIGEST, err = ERR_CRYPTO;
	size_t size, coordinate = coordinate_of(scheme);
	*len = 0;
	if (!sign_fits(scheme, sign_lib_kind(key, &bits)))
		return ERR_UNSUPPORTED;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *octets = join(parts, n, &size);
	rsa_params(scheme, &salt, params);
	*len = SIGN_MAX;
	if (ctx != NULL && octets != NULL &&
		EVP_DigestSignInit_ex(ctx, NULL, digest_of(scheme), libctx, propq, key, params) == 1 &&
		EVP_DigestSign(ctx, out, len, octets, size) == 1)
		err = coordinate > 0 ? der_to_raw(out, len, coordinate) : ERR_OK;
	if (err)
		*len = 0;
	EVP_MD_CTX_free(ctx);
	free(octets);
	ERR_clear_error();
	return err;
}
