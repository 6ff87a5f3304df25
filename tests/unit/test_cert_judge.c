/* test_cert_judge.c - does what a peer showed prove that it is who it must be? Each cause of a refusal, the depth and the subject that go with it, both CRL policies, the clock. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/rsa.h>

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

static struct anchors *trust_crls(const struct made *ca, const struct bytes *crls, unsigned n, enum crl_policy policy)
{
	const char *why = "";
	struct anchors_conf conf = { .ca = &ca->der, .n_ca = 1, .crl = crls, .n_crl = n, .crl_policy = policy };
	struct anchors *a = anchors_new(&conf, &why);
	ck_assert_msg(a != NULL, "%s", why);
	return a;
}

static struct anchors *trust(const struct made *ca) { return trust_crls(ca, NULL, 0, CRL_OFF); }

static struct auth_input said(void)
{
	static uint8_t message[300], nonce[32], key[32];
	memset(message, 7, sizeof message);
	memset(nonce, 8, sizeof nonce);
	memset(key, 9, sizeof key);
	return (struct auth_input){ PRF_HMAC_SHA2_256, bytes_of(message, sizeof message), bytes_of(nonce, sizeof nonce),
		bytes_of(key, sizeof key), bytes_of("\2\0\0\0gw1.example", 15) };
}

/* Signed by k in this way; the claim is filled in but for the chain. */
static void sign_it(struct shown *s, EVP_PKEY *key, const struct sign_scheme *scheme)
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
static void show(struct shown *s, struct anchors *a, const struct made *const *chain)
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

static enum cert_cause judged(struct shown *s)
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
static void usual(void)
{
	need_algs();
	root = made_ca("CN=root", NULL);
	sub = made_ca("CN=sub", &root);
	leaf = made_leaf("O=Example,CN=gw1", &sub, GW1);
}

START_TEST(chain_of_three)
{
	struct shown s;
	usual();
	SHOW(&s, trust(&root), &leaf, &sub);
	ck_cause(&s, OK);
	ck_assert_int_eq(s.verdict.depth, -1);
	ck_assert_str_eq(s.verdict.subject, "O=Example, CN=gw1");
	ck_assert_str_eq(s.verdict.scheme->word, "ecdsa-sha256");
	ck_assert(s.verdict.known && s.verdict.facts.key == KEY_P256 && !s.verdict.clock);
	ck_assert_int_eq(s.verdict.ends, MADE_NOW + 100 * MADE_DAY);
	/* With the root, with strangers, in any order. */
	struct made other = made_ca("CN=other", NULL), ones = made_leaf("CN=x", &other, NULL);
	SHOW(&s, s.anchors, &leaf, &other, &root, &ones, &sub);
	ck_cause(&s, OK);
	/* An anchor that is no root is as good. */
	SHOW(&s, trust(&sub), &leaf);
	ck_cause(&s, OK);
	SHOW(&s, s.anchors, &leaf, &sub);
	ck_cause(&s, OK);
	/* The peer's own certificate as the anchor. */
	SHOW(&s, trust(&leaf), &leaf);
	ck_cause(&s, OK);
}
END_TEST

START_TEST(ends_with_the_first_of_the_chain)
{
	struct shown s;
	usual();
	struct made_spec spec = { .name = "CN=sub", .issuer = &root, .constraints = "critical,CA:TRUE", .from = -1, .to = 3 };
	struct made brief = made(&spec), below = made_leaf("CN=gw1", &brief, GW1);
	SHOW(&s, trust(&root), &below, &brief);
	ck_cause(&s, OK);
	ck_assert_int_eq(s.verdict.ends, MADE_NOW + 3 * MADE_DAY);
}
END_TEST

