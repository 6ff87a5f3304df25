/* test_cert.c - one certificate: what is read and what is refused before anything is computed with it; facts; identities; files. */
#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>

#include "crypto_help.h"
#include "made_cert.h"

static enum cert_cause cause_of(struct bytes der)
{
	enum cert_cause why;
	struct cert *c = cert_read(der, &why);
	ck_assert((c != NULL) == (why == CERT_OK));
	cert_free(c);
	return why;
}

static struct cert *read_ok(const struct made *m)
{
	enum cert_cause why;
	struct cert *c = cert_read(m->der, &why);
	ck_assert_msg(c != NULL, "%s", cert_cause_word(why));
	return c;
}

START_TEST(facts_of_one)
{
	struct cert_facts f;
	uint8_t hash[32];
	need_algs();
	struct made ca = made_ca("C=IE,O=Example,CN=ca", NULL);
	struct made leaf = made(&(struct made_spec){ .name = "C=IE,O=Ex\xc3\xa4mple\n,CN=gw1",
		.issuer = &ca,
		.key = "rsa2048",
		.usage = "keyEncipherment",
		.from = -2,
		.to = 7 });
	struct cert *c = read_ok(&leaf), *by = read_ok(&ca);
	cert_facts(c, &f);
	ck_assert_str_eq(f.issuer, "C=IE, O=Example, CN=ca");
	ck_assert_msg(strncmp(f.subject, "C=IE, O=Ex", 10) == 0 && strchr(f.subject, '\n') == NULL, "%s", f.subject);
	ck_assert_int_eq(f.not_before, MADE_NOW - 2 * MADE_DAY);
	ck_assert_int_eq(f.not_after, MADE_NOW + 7 * MADE_DAY);
	ck_assert_int_eq(f.key, KEY_RSA);
	ck_assert_uint_eq(f.bits, 2048);
	ck_assert(!f.ca && !f.self_issued && !f.signs && !f.weak);
	ck_assert_str_eq(f.signature, "ecdsa-with-SHA256");
	ck_assert_int_eq(hash_sha256(&leaf.der, 1, hash), ERR_OK);
	ck_assert_mem_eq(hash, f.sha256, 32);
	cert_facts(by, &f);
	ck_assert(f.ca && f.self_issued && f.key == KEY_P256 && f.bits == 256);
	ck_assert(cert_issued(by, c) && cert_issued(by, by) && !cert_issued(c, by));
	ck_assert(bytes_equal(cert_issuer(c), cert_subject(by)));
	ck_assert(bytes_equal(cert_der(c), leaf.der));
	cert_free(c);
	cert_free(by);
}
END_TEST

/* RFC 7296 3.7: of SubjectPublicKeyInfo, as it stands in the certificate. */
START_TEST(hash_of_the_key_info)
{
	need_algs();
	struct made ca = made_ca("CN=ca", NULL);
	struct cert *c = read_ok(&ca);
	uint8_t *spki = NULL, want[20], got[20];
	int n = i2d_PUBKEY(ca.key, &spki);
	struct bytes octets = bytes_of(spki, (size_t)n);
	ck_assert_int_eq(hash_sha1(&octets, 1, want), ERR_OK);
	ck_assert_int_eq(cert_key_hash(c, got), ERR_OK);
	ck_assert_mem_eq(got, want, 20);
	OPENSSL_free(spki);
	cert_free(c);
}
END_TEST

START_TEST(keys_that_are_taken)
{
	static const struct {
		const char *word;
		enum key_kind kind;
		uint16_t bits;
	} keys[] = { { "rsa2048", KEY_RSA, 2048 }, { "rsa3072", KEY_RSA, 3072 }, { "P-256", KEY_P256, 256 },
		{ "P-384", KEY_P384, 384 }, { "P-521", KEY_P521, 521 }, { "ED25519", KEY_ED25519, 256 },
		{ "ED448", KEY_ED448, 456 } };
	need_algs();
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct cert_facts f;
		struct made m = made(&(struct made_spec){ .key = keys[i].word });
		struct cert *c = read_ok(&m);
		enum key_kind kind;
		uint16_t bits;
		cert_facts(c, &f);
		ck_assert_int_eq(f.key, keys[i].kind);
		ck_assert_uint_eq(f.bits, keys[i].bits);
		ck_assert(cert_key(m.der, &kind, &bits) && kind == f.key && bits == f.bits);
		ck_assert(!cert_key(bytes_of(m.der.p, m.der.n - 1), &kind, &bits));
		cert_free(c);
		made_free(&m);
	}
}
END_TEST

