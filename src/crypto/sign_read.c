/*
 * sign_read.c - what a peer says in AUTH of how it signed (RFC 7296 3.8, RFC 7427 3). AlgorithmIdentifiers are compared octet for octet; only RSASSA-PSS,
 * whose parameters can be written in several ways (RFC 4055 3.1), is taken apart, and then held against the same table.
 */
#include <string.h>

#include "crypto/sign.h"
#include "der.h"

#define SALT_DEFAULT 20

static const uint8_t oid_pss[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a };
static const uint8_t oid_mgf1[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08 };
static const uint8_t oid_sha2[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02 }; /* and 1, 2, 3 */

static bool is_oid(struct cursor oid, const uint8_t *want, size_t n) { return bytes_equal(get_rest(&oid), bytes_of(want, n)); }

/* HashAlgorithm: the OID, with NULL or without (RFC 4055 2.1). 0: none that we take; SHA-1 is none of them. */
static uint8_t hash_read(struct cursor *c)
{
	struct cursor alg = der_element(c, DER_SEQUENCE), oid = der_element(&alg, DER_OID);
	struct bytes v = get_rest(&oid), params = get_rest(&alg);
	if (params.n > 0 && !bytes_equal(params, bytes_of("\5\0", 2)))
		c->bad = true;
	if (c->bad || alg.bad || oid.bad || v.n != sizeof oid_sha2 + 1 || memcmp(v.p, oid_sha2, sizeof oid_sha2) != 0)
		return 0;
	uint8_t last = v.p[sizeof oid_sha2];
	return last >= 1 && last <= 3 ? (uint8_t)(SIGN_HASH_SHA256 + last - 1) : 0;
}

static uint16_t small_integer(struct cursor *c)
{
	struct bytes v = der_natural(c);
	c->bad |= v.n > 2;
	return c->bad ? 0 : (uint16_t)(v.n == 2 ? v.p[0] << 8 | v.p[1] : v.n == 1 ? v.p[0] : 0);
}

struct pss_params {
	uint8_t hash, mgf_hash;
	uint16_t salt, trailer;
};

/* RSASSA-PSS-params, each field in its explicit tag and in order; what is not there has SHA-1 as its default, which is taken nowhere. */
static bool params_read(struct cursor *c, struct pss_params *p)
{
	*p = (struct pss_params){ .salt = SALT_DEFAULT, .trailer = 1 };
	if (der_next_is(c, DER_FIELD)) {
		struct cursor field = der_element(c, DER_FIELD);
		p->hash = hash_read(&field);
		c->bad |= field.bad || cursor_left(&field) > 0;
	}
	if (der_next_is(c, DER_FIELD + 1)) {
		struct cursor field = der_element(c, DER_FIELD + 1), mgf = der_element(&field, DER_SEQUENCE),
			      oid = der_element(&mgf, DER_OID);
		bool mgf1 = is_oid(oid, oid_mgf1, sizeof oid_mgf1);
		p->mgf_hash = hash_read(&mgf);
		c->bad |= !mgf1 || mgf.bad || field.bad || cursor_left(&mgf) > 0 || cursor_left(&field) > 0;
	}
	if (der_next_is(c, DER_FIELD + 2)) {
		struct cursor field = der_element(c, DER_FIELD + 2);
		p->salt = small_integer(&field);
		c->bad |= field.bad || cursor_left(&field) > 0;
	}
	if (der_next_is(c, DER_FIELD + 3)) {
		struct cursor field = der_element(c, DER_FIELD + 3);
		p->trailer = small_integer(&field);
		c->bad |= field.bad || cursor_left(&field) > 0;
	}
	return !c->bad && cursor_left(c) == 0;
}

static int pss_read(struct bytes algorithm, struct sign_auth *out)
{
	struct cursor c = cursor_over(algorithm), alg = der_element(&c, DER_SEQUENCE), oid = der_element(&alg, DER_OID);
	struct pss_params p;
	if (c.bad || alg.bad || oid.bad || cursor_left(&c) > 0)
		return ERR_SYNTAX;
	if (!is_oid(oid, oid_pss, sizeof oid_pss))
		return ERR_UNSUPPORTED;
	struct cursor params = der_element(&alg, DER_SEQUENCE);
	if (params.bad || alg.bad || cursor_left(&alg) > 0 || !params_read(&params, &p))
		return ERR_SYNTAX;
	if (p.hash == 0 || p.mgf_hash != p.hash || p.trailer != 1)
		return ERR_UNSUPPORTED;
	for (unsigned i = 0; (out->scheme = sign_scheme_row(i)) != NULL; i++)
		if (out->scheme->pss && out->scheme->hash == p.hash)
			break;
	out->salt = p.salt;
	return out->scheme != NULL ? ERR_OK : ERR_UNSUPPORTED;
}

static uint16_t usual_salt(const struct sign_scheme *s)
{
	return !s->pss ? 0 : s->hash == SIGN_HASH_SHA256 ? 32 : s->hash == SIGN_HASH_SHA384 ? 48 : 64;
}

static const struct sign_scheme *row_of(uint8_t method, struct bytes algorithm)
{
	const struct sign_scheme *s;
	for (unsigned i = 0; (s = sign_scheme_row(i)) != NULL; i++)
		if (s->method == method && bytes_equal(s->algorithm, algorithm))
			return s;
	return NULL;
}

int sign_auth_read(uint8_t method, struct bytes data, struct sign_auth *out)
{
	struct cursor c = cursor_over(data);
	struct bytes algorithm = { NULL, 0 };
	*out = (struct sign_auth){ 0 };
	if (method == AUTH_DIGITAL_SIGNATURE) {
		algorithm = get_view(&c, get_u8(&c));
		if (c.bad)
			return ERR_SHORT;
	}
	struct sign_auth got = { .scheme = row_of(method, algorithm) };
	int err = ERR_OK;
	if (got.scheme != NULL)
		got.salt = usual_salt(got.scheme);
	else
		err = method == AUTH_DIGITAL_SIGNATURE ? pss_read(algorithm, &got) : ERR_UNSUPPORTED;
	if (err)
		return err;
	got.signature = get_rest(&c);
	if (got.signature.n == 0 || got.signature.n > SIGN_MAX)
		return ERR_LENGTH;
	*out = got;
	return ERR_OK;
}
