/* test_conf_faults.c - what is refused of a configuration as a whole: YAML, words nearly right, bounds, the order of the faults. */
#include "conf_help.h"

#include <openssl/provider.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

START_TEST(faults_come_in_file_order)
{
	const char *why;
	struct conf_text texts[] = {
		{ .file = "a.yaml", .text = "tunnels:\n  x: {remote: 192.0.2.1}\n  y: {\n" },
		{ .file = "b.yaml", .text = "s2sd: {workers: many}\ntunnels:\n  z: {remote: 192.0.2.9, psk-file: k}\n" },
		{ .file = "c.yaml", .text = "tunnels:\n  z: {remote: 192.0.2.7, psk-file: k, dpd: 3}\ns2sd: {workers: 3}\n" },
	};
	struct findings f;
	for (int i = 0; i < 3; i++)
		texts[i].len = strlen(texts[i].text);
	ck_assert(alg_init(&why));
	ck_assert_ptr_null(conf_load(texts, 3, NULL, NULL, &f));
	const char *wanted[] = { "a.yaml:2", "a.yaml:4", "b.yaml:1", "c.yaml:2", "c.yaml:2", "c.yaml:3" };
	ck_assert_uint_eq(f.n, 6);
	for (unsigned i = 0; i < f.n; i++) {
		char place[64];
		snprintf(place, sizeof place, "%s:%d", f.v[i].file, f.v[i].line);
		ck_assert_str_eq(place, wanted[i]);
	}
	ck_assert_ptr_nonnull(strstr(f.v[4].text, "b.yaml:3"));
	ck_assert_ptr_nonnull(strstr(f.v[5].text, "b.yaml:1"));
	findings_release(&f);
}
END_TEST

