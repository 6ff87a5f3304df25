/*
 * sign.c - the table of signature schemes; which one to use, and what an AUTH payload carries of it. No arithmetic here: sign_lib.c has what OpenSSL needs.
 */
#include <string.h>

#include "base/util.h"
#include "crypto/sign.h"

/* AlgorithmIdentifiers (RFC 7427 appendix A, RFC 8420 A), octet for octet what other implementations send. */
#define RSA_OID(last) 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last, 0x05, 0x00
#define ECDSA_OID(last) 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last
#define EDDSA_OID(last) 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, last
#define SHA2_OID(last) 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last, 0x05, 0x00
#define PSS_OID 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a
#define MGF1_OID 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08
#define PSS(hash, salt) \
	0x30, 0x41, PSS_OID, 0x30, 0x34, 0xa0, 0x0f, SHA2_OID(hash), 0xa1, 0x1c, 0x30, 0x1a, MGF1_OID, SHA2_OID(hash), 0xa2, \
		0x03, 0x02, 0x01, salt

#define DER(name, ...) static const uint8_t name[] = { __VA_ARGS__ }
DER(rsa_sha1, RSA_OID(0x05));
DER(rsa_sha256, RSA_OID(0x0b));
DER(rsa_sha384, RSA_OID(0x0c));
DER(rsa_sha512, RSA_OID(0x0d));
DER(pss_sha256, PSS(0x01, 0x20));
DER(pss_sha384, PSS(0x02, 0x30));
DER(pss_sha512, PSS(0x03, 0x40));
DER(ecdsa_sha1, 0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01);
DER(ecdsa_sha256, ECDSA_OID(0x02));
DER(ecdsa_sha384, ECDSA_OID(0x03));
DER(ecdsa_sha512, ECDSA_OID(0x04));
DER(ed25519, EDDSA_OID(0x70));
DER(ed448, EDDSA_OID(0x71));

#define BY_METHOD(n, m, h, k, text, weakness) \
	{ \
		.id = (n), .method = (m), .hash = (h), .key = (k), .word = (text), .weak = (weakness) \
	}
#define BY_RFC7427(n, h, k, with_pss, text, der, weakness) \
	{ \
		.id = (n), .method = AUTH_DIGITAL_SIGNATURE, .hash = (h), .key = (k), .pss = (with_pss), .word = (text), \
		.algorithm = { (der), sizeof(der) }, .weak = (weakness) \
	}
#define SHA1_AUTH "sha1-auth"

/* In the order of preference for each kind of key; the numbers are for ever. */
/* clang-format off */
static const struct sign_scheme table[] = {
	BY_RFC7427( 6, SIGN_HASH_SHA256, KEY_RSA, false, "rsa-sha256", rsa_sha256, NULL),
	BY_RFC7427( 7, SIGN_HASH_SHA384, KEY_RSA, false, "rsa-sha384", rsa_sha384, NULL),
	BY_RFC7427( 8, SIGN_HASH_SHA512, KEY_RSA, false, "rsa-sha512", rsa_sha512, NULL),
	BY_RFC7427(13, SIGN_HASH_SHA256, KEY_RSA, true, "rsa-pss-sha256", pss_sha256, NULL),
	BY_RFC7427(14, SIGN_HASH_SHA384, KEY_RSA, true, "rsa-pss-sha384", pss_sha384, NULL),
	BY_RFC7427(15, SIGN_HASH_SHA512, KEY_RSA, true, "rsa-pss-sha512", pss_sha512, NULL),
	BY_RFC7427( 5, SIGN_HASH_SHA1, KEY_RSA, false, "rsa-sha1", rsa_sha1, SHA1_AUTH),
	BY_METHOD(  1, AUTH_RSA_SIGNATURE, SIGN_HASH_SHA1, KEY_RSA, "rsa-sha1-method1", SHA1_AUTH),
	BY_RFC7427(10, SIGN_HASH_SHA256, KEY_NONE, false, "ecdsa-sha256", ecdsa_sha256, NULL),
	BY_RFC7427(11, SIGN_HASH_SHA384, KEY_NONE, false, "ecdsa-sha384", ecdsa_sha384, NULL),
	BY_RFC7427(12, SIGN_HASH_SHA512, KEY_NONE, false, "ecdsa-sha512", ecdsa_sha512, NULL),
	BY_RFC7427( 9, SIGN_HASH_SHA1, KEY_NONE, false, "ecdsa-sha1", ecdsa_sha1, SHA1_AUTH),
	BY_METHOD(  2, AUTH_ECDSA_256, SIGN_HASH_SHA256, KEY_P256, "ecdsa-256", NULL),
	BY_METHOD(  3, AUTH_ECDSA_384, SIGN_HASH_SHA384, KEY_P384, "ecdsa-384", NULL),
	BY_METHOD(  4, AUTH_ECDSA_521, SIGN_HASH_SHA512, KEY_P521, "ecdsa-521", NULL),
	BY_RFC7427(16, SIGN_HASH_IDENTITY, KEY_ED25519, false, "ed25519", ed25519, NULL),
	BY_RFC7427(17, SIGN_HASH_IDENTITY, KEY_ED448, false, "ed448", ed448, NULL),
};
/* clang-format on */

