/*
 * cert_judge.c - does what a peer showed prove that it is who it must be? What costs nothing comes first: numbers, shapes, the identity; then the chain, in
 * which the library checks signatures from the anchor down, so that a stranger's certificates cost one verification; the peer's own signature is last.
 */
#include <string.h>

#include <openssl/err.h>

#include "base/util.h"
#include "cert_anchors.h"
#include "cert_known.h"
#include "cert_shape.h"
#include "sign_lib.h"

#define AUTH_LEVEL \
	2 /* 112 bits: no RSA below 2048 bits, no SHA-1 or MD5 in the chain (the anchors' own signatures do not count) */

struct judging {
	const struct anchors *anchors;
	const struct cert_claim *claim;
	struct cert_verdict *out;
	int64_t now;
	enum cert_cause skipped; /* why the first of the other certificates was passed over; CERT_OK: none was */
	int skipped_at;
	struct cert *read[CERT_CHAIN_MAX]; /* the peer's own first */
	unsigned n_read;
};

/* --- the library's word for it --- */
static const struct {
	int error;
	enum cert_cause cause;
} words[] = {
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, CERT_UNTRUSTED },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, CERT_UNTRUSTED },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, CERT_UNTRUSTED },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, CERT_UNTRUSTED },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, CERT_UNTRUSTED },
	{ X509_V_ERR_CERT_UNTRUSTED, CERT_UNTRUSTED },
	{ X509_V_ERR_CERT_REJECTED, CERT_UNTRUSTED },
	{ X509_V_ERR_SUBJECT_ISSUER_MISMATCH, CERT_UNTRUSTED },
	{ X509_V_ERR_AKID_SKID_MISMATCH, CERT_UNTRUSTED },
	{ X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH, CERT_UNTRUSTED },
	{ X509_V_ERR_PATH_LOOP, CERT_UNTRUSTED },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, CERT_TOO_MANY },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, CERT_SIGNATURE_BAD },
	{ X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, CERT_SIGNATURE_BAD },
	{ X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, CERT_SIGNATURE_BAD },
	{ X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM, CERT_SIGNATURE_BAD },
	{ X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH, CERT_SIGNATURE_BAD },
	{ X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY, CERT_SIGNATURE_BAD },
	{ X509_V_ERR_CERT_NOT_YET_VALID, CERT_NOT_YET },
	{ X509_V_ERR_CERT_HAS_EXPIRED, CERT_EXPIRED },
	{ X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, CERT_MALFORMED },
	{ X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, CERT_MALFORMED },
	{ X509_V_ERR_CERT_REVOKED, CERT_REVOKED },
	{ X509_V_ERR_UNABLE_TO_GET_CRL, CERT_CRL_MISSING },
	{ X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, CERT_CRL_MISSING },
	{ X509_V_ERR_CRL_HAS_EXPIRED, CERT_CRL_EXPIRED },
	{ X509_V_ERR_CRL_NOT_YET_VALID, CERT_CRL_BAD },
	{ X509_V_ERR_CRL_SIGNATURE_FAILURE, CERT_CRL_BAD },
	{ X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, CERT_CRL_BAD },
	{ X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, CERT_CRL_BAD },
	{ X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, CERT_CRL_BAD },
	{ X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, CERT_CRL_BAD },
	{ X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, CERT_CRL_BAD },
	{ X509_V_ERR_DIFFERENT_CRL_SCOPE, CERT_CRL_BAD },
	{ X509_V_ERR_CRL_PATH_VALIDATION_ERROR, CERT_CRL_BAD },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, CERT_KEY_WEAK },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, CERT_KEY_WEAK },
	{ X509_V_ERR_CA_MD_TOO_WEAK, CERT_SIGNATURE_WEAK },
	{ X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, CERT_KEY_KIND },
	{ X509_V_ERR_INVALID_CA, CERT_NOT_CA },
	{ X509_V_ERR_KEYUSAGE_NO_CERTSIGN, CERT_NOT_CA },
	{ X509_V_ERR_CA_CERT_MISSING_KEY_USAGE, CERT_NOT_CA },
	{ X509_V_ERR_INVALID_NON_CA, CERT_IS_CA },
	{ X509_V_ERR_INVALID_PURPOSE, CERT_USAGE },
	{ X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE, CERT_USAGE },
	{ X509_V_ERR_PATH_LENGTH_EXCEEDED, CERT_CONSTRAINT },
	{ X509_V_ERR_PERMITTED_VIOLATION, CERT_CONSTRAINT },
	{ X509_V_ERR_EXCLUDED_VIOLATION, CERT_CONSTRAINT },
	{ X509_V_ERR_SUBTREE_MINMAX, CERT_CONSTRAINT },
	{ X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, CERT_CONSTRAINT },
	{ X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, CERT_CONSTRAINT },
	{ X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, CERT_CONSTRAINT },
	{ X509_V_ERR_INVALID_POLICY_EXTENSION, CERT_CONSTRAINT },
	{ X509_V_ERR_NO_EXPLICIT_POLICY, CERT_CONSTRAINT },
	{ X509_V_ERR_OUT_OF_MEM, CERT_FAILED },
};

