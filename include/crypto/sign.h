/*
 * sign.h - THE table of the schemes by which IKEv2 proves an identity with a signature (RFC 7296 3.8, RFC 4754, RFC 7427, RFC 8420), and what an AUTH
 * payload carries of them. Nothing here knows certificates: cert.h verifies with the key of one, pkey.h signs with a private key.
 *
 * A scheme is known by its number, which is ours, never reused (it crosses between our processes). A signature is in the form that its scheme has in an
 * AUTH payload: r and s side by side for methods 9 to 11, Ecdsa-Sig-Value in DER for ECDSA by method 14.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/crypto.h"

/* What a public key is; others are refused. */
#define KEY_KIND_LIST(X) \
	X(RSA, 1, "rsa") \
	X(P256, 2, "ecdsa-p256") X(P384, 3, "ecdsa-p384") X(P521, 4, "ecdsa-p521") X(ED25519, 5, "ed25519") X(ED448, 6, "ed448")
enum key_kind {
	KEY_NONE = 0,
#define X(name, value, word) KEY_##name = value,
	KEY_KIND_LIST(X)
#undef X
};
const char *key_kind_word(enum key_kind kind); /* "?" for none */

/* Bounds of RSA keys, so that nobody has us compute with a modulus of 16384 bits, and no key is weak. */
#define KEY_RSA_BITS_MIN 2048
#define KEY_RSA_BITS_MAX 4096

/* Values of SIGNATURE_HASH_ALGORITHMS (RFC 7427 7, RFC 8420 2). */
enum sign_hash { SIGN_HASH_SHA1 = 1, SIGN_HASH_SHA256 = 2, SIGN_HASH_SHA384 = 3, SIGN_HASH_SHA512 = 4, SIGN_HASH_IDENTITY = 5 };
#define SIGN_HASH_BIT(hash) (1u << (hash))

#define SIGN_ALGORITHM_MAX 72 /* the longest AlgorithmIdentifier that we send: RSASSA-PSS, 67 */
#define SIGN_MAX 512          /* the longest signature: RSA of 4096 bits */

struct sign_scheme {
	uint8_t id;     /* ours */
	uint8_t method; /* enum ike_auth_method: what AUTH names */
	uint8_t hash;   /* enum sign_hash */
	bool pss;       /* RSASSA-PSS; else PKCS#1 v1.5 where the key is RSA */
	uint8_t key;    /* enum key_kind; KEY_NONE: ECDSA by method 14 with a key of any of the three curves */
	const char *
		word; /* for people and JSON: "rsa-sha256", "rsa-pss-sha256", "ecdsa-sha256", "ed25519"; by method 1 "rsa-sha1-method1", 9 to 11 "ecdsa-256", ... */
	struct bytes algorithm; /* method 14: its AlgorithmIdentifier, DER; else nothing */
	const char *weak;       /* NULL, or the word that `allow-weak` must name: "sha1-auth" */
};
const struct sign_scheme *sign_scheme(unsigned id);    /* NULL when there is none */
const struct sign_scheme *sign_scheme_row(unsigned i); /* NULL at the end */
bool sign_fits(const struct sign_scheme *s, enum key_kind key);

/* --- which one to sign with --- */
struct sign_wish {
	enum key_kind key;
	uint16_t bits; /* RSA: of the modulus */
	uint32_t
		hashes; /* SIGN_HASH_BIT of each value of the peer's SIGNATURE_HASH_ALGORITHMS; 0 when there was none: method 14 may not be sent then */
	bool sha1; /* SHA-1 is allowed */
	bool pss;  /* RSASSA-PSS rather than PKCS#1 v1.5 */
};
/* The best scheme; NULL when there is none that both ends can do. RSA: the hash by the size of the modulus (SHA-256 below 3072 bits, SHA-384 below 7680),
 * ECDSA: by the curve; else the strongest that the peer has. Method 1 and 9 to 11 only without the peer's list. */
const struct sign_scheme *sign_choose(const struct sign_wish *wish);

/* --- SIGNATURE_HASH_ALGORITHMS --- */
#define SIGN_HASHES_SIZE 8
void sign_hashes_write(uint8_t data[SIGN_HASHES_SIZE]); /* what this end verifies: SHA2-256, -384, -512, Identity */
#define SIGN_HASHES_OURS \
	(SIGN_HASH_BIT(SIGN_HASH_SHA256) | SIGN_HASH_BIT(SIGN_HASH_SHA384) | SIGN_HASH_BIT(SIGN_HASH_SHA512) | \
		SIGN_HASH_BIT(SIGN_HASH_IDENTITY))
/* the mask; unknown values are passed over, an odd octet at the end, too; never 0: bit 0 says that there was a list */
uint32_t sign_hashes_read(struct bytes data);

/* --- AUTH (RFC 7296 3.8): what stands behind the method and its three reserved octets --- */
struct sign_auth {
	const struct sign_scheme *scheme;
	uint16_t salt; /* RSASSA-PSS: octets */
	struct bytes signature;
};
/* ERR_UNSUPPORTED: a method or an AlgorithmIdentifier that no row has (PSK and NULL among them); ERR_SHORT, ERR_LENGTH, ERR_SYNTAX: malformed. Views into data. */
int sign_auth_read(uint8_t method, struct bytes data, struct sign_auth *out);
/* The AlgorithmIdentifier where the method wants it, and the signature. */
void sign_auth_write(struct buf *b, const struct sign_scheme *scheme, struct bytes signature);

/* --- what is signed (RFC 7296 2.15): InitiatorSignedOctets or ResponderSignedOctets, as parts to be taken one after the other --- */
#define SIGN_PARTS 3
struct sign_octets {
	struct bytes part[SIGN_PARTS]; /* message, nonce, and a view of mac */
	uint8_t mac[PRF_MAX];          /* prf(SK_p, id_body) */
};
int sign_octets(const struct auth_input *in, struct sign_octets *out); /* *out is not to be moved or copied afterwards */

#endif