START_TEST(keys_that_are_not)
{
	need_algs();
	struct made weak = made(&(struct made_spec){ .key = "rsa1024" }), curve = made(&(struct made_spec){ .key = "secp256k1" });
	ck_assert_int_eq(cause_of(weak.der), CERT_KEY_WEAK);
	ck_assert_int_eq(cause_of(curve.der), CERT_KEY_KIND);
	/* The same curve, but its parameters written out, and its point compressed. */
	struct made m = made(&(struct made_spec){ 0 });
	EVP_PKEY_set_utf8_string_param(m.key, "point-format", "compressed");
	X509_set_pubkey(m.x, m.key);
	made_again(&m);
	ck_assert_int_eq(cause_of(m.der), CERT_KEY_KIND);
	EVP_PKEY_set_utf8_string_param(m.key, "point-format", "uncompressed");
	EVP_PKEY_set_utf8_string_param(m.key, "encoding", "explicit");
	X509_set_pubkey(m.x, m.key);
	made_again(&m);
	ck_assert_int_eq(cause_of(m.der), CERT_KEY_KIND);
	/* A point that is not on it. */
	struct made off = made(&(struct made_spec){ 0 });
	uint8_t point[65] = { 4, 1, 2, 3 };
	made_key_octets(&off, "id-ecPublicKey", "prime256v1", bytes_of(point, sizeof point));
	ck_assert_int_eq(cause_of(off.der), CERT_MALFORMED);
}
END_TEST

/* RSAPublicKey with a modulus of `bits` and this exponent. */
static struct bytes rsa_octets(unsigned bits, bool even, struct bytes e, uint8_t room[1200])
{
	unsigned n = bits / 8, inner = 4 + n + 1 + 2 + (unsigned)e.n;
	struct buf b = buf_of(room, 1200);
	put_u8(&b, 0x30);
	put_u8(&b, 0x82);
	put_u16(&b, (uint16_t)inner);
	put_u16(&b, 0x0282);
	put_u16(&b, (uint16_t)(n + 1));
	put_u8(&b, 0);
	for (unsigned i = 0; i < n; i++)
		put_u8(&b, i + 1 == n && even ? 0xfe : 0xff);
	put_u8(&b, 2);
	put_u8(&b, (uint8_t)e.n);
	put_view(&b, e);
	return buf_view(&b);
}

/* CVE-2026-14957: exponent 0; and the neighbours of it. */
START_TEST(bug_CVE_2026_14957)
{
	static const struct {
		unsigned bits;
		bool even;
		const char *e;
		size_t n;
		enum cert_cause want;
	} keys[] = {
		{ 2048, false, "\1\0\1", 3, CERT_OK },
		{ 2048, false, "\0", 1, CERT_KEY_WEAK },
		{ 2048, false, "\1", 1, CERT_KEY_WEAK },
		{ 2048, false, "\2", 1, CERT_KEY_WEAK },
		{ 2048, false, "\3", 1, CERT_OK },
		{ 2048, false, "\1\0\0", 3, CERT_KEY_WEAK },
		{ 2048, false, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8, CERT_OK },
		{ 2048, false, "\1\0\0\0\0\0\0\0\1", 9, CERT_KEY_WEAK },
		{ 2048, false, "\xff", 1, CERT_MALFORMED }, /* negative */
		{ 2048, false, "\0\3", 2, CERT_MALFORMED },
		{ 2048, false, "", 0, CERT_MALFORMED },
		{ 2048, true, "\1\0\1", 3, CERT_KEY_WEAK },
		{ 2040, false, "\1\0\1", 3, CERT_KEY_WEAK },
		{ 4096, false, "\1\0\1", 3, CERT_OK },
		{ 4104, false, "\1\0\1", 3, CERT_KEY_WEAK },
		{ 8192, false, "\1\0\1", 3, CERT_KEY_WEAK },
	};
	need_algs();
	struct made ca = made_ca("CN=ca", NULL);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		uint8_t room[1200];
		struct made m = made_leaf("CN=gw1", &ca, NULL);
		struct bytes octets = rsa_octets(keys[i].bits, keys[i].even, bytes_of(keys[i].e, keys[i].n), room);
		made_key_octets(&m, "rsaEncryption", NULL, octets);
		enum cert_cause got = cause_of(m.der);
		ck_assert_msg(got == keys[i].want, "row %zu: %s", i, cert_cause_word(got));
		made_free(&m);
	}
}
END_TEST

