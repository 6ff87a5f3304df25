/*
 * cert.h - X.509 certificates (RFC 5280, RFC 4945): reading them within bounds, and whether one that a peer showed proves that it is who it must be.
 * The chain is judged by OpenSSL's verifier with the anchors of one tunnel; no store of the system is ever looked at, nothing is ever fetched.
 * Whatever comes in may be hostile: sizes and numbers are bounded before anything is computed with them. All functions may run on any thread; the clock is
 * the caller's. Text in results is escaped and may be logged.
 */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

#include "base/buf.h"
#include "crypto/sign.h"
#include "wire/ikev2.h"

#define CERT_CHAIN_MAX 6 /* certificates of a chain: the peer's, ours */
#define CERT_CHAIN_OCTETS \
	(IKE_UNPROVEN_MAX - \
		1024) /* of a chain that surely fits what is taken from who has proven nothing, beside the rest of IKE_AUTH */
#define CERT_SIZE_MAX 4096       /* octets of one */
#define CERT_CA_MAX 16           /* anchors of a tunnel */
#define CERT_CRL_MAX 16          /* CRLs of a tunnel */
#define CERT_CRL_SIZE_MAX 262144 /* octets of one */
#define CERT_NAME_MAX 1024       /* octets of an identity */
#define CERT_TEXT 256            /* of a name as text, with its final zero */
#define CERT_SKEW 300            /* seconds that a certificate may begin in the future */
#define CERT_RELEASED 1795910400 /* 2026-11-29: this program is not run earlier, so a clock that says so is wrong */

/* Why a certificate, or the proof by it, is refused. X(name, word, sentence) */
#define CERT_CAUSE_LIST(X) \
	X(OK, "ok", "accepted") \
	X(NONE, "no-certificate", "no certificate was sent") \
	X(TOO_MANY, "too-many", "more certificates than a chain may have") \
	X(TOO_LARGE, "too-large", "a certificate is larger than is allowed") \
	X(MALFORMED, "malformed", "a certificate cannot be read") \
	X(KEY_KIND, "key-kind", "a key that is neither RSA, nor ECDSA with P-256, P-384 or P-521, nor Ed25519 or Ed448") \
	X(KEY_WEAK, "key-weak", "an RSA key outside 2048 to 4096 bits, or with a bad exponent") \
	X(UNTRUSTED, "untrusted", "the chain does not lead to a CA of this tunnel") \
	X(EXPIRED, "expired", "a certificate has expired") \
	X(NOT_YET, "not-yet-valid", "a certificate is not valid yet") \
	X(REVOKED, "revoked", "a certificate is revoked") \
	X(CRL_MISSING, "crl-missing", "there is no CRL of an issuer, and one is required") \
	X(CRL_EXPIRED, "crl-expired", "the CRL of an issuer is out of date, and a fresh one is required") \
	X(CRL_BAD, "crl-bad", "the CRL of an issuer cannot be used") \
	X(SIGNATURE_WEAK, "signature-weak", "a certificate is signed with a weak algorithm") \
	X(SIGNATURE_BAD, "signature-bad", "the signature of a certificate is wrong") \
	X(CONSTRAINT, "constraint", "a CA may not issue this: name constraint, path length or policy") \
	X(NOT_CA, "not-ca", "a certificate that issued another is none of a CA") \
	X(IS_CA, "is-ca", "the peer's certificate is that of a CA") \
	X(USAGE, "usage", "the certificate may not be used for signatures") \
	X(EXTENSION, "extension", "a critical extension that is not known, or a contradiction in the extensions") \
	X(NAME, "name", "the certificate does not carry the identity") \
	X(PIN, "pin", "the certificate is not the one that is pinned") \
	X(METHOD, "auth-method", "the peer signed by a method that is not supported") \
	X(AUTH_WEAK, "auth-weak", "the peer signed with SHA-1, which is not allowed") \
	X(AUTH_BAD, "auth-bad", "the peer's signature is wrong") \
	X(FAILED, "failed", "the cryptographic library failed")
