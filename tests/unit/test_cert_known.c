/* test_cert_known.c - the certificates of a peer that was believed are read once, and judged each time. */
#include "../../src/crypto/cert_known.h"
#include "shown_help.h"

static bool is_known(struct bytes der)
{
	enum cert_cause why;
	struct cert *a = cert_read_known(der, &why), *b = cert_read_known(der, &why);
	bool same = a == b;
	ck_assert(a != NULL && b != NULL);
	cert_free(a);
	cert_free(b);
	return same;
}

START_TEST(known_and_judged_anew)
{
	struct shown s;
	usual();
	const struct made *gone[] = { &leaf };
	struct bytes crls[] = { made_crl(&root, NULL, 0, -1, 7), made_crl(&sub, gone, 1, -1, 7) };
	struct made other = made_ca("CN=other", NULL);
	SHOW(&s, trust(&root), &leaf, &sub);
	ck_assert(!is_known(leaf.der));
	ck_cause(&s, OK);
	ck_assert(is_known(leaf.der) && is_known(sub.der));
	ck_cause(&s, OK);
	ck_assert_str_eq(s.verdict.subject, "O=Example, CN=gw1");
	ck_assert_int_eq(s.verdict.ends, MADE_NOW + 100 * MADE_DAY);
	s.claim.now = MADE_NOW + 101 * MADE_DAY;
	ck_cause(&s, EXPIRED);
	s.claim.now = MADE_NOW;
	s.claim.id = bytes_of("gw2.example", 11);
	ck_cause(&s, NAME);
	SHOW(&s, trust(&other), &leaf, &sub);
	ck_cause(&s, UNTRUSTED);
	SHOW(&s, trust_crls(&root, crls, 2, CRL_REQUIRE), &leaf, &sub);
	ck_cause(&s, REVOKED);
	SHOW(&s, trust(&root), &leaf, &sub);
	s.octets.mac[0] ^= 1;
	ck_cause(&s, AUTH_BAD);
	SHOW(&s, trust(&root), &leaf, &sub);
	((uint8_t *)(uintptr_t)leaf.der.p)[leaf.der.n - 1] ^= 1; /* as long, and not the same */
	ck_cause(&s, SIGNATURE_BAD);
}
END_TEST

START_TEST(strangers_are_not_remembered)
{
	struct shown s;
	usual();
	struct made other = made_ca("CN=other", NULL), self = made_leaf("CN=gw1", NULL, GW1);
	SHOW(&s, trust(&root), &self, &other);
	ck_cause(&s, UNTRUSTED);
	ck_assert(!is_known(self.der) && !is_known(other.der));
	SHOW(&s, trust(&root), &leaf, &sub);
	s.octets.mac[0] ^= 1;
	ck_cause(&s, AUTH_BAD); /* who shows what is somebody else's */
	cert_judge_chain(s.anchors, &s.claim, &s.verdict);
	ck_assert_int_eq(s.verdict.cause, CERT_OK);
	ck_assert(!is_known(leaf.der) && !is_known(sub.der));
}
END_TEST

/* 70 others, more than there are places: who came again meanwhile is there still, who did not is not. */
START_TEST(who_comes_often_stays)
{
	struct shown s;
	usual();
	struct anchors *a = trust(&root);
	struct made once = made_leaf("CN=gw1", &sub, GW1);
	enum cert_cause why;
	SHOW(&s, a, &once, &sub);
	ck_cause(&s, OK);
	SHOW(&s, a, &leaf, &sub);
	ck_cause(&s, OK);
	struct cert *first = cert_read_known(leaf.der, &why);
	for (unsigned i = 0; i < 70; i++) {
		struct made m = made_leaf("CN=gw1", &sub, GW1);
		SHOW(&s, a, &leaf, &sub);
		ck_cause(&s, OK);
		SHOW(&s, a, &m, &sub);
		ck_cause(&s, OK);
		ck_assert(is_known(m.der));
		made_free(&m);
	}
	struct cert *last = cert_read_known(leaf.der, &why);
	ck_assert(first == last && is_known(sub.der)); /* all the time */
	ck_assert(!is_known(once.der));
	cert_free(first);
	cert_free(last);
}
END_TEST

UNIT_MAIN("cert_known", known_and_judged_anew, strangers_are_not_remembered, who_comes_often_stays)