START_TEST(who_is_not_trusted)
{
	struct shown s;
	usual();
	struct made other = made_ca("CN=other", NULL);
	SHOW(&s, trust(&other), &leaf, &sub);
	ck_cause(&s, UNTRUSTED);
	SHOW(&s, trust(&root), &leaf); /* the one in between is missing */
	ck_cause(&s, UNTRUSTED);
	ck_assert_int_eq(s.verdict.depth, 0);
	ck_assert_str_eq(s.verdict.subject, "O=Example, CN=gw1");
	struct made self = made_leaf("CN=gw1", NULL, GW1);
	SHOW(&s, trust(&root), &self);
	ck_cause(&s, UNTRUSTED);
	/* A CA of the same name with another key: with key ids it is not found to be the issuer, without them its signature is wrong. */
	struct made twin = made_ca("CN=root", NULL), forged = made_leaf("CN=gw1", &twin, GW1);
	SHOW(&s, trust(&root), &forged);
	ck_cause(&s, UNTRUSTED);
	struct made bare = made(&(struct made_spec){ .issuer = &twin, .san = GW1, .no_key_ids = true });
	SHOW(&s, trust(&root), &bare);
	ck_cause(&s, SIGNATURE_BAD);
}
END_TEST

START_TEST(no_store_of_the_system)
{
	struct shown s;
	usual();
	char path[] = "/tmp/test-cert-XXXXXX";
	struct made other = made_ca("CN=other", NULL);
	struct bytes pem = made_pem("CERTIFICATE", root.der);
	int fd = mkstemp(path);
	ck_assert(fd >= 0 && write(fd, pem.p, pem.n) == (ssize_t)pem.n);
	setenv("SSL_CERT_FILE", path, 1);
	SHOW(&s, trust(&other), &leaf, &sub);
	ck_cause(&s, UNTRUSTED);
	unlink(path);
}
END_TEST

START_TEST(numbers_and_sizes)
{
	struct shown s;
	uint8_t big[CERT_SIZE_MAX + 1] = { 0x30, 0x82, 0x0f, 0xfd };
	usual();
	SHOW(&s, trust(&root), &leaf, &sub, &root, &sub, &root, &sub);
	ck_cause(&s, OK);
	s.chain[s.claim.n_chain++] = sub.der;
	ck_cause(&s, TOO_MANY);
	s.claim.n_chain = 0;
	ck_cause(&s, NONE);
	ck_assert(s.verdict.depth == -1 && s.verdict.subject[0] == 0 && !s.verdict.known);
	SHOW(&s, s.anchors, &leaf, &sub);
	s.chain[0] = bytes_of(big, sizeof big);
	ck_cause(&s, TOO_LARGE);
	s.chain[0] = bytes_of(leaf.der.p, leaf.der.n - 1);
	ck_cause(&s, MALFORMED);
	ck_assert(s.verdict.depth == 0 && !s.verdict.known);
	/* What is of no use in the bag is passed over, unless it was the one that is missing. */
	SHOW(&s, s.anchors, &leaf, &root, &sub);
	s.chain[1] = bytes_of("\x30\0", 2);
	ck_cause(&s, OK);
	s.claim.n_chain = 2;
	ck_cause(&s, MALFORMED);
	ck_assert_int_eq(s.verdict.depth, 1);
}
END_TEST