START_TEST(octets_that_are_no_certificate)
{
	uint8_t room[CERT_SIZE_MAX + 1] = { 0x30, 0x82, 0x0f, 0xfd };
	need_algs();
	struct made m = made_leaf("CN=gw1", NULL, "DNS:gw1.example");
	size_t n = m.der.n;
	ck_assert_int_eq(cause_of(bytes_of(NULL, 0)), CERT_MALFORMED);
	for (size_t cut = 1; cut < n; cut++) {
		uint8_t *exact = malloc(cut); /* so that a read beyond it is seen */
		memcpy(exact, m.der.p, cut);
		ck_assert_int_eq(cause_of(bytes_of(exact, cut)), CERT_MALFORMED);
		free(exact);
	}
	memcpy(room, m.der.p, n);
	ck_assert_int_eq(cause_of(bytes_of(room, n)), CERT_OK);
	ck_assert_int_eq(cause_of(bytes_of(room, n + 1)), CERT_MALFORMED); /* octets behind it */
	room[n] = 5;                                                       /* a whole element, at that */
	ck_assert_int_eq(cause_of(bytes_of(room, n + 2)), CERT_MALFORMED);
	ck_assert_int_eq(cause_of(bytes_of(room, CERT_SIZE_MAX + 1)), CERT_TOO_LARGE);
	/* Indefinite length: 30 80 ... 00 00. */
	uint8_t lying[CERT_SIZE_MAX] = { 0x30, 0x80 };
	memcpy(lying + 2, m.der.p + 4, n - 4);
	ck_assert_int_eq(cause_of(bytes_of(lying, n)), CERT_MALFORMED);
}
END_TEST

/* CVE-2017-9023: what is nested or in pieces where DER has no room for it leads a parser around in circles. */
START_TEST(bug_CVE_2017_9023)
{
	need_algs();
	struct made m = made_leaf("CN=gwgwgwgw", NULL, NULL);
	/* UTF8String of 8 octets -> a constructed one of pieces, of the same size: 2c 08 0c 06 ... */
	uint8_t *der = (uint8_t *)(uintptr_t)m.der.p;
	unsigned changed = 0;
	for (size_t i = 0; i + 10 < m.der.n; i++)
		if (memcmp(der + i, "\x0c\x08gwgwgwgw", 10) == 0) {
			memcpy(der + i, "\x2c\x08\x0c\x06gwgwgw", 10);
			changed++;
		}
	ck_assert_uint_eq(changed, 2);
	ck_assert_int_eq(cause_of(m.der), CERT_MALFORMED);
	/* A thousand sequences in each other. */
	uint8_t deep[4000];
	for (unsigned i = 0; i < sizeof deep; i += 4) {
		unsigned left = (unsigned)sizeof deep - i - 4;
		bool longer = left >= 0x100;
		deep[i] = 0x30;
		deep[i + 1] = longer ? 0x82 : 2;
		deep[i + 2] = longer ? (uint8_t)(left >> 8) : 5;
		deep[i + 3] = longer ? (uint8_t)left : 0;
	}
	ck_assert_int_eq(cause_of(bytes_of(deep, sizeof deep)), CERT_MALFORMED);
}
END_TEST

/* --- identities --- */
#define SAN "DNS:gw1.example.org,DNS:*.wild.example.org,email:Ops@Example.org,IP:192.0.2.1,IP:2001:db8::1"