/* What is left are the many ways in which extensions break the rules of RFC 5280. */
static enum cert_cause cause_of(int error)
{
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].error == error)
			return words[i].cause;
	return CERT_EXTENSION;
}

/* --- what is forgiven --- */
static bool within_skew(const ASN1_TIME *t, int64_t now) { return t != NULL && cert_time(t) <= now + CERT_SKEW; }

/*
 * The anchor is trusted because somebody named it. Root certificates without basicConstraints, or with ones that are not critical, are what PowerShell and old
 * tools make (keyUsage or version 1 say that it is a CA then); and no CRL speaks of an anchor but its own.
 */
static bool forgiven_to_anchor(int error, const X509 *x)
{
	switch (error) {
	case X509_V_ERR_CA_BCONS_NOT_CRITICAL:
	case X509_V_ERR_CA_CERT_MISSING_KEY_USAGE:
	case X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA:
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_CRL_HAS_EXPIRED: return true;
	case X509_V_ERR_INVALID_CA: return X509_check_ca((X509 *)(uintptr_t)x) > 1;
	default: return false;
	}
}

static bool forgiven(const struct judging *j, int error, X509_STORE_CTX *ctx)
{
	const X509 *x = X509_STORE_CTX_get_current_cert(ctx);
	const X509_CRL *crl = X509_STORE_CTX_get0_current_crl(ctx);
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	int depth = X509_STORE_CTX_get_error_depth(ctx);
	switch (error) {
	case X509_V_ERR_CERT_NOT_YET_VALID: return x != NULL && within_skew(X509_get0_notBefore(x), j->now);
	case X509_V_ERR_CRL_NOT_YET_VALID:
		return j->anchors->crl_policy == CRL_FRESH || (crl != NULL && within_skew(X509_CRL_get0_lastUpdate(crl), j->now));
	/* They speed up the search for an issuer and prove nothing; tools that are in use leave them out. */
	case X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER:
	case X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER: return true;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_CRL_HAS_EXPIRED:
		if (j->anchors->crl_policy == CRL_FRESH)
			return true;
		break;
	default: break;
	}
	return x != NULL && depth > 0 && depth == sk_X509_num(chain) - 1 && forgiven_to_anchor(error, x);
}

static int on_error(int ok, X509_STORE_CTX *ctx)
{
	struct judging *j = X509_STORE_CTX_get_app_data(ctx);
	int error = X509_STORE_CTX_get_error(ctx);
	X509 *x = X509_STORE_CTX_get_current_cert(ctx);
	if (ok || forgiven(j, error, ctx))
		return 1;
	j->out->cause = cause_of(error);
	j->out->depth = X509_STORE_CTX_get_error_depth(ctx);
	if (x != NULL)
		cert_name_text(X509_get_subject_name(x), j->out->subject);
	return 0;
}

/* --- the chain --- */
static void note_end(struct cert_verdict *out, STACK_OF(X509) * chain)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		int64_t ends = cert_time(X509_get0_notAfter(sk_X509_value(chain, i)));
		if (i == 0 || ends < out->ends)
			out->ends = ends;
	}
}

static void set_rules(X509_STORE_CTX *ctx, struct judging *j)
{
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
	unsigned long flags = X509_V_FLAG_X509_STRICT | X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN;
	if (j->anchors->crl_policy != CRL_OFF)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	X509_VERIFY_PARAM_set_purpose(
		p, X509_PURPOSE_ANY); /* there is none for IKE; those for TLS want usages that gateways lack */
	X509_VERIFY_PARAM_set_depth(p, CERT_CHAIN_MAX);
	X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_flags(p, flags);
	X509_VERIFY_PARAM_set_time(p, (time_t)j->now);
	X509_STORE_CTX_set_app_data(ctx, j);
	X509_STORE_CTX_set_verify_cb(ctx, on_error);
}