START_TEST(times)
{
	struct shown s;
	usual();
	struct anchors *a = trust(&root);
	static const struct {
		long from, to, now, earliest;
		enum cert_cause want;
	} rows[] = {
		{ -2, -1, MADE_NOW, 0, CERT_EXPIRED },
		{ 1, 2, MADE_NOW, 0, CERT_NOT_YET },
		{ 0, 2, MADE_NOW - CERT_SKEW, 0, CERT_OK },
		{ 0, 2, MADE_NOW - CERT_SKEW - 1, 0, CERT_NOT_YET },
		{ -2, 0, MADE_NOW - 1, 0, CERT_OK },
		{ -2, 0, MADE_NOW + 1, 0, CERT_EXPIRED }, /* no grace at the end */
		{ 0, 2, 0, MADE_NOW, CERT_OK },           /* the clock says 1970, something else that it is later */
		{ 0, 2, 0, 0, CERT_NOT_YET },
		{ -40, 2, 0, 0, CERT_OK }, /* not before this program was made */
		{ -2, -1, 0, MADE_NOW, CERT_EXPIRED },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct made m = made(&(struct made_spec){ .issuer = &root,
			.san = GW1,
			.from = rows[i].from,
			.to = rows[i].to == 0 && rows[i].from == 0 ? 1 : rows[i].to });
		struct made old = made(&(struct made_spec){
			.name = "CN=root", .old_key = root.key, .constraints = "critical,CA:TRUE", .from = -400, .to = 400 });
		SHOW(&s, trust(&old), &m);
		s.claim.now = rows[i].now;
		s.claim.earliest = rows[i].earliest;
		enum cert_cause got = judged(&s);
		ck_assert_msg(got == rows[i].want, "row %zu: %s", i, cert_cause_word(got));
		ck_assert(s.verdict.clock == (rows[i].now < CERT_RELEASED));
		anchors_free(s.anchors);
	}
	struct made over = made(&(struct made_spec){
		.name = "CN=sub", .issuer = &root, .constraints = "critical,CA:TRUE", .from = -3, .to = -1 });
	struct made below = made_leaf("CN=gw1", &over, GW1);
	SHOW(&s, a, &below, &over);
	ck_cause(&s, EXPIRED);
	ck_assert_int_eq(s.verdict.depth, 1);
	ck_assert_str_eq(s.verdict.subject, "CN=sub");
}
END_TEST

START_TEST(who_may_issue)
{
	struct shown s;
	usual();
	struct anchors *a = trust(&root);
	struct made none = made_leaf("CN=sub", &root, NULL), below = made_leaf("CN=gw1", &none, GW1);
	SHOW(&s, a, &below, &none);
	ck_cause(&s, NOT_CA);
	struct made bare = made(&(struct made_spec){ .name = "CN=sub", .issuer = &root }),
		    below2 = made_leaf("CN=gw1", &bare, GW1);
	SHOW(&s, a, &below2, &bare); /* no basicConstraints, no keyUsage */
	ck_cause(&s, NOT_CA);
	struct made no_sign = made(&(struct made_spec){
		.name = "CN=sub", .issuer = &root, .constraints = "critical,CA:TRUE", .usage = "critical,cRLSign" });
	struct made below3 = made_leaf("CN=gw1", &no_sign, GW1);
	SHOW(&s, a, &below3, &no_sign);
	ck_assert(judged(&s) == CERT_NOT_CA || s.verdict.cause == CERT_UNTRUSTED);
	struct made last = made(
		&(struct made_spec){ .name = "CN=last", .issuer = &root, .constraints = "critical,CA:TRUE,pathlen:0" });
	struct made deeper = made_ca("CN=deeper", &last), below4 = made_leaf("CN=gw1", &deeper, GW1),
		    good = made_leaf("CN=gw1", &last, GW1);
	SHOW(&s, a, &good, &last);
	ck_cause(&s, OK);
	SHOW(&s, a, &below4, &deeper, &last);
	ck_cause(&s, CONSTRAINT);
}
END_TEST