START_TEST(identities_it_carries)
{
	static const struct {
		uint8_t type;
		const char *id;
		size_t n;
		bool want;
	} ids[] = {
		{ ID_FQDN, "gw1.example.org", 15, true },
		{ ID_FQDN, "GW1.Example.org", 15, true },
		{ ID_FQDN, "gw1.example.org\0", 16, false },
		{ ID_FQDN, "gw1.example.org\0.evil.example", 29, false },
		{ ID_FQDN, "gw2.example.org", 15, false },
		{ ID_FQDN, "example.org", 11, false },
		{ ID_FQDN, ".example.org", 12, false }, /* to the library this means any host of it */
		{ ID_FQDN, "x.wild.example.org", 18, false },
		{ ID_FQDN, "*.wild.example.org", 18, false },
		{ ID_FQDN, "cn.example.org", 14, false }, /* the CN is no name */
		{ ID_FQDN, "192.0.2.1", 9, false },
		{ ID_FQDN, "", 0, false },
		{ ID_RFC822_ADDR, "Ops@example.org", 15, true },
		{ ID_RFC822_ADDR, "ops@example.org", 15, false },
		{ ID_RFC822_ADDR, "subject@example.org", 19, false },
		{ ID_RFC822_ADDR, "gw1.example.org", 15, false },
		{ ID_IPV4_ADDR, "\xc0\0\2\1", 4, true },
		{ ID_IPV4_ADDR, "\xc0\0\2\2", 4, false },
		{ ID_IPV4_ADDR, "\xc0\0\2", 3, false },
		{ ID_IPV6_ADDR, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16, true },
		{ ID_IPV6_ADDR, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16, false },
		{ ID_IPV6_ADDR, "\xc0\0\2\1", 4, false }, /* the length must be the type's */
		{ ID_KEY_ID, "gw1.example.org", 15, false },
		{ 0, "gw1.example.org", 15, false },
		{ ID_NULL, "", 0, false },
	};
	need_algs();
	struct made ca = made_ca("CN=ca", NULL);
	struct made m = made_leaf("C=IE,CN=cn.example.org,emailAddress=subject@example.org", &ca, SAN);
	struct made bare = made_leaf("CN=cn.example.org,emailAddress=subject@example.org", &ca, NULL);
	struct cert *c = read_ok(&m), *without = read_ok(&bare);
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		struct bytes id = bytes_of(ids[i].id, ids[i].n);
		ck_assert_msg(cert_carries(c, ids[i].type, id) == ids[i].want, "row %zu", i);
		ck_assert_msg(!cert_carries(without, ids[i].type, id), "row %zu, no subjectAltName", i);
	}
	uint8_t type;
	struct bytes value;
	ck_assert(cert_name(c, 0, &type, &value) && type == ID_FQDN && value.n == 15);
	ck_assert(cert_name(c, 2, &type, &value) && type == ID_RFC822_ADDR);
	ck_assert(cert_name(c, 3, &type, &value) && type == ID_IPV4_ADDR && value.n == 4);
	ck_assert(cert_name(c, 4, &type, &value) && type == ID_IPV6_ADDR && value.n == 16);
	ck_assert(!cert_name(c, 5, &type, &value) && !cert_name(without, 0, &type, &value));
	cert_free(c);
	cert_free(without);
}
END_TEST

START_TEST(names_are_compared_as_names)
{
	need_algs();
	struct made ca = made_ca("CN=ca", NULL);
	struct made m = made_leaf("C=IE,O=Example  Ltd,CN=vpn-0123.endpoint-0", &ca, NULL);
	struct cert *c = read_ok(&m);
	ck_assert(cert_carries(c, ID_DER_ASN1_DN, cert_subject(c)));
	ck_assert(cert_carries(c, ID_DER_ASN1_DN, made_name("C=IE,O=example ltd,CN=VPN-0123.endpoint-0")));
	ck_assert(!cert_carries(c, ID_DER_ASN1_DN, made_name("C=IE,O=Example Ltd,CN=vpn-0123.endpoint-1")));
	ck_assert(!cert_carries(c, ID_DER_ASN1_DN, made_name("CN=vpn-0123.endpoint-0")));
	ck_assert(!cert_carries(c, ID_DER_ASN1_DN, made_name("CN=vpn-0123.endpoint-0,O=Example Ltd,C=IE")));
	ck_assert(!cert_carries(c, ID_DER_ASN1_DN, bytes_of("\x30\0", 2)));
	ck_assert(!cert_same_name(bytes_of("\x30\0", 2), bytes_of("\x30\0", 2))); /* an empty name is nobody's */
	/* To be looked for by: what is the same has one hash, and one look; what is no name has none. */
	struct bytes one = made_name("C=IE,O=Example Ltd,CN=vpn-0123.endpoint-0"),
		     same = made_name("C=ie,O=EXAMPLE  LTD,CN=VPN-0123.endpoint-0");
	struct bytes other = made_name("C=IE,O=Example Ltd,CN=vpn-0123.endpoint-1");
	char text[CERT_TEXT];
	ck_assert(cert_same_name(one, same) && cert_name_hash(one) == cert_name_hash(same) && cert_name_hash(one) != 0);
	ck_assert(!cert_same_name(one, other) && cert_name_hash(one) != cert_name_hash(other));
	ck_assert_uint_eq(cert_name_hash(bytes_of("\x30\0", 2)), 0);
	ck_assert_uint_eq(cert_name_hash(bytes_of(one.p, one.n - 1)), 0);
	ck_assert(cert_name_format(one, text));
	ck_assert_str_eq(text, "C=IE, O=Example Ltd, CN=vpn-0123.endpoint-0");
	ck_assert(!cert_name_format(bytes_of(one.p, one.n - 1), text) && text[0] == 0);
	cert_free(c);
}
END_TEST

