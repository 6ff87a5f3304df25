/*
 * test_check_keys.c - weak and shared pre-shared keys: what the loader and `s2sctl check` say of them.
 */
#include "check_help.h"

#define NONE FINDING_COUNT
#define ANY(id) "remote: any, start: respond, remote-id: " id ".example"
#define SESSION(peer) "bgp: {local-as: 65000, peer-as: 65515, peer: " peer "}"
static const struct {
	const char *key, *more;
	enum finding_code code; /* NONE: nothing is said */
	bool taken;
} strengths[] = {
	{ "aB3dE6gH9jK2mN5pQ8rS", "", NONE, true },
	{ "aB3dE6gH9jK2mN5pQ8r", "", FINDING_PSK_SHORT, true },
	{ "aB3dE6gH9jK2mN5p", "", FINDING_PSK_SHORT, true },
	{ "aB3dE6gH9jK2mN5", "", FINDING_PSK_WEAK, false },
	{ "x", "", FINDING_PSK_WEAK, false },
	{ "cccccccccccccccccccccccccccccccc", "", FINDING_PSK_WEAK, false },
	{ "ccccccccccccccccccccccccccccccca", "", NONE, true },
	{ "aB3dE6gH9jK2mN5", ", allow-weak: psk", FINDING_PSK_WEAK_ALLOWED, true },
	{ "cccccccccccccccccccccccccccccccc", ", allow-weak: [md5, psk]", FINDING_PSK_WEAK_ALLOWED, true },
	{ "aB3dE6gH9jK2mN5", ", allow-weak: md5", FINDING_PSK_WEAK, false },
	{ "aB3dE6gH9jK2mN5p", ", allow-weak: psk", FINDING_PSK_SHORT, true },
};

START_TEST(weak_keys)
{
	char yaml[256];
	snprintf(yaml, sizeof yaml, "tunnels:\n  a: {remote: 203.0.113.1, psk: %s%s}\n", strengths[_i].key, strengths[_i].more);
	conf = conf_of_private(yaml, &out);
	ck_assert_int_eq(conf != NULL, strengths[_i].taken);
	ck_assert_uint_eq(out.n, strengths[_i].code != NONE);
	if (out.n > 0) {
		ck_assert_int_eq((int)out.v[0].code, (int)strengths[_i].code);
		ck_assert_str_eq(out.v[0].key, "psk");
		ck_assert_ptr_nonnull(strstr(out.v[0].advice, "s2sctl genpsk"));
		/* "x" is in every other sentence */
		ck_assert(_i == 4 || strstr(out.v[0].text, strengths[_i].key) == NULL);
	}
	drop();
}
END_TEST

/* Key files are judged like keys in the settings, and those that nobody reads (exporters) are not. */
START_TEST(weak_key_files)
{
	const char yaml[] = "tunnels:\n  a: {remote: 203.0.113.1, psk-file: weak}\n";
	struct conf_text text = { .file = "t.yaml", .text = yaml, .len = sizeof yaml - 1 };
	conf = conf_of(yaml, &out);
	ck_assert_ptr_null(conf);
	ck_assert_uint_eq(out.n, 1);
	ck_assert_int_eq((int)out.v[0].code, FINDING_PSK_WEAK);
	ck_assert_str_eq(out.v[0].key, "psk-file");
	drop();
	conf = conf_load(&text, 1, NULL, NULL, &out);
	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(out.n, 0);
	drop();
}
END_TEST