enum cert_cause {
#define X(name, word, sentence) CERT_##name,
	CERT_CAUSE_LIST(X)
#undef X
};
const char *cert_cause_word(enum cert_cause cause);
const char *cert_cause_text(enum cert_cause cause);

/* --- one certificate --- */
struct cert; /* owned by who read it; never changed, any number of threads may look at it */

/* NULL and the cause when it is not one within our bounds, or not all of der. */
struct cert *cert_read(struct bytes der, enum cert_cause *why);
void cert_free(struct cert *c); /* NULL is fine */
/* What its key is, without the library, which takes a quarter of a millisecond to read one. False when cert_read would refuse its shape, too. */
bool cert_key(struct bytes der, enum key_kind *kind, uint16_t *bits);

struct cert_facts {
	char subject[CERT_TEXT], issuer[CERT_TEXT]; /* "C=IE, O=Example, CN=gw1", the order of the certificate */
	char serial[48];                            /* hex */
	char signature[48];                         /* how it is signed: "sha256WithRSAEncryption" */
	int64_t not_before, not_after;              /* seconds since 1970 */
	enum key_kind key;
	uint16_t bits;
	uint8_t sha256[32]; /* of the whole: what cert-pin is */
	bool ca;            /* basicConstraints says so */
	bool self_issued;   /* subject and issuer are the same: a root, if a CA */
	bool signs;         /* keyUsage is absent or has digitalSignature or nonRepudiation */
	bool weak;          /* signed with SHA-1 or MD5 */
};
void cert_facts(const struct cert *c, struct cert_facts *out);
struct bytes cert_subject(const struct cert *c); /* DER, a view into c: the data of an ID_DER_ASN1_DN */
struct bytes cert_issuer(const struct cert *c);
struct bytes cert_der(const struct cert *c);
/* SHA-1 of SubjectPublicKeyInfo: what CERTREQ carries of a CA (RFC 7296 3.7) */
int cert_key_hash(const struct cert *c, uint8_t out[20]);
/* names, key ids and the signature fit: by issued c; times are not looked at */
bool cert_issued(const struct cert *by, const struct cert *c);
/* The i-th subjectAltName that an identity can be: *type is enum ike_id_type (FQDN, RFC822_ADDR, IPV4_ADDR, IPV6_ADDR), *value a view into c. False: no more. */
bool cert_name(const struct cert *c, unsigned i, uint8_t *type, struct bytes *value);

/*
 * Does the certificate carry this identity (RFC 4945 3.1)? ID_DER_ASN1_DN: its subject, as names are compared (case, blanks and string types do not count);
 * ID_FQDN, ID_RFC822_ADDR, ID_IPV4_ADDR, ID_IPV6_ADDR: a subjectAltName of that type. A CN never stands for a name, there are no wildcards. Other types: false.
 */
bool cert_carries(const struct cert *c, uint8_t id_type, struct bytes id);
/* Are these two names (DER) the same? For the ID_DER_ASN1_DN of a peer and the one that is configured: they may be equal without their bytes being so. */
bool cert_same_name(struct bytes a, struct bytes b);
/* Of such a name, the same for all that cert_same_name() finds the same, so that one may be looked for among many; 0: it is none. Others may share it. */
uint32_t cert_name_hash(struct bytes der);
bool cert_name_format(struct bytes der, char text[CERT_TEXT]); /* for people, as the names in cert_facts; false: it is none */

/* Is the signature of the parts one that a peer would verify with this certificate of ours? For keys of tokens, which nobody could hold against it before. */
bool cert_signed(
	const struct cert *c, const struct sign_scheme *scheme, const struct bytes *parts, unsigned n, struct bytes signature);