/* CVE-2013-6075: lengths inside a distinguished name that lie. */
START_TEST(bug_CVE_2013_6075_certificate)
{
	need_algs();
	struct bytes good = made_name("C=IE,CN=gw1");
	uint8_t bad[CERT_NAME_MAX + 8];
	ck_assert(cert_same_name(good, good));
	memcpy(bad, good.p, good.n);
	bad[good.n] = 0;
	ck_assert(!cert_same_name(bytes_of(bad, good.n + 1), good)); /* an octet behind it */
	for (size_t cut = 0; cut < good.n; cut++) {
		uint8_t *exact = malloc(cut + 1);
		memcpy(exact, good.p, cut);
		ck_assert(!cert_same_name(bytes_of(exact, cut), good));
		free(exact);
	}
	static const size_t lengths[] = { 1, 3, 5, 7, 12, 16, 18, 20 }; /* of the sequence, sets, pairs, OIDs and values */
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
		for (unsigned v = 0; v < 256; v++) {
			memcpy(bad, good.p, good.n);
			if (bad[lengths[i]] == v)
				continue;
			bad[lengths[i]] = (uint8_t)v;
			ck_assert_msg(!cert_same_name(bytes_of(bad, good.n), good), "octet %zu: %u", lengths[i], v);
		}
}
END_TEST

static void add_names(struct made *m, struct bytes value)
{
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	ck_assert(ASN1_OCTET_STRING_set(octets, value.p, (int)value.n) == 1);
	X509_EXTENSION *e = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, octets);
	ck_assert(e != NULL && X509_add_ext(m->x, e, -1) == 1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(octets);
	made_again(m);
}

START_TEST(names_in_bad_shape)
{
	static const struct {
		const char *value;
		size_t n;
		enum cert_cause want;
	} rows[] = {
		{ "\x30\3\x82\1x", 5, CERT_OK },
		{ "\x30\3\x82\1x\0", 6, CERT_EXTENSION }, /* an octet behind it */
		{ "\x30\x80\x82\1x\0\0", 7, CERT_EXTENSION },
		{ "\x30\x81\3\x82\1x", 6, CERT_EXTENSION },
		{ "\x30\5\xa2\3\x04\1x", 7, CERT_EXTENSION }, /* a string of pieces */
		{ "\x30\4\x82\1x", 5, CERT_EXTENSION },
		{ "", 0, CERT_EXTENSION },
	};
	need_algs();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct made m = made_leaf("CN=gw1", NULL, NULL);
		add_names(&m, bytes_of(rows[i].value, rows[i].n));
		enum cert_cause got = cause_of(m.der);
		ck_assert_msg(got == rows[i].want, "row %zu: %s", i, cert_cause_word(got));
		made_free(&m);
	}
	struct made twice = made_leaf("CN=gw1", NULL, "DNS:gw1.example");
	add_names(&twice, bytes_of("\x30\3\x82\1x", 5));
	ck_assert_int_eq(cause_of(twice.der), CERT_EXTENSION);
}
END_TEST

/* --- files --- */
static struct bytes joined(struct bytes a, struct bytes b)
{
	uint8_t *p = made_kept(malloc(a.n + b.n));
	memcpy(p, a.p, a.n);
	memcpy(p + a.n, b.p, b.n);
	return bytes_of(p, a.n + b.n);
}