static const struct {
	const char *a, *b;
	enum finding_code code;
} sharers[] = {
	{ "remote: 203.0.113.1", "remote: 203.0.113.2", FINDING_PSK_SHARED },
	{ "remote: 203.0.113.1, cloud: aws", "remote: 203.0.113.2, cloud: azure", FINDING_PSK_SHARED },
	{ "remote: a.example", "remote: b.example", FINDING_PSK_SHARED },
	{ "remote: 203.0.113.1, remote-id: a.example", "remote: 203.0.113.2, remote-id: b.example", FINDING_PSK_SHARED },
	{ "remote: 203.0.113.1, routes: 10.1.0.0/16", "remote: 203.0.113.2, routes: 10.2.0.0/16", FINDING_PSK_SHARED },
	{ "remote: 203.0.113.1, routes: 0.0.0.0/0", "remote: 203.0.113.2, routes: 0.0.0.0/0", FINDING_PSK_SHARED },
	{ "remote: 203.0.113.1, routes: 10.1.0.0/16", "remote: 203.0.113.2, routes: 10.1.0.0/16, route-table: 7",
		FINDING_PSK_SHARED },
	{ "remote: 203.0.113.1, cloud: aws, routes: 10.1.0.0/16", "remote: 203.0.113.2, cloud: aws, routes: 10.2.0.0/16",
		FINDING_PSK_SHARED },
	{ ANY("a"), ANY("b"), FINDING_PSK_SHARED_ANY },
	{ ANY("a"), "remote: 203.0.113.2, remote-id: b.example", FINDING_PSK_SHARED_ANY },
	{ "remote: 203.0.113.2, remote-id: b.example", ANY("a"), FINDING_PSK_SHARED_ANY },
	{ ANY("a") ", routes: 10.1.0.0/16", ANY("b") ", routes: 10.1.0.0/16", FINDING_PSK_SHARED_ANY },
	{ ANY("a") ", allow-weak: psk", ANY("b"), FINDING_PSK_SHARED_ANY },
	{ ANY("a") ", allow-weak: psk", ANY("b") ", allow-weak: psk", FINDING_PSK_SHARED },
	/* one peer */
	{ "remote: 203.0.113.1, cloud: aws", "remote: 203.0.113.2, cloud: aws", NONE },
	{ "remote: 203.0.113.1, cloud: azure, " SESSION("10.3.0.4"), "remote: 203.0.113.2, cloud: azure, " SESSION("10.3.0.5"),
		NONE },
	{ "remote: 203.0.113.1, routes: [10.1.0.0/16, 10.2.0.0/16]", "remote: 203.0.113.2, routes: 10.1.0.0/16", NONE },
	{ "remote: 203.0.113.1, routes: 10.1.0.0/16", "remote: 203.0.113.2, remote-ts: 10.1.0.0/16", NONE },
	{ "remote: 203.0.113.1, local: 198.51.100.1", "remote: 203.0.113.1, local: 198.51.100.2", NONE },
	{ "remote: a.example, local: 198.51.100.1", "remote: a.example, local: 198.51.100.2", NONE },
	{ "remote: 203.0.113.1, remote-id: a.example", ANY("a") ", local-id: b.example", NONE },
};

START_TEST(shared_keys)
{
	char yaml[512];
	snprintf(yaml, sizeof yaml, "tunnels:\n  a: {psk-file: k, %s}\n  b: {psk-file: k, %s}\n", sharers[_i].a, sharers[_i].b);
	conf = conf_of(yaml, &out);
	const struct finding *f = find("psk-shared", NULL);
	ck_assert_int_eq((int)(f != NULL ? f->code : NONE), (int)sharers[_i].code);
	ck_assert_int_eq(conf != NULL, sharers[_i].code != FINDING_PSK_SHARED_ANY);
	if (f != NULL) {
		ck_assert_int_eq(f->line, 3);
		ck_assert_ptr_nonnull(strstr(f->text, "tunnel 'a' (t.yaml:2)"));
		ck_assert_ptr_null(strstr(f->text, "made-up"));
	}
	drop();
}
END_TEST

/* An error is found behind a warning, and a thousand equal keys are one row each. */
START_TEST(many_shared_keys)
{
	char *yaml = NULL;
	size_t len = 0;
	conf = conf_of("tunnels:\n  a: {remote: 203.0.113.1, psk-file: k}\n  b: {" ANY(
			       "b") ", psk-file: k, allow-weak: psk}\n  c: {remote: "
				    "203.0.113.3, psk-file: k}\n",
		&out);
	ck_assert_uint_eq(out.n, 2);
	ck_assert_int_eq((int)out.v[0].code, FINDING_PSK_SHARED_ANY); /* a does not permit it */
	ck_assert_int_eq((int)out.v[1].code, FINDING_PSK_SHARED_ANY); /* nor does c */
	drop();
	FILE *to = open_memstream(&yaml, &len);
	fprintf(to, "tunnels:\n");
	for (int i = 0; i < 900; i++)
		fprintf(to, "  t%d: {remote: 10.%d.%d.1, psk-file: k}\n", i, i / 250, i % 250);
	fclose(to);
	conf = conf_of(yaml, &out);
	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(out.n, 899);
	drop();
	free(yaml);
}
END_TEST

/* --- certificates: until when (what else is wrong with them is in the golden pair certificate-check) --- */
static const struct {
	int64_t days; /* of what is left of the certificate */
	const char *rule;
	enum finding_severity severity;
} ages[] = {
	{ 400, NULL, FINDING_HINT }, { 31, NULL, FINDING_HINT }, { 29, "certificate-expiry", FINDING_HINT },
	{ 8, "certificate-expiry", FINDING_HINT }, { 6, "certificate-expiry", FINDING_WARNING },
	{ 1, "certificate-expiry", FINDING_WARNING }, { 0, "certificate-expiry", FINDING_ERROR },
	{ -1, "certificate-expiry", FINDING_ERROR }, { 36600, "certificate-expiry", FINDING_ERROR }, /* before it begins */
};

