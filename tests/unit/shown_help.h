/* shown_help.h - for the tests of cert_judge: a peer that shows a chain and signs, and what is made of it. */
#ifndef SHOWN_HELP_H
#define SHOWN_HELP_H

#include <stdio.h>
#include <string.h>

#include "crypto_help.h"
#include "made_cert.h"

/* A claim with room for what it points to. */
struct shown {
	struct anchors *anchors;
	struct cert_claim claim;
	struct bytes chain[8];
	struct sign_octets octets;
	uint8_t auth[SIGN_ALGORITHM_MAX + SIGN_MAX + 1];
	struct cert_verdict verdict;
};

static inline struct anchors *trust_crls(const struct made *ca, const struct bytes *crls, unsigned n, enum crl_policy policy)
{
	const char *why = "";
	struct anchors_conf conf = { .ca = &ca->der, .n_ca = 1, .crl = crls, .n_crl = n, .crl_policy = policy };
	struct anchors *a = anchors_new(&conf, &why);
	ck_assert_msg(a != NULL, "%s", why);
	return made_kept(a);
}

static inline struct anchors *trust(const struct made *ca) { return trust_crls(ca, NULL, 0, CRL_OFF); }

static inline struct auth_input said(void)
{
	static uint8_t message[300], nonce[32], key[32];
	memset(message, 7, sizeof message);
	memset(nonce, 8, sizeof nonce);
	memset(key, 9, sizeof key);
	return (struct auth_input){ PRF_HMAC_SHA2_256, bytes_of(message, sizeof message), bytes_of(nonce, sizeof nonce),
		bytes_of(key, sizeof key), bytes_of("\2\0\0\0gw1.example", 15) };
}

/* Signed by k in this way; the claim is filled in but for the chain. */
static inline void sign_it(struct shown *s, EVP_PKEY *key, const struct sign_scheme *scheme)
{
	const char *why = "";
	uint8_t signature[SIGN_MAX];
	size_t len;
	struct auth_input in = said();
	struct pkey *k = pkey_open(&(struct pkey_source){ .file = made_key_pem(key, NULL) }, &why);
	ck_assert_msg(k != NULL, "%s", why);
	ck_assert_int_eq(sign_octets(&in, &s->octets), ERR_OK);
	ck_assert_int_eq(pkey_sign(k, scheme, s->octets.part, SIGN_PARTS, signature, &len), ERR_OK);
	struct buf b = buf_of(s->auth, sizeof s->auth);
	sign_auth_write(&b, scheme, bytes_of(signature, len));
	ck_assert(!b.bad);
	s->claim.method = scheme->method;
	s->claim.auth = buf_view(&b);
	s->claim.octets = &s->octets;
	pkey_close(k);
}

/* The chain, leaf first up to NULL, and FQDN gw1.example as the identity; signed with the leaf's key. */
static inline void show(struct shown *s, struct anchors *a, const struct made *const *chain)
{
	uint16_t bits = (uint16_t)EVP_PKEY_get_bits(chain[0]->key);
	struct sign_wish wish = { KEY_P256, bits, SIGN_HASHES_OURS, false, false };
	if (EVP_PKEY_is_a(chain[0]->key, "RSA"))
		wish.key = KEY_RSA;
	*s = (struct shown){ .anchors = a };
	s->claim = (struct cert_claim){
		.chain = s->chain, .id_type = ID_FQDN, .id = bytes_of("gw1.example", 11), .now = MADE_NOW
	};
	for (unsigned i = 0; chain[i] != NULL; i++)
		s->chain[s->claim.n_chain++] = chain[i]->der;
	sign_it(s, chain[0]->key, sign_choose(&wish));
}

static inline enum cert_cause judged(struct shown *s)
{
	cert_judge(s->anchors, &s->claim, &s->verdict);
	return s->verdict.cause;
}

#define ck_cause(s, want) \
	do { \
		enum cert_cause got_ = judged(s); \
		ck_assert_msg(got_ == CERT_##want, "%s (%s), wanted " #want, cert_cause_word(got_), (s)->verdict.subject); \
	} while (0)
#define SHOW(s, a, ...) show(s, a, (const struct made *const[]){ __VA_ARGS__, NULL })

#define GW1 "DNS:gw1.example"
static struct made root, sub, leaf; /* for most tests */
static inline void usual(void)
{
	need_algs();
	root = made_ca("CN=root", NULL);
	sub = made_ca("CN=sub", &root);
	leaf = made_leaf("O=Example,CN=gw1", &sub, GW1);
}

#endif
