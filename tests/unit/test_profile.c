/* test_profile.c - profiles: what they say, and that writing it down changes nothing. */
#include "conf_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

struct rows {
	unsigned n;
	char key[64][32], value[64][128];
};

static void keep_row(void *arg, const char *key, const char *value)
{
	struct rows *r = arg;
	ck_assert_uint_lt(r->n, 64);
	snprintf(r->key[r->n], sizeof r->key[0], "%s", key);
	snprintf(r->value[r->n++], sizeof r->value[0], "%s", value);
}

static struct rows rows_of(enum cloud c)
{
	struct rows r = { 0 };
	profile_each(c, keep_row, &r);
	return r;
}

static const char *row_value(const struct rows *r, const char *key)
{
	for (unsigned i = 0; i < r->n; i++)
		if (strcmp(r->key[i], key) == 0)
			return r->value[i];
	return "";
}

/* What the interface promises, profile by profile: none, aws, azure. */
static const struct {
	const char *key, *value[CLOUD_COUNT];
} promised[] = {
	{ "cloud", { "none", "aws", "azure" } },
	{ "ike-proposals", { "aes256-sha256-modp2048", "aes256-sha256-modp2048", "aes256-sha256-modp2048" } },
	{ "esp-proposals", { "aes256-sha256-modp2048", "aes256-sha256-modp2048", "[aes256-sha256-modp2048, aes256-sha256]" } },
	{ "ike-lifetime", { "28800s", "28800s", "28800s" } }, { "esp-lifetime", { "3600s", "3600s", "27000s" } },
	{ "esp-lifetime-bytes", { "none", "none", "102400000K" } }, { "dpd-interval", { "10s", "10s", "10s" } },
	{ "dpd-timeout", { "30s", "30s", "30s" } }, { "failover-after", { "5s", "5s", "5s" } },
	{ "mtu", { "auto", "auto", "1400" } }, { "mss", { "auto", "auto", "1350" } }, { "esn", { "auto", "no", "no" } },
	{ "fragment-size", { "auto", "auto", "auto" } }, { "df", { "clear", "clear", "clear" } },
	{ "dscp", { "copy", "copy", "copy" } }, { "offload", { "auto", "auto", "auto" } },
	{ "replay-window", { "1024", "1024", "1024" } }, { "start", { "initiate", "initiate", "initiate" } },
	{ "interface-type", { "xfrm", "xfrm", "xfrm" } }, { "route-metric", { "100", "100", "100" } },
	{ "route-table", { "main", "main", "main" } }, { "pin-route", { "yes", "yes", "yes" } },
	{ "rekey-check", { "no", "no", "no" } }, { "encapsulation", { "auto", "auto", "auto" } },
	{ "crl", { "off", "off", "off" } }, { "send-certificate", { "always", "always", "always" } },
	{ "allow-weak", { "", "", "sha1-auth" } }, /* AUTH of certificates alone; without it nothing signs for Azure */
};

START_TEST(profiles_say_what_is_promised)
{
	for (unsigned c = 0; c < CLOUD_COUNT; c++) {
		struct rows r = rows_of((enum cloud)c);
		ck_assert_uint_eq(r.n, sizeof promised / sizeof *promised - (c != CLOUD_AZURE));
		for (size_t i = 0; i < sizeof promised / sizeof *promised; i++)
			ck_assert_str_eq(row_value(&r, promised[i].key), promised[i].value[c]);
	}
}
END_TEST

START_TEST(rows_are_in_manual_order)
{
	struct rows r = rows_of(CLOUD_AWS);
	unsigned at = 0;
	const char *key;
	for (unsigned i = 0; (key = tunnel_conf_key(i)) != NULL && at < r.n; i++)
		at += strcmp(key, r.key[at]) == 0;
	ck_assert_uint_eq(at, r.n);
}
END_TEST