START_TEST(files_of_certificates)
{
	struct cert_list l;
	const char *why;
	need_algs();
	struct made ca = made_ca("CN=ca", NULL), leaf = made_leaf("CN=gw1", &ca, NULL);
	struct bytes one = made_pem("CERTIFICATE", leaf.der), two = made_pem("CERTIFICATE", ca.der);
	struct bytes both = joined(joined(bytes_of("some words\n", 11), joined(made_key_pem(leaf.key, NULL), one)), two);
	ck_assert(cert_pem_read(both, CERT_CHAIN_MAX, &l, &why));
	ck_assert_uint_eq(l.n, 2);
	ck_assert(bytes_equal(l.der[0], leaf.der) && bytes_equal(l.der[1], ca.der));
	cert_list_free(&l);
	ck_assert(!cert_pem_read(both, 1, &l, &why) && l.n == 0);
	ck_assert_str_eq(why, "there are more of them in it than are allowed");
	ck_assert(cert_pem_read(leaf.der, 1, &l, &why) && l.n == 1);
	cert_list_free(&l);
	ck_assert(!cert_pem_read(bytes_of("nothing", 7), 6, &l, &why));
	ck_assert_str_eq(why, "there is no certificate in it");
	ck_assert(!cert_pem_read(bytes_of(NULL, 0), 6, &l, &why));
	ck_assert(!cert_pem_read(bytes_of(one.p, one.n - 8), 6, &l, &why)); /* its last line is cut */
	ck_assert_str_eq(why, "a block of PEM in it is damaged");
	struct made weak = made(&(struct made_spec){ .key = "rsa1024" });
	ck_assert(!cert_pem_read(made_pem("CERTIFICATE", weak.der), 6, &l, &why));
	ck_assert_str_eq(why, cert_cause_text(CERT_KEY_WEAK));
}
END_TEST

START_TEST(files_of_crls)
{
	struct cert_list l;
	const char *why;
	need_algs();
	struct made ca = made_ca("CN=ca", NULL);
	struct bytes crl = made_crl(&ca, NULL, 0, -1, 7), pem = made_pem("X509 CRL", crl);
	ck_assert(cert_pem_crls(pem, &l, &why) && l.n == 1 && bytes_equal(l.der[0], crl));
	cert_list_free(&l);
	ck_assert(cert_pem_crls(crl, &l, &why) && l.n == 1);
	cert_list_free(&l);
	ck_assert(!cert_pem_crls(made_pem("CERTIFICATE", ca.der), &l, &why));
	ck_assert_str_eq(why, "there is no CRL in it");
	ck_assert(!cert_pem_crls(ca.der, &l, &why));
}
END_TEST

START_TEST(files_of_both)
{
	struct cert_list l;
	const char *why;
	need_algs();
	struct made ca = made_ca("CN=ca", NULL), leaf = made_leaf("CN=gw1", &ca, NULL);
	struct bytes p12 = made_pkcs12(&leaf, &ca, "secret");
	ck_assert(cert_pkcs12_read(p12, "secret", &l, &why) && l.n == 2);
	ck_assert(bytes_equal(l.der[0], leaf.der) && bytes_equal(l.der[1], ca.der));
	cert_list_free(&l);
	ck_assert(!cert_pkcs12_read(p12, "wrong", &l, &why) && !cert_pkcs12_read(p12, NULL, &l, &why));
	ck_assert(!cert_pkcs12_read(ca.der, NULL, &l, &why));
	ck_assert_str_eq(why, "it is no PKCS#12 file");
	ck_assert(!cert_file_read(p12, 6, &l, &why));
	ck_assert_str_eq(why, "it is a PKCS#12 file with a password");
	ck_assert(!cert_file_read(bytes_of(p12.p, p12.n - 1), 6, &l, &why));
	ck_assert_str_ne(why, "it is a PKCS#12 file with a password");
	ck_assert(cert_file_read(made_pkcs12(&leaf, NULL, ""), 6, &l, &why) && l.n == 1);
	cert_list_free(&l);
	ck_assert(cert_pkcs12_read(made_pkcs12(&leaf, NULL, NULL), NULL, &l, &why) && l.n == 1);
	cert_list_free(&l);
}
END_TEST

UNIT_MAIN("cert", facts_of_one, hash_of_the_key_info, keys_that_are_taken, keys_that_are_not, bug_CVE_2026_14957,
	octets_that_are_no_certificate, bug_CVE_2017_9023, identities_it_carries, names_are_compared_as_names,
	bug_CVE_2013_6075_certificate, names_in_bad_shape, files_of_certificates, files_of_crls, files_of_both)