const char *key_kind_word(enum key_kind kind)
{
	switch (kind) {
	case KEY_NONE: break;
#define X(name, value, word) \
	case KEY_##name: return word;
		KEY_KIND_LIST(X)
#undef X
	}
	return "?";
}

const struct sign_scheme *sign_scheme_row(unsigned i) { return i < ARRAY_SIZE(table) ? &table[i] : NULL; }

const struct sign_scheme *sign_scheme(unsigned id)
{
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].id == id)
			return &table[i];
	return NULL;
}

static bool is_ecdsa(enum key_kind key) { return key == KEY_P256 || key == KEY_P384 || key == KEY_P521; }

bool sign_fits(const struct sign_scheme *s, enum key_kind key) { return s->key != KEY_NONE ? s->key == key : is_ecdsa(key); }

/* The hash that is as strong as the key (RFC 7427 5, RFC 5480 4). */
static uint8_t hash_of_key(const struct sign_wish *w)
{
	switch (w->key) {
	case KEY_RSA: return w->bits < 3072 ? SIGN_HASH_SHA256 : w->bits < 7680 ? SIGN_HASH_SHA384 : SIGN_HASH_SHA512;
	case KEY_P256: return SIGN_HASH_SHA256;
	case KEY_P384: return SIGN_HASH_SHA384;
	case KEY_P521: return SIGN_HASH_SHA512;
	case KEY_ED25519:
	case KEY_ED448: return SIGN_HASH_IDENTITY;
	case KEY_NONE: break;
	}
	return 0;
}

static bool may_sign(const struct sign_scheme *s, const struct sign_wish *w)
{
	bool by_list = s->method == AUTH_DIGITAL_SIGNATURE;
	if (!sign_fits(s, w->key) || by_list != (w->hashes != 0) || (s->weak != NULL && !w->sha1))
		return false;
	return !by_list || (w->hashes & SIGN_HASH_BIT(s->hash)) != 0;
}

/* Higher is better: the hash of the key before others, a stronger one before a weaker, the form of RSA that is wished. */
static unsigned rank(const struct sign_scheme *s, const struct sign_wish *w)
{
	return (s->weak == NULL ? 64u : 0u) + (s->pss == w->pss ? 32u : 0u) + (s->hash == hash_of_key(w) ? 16u : 0u) + s->hash;
}

const struct sign_scheme *sign_choose(const struct sign_wish *wish)
{
	const struct sign_scheme *best = NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		if (may_sign(&table[i], wish) && (best == NULL || rank(&table[i], wish) > rank(best, wish)))
			best = &table[i];
	return best;
}

/* SHA-1 is never asked for: a peer that knows nothing better has no use for the list. */
void sign_hashes_write(uint8_t data[SIGN_HASHES_SIZE])
{
	struct buf b = buf_of(data, SIGN_HASHES_SIZE);
	for (unsigned hash = SIGN_HASH_SHA256; hash <= SIGN_HASH_IDENTITY; hash++)
		put_u16(&b, (uint16_t)hash);
}

uint32_t sign_hashes_read(struct bytes data)
{
	struct cursor c = cursor_over(data);
	uint32_t mask = 1; /* a list without anything known is a list all the same */
	while (cursor_left(&c) >= 2) {
		uint16_t hash = get_u16(&c);
		if (hash >= SIGN_HASH_SHA1 && hash <= SIGN_HASH_IDENTITY)
			mask |= SIGN_HASH_BIT(hash);
	}
	return mask;
}

void sign_auth_write(struct buf *b, const struct sign_scheme *scheme, struct bytes signature)
{
	if (scheme->method == AUTH_DIGITAL_SIGNATURE) {
		put_u8(b, (uint8_t)scheme->algorithm.n);
		put_view(b, scheme->algorithm);
	}
	put_view(b, signature);
}

int sign_octets(const struct auth_input *in, struct sign_octets *out)
{
	size_t n = prf_size(in->prf);
	int err = n > 0 ? prf_compute(in->prf, in->sk_p, &in->id_body, 1, out->mac) : ERR_UNSUPPORTED;
	out->part[0] = in->message;
	out->part[1] = in->nonce;
	out->part[2] = bytes_of(out->mac, n);
	return err;
}
