/*
 * alg.h - THE algorithm registry. One row per algorithm: IKEv2 transform, configuration word, sizes, kernel name, verdict (RFC
 * 8247, RFC 8221). A new algorithm is one row here (and its OpenSSL name beside it in alg.c), nothing else.
 */
#ifndef CRYPTO_ALG_H
#define CRYPTO_ALG_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/ikev2.h"
#include "wire/proposal.h"

enum alg_use { ALG_IKE = 1, ALG_ESP = 2 };

struct alg {
	uint8_t type; /* enum ike_transform_type */
	uint16_t id;
	uint16_t keylen; /* bits of the Key Length attribute; 0 = none is sent */
	/* "aes256", "aes256gcm16", "sha256" (integ), "prfsha256", "modp2048", "ecp384", "x25519", "esn", "noesn" */
	const char *word;
	uint8_t uses;       /* ALG_IKE | ALG_ESP */
	uint16_t key_bytes; /* ENCR: cipher key (without salt); INTEG, PRF: key = output size; KE: length of the public value */
	uint8_t salt_bytes; /* AEAD: 4 */
	uint8_t iv_bytes, block_bytes; /* ENCR; block: what ESP aligns to (4 for AEAD); SK{} of AEAD needs no alignment */
	uint8_t icv_bytes;             /* AEAD tag, INTEG truncated length; PRF: output length */
	const char *weak; /* NULL, or the word that `allow-weak` must name ("modp1024", "sha1", "3des", "md5", ...) */
	bool aead;
	bool full_check;    /* KE groups 22-24: small subgroups, the full public key check is needed (RFC 6989 2.2) */
	const char *kernel; /* XFRM name: "cbc(aes)", "rfc4106(gcm(aes))", "hmac(sha256)", ...; NULL if not for ESP */
};

/* NULL when unknown or when the cryptographic library of this machine does not load it (decided once, when it is asked for first; by any thread). */
const struct alg *alg_find(uint8_t type, uint16_t id, uint16_t keylen);
const struct alg *alg_by_word(const char *word, size_t len);
const struct alg *alg_row(unsigned i);                      /* iterate, NULL at the end; rows that did not load are left out */
const struct alg *alg_any(unsigned i);                      /* the same with the rows that did not load */
const char *alg_nearest_word(const char *word, size_t len); /* for error messages; NULL if nothing is near */

/* Reads the library's settings and loads the modules that they name: what is fetched later needs no file any more. false when it refuses them. */
bool alg_begin(const char **why);
/* The same, and false when even AES-256, SHA-256 or group 14 fail. */
bool alg_init(const char **why);

/* "aes256-sha256-modp2048": several words of one kind are alternatives. For IKE a PRF is derived from the integrity words when
 * none is named; AEAD takes prf words (prfsha384) and no integrity. esp without group = no PFS. `esn` / `noesn` words; absent:
 * the tunnel's esn key decides. On failure *bad points at the offending word in text (its length in *bad_len) and *why says
 * what is wrong. allow_weak is not judged here. */
bool proposal_parse(struct proposal *p, uint8_t protocol, const char *text, const char **bad, size_t *bad_len, const char **why);
/* The inverse; text for people and JSON: "aes256-sha256-modp2048", prf only named when it is not the integrity's. */
#define PROPOSAL_TEXT 256
const char *proposal_format(const struct proposal *p, char text[PROPOSAL_TEXT]);
const char *offer_format(const struct offer *o, char text[PROPOSAL_TEXT]); /* unknown ids as numbers: "encr-99", "group-1025" */
const char *suite_format(const struct suite *s, char text[PROPOSAL_TEXT]);
/* First weak word of a proposal that is not in the allowed set, NULL if none. allowed: bit per weak word, see alg_weak_bit. */
const char *proposal_weak(const struct proposal *p, uint32_t allowed);
uint32_t alg_weak_bit(const char *word); /* 0 when it is no weak word */
const char *alg_weak_word(unsigned i);   /* iterate the words of `allow-weak`, NULL at the end */

/* MTU inside so that the outside packet fits path_mtu (the formula of AWS's table); 0: nothing fits. Of a proposal: with
 * whichever of its alternatives leaves least. And the MSS of an MTU. */
uint32_t esp_inside_mtu(uint32_t path_mtu, bool outside_v6, bool udp, const struct suite *s);
uint32_t esp_inside_least(uint32_t path_mtu, bool outside_v6, bool udp, const struct proposal *p);
uint32_t tcp_mss(uint32_t mtu, bool inside_v6);

#endif
