/*
 * cert.c - one certificate: read within bounds, asked for its facts.
 *
 *	octets --> cert_shape (strict DER, a key worth having) --> OpenSSL --> struct cert --> facts, names: cert_name.c
 *	                                                                           |
 *	                                       anchors: cert_anchors.c -----> cert_judge.c --> a cause, or CERT_OK
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>

#include "base/util.h"
#include "cert_lib.h"
#include "cert_shape.h"
#include "der.h"
#include "sign_lib.h"

/* GeneralNames with the tags of RFC 5280 4.2.1.6: the library would also take names in pieces, and octets behind them. */
static bool names_are_der(struct bytes value)
{
	static const uint8_t tags[] = { 0xa0, 0x81, 0x82, 0xa3, 0xa4, 0xa5, 0x86, 0x87, 0x88 };
	struct cursor c = cursor_over(value), names = der_element(&c, DER_SEQUENCE);
	if (!shape_is_der(value))
		return false;
	while (cursor_left(&names) > 0) {
		if (memchr(tags, *names.at, sizeof tags) == NULL)
			return false;
		der_element(&names, *names.at);
	}
	return !c.bad && !names.bad;
}

/* subjectAltName, of which there is one at most (RFC 5280 4.2). */
static enum cert_cause take_names(struct cert *c)
{
	int critical = 0, at = X509_get_ext_by_NID(c->x, NID_subject_alt_name, -1);
	if (at < 0)
		return CERT_OK;
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(c->x, at));
	if (!names_are_der(bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value))))
		return CERT_EXTENSION;
	c->names = X509_get_ext_d2i(c->x, NID_subject_alt_name, &critical, NULL);
	return c->names != NULL ? CERT_OK : CERT_EXTENSION;
}

/* Is what OpenSSL reads what the shape promised, without contradictions? */
static enum cert_cause take(struct cert *c)
{
	uint16_t bits;
	const uint8_t *p;
	size_t n;
	c->key = X509_get0_pubkey(c->x);
	if (c->key == NULL || sign_lib_kind(c->key, &bits) != c->kind || bits != c->bits)
		return CERT_MALFORMED;
	if ((X509_get_extension_flags(c->x) & EXFLAG_INVALID) != 0)
		return CERT_EXTENSION;
	if (X509_NAME_get0_der(X509_get_subject_name(c->x), &p, &n) != 1)
		return CERT_MALFORMED;
	c->subject = bytes_of(p, n);
	if (X509_NAME_get0_der(X509_get_issuer_name(c->x), &p, &n) != 1)
		return CERT_MALFORMED;
	c->issuer = bytes_of(p, n);
	return take_names(c);
}

struct cert *cert_read(struct bytes der, enum cert_cause *why)
{
	enum key_kind kind;
	uint16_t bits;
	const uint8_t *at = der.p;
	*why = shape_of_cert(der, &kind, &bits);
	if (*why != CERT_OK)
		return NULL;
	struct cert *c = calloc(1, sizeof *c);
	uint8_t *own = malloc(der.n);
	*why = CERT_FAILED;
	if (c != NULL && own != NULL) {
		*c = (struct cert){ .owners = 1, .kind = kind, .bits = bits, .der = bytes_of(memcpy(own, der.p, der.n), der.n) };
		c->x = d2i_X509(NULL, &at, (long)der.n);
		*why = c->x == NULL || at != der.p + der.n ? CERT_MALFORMED : take(c);
	} else {
		free(own);
		free(c);
		return NULL;
	}
	ERR_clear_error();
	if (*why != CERT_OK) {
		cert_free(c);
		c = NULL;
	}
	return c; /* cppcheck-suppress memleak */
}

struct cert *cert_hold(struct cert *c)
{
	atomic_fetch_add(&c->owners, 1);
	return c;
}

void cert_free(struct cert *c)
{
	if (c == NULL || atomic_fetch_sub(&c->owners, 1) > 1)
		return;
	GENERAL_NAMES_free(c->names);
	X509_free(c->x);
	free((uint8_t *)(uintptr_t)c->der.p);
	free(c);
}

static void serial_text(const X509 *x, char *text, size_t size)
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *digits = n != NULL ? BN_bn2hex(n) : NULL;
	size_t len = digits != NULL ? strlen(digits) : 0;
	if (len >= size)
		len = size - 1;
	if (len > 0)
		memcpy(text, digits, len);
	text[len] = 0;
	OPENSSL_free(digits);
	BN_free(n);
}

void cert_facts(const struct cert *c, struct cert_facts *out)
{
	unsigned flags = X509_get_extension_flags(c->x), usage = X509_get_key_usage(c->x);
	int digest = NID_undef;
	*out = (struct cert_facts){
		.not_before = cert_time(X509_get0_notBefore(c->x)),
		.not_after = cert_time(X509_get0_notAfter(c->x)),
		.key = c->kind,
		.bits = c->bits,
		.ca = (flags & EXFLAG_CA) != 0,
		.self_issued = (flags & EXFLAG_SI) != 0,
		.signs = (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0,
	};
	cert_name_text(X509_get_subject_name(c->x), out->subject);
	cert_name_text(X509_get_issuer_name(c->x), out->issuer);
	serial_text(c->x, out->serial, sizeof out->serial);
	const char *name = OBJ_nid2ln(X509_get_signature_nid(c->x));
	size_t len = name != NULL ? strlen(name) : 0;
	if (len < sizeof out->signature && len > 0)
		memcpy(out->signature, name, len);
	if (X509_get_signature_info(c->x, &digest, NULL, NULL, NULL) == 1)
		out->weak = digest == NID_sha1 || digest == NID_md5 || digest == NID_md4 || digest == NID_md5_sha1;
	hash_sha256(&c->der, 1, out->sha256);
	ERR_clear_error();
}

struct bytes cert_subject(const struct cert *c) { return c->subject; }
struct bytes cert_issuer(const struct cert *c) { return c->issuer; }
struct bytes cert_der(const struct cert *c) { return c->der; }

/* Not X509_pubkey_digest(): that is the hash of the key's octets alone, without the algorithm. */
int cert_key_hash(const struct cert *c, uint8_t out[20])
{
	uint8_t *spki = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x), &spki), err = ERR_CRYPTO;
	if (n > 0) {
		struct bytes octets = bytes_of(spki, (size_t)n);
		err = hash_sha1(&octets, 1, out);
	}
	OPENSSL_free(spki);
	return err;
}

bool cert_issued(const struct cert *by, const struct cert *c)
{
	bool ok = X509_check_issued(by->x, c->x) == X509_V_OK && X509_verify(c->x, by->key) == 1;
	ERR_clear_error();
	return ok;
}