/* CVE-2026-35331: a CA that may speak for some names only issues another. */
START_TEST(bug_CVE_2026_35331)
{
	struct shown s;
	usual();
	struct anchors *a = trust(&root);
	struct made ca = made(&(struct made_spec){ .name = "CN=branch",
		.issuer = &root,
		.constraints = "critical,CA:TRUE",
		.names = "critical,permitted;DNS:branch.example" });
	struct made good = made_leaf("CN=gw1", &ca, "DNS:gw1.branch.example"), bad = made_leaf("CN=gw1", &ca, GW1);
	SHOW(&s, a, &good, &ca);
	s.claim.id = bytes_of("gw1.branch.example", 18);
	ck_cause(&s, OK);
	SHOW(&s, a, &bad, &ca);
	ck_cause(&s, CONSTRAINT);
	struct made not_ours = made(&(struct made_spec){ .name = "CN=branch",
		.issuer = &root,
		.constraints = "critical,CA:TRUE",
		.names = "critical,excluded;DNS:gw1.example" });
	struct made out = made_leaf("CN=gw1", &not_ours, GW1);
	SHOW(&s, a, &out, &not_ours);
	ck_cause(&s, CONSTRAINT);
}
END_TEST

START_TEST(what_the_own_certificate_is_for)
{
	static const struct {
		struct made_spec spec;
		enum cert_cause want;
	} rows[] = {
		{ { .san = GW1, .constraints = "critical,CA:TRUE" }, CERT_IS_CA },
		{ { .san = GW1, .usage = "critical,keyEncipherment" }, CERT_USAGE },
		{ { .san = GW1, .usage = "critical,nonRepudiation" }, CERT_OK },
		{ { .san = GW1, .usage = "digitalSignature,keyEncipherment", .purposes = "serverAuth,clientAuth" },
			CERT_OK }, /* as the clouds make them */
		{ { .san = GW1, .purposes = "codeSigning" }, CERT_OK },
		{ { .san = GW1, .strange = true }, CERT_EXTENSION },
		{ { .san = GW1, .no_key_ids = true }, CERT_OK },
		{ { .san = GW1, .constraints = "CA:FALSE" }, CERT_OK },
		{ { .san = GW1, .version_1 = true }, CERT_NAME }, /* nothing but a subject */
		{ { .san = GW1, .digest = "SHA1" }, CERT_SIGNATURE_WEAK },
	};
	struct shown s;
	usual();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct made_spec spec = rows[i].spec;
		spec.issuer = &root;
		struct made m = made(&spec);
		SHOW(&s, trust(&root), &m);
		enum cert_cause got = judged(&s);
		ck_assert_msg(got == rows[i].want, "row %zu: %s", i, cert_cause_word(got));
	}
}
END_TEST

/* What people use as roots: their own signature does not count, because nobody looks at it. */
START_TEST(anchors_that_are_old_fashioned)
{
	static const struct made_spec specs[] = {
		{ .name = "CN=r", .constraints = "critical,CA:TRUE", .digest = "SHA1" },
		{ .name = "CN=r", .constraints = "CA:TRUE" },
		{ .name = "CN=r", .constraints = "critical,CA:TRUE", .no_key_ids = true },
		{ .name = "CN=r", .usage = "keyCertSign" },
		{ .name = "CN=r", .version_1 = true },
		{ .name = "CN=r", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign" },
	};
	struct shown s;
	need_algs();
	for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
		struct made ca = made(&specs[i]), m = made_leaf("CN=gw1", &ca, GW1);
		SHOW(&s, trust(&ca), &m);
		enum cert_cause got = judged(&s);
		ck_assert_msg(got == CERT_OK, "row %zu: %s", i, cert_cause_word(got));
	}
	struct made no_ca = made_leaf("CN=r", NULL, NULL), m = made_leaf("CN=gw1", &no_ca, GW1);
	SHOW(&s, trust(&no_ca), &m); /* somebody's certificate is no CA for others because it is trusted */
	ck_assert(judged(&s) != CERT_OK);
}
END_TEST