/* --- files --- */
struct cert_list { /* DER, malloc'd each: cert_list_free */
	unsigned n;
	struct bytes der[CERT_CRL_MAX];
};
void cert_list_free(struct cert_list *l);
/* The CERTIFICATE blocks of a PEM file in their order (or one certificate in DER), at most max. Each is within cert_read's bounds. False: why is a sentence. */
bool cert_pem_read(struct bytes file, unsigned max, struct cert_list *out, const char **why);
bool cert_pem_crls(struct bytes file, struct cert_list *out, const char **why); /* X509 CRL blocks, or one in DER */
/* The certificates of a PKCS#12 file: that of its key first, then its chain. password NULL: none. */
bool cert_pkcs12_read(struct bytes file, const char *password, struct cert_list *out, const char **why);
/* Either of them, PKCS#12 without a password. */
bool cert_file_read(struct bytes file, unsigned max, struct cert_list *out, const char **why);

struct crl_facts {
	char issuer[CERT_TEXT];
	int64_t issued, next; /* seconds since 1970; next: until when it is up to date; 0: it does not say */
};
bool crl_facts(struct bytes der, struct crl_facts *out); /* false: it cannot be read */

/* --- a peer's chain --- */
enum crl_policy {
	CRL_OFF,    /* no CRL is looked at */
	CRL_FRESH,  /* what the CRLs at hand revoke is refused, also when they are out of date or not valid yet; none is needed */
	CRL_REQUIRE /* each issuer below the anchor needs one that is up to date */
};
struct anchors_conf {           /* what one tunnel trusts; copied */
	const struct bytes *ca; /* DER */
	unsigned n_ca;
	const struct bytes *crl; /* DER */
	unsigned n_crl;
	enum crl_policy crl_policy;
};
struct anchors; /* prepared once, used by any number of threads */
/* A CA that is no root ends a chain as well as a root does: who names it trusts it. NULL: why is a sentence. */
struct anchors *anchors_new(const struct anchors_conf *conf, const char **why);
struct anchors *anchors_hold(struct anchors *a); /* one more owner */
void anchors_free(struct anchors *a);            /* one less; NULL is fine */

struct cert_claim {
	const struct bytes *chain; /* DER as it came: the peer's own first, others in any order */
	unsigned n_chain;
	uint8_t id_type; /* who it must be: the configured identity, which the caller has found equal to the one in the peer's payload */
	struct bytes id;
	const uint8_t *pin; /* NULL, or SHA-256 (32 octets) of the only certificate that is accepted; id need not be in it then */
	int64_t now;        /* seconds since 1970; the later one of this and `earliest` counts, and CERT_RELEASED */
	int64_t earliest; /* a moment that is over as far as the caller knows, or 0; what may be still to come has no place here */
	/* AUTH, as sign_auth_read takes it */
	uint8_t method;
	struct bytes auth;
	const struct sign_octets *octets;
	bool sha1; /* AUTH by SHA-1 is allowed; in the chain it never is */
};
struct cert_verdict {
	enum cert_cause cause;
	int depth;               /* of the certificate that is at fault: 0 is the peer's own; -1 when none is */
	char subject[CERT_TEXT]; /* of that one, or of the peer's own; "" when it cannot be read */
	bool clock;              /* our clock is behind `earliest` or CERT_RELEASED */
	bool known;              /* facts are those of the peer's own certificate */
	struct cert_facts facts;
	const struct sign_scheme *scheme; /* by which it proved itself */
	int64_t ends;                     /* CERT_OK: when the first certificate of the verified chain expires */
};
/* Chain, identity and AUTH; out->cause is CERT_OK only when all of them hold. */
void cert_judge(const struct anchors *a, const struct cert_claim *claim, struct cert_verdict *out);
/* Chain and identity alone, for who only wants to know about certificates: it proves nothing about a peer. */
void cert_judge_chain(const struct anchors *a, const struct cert_claim *claim, struct cert_verdict *out);

#endif