START_TEST(writing_the_defaults_changes_nothing)
{
	for (unsigned c = 0; c < CLOUD_COUNT; c++) {
		struct rows r = rows_of((enum cloud)c);
		char yaml[8192], bare[128];
		const char *key;
		snprintf(bare, sizeof bare, "tunnels: {a: {psk-file: key1.file, remote: 192.0.2.1, cloud: %s}}",
			cloud_word((enum cloud)c));
		int n = snprintf(yaml, sizeof yaml, "tunnels:\n  a:\n    psk-file: key1.file\n    remote: 192.0.2.1\n");
		for (unsigned i = 0; i < r.n; i++)
			n += snprintf(yaml + n, sizeof yaml - (size_t)n, "    %s: %s\n", r.key[i], r.value[i]);
		struct findings f, g;
		struct conf *a = conf_of(yaml, &f), *b = conf_of(bare, &g);
		ck_assert_msg(a != NULL && b != NULL, "%s", f.n > 0 ? f.v[0].text : "?");
		tunnel_conf_diff(a->tunnels[0], b->tunnels[0], &key);
		ck_assert_ptr_null(key);
		findings_release(&f);
		findings_release(&g);
		conf_free(a);
		conf_free(b);
	}
}
END_TEST

START_TEST(words)
{
	enum cloud c;
	for (unsigned i = 0; i < CLOUD_COUNT; i++) {
		ck_assert(cloud_parse(cloud_word((enum cloud)i), &c));
		ck_assert_int_eq(c, (int)i);
	}
	ck_assert(!cloud_parse("gcp", &c));
}
END_TEST

/* AWS takes the weakest of several proposals, and the like: it only warns. */
START_TEST(warnings_about_clouds)
{
	static const struct {
		const char *tunnel;
		const char *key;
	} rows[] = {
		{ "cloud: aws, psk-file: abcdefgh, ike-proposals: [aes256-sha256-modp2048, aes128-sha256-modp2048]",
			"ike-proposals" },
		{ "cloud: aws, psk: 0abcdefghijklmnopqrst", NULL }, /* what AWS documents of keys is for `check` to hint at */
		{ "cloud: aws, psk: abcdefg, allow-weak: psk", "psk" },
		{ "cloud: aws, psk: abcdefghijklmnopqrst, esp-proposals: [aes256-sha256, aes128-sha256]", "esp-proposals" },
		{ "cloud: aws, psk: abcdefghijklmnopqrst, ike-lifetime: 10h", "ike-lifetime" },
		{ "cloud: aws, psk: abcdefghijklmnopqrst, esp-lifetime: 2h", "esp-lifetime" },
		{ "cloud: azure, psk: abcdefghijklmnopqrst", NULL },
		{ "cloud: aws, psk: abcdefghijklmnopqrst", NULL },
		{ "psk: abcdefghijklmnopqrst, ike-proposals: [aes256-sha256-modp2048, aes128-sha256-modp2048]", NULL },
		{ "psk: abcdefghijklmnopqrst, esp-lifetime: 8h", "esp-lifetime" },
		{ "psk: abcdefghijklmnopqrst, ike-lifetime: 10m", "ike-lifetime" },
		{ "psk: abcdefghijklmnopqrst, failover-after: 31s", "failover-after" },
		{ "psk: abcdefghijklmnopqrst, mtu: 1300, mss: 1280", "mss" },
		{ "psk: abcdefghijklmnopqrst, pin-route: no, routes: 192.0.0.0/16", "routes" },
		{ "psk: abcdefghijklmnopqrst, routes: 10.0.0.0/8, route-source: '2001:db8::1'", "route-source" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char yaml[512];
		struct findings f;
		snprintf(yaml, sizeof yaml, "tunnels: {a: {remote: 192.0.2.1, %s}}", rows[i].tunnel);
		struct conf *c = conf_of_private(yaml, &f);
		ck_assert_msg(c != NULL, "%s: %s", rows[i].tunnel, f.n > 0 ? f.v[0].text : "?");
		ck_assert_msg((f.n > 0) == (rows[i].key != NULL), "%s: %s", rows[i].tunnel, f.n > 0 ? f.v[0].text : "no warning");
		if (f.n > 0)
			ck_assert_str_eq(f.v[0].key, rows[i].key);
		findings_release(&f);
		conf_free(c);
	}
}
END_TEST

UNIT_MAIN("profile", profiles_say_what_is_promised, rows_are_in_manual_order, writing_the_defaults_changes_nothing, words,
	warnings_about_clouds)