/* --- identity --- */
START_TEST(identity_or_pin)
{
	struct shown s;
	uint8_t pin[32];
	usual();
	struct anchors *a = trust(&root);
	struct made one = made_leaf("CN=vpn-0f.endpoint-0", &root, NULL), two = made_leaf("CN=vpn-0f.endpoint-1", &root, NULL);
	struct bytes name = made_name("CN=vpn-0f.endpoint-0");
	SHOW(&s, a, &one);
	ck_cause(&s, NAME);
	s.claim.id_type = ID_DER_ASN1_DN;
	s.claim.id = name;
	ck_cause(&s, OK);
	SHOW(&s, a, &two); /* the two ends of one connection, swapped */
	s.claim.id_type = ID_DER_ASN1_DN;
	s.claim.id = name;
	ck_cause(&s, NAME);
	ck_assert_int_eq(s.verdict.depth, 0);
	SHOW(&s, a, &one);
	s.claim.id_type = 0; /* nobody: nobody is that */
	s.claim.id = bytes_of(NULL, 0);
	ck_cause(&s, NAME);
	ck_assert_int_eq(hash_sha256(&one.der, 1, pin), ERR_OK);
	s.claim.pin = pin;
	ck_cause(&s, OK);
	pin[31] ^= 1;
	ck_cause(&s, PIN);
	pin[31] ^= 1;
	SHOW(&s, trust(&leaf), &one); /* a pin is no anchor */
	s.claim.pin = pin;
	ck_cause(&s, UNTRUSTED);
}
END_TEST