START_TEST(nearest_words)
{
	static const struct {
		const char *tunnel, *word;
	} rows[] = {
		{ "remot: x", "'remote'" },
		{ "local_id: x", "'local-id'" },
		{ "rotues: x", "'routes'" },
		{ "dpd: 3s", "'dpd-interval'" },
		{ "start: respnod", "'respond'" },
		{ "bgp: {pear: 1.2.3.4}", "'peer'" },
		{ "ike-proposal: x", "'ike-proposals'" },
		{ "allow-weak: modp1042", "'modp1024'" },
		{ "log-level: info", "under 's2sd:'" },
		{ "peer-as: 1", "under 'bgp:'" },
		{ "s2sd: 1", "at the left margin" },
		{ "dpd-timeuot: 3s", "'dpd-timeout'" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char yaml[256];
		struct findings f;
		snprintf(yaml, sizeof yaml, "tunnels:\n  a:\n    remote: 192.0.2.1\n    psk-file: k\n    %s\n", rows[i].tunnel);
		ck_assert_ptr_null(conf_of(yaml, &f));
		ck_assert_int_eq(f.v[0].line, 5);
		bool found = false;
		for (unsigned j = 0; j < f.n; j++)
			found = found || strstr(f.v[j].text, rows[i].word) != NULL;
		ck_assert_msg(found, "%s: %s", rows[i].tunnel, f.v[0].text);
		findings_release(&f);
	}
}
END_TEST

/* Where the limit is reached before a cookie is asked for, made-up addresses shut everybody out. */
START_TEST(a_limit_below_its_cookies)
{
	static const struct {
		const char *global;
		int line; /* of the warning; 0: none */
	} rows[] = {
		{ "  half-open-limit: 100", 2 }, { "  half-open-limit: 101", 0 },
		{ "  half-open-limit: 50\n  cookie-threshold: 49", 0 }, { "  cookie-threshold: 50\n  half-open-limit: 50", 3 },
		{ "  cookie-threshold: 1000", 2 }, /* auto is 1000 for few tunnels */
		{ "  cookie-threshold: 999", 0 }, { "  cookie-threshold: 0\n  half-open-limit: 1", 0 }, /* everybody is asked */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char yaml[256];
		struct findings f;
		snprintf(yaml, sizeof yaml, "s2sd:\n%s\ntunnels: {a: {remote: 192.0.2.1, psk-file: k}}\n", rows[i].global);
		struct conf *c = conf_of(yaml, &f);
		int line = 0;
		ck_assert_ptr_nonnull(c); /* it works, while nobody attacks */
		for (unsigned j = 0; j < f.n; j++)
			line = f.v[j].code == FINDING_HALF_OPEN ? f.v[j].line : line;
		ck_assert_msg(line == rows[i].line, "%s: line %d", rows[i].global, line);
		conf_free(c);
		findings_release(&f);
	}
}
END_TEST

START_TEST(the_limit_goes_by_the_tunnels)
{
	ck_assert_uint_eq(conf_half_open_max(0, 3), 1000);
	ck_assert_uint_eq(conf_half_open_max(0, 501), 1002);
	ck_assert_uint_eq(conf_half_open_max(7, 5000), 7);
}
END_TEST

START_TEST(yaml_that_is_not_taken)
{
	static const char *const rows[] = {
		"tunnels: &x {}\n",
		"tunnels: *x\n",
		"tunnels: !!map {}\n",
		"tunnels: {a: {remote: !!str 192.0.2.1, psk-file: k}}\n",
		"tunnels: {}\n---\ntunnels: {}\n",
		"- a\n",
		"hello\n",
		"tunnels: []\n",
		"tunnels: {a: 5}\n",
		"tunnels: {[a]: {}}\n",
		"tunnels: {a: {remote: \"1\\0\", psk-file: k}}\n",
		"tunnels: {}\ntunnels: {}\n",
		"tunnels: {a: {routes: [[[[[[[[[[[[[]]]]]]]]]]]]]}}\n",
		"tunnels:\n\ta: {}\n",
		"tunnels: {a: {remote: \x01}}\n",
		"tunnels: {a: {remote: \xff\xfe}}\n",
		"tunnels: {'': {remote: 192.0.2.1, psk-file: k}}\n",
		"tunnels: {A: {remote: 192.0.2.1, psk-file: k}}\n",
		"tunnels: {123456789012345678901234567890123: {remote: 192.0.2.1, psk-file: k}}\n",
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct findings f;
		ck_assert_msg(conf_of(rows[i], &f) == NULL, "taken: %s", rows[i]);
		ck_assert_uint_gt(f.refused, 0);
		ck_assert_int_gt(f.v[0].line, 0);
		findings_release(&f);
	}
}
END_TEST

START_TEST(faults_are_bounded)
{
	char *yaml = xcalloc(3000, 40);
	size_t n = (size_t)snprintf(yaml, 40, "tunnels:\n");
	struct findings f;
	for (int i = 0; i < 2000; i++)
		n += (size_t)snprintf(yaml + n, 40, "  t%d: {psk-file: k}\n", i);
	ck_assert_ptr_null(conf_of(yaml, &f));
	ck_assert_uint_eq(f.n, 1000);
	ck_assert_uint_eq(f.refused, 2000);
	ck_assert_str_eq(f.v[999].text, "and 1001 more faults");
	findings_release(&f);
	free(yaml);
}
END_TEST

START_TEST(lists_and_tunnels_are_bounded)
{
	size_t cap = (size_t)70000 * 60, n;
	char *yaml = xcalloc(cap, 1);
	struct findings f;
	for (unsigned routes = 1000; routes <= 1001; routes++) {
		n = (size_t)snprintf(yaml, cap, "tunnels: {a: {remote: 192.0.2.1, psk-file: k, routes: [");
		for (unsigned i = 0; i < routes; i++)
			n += (size_t)snprintf(yaml + n, cap - n, "10.%u.%u.0/24, ", i / 250, i % 250);
		snprintf(yaml + n, cap - n, "]}}");
		struct conf *c = conf_of(yaml, &f);
		ck_assert((c != NULL) == (routes == 1000));
		ck_assert_uint_eq(f.n, routes == 1000 ? 0 : 1);
		conf_free(c);
		findings_release(&f);
	}
	for (unsigned tunnels = 65535; tunnels <= 65536; tunnels++) {
		n = (size_t)snprintf(yaml, cap, "tunnels:\n");
		for (unsigned i = 0; i < tunnels; i++)
			n += (size_t)snprintf(
				yaml + n, cap - n, "  t%u: {remote: 10.%u.%u.1, psk-file: k}\n", i, i >> 8, i & 255);
		struct conf *c = conf_of(yaml, &f);
		ck_assert((c != NULL) == (tunnels == 65535));
		if (c != NULL) {
			conf_adopt(c, NULL);
			ck_assert_uint_eq(c->tunnels[65534]->id, 65535);
		}
		conf_free(c);
		findings_release(&f);
	}
	free(yaml);
}
END_TEST

/* A tunnel whose defaults the library does not have is no tunnel; without a tunnel nobody asks for them. */
START_TEST(defaults_that_the_library_lacks)
{
	struct conf_text text = { .file = "t.yaml" };
	struct findings f;
	OSSL_PROVIDER *none = OSSL_PROVIDER_load(NULL, "null"); /* instead of the default one */
	ck_assert_ptr_nonnull(none);
	text.text = "tunnels: {a: {remote: 192.0.2.1}, b: {remote: 192.0.2.2}}\n";
	text.len = strlen(text.text);
	ck_assert_ptr_null(conf_load(&text, 1, NULL, NULL, &f));
	ck_assert_uint_gt(f.n, 0);
	for (unsigned i = 0; i < f.n; i++) /* what else is missing is judged where the defaults are whole */
		ck_assert_msg(strstr(f.v[i].text, "cryptographic library") != NULL, "%s", f.v[i].text);
	findings_release(&f);
	text.text = "s2sd: {workers: 0}\n";
	text.len = strlen(text.text);
	struct conf *c = conf_load(&text, 1, NULL, NULL, &f);
	ck_assert_ptr_nonnull(c);
	conf_free(c);
	findings_release(&f);
	OSSL_PROVIDER_unload(none);
}
END_TEST

UNIT_MAIN("conf faults", faults_come_in_file_order, nearest_words, a_limit_below_its_cookies, the_limit_goes_by_the_tunnels,
	yaml_that_is_not_taken, faults_are_bounded, lists_and_tunnels_are_bounded, defaults_that_the_library_lacks)
