/* test_cert_judge.c - does a chain prove that a peer is who it must be? Each cause of a refusal, depth and subject that go with it, CRL policies, the clock. */
#include <unistd.h>

#include "shown_help.h"

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
	struct made bare = made(&(struct made_spec){ .name = "CN=r" }), m2 = made_leaf("CN=gw1", &bare, GW1);
	SHOW(&s, trust(&bare), &m2); /* nor when it says nothing of what it is for */
	ck_cause(&s, NOT_CA);
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
		{ { of_root, future }, CERT_OK, CERT_OK, CERT_CRL_BAD, 0 },
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

UNIT_MAIN("cert_judge", chain_of_three, ends_with_the_first_of_the_chain, who_is_not_trusted, no_store_of_the_system,
	numbers_and_sizes, times, who_may_issue, bug_CVE_2026_35331, what_the_own_certificate_is_for,
	anchors_that_are_old_fashioned, identity_or_pin, revocation, what_can_be_no_anchor)