/* --- revocation --- */
START_TEST(revocation)
{
	struct shown s;
	usual();
	const struct made *gone[] = { &leaf }, *sub_gone[] = { &sub };
	struct bytes of_root = made_crl(&root, NULL, 0, -1, 7), of_sub = made_crl(&sub, NULL, 0, -1, 7),
		     revoked = made_crl(&sub, gone, 1, -1, 7);
	struct bytes sub_revoked = made_crl(&root, sub_gone, 1, -1, 7), old = made_crl(&sub, NULL, 0, -9, -2),
		     old_revoked = made_crl(&sub, gone, 1, -9, -2);
	struct made twin = made_ca("CN=sub", NULL);
	struct bytes forged = made_crl(&twin, NULL, 0, -1, 7), future = made_crl(&sub, NULL, 0, 2, 7);
	const struct {
		struct bytes crl[2];
		enum cert_cause off, fresh, require;
		int depth;
	} rows[] = {
		{ { of_root, of_sub }, CERT_OK, CERT_OK, CERT_OK, -1 },
		{ { of_root, revoked }, CERT_OK, CERT_REVOKED, CERT_REVOKED, 0 },
		{ { sub_revoked, of_sub }, CERT_OK, CERT_REVOKED, CERT_REVOKED, 1 },
		{ { of_root, of_root }, CERT_OK, CERT_OK, CERT_CRL_MISSING, 0 },
		{ { of_sub, of_sub }, CERT_OK, CERT_OK, CERT_CRL_MISSING, 1 },
		{ { of_root, old }, CERT_OK, CERT_OK, CERT_CRL_EXPIRED, 0 },
		{ { of_root, old_revoked }, CERT_OK, CERT_REVOKED, CERT_CRL_EXPIRED, 0 },
		{ { of_root, forged }, CERT_OK, CERT_CRL_BAD, CERT_CRL_BAD, 0 },
		{ { of_root, future }, CERT_OK, CERT_CRL_BAD, CERT_CRL_BAD, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (int policy = CRL_OFF; policy <= CRL_REQUIRE; policy++) {
			enum cert_cause want = policy == CRL_OFF     ? rows[i].off
					       : policy == CRL_FRESH ? rows[i].fresh
								     : rows[i].require;
			SHOW(&s, trust_crls(&root, rows[i].crl, 2, (enum crl_policy)policy), &leaf, &sub);
			enum cert_cause got = judged(&s);
			ck_assert_msg(got == want, "row %zu, policy %d: %s", i, policy, cert_cause_word(got));
			ck_assert_int_eq(s.verdict.depth, want == CERT_OK ? -1 : rows[i].depth);
		}
	SHOW(&s, trust_crls(&root, NULL, 0, CRL_REQUIRE), &leaf, &sub);
	ck_cause(&s, CRL_MISSING);
	SHOW(&s, trust_crls(&sub, &of_sub, 1, CRL_REQUIRE), &leaf); /* none is wanted of who issued the anchor */
	ck_cause(&s, OK);
}
END_TEST

START_TEST(what_can_be_no_anchor)
{
	const char *why = "";
	usual();
	struct bytes rubbish = bytes_of("\x30\3\1\1\1", 5);
	struct anchors_conf none = { 0 }, bad = { .ca = &rubbish, .n_ca = 1 },
			    crl = { .ca = &root.der, .n_ca = 1, .crl = &rubbish, .n_crl = 1, .crl_policy = CRL_FRESH };
	ck_assert_ptr_null(anchors_new(&none, &why));
	ck_assert_str_eq(why, "there is no CA");
	ck_assert_ptr_null(anchors_new(&bad, &why));
	ck_assert_ptr_null(anchors_new(&crl, &why));
	ck_assert_str_eq(why, "a CRL cannot be read");
	struct anchors *a = trust(&root);
	ck_assert_ptr_eq(anchors_hold(a), a);
	anchors_free(a);
	struct shown s;
	SHOW(&s, a, &leaf, &sub); /* there is an owner yet */
	ck_cause(&s, OK);
	anchors_free(a);
	anchors_free(NULL);
}
END_TEST

/* --- AUTH --- */
START_TEST(each_scheme_and_each_key)
{
	static const char *const words[] = { "rsa2048", "P-256", "P-384", "P-521", "ED25519", "ED448" };
	static const enum key_kind kinds[] = { KEY_RSA, KEY_P256, KEY_P384, KEY_P521, KEY_ED25519, KEY_ED448 };
	struct shown s;
	unsigned signatures = 0;
	usual();
	struct anchors *a = trust(&root);
	for (unsigned k = 0; k < 6; k++) {
		struct made m = made(&(struct made_spec){ .issuer = &root, .key = words[k], .san = GW1 });
		struct made other = made(&(struct made_spec){ .issuer = &root, .key = words[k], .san = GW1 });
		const struct sign_scheme *scheme;
		for (unsigned i = 0; (scheme = sign_scheme_row(i)) != NULL; i++) {
			SHOW(&s, a, k == 0 ? &m : &leaf); /* fills in the rest */
			s.chain[0] = m.der;
			if (!sign_fits(scheme, kinds[k])) {
				s.claim.method = scheme->method;
				struct buf b = buf_of(s.auth, sizeof s.auth);
				sign_auth_write(&b, scheme, bytes_of("0123456789", 10));
				s.claim.auth = buf_view(&b);
				s.claim.sha1 = true;
				ck_cause(&s, METHOD);
				continue;
			}
			sign_it(&s, m.key, scheme);
			if (scheme->weak != NULL)
				ck_cause(&s, AUTH_WEAK);
			s.claim.sha1 = true;
			ck_cause(&s, OK);
			ck_assert_ptr_eq(s.verdict.scheme, scheme);
			s.octets.mac[0] ^= 1;
			ck_cause(&s, AUTH_BAD);
			s.octets.mac[0] ^= 1;
			uint8_t *last = (uint8_t *)(uintptr_t)s.claim.auth.p + s.claim.auth.n - 1;
			*last ^= 1;
			ck_cause(&s, AUTH_BAD);
			*last ^= 1;
			s.chain[0] = other.der; /* somebody else's key */
			ck_cause(&s, AUTH_BAD);
			signatures++;
		}
	}
	ck_assert_uint_eq(signatures, 8 + 3 * 5 + 2);
}
END_TEST

START_TEST(no_method_no_proof)
{
	struct shown s;
	usual();
	SHOW(&s, trust(&root), &leaf, &sub);
	static const uint8_t methods[] = { 0, AUTH_SHARED_KEY_MIC, AUTH_DSS_SIGNATURE, AUTH_NULL, 255 };
	for (unsigned i = 0; i < sizeof methods; i++) {
		s.claim.method = methods[i];
		ck_cause(&s, METHOD);
	}
	cert_judge_chain(s.anchors, &s.claim, &s.verdict); /* for who asks about certificates alone */
	ck_assert_int_eq(s.verdict.cause, CERT_OK);
	ck_assert_ptr_null(s.verdict.scheme);
}
END_TEST

/* CVE-2013-2944: an empty signature, r or s that is zero or too large. */
START_TEST(bug_CVE_2013_2944_signature)
{
	struct shown s;
	uint8_t raw[66] = { 0 }, order[] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
	usual();
	SHOW(&s, trust(&root), &leaf, &sub);
	s.claim.method = AUTH_ECDSA_256;
	s.claim.auth = bytes_of(raw, 0);
	ck_cause(&s, METHOD); /* none at all is malformed */
	s.claim.auth = bytes_of(raw, 64);
	ck_cause(&s, AUTH_BAD); /* r = s = 0 */
	raw[31] = 1;
	ck_cause(&s, AUTH_BAD); /* s = 0 */
	raw[31] = 0;
	raw[63] = 1;
	ck_cause(&s, AUTH_BAD); /* r = 0 */
	memcpy(raw, order, 32);
	memcpy(raw + 32, order, 32);
	ck_cause(&s, AUTH_BAD); /* both are the order */
	memset(raw, 0xff, sizeof raw);
	ck_cause(&s, AUTH_BAD);
	/* A good one with an octet before, behind, less. */
	sign_it(&s, leaf.key, sign_scheme(2));
	ck_cause(&s, OK);
	memcpy(raw, s.claim.auth.p, 64);
	raw[64] = 0;
	s.claim.auth = bytes_of(raw, 65);
	ck_cause(&s, AUTH_BAD);
	s.claim.auth = bytes_of(raw, 63);
	ck_cause(&s, AUTH_BAD);
	/* In DER: SEQUENCE { 0, 0 }, an empty one, a good one with octets behind it. */
	static const uint8_t head[] = { 12, 0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2 };
	static const char *const tails[] = { "\x30\6\2\1\0\2\1\0", "\x30\0", "\x30\6\2\1\1\2\1\0" };
	static const size_t sizes[] = { 8, 2, 8 };
	s.claim.method = AUTH_DIGITAL_SIGNATURE;
	for (unsigned i = 0; i < 3; i++) {
		memcpy(s.auth, head, sizeof head);
		memcpy(s.auth + sizeof head, tails[i], sizes[i]);
		s.claim.auth = bytes_of(s.auth, sizeof head + sizes[i]);
		ck_cause(&s, AUTH_BAD);
	}
	sign_it(&s, leaf.key, sign_scheme(10));
	ck_cause(&s, OK);
	s.auth[s.claim.auth.n++] = 0;
	ck_cause(&s, AUTH_BAD);
}
END_TEST

/* What a private key makes of a block of our choice: a "signature" that opens to it. */
static void forge(struct shown *s, EVP_PKEY *key, const uint8_t *block)
{
	static const uint8_t head[] = { 15, 0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0 };
	size_t n = 256;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	ck_assert(EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1);
	memcpy(s->auth, head, sizeof head);
	ck_assert_int_eq(EVP_PKEY_sign(ctx, s->auth + sizeof head, &n, block, 256), 1);
	s->claim.method = AUTH_DIGITAL_SIGNATURE;
	s->claim.auth = bytes_of(s->auth, sizeof head + n);
	EVP_PKEY_CTX_free(ctx);
}

/* CVE-2018-16151, -16152, -17540, CVE-2026-50722: PKCS#1 v1.5 blocks that a lenient parser takes. */
START_TEST(bug_CVE_2018_16151_signature)
{
	static const uint8_t info[] = { 0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20 };
	struct shown s;
	uint8_t hash[32], block[256], bad[256];
	usual();
	struct made m = made(&(struct made_spec){ .issuer = &root, .key = "rsa2048", .san = GW1 });
	SHOW(&s, trust(&root), &m);
	ck_assert_int_eq(hash_sha256(s.octets.part, SIGN_PARTS, hash), ERR_OK);
	memset(block, 0xff, sizeof block);
	block[0] = 0;
	block[1] = 1;
	block[255 - 32 - sizeof info] = 0;
	memcpy(block + 256 - 32 - sizeof info, info, sizeof info);
	memcpy(block + 256 - 32, hash, 32);
	forge(&s, m.key, block);
	ck_cause(&s, OK); /* the forger's tool works */
	size_t rest = 32 + sizeof info;

	memcpy(bad, block, 256); /* short padding, rubbish behind the hash */
	memmove(bad + 11, block + 256 - rest, rest);
	bad[10] = 0;
	memset(bad + 11 + rest, 0x5a, 256 - 11 - rest);
	forge(&s, m.key, bad);
	ck_cause(&s, AUTH_BAD);
	memcpy(bad, block, 256); /* a hash of one octet */
	bad[255 - 32] = 1;
	forge(&s, m.key, bad);
	ck_cause(&s, AUTH_BAD);
	memcpy(bad, block, 256); /* parameters that are no NULL */
	bad[256 - rest + 15] = 4;
	forge(&s, m.key, bad);
	ck_cause(&s, AUTH_BAD);
	memcpy(bad, block, 256); /* padding that is not ff */
	bad[20] = 0xfe;
	forge(&s, m.key, bad);
	ck_cause(&s, AUTH_BAD);
	memcpy(bad, block, 256); /* block type 2 */
	bad[1] = 2;
	forge(&s, m.key, bad);
	ck_cause(&s, AUTH_BAD);
	memcpy(bad, block, 256); /* an algorithm that is not the one that AUTH names */
	bad[256 - rest + 14] = 2;
	forge(&s, m.key, bad);
	ck_cause(&s, AUTH_BAD);
	s.claim.auth.n--; /* a signature that is too short */
	ck_cause(&s, AUTH_BAD);
}
END_TEST

/* CVE-2018-6459: RSASSA-PSS without the hash of its mask function. */
START_TEST(bug_CVE_2018_6459)
{
	static const uint8_t no_hash[] = { 0x34, 0x30, 0x32, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a, 0x30, 0x25,
		0xa0, 0x0f, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 0xa1, 0x0d, 0x30, 0x0b, 6, 9, 0x2a,
		0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8, 0xa2, 3, 2, 1, 0x20 };
	struct shown s;
	usual();
	struct made m = made(&(struct made_spec){ .issuer = &root, .key = "rsa2048", .san = GW1 });
	SHOW(&s, trust(&root), &m);
	sign_it(&s, m.key, sign_scheme(13));
	ck_cause(&s, OK);
	uint8_t signature[256];
	memcpy(signature, s.claim.auth.p + s.claim.auth.n - 256, 256);
	memcpy(s.auth, no_hash, sizeof no_hash);
	memcpy(s.auth + sizeof no_hash, signature, 256);
	s.claim.auth = bytes_of(s.auth, sizeof no_hash + 256);
	ck_cause(&s, METHOD);
}
END_TEST

UNIT_MAIN("cert_judge", chain_of_three, ends_with_the_first_of_the_chain, who_is_not_trusted, no_store_of_the_system,
	numbers_and_sizes, times, who_may_issue, bug_CVE_2026_35331, what_the_own_certificate_is_for,
	anchors_that_are_old_fashioned, identity_or_pin, revocation, what_can_be_no_anchor, each_scheme_and_each_key,
	no_method_no_proof, bug_CVE_2013_2944_signature, bug_CVE_2018_16151_signature, bug_CVE_2018_6459)