static enum cert_cause verify_chain(struct judging *j, const struct cert *leaf, STACK_OF(X509) * others)
{
	struct cert_verdict *out = j->out;
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	out->cause = CERT_FAILED;
	if (ctx != NULL && X509_STORE_CTX_init(ctx, j->anchors->store, leaf->x, others) == 1) {
		set_rules(ctx, j);
		if (X509_verify_cert(ctx) == 1) {
			out->cause = CERT_OK;
			note_end(out, X509_STORE_CTX_get0_chain(ctx));
		}
	}
	X509_STORE_CTX_free(ctx);
	if (out->cause != CERT_UNTRUSTED || j->skipped == CERT_OK)
		return out->cause;
	out->depth = j->skipped_at; /* perhaps it was that one that is missing */
	out->subject[0] = 0;
	return j->skipped;
}

/* NULL: it is none, or unusable. */
static struct cert *read_one(struct judging *j, unsigned i, enum cert_cause *why)
{
	struct cert *c = cert_read_known(j->claim->chain[i], why);
	if (c != NULL)
		j->read[j->n_read++] = c;
	return c;
}

/* What follows the peer's own certificate is a bag without order (RFC 7296 3.6): what is of no use in it is passed over. */
static STACK_OF(X509) * others_of(struct judging *j)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	for (unsigned i = 1; others != NULL && i < j->claim->n_chain; i++) {
		enum cert_cause cause;
		struct cert *c = read_one(j, i, &cause);
		if (c == NULL && j->skipped == CERT_OK) {
			j->skipped = cause;
			j->skipped_at = (int)i;
		}
		if (c != NULL)
			sk_X509_push(others, c->x);
	}
	return others;
}

static void let_go(struct judging *j, bool believed)
{
	for (unsigned i = 0; i < j->n_read; i++) {
		if (believed)
			cert_remember(j->read[i]);
		cert_free(j->read[i]);
	}
}

/* --- the peer's own --- */
static enum cert_cause judge_leaf(const struct judging *j, const struct cert *leaf)
{
	const struct cert_facts *f = &j->out->facts;
	const struct cert_claim *claim = j->claim;
	if (f->ca)
		return CERT_IS_CA;
	if (!f->signs)
		return CERT_USAGE;
	if (claim->pin != NULL)
		return memcmp(claim->pin, f->sha256, sizeof f->sha256) == 0 ? CERT_OK : CERT_PIN;
	return cert_carries(leaf, claim->id_type, claim->id) ? CERT_OK : CERT_NAME;
}

static enum cert_cause judge_auth(const struct judging *j, const struct cert *leaf)
{
	struct sign_auth auth;
	if (sign_auth_read(j->claim->method, j->claim->auth, &auth) != ERR_OK)
		return CERT_METHOD;
	j->out->scheme = auth.scheme;
	if (auth.scheme->weak != NULL && !j->claim->sha1)
		return CERT_AUTH_WEAK;
	switch (sign_lib_verify(leaf->key, &auth, j->claim->octets->part, SIGN_PARTS)) {
	case ERR_OK: return CERT_OK;
	case ERR_UNSUPPORTED: return CERT_METHOD;
	case ERR_CRYPTO: return CERT_FAILED;
	default: return CERT_AUTH_BAD;
	}
}

static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }

static void judge(const struct anchors *a, const struct cert_claim *claim, struct cert_verdict *out, bool with_auth)
{
	int64_t now = later(claim->now, later(claim->earliest, CERT_RELEASED));
	struct judging j = { .anchors = a, .claim = claim, .out = out, .now = now };
	*out = (struct cert_verdict){ .cause = CERT_NONE, .depth = -1, .clock = claim->now < now };
	if (claim->n_chain == 0)
		return;
	out->cause = CERT_TOO_MANY;
	if (claim->n_chain > CERT_CHAIN_MAX)
		return;
	out->depth = 0;
	struct cert *leaf = read_one(&j, 0, &out->cause);
	if (leaf == NULL)
		return;
	out->known = true;
	cert_facts(leaf, &out->facts);
	memcpy(out->subject, out->facts.subject, sizeof out->subject);
	out->cause = judge_leaf(&j, leaf);
	STACK_OF(X509) *others = out->cause == CERT_OK ? others_of(&j) : NULL;
	if (out->cause == CERT_OK)
		out->cause = others != NULL ? verify_chain(&j, leaf, others) : CERT_FAILED;
	if (out->cause == CERT_OK && with_auth)
		out->cause = judge_auth(&j, leaf);
	sk_X509_free(others);
	let_go(&j, out->cause == CERT_OK && with_auth);
	ERR_clear_error();
	if (out->cause == CERT_OK)
		out->depth = -1;
}

void cert_judge(const struct anchors *a, const struct cert_claim *claim, struct cert_verdict *out) { judge(a, claim, out, true); }

void cert_judge_chain(const struct anchors *a, const struct cert_claim *claim, struct cert_verdict *out)
{
	judge(a, claim, out, false);
}