START_TEST(certificates_expire)
{
	struct conf *c = conf_good(
		"tunnels: {a: {remote: 192.0.2.1, certificate: gw.pem, private-key: gw.key, ca: root.pem, remote-id: b.example}}");
	struct findings found = { 0 };
	struct cert_facts facts;
	enum cert_cause why;
	struct cert *leaf = cert_read(c->tunnels[0]->cert.chain.v[0], &why);
	ck_assert_ptr_nonnull(leaf);
	cert_facts(leaf, &facts);
	cert_free(leaf);
	c->tunnels[0]->cert.cas.n = 0; /* of the same day; it is released with the list, which keeps its memory */
	check_conf_certificates(&found, c, facts.not_after - ages[_i].days * 86400 - 60);
	ck_assert_uint_eq(found.n, ages[_i].rule != NULL);
	if (found.n > 0) {
		ck_assert_str_eq(found.v[0].rule, ages[_i].rule);
		ck_assert_int_eq(found.v[0].severity, ages[_i].severity);
		ck_assert_ptr_nonnull(strstr(found.v[0].text, "CN=gw"));
	}
	c->tunnels[0]->cert.cas.n = 1;
	findings_release(&found);
	conf_free(c);
}
END_TEST

/* What a token has is not looked at, and `s2sctl check` says so; the daemon does not. */
static const char *const places[] = { "gw.key", "'handle:0x81000001?pin-source=file:/etc/s2sd/pin'",
	"'pkcs11:token=gw;object=gw'" };

START_TEST(keys_in_tokens)
{
	char yaml[256];
	snprintf(yaml, sizeof yaml,
		"tunnels: {a: {remote: 192.0.2.1, certificate: gw-chain.pem, private-key: %s, ca: root.pem, remote-id: b.example}}",
		places[_i]);
	struct conf *c = conf_good(yaml); /* without a finding */
	struct findings found = { 0 };
	check_conf_certificates(&found, c, 0);
	ck_assert_uint_eq(found.n, _i > 0);
	if (found.n > 0) {
		ck_assert_str_eq(found.v[0].rule, "certificate-key");
		ck_assert_int_eq(found.v[0].severity, FINDING_HINT);
		ck_assert_ptr_nonnull(strstr(found.v[0].text, "in a token"));
	}
	findings_release(&found);
	conf_free(c);
}
END_TEST

/* ... and lists of what is revoked. */
static const struct {
	const char *policy;
	int64_t hours; /* until the next one is due */
	const char *text;
	enum finding_severity severity;
} lists[] = {
	{ "require", 72, NULL, FINDING_HINT },
	{ "require", 47, "in 47 hours, and then no certificate of that CA is accepted", FINDING_WARNING },
	{ "require", -1, "no certificate of that CA is accepted", FINDING_ERROR },
	{ "fresh", 72, NULL, FINDING_HINT },
	{ "fresh", 1, "in 1 hour", FINDING_WARNING },
	{ "fresh", -1, "what was revoked since is not known", FINDING_WARNING },
};

START_TEST(lists_grow_old)
{
	char yaml[256];
	snprintf(yaml, sizeof yaml,
		"tunnels: {a: {remote: 192.0.2.1, certificate: gw.pem, private-key: gw.key, ca: root.pem, remote-id: b.example, crl: root-crl.pem %s}}",
		lists[_i].policy);
	struct conf *c = conf_good(yaml);
	struct cert_conf *cert = &c->tunnels[0]->cert;
	struct findings found = { 0 };
	struct crl_facts facts;
	ck_assert_uint_eq(cert->crls.n, 1);
	ck_assert(crl_facts(cert->crls.v[0], &facts));
	ck_assert(!crl_facts(bytes_of(cert->crls.v[0].p, cert->crls.v[0].n - 1), &(struct crl_facts){ 0 }));
	ck_assert_int_gt(facts.next, facts.issued);
	uint32_t n_chain = cert->chain.n, n_ca = cert->cas.n;
	cert->chain.n = cert->cas.n = 0; /* they are released with their lists */
	check_conf_certificates(&found, c, facts.next - lists[_i].hours * 3600);
	ck_assert_uint_eq(found.n, lists[_i].text != NULL);
	if (found.n > 0) {
		ck_assert_str_eq(found.v[0].rule, "crl-expiry");
		ck_assert_int_eq(found.v[0].severity, lists[_i].severity);
		ck_assert_msg(strstr(found.v[0].text, lists[_i].text) != NULL && strstr(found.v[0].text, facts.issuer) != NULL,
			"%s", found.v[0].text);
	}
	cert->chain.n = n_chain;
	cert->cas.n = n_ca;
	findings_release(&found);
	conf_free(c);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_loop_test(t, lists_grow_old, 0, ROWS(lists));
	tcase_add_loop_test(t, weak_keys, 0, ROWS(strengths));
	tcase_add_test(t, weak_key_files);
	tcase_add_loop_test(t, shared_keys, 0, ROWS(sharers));
	tcase_add_test(t, many_shared_keys);
	tcase_add_loop_test(t, certificates_expire, 0, ROWS(ages));
	tcase_add_loop_test(t, keys_in_tokens, 0, ROWS(places));
	return check_run("check keys", t);
}
