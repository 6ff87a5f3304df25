/* test_conf_reload.c - two configurations side by side: what a change does to a tunnel, and what stays. */
#include "conf_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "unit.h"

static const struct {
	const char *before, *after;
	enum conf_effect effect;
	const char *key; /* NULL: nothing differs */
} changes[] = {
	{ "mtu: 1400", "mtu: '1400'", EFFECT_NONE, NULL },
	{ "dpd-interval: 10s", "", EFFECT_NONE, NULL },
	{ "", "dpd-interval: 11s", EFFECT_NONE, "dpd-interval" },
	{ "", "bgp: {local-as: 1, peer-as: 2, peer: 10.0.0.1}", EFFECT_NONE, "bgp.local-as" },
	{ "mtu: 1400", "mtu: 1401", EFFECT_LINK, "mtu" },
	{ "routes: 10.0.0.0/8", "routes: [10.0.0.0/8, 11.0.0.0/8]", EFFECT_LINK, "routes" },
	{ "mtu: 1400, dpd-interval: 5s", "", EFFECT_LINK, "mtu" },
	{ "esn: no", "esn: yes, mtu: 1400", EFFECT_REKEY, "esn" },
	{ "", "esp-proposals: aes256gcm16", EFFECT_REKEY, "esp-proposals" },
	{ "", "local-ts: 10.0.0.0/8", EFFECT_REKEY, "local-ts" },
	{ "", "remote-id: x.example, esn: yes", EFFECT_RESTART, "remote-id" },
	{ "", "interface: x", EFFECT_RESTART, "interface" },
	{ "", "start: manual", EFFECT_NONE, "start" },
};

static void one_change(size_t i)
{
	struct conf *a = conf_tunnel(changes[i].before), *b = conf_tunnel(changes[i].after);
	const char *key = "";
	ck_assert_int_eq(tunnel_conf_diff(a->tunnels[0], b->tunnels[0], &key), changes[i].effect);
	if (changes[i].key == NULL)
		ck_assert_ptr_null(key);
	else
		ck_assert_str_eq(key, changes[i].key);
	bool same = tunnel_conf_restart_hash(a->tunnels[0]) == tunnel_conf_restart_hash(b->tunnels[0]);
	ck_assert_int_eq(same, changes[i].effect != EFFECT_RESTART);
	conf_free(a);
	conf_free(b);
}

START_TEST(changes_have_effects)
{
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		one_change(i);
}
END_TEST

/* It is in records that another version of the program reads: who adds a key must not change it for those who do not use the key. */
START_TEST(the_hash_stays_the_same)
{
	struct conf *c = conf_tunnel("");
	ck_assert_uint_eq(tunnel_conf_restart_hash(c->tunnels[0]), 9554203462938820640u);
	conf_free(c);
}
END_TEST

START_TEST(another_key_restarts)
{
	const char *key;
	struct conf *a = conf_tunnel("");
	conf_help_key_suffix = "!";
	struct conf *b = conf_tunnel("");
	conf_help_key_suffix = "";
	ck_assert_int_eq(tunnel_conf_diff(a->tunnels[0], b->tunnels[0], &key), EFFECT_RESTART);
	ck_assert_str_eq(key, "psk-file");
	conf_free(a);
	conf_free(b);
}
END_TEST

/* A renewed certificate, another CA, another key: the next IKE_AUTH has them, and no SA is touched (the certificate's subject is ours, and it stays). */
START_TEST(other_certificates_interrupt_nothing)
{
#define CERTS "remote: 192.0.2.1, remote-id: 'CN=peer', local-id: gw.example.org"
	static const struct {
		const char *after, *key;
	} rows[] = { { "certificate: gw-chain.pem, private-key: gw.key, ca: root.pem", NULL },
		{ "certificate: gw.pem, private-key: gw.key, ca: root.pem", "certificate" },
		{ "certificate: gw-chain.pem, private-key: gw2.key, ca: root.pem", "private-key" },
		{ "certificate: gw-chain.pem, private-key: gw.key, ca: inter.pem", "ca" },
		{ "certificate: gw-chain.pem, private-key: gw.key, ca: root.pem, crl: root-crl.pem", "crl" } };
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		char yaml[512];
		const char *key;
		snprintf(yaml, sizeof yaml, "tunnels: {a: {" CERTS ", %s}}", rows[0].after);
		struct conf *a = conf_good(yaml);
		snprintf(yaml, sizeof yaml, "tunnels: {a: {" CERTS ", %s}}", rows[i].after);
		struct conf *b = conf_good(yaml);
		if (i == 1) { /* the same names, and something else in the files */
			ck_assert_uint_eq(a->tunnels[0]->cert.chain.n, 2);
			free(b->tunnels[0]->cert.certificate);
			b->tunnels[0]->cert.certificate = xstrdup("gw-chain.pem");
		}
		ck_assert_int_eq(tunnel_conf_diff(a->tunnels[0], b->tunnels[0], &key), EFFECT_NONE);
		ck_assert(rows[i].key == NULL ? key == NULL : strcmp(key, rows[i].key) == 0);
		conf_free(a);
		conf_free(b);
	}
}
END_TEST

/* What a pre-shared key has proved holds no more where certificates are asked for, also after a restart; and the other way round. */
START_TEST(certificates_instead_of_a_key_restart)
{
	const char *key;
	struct conf *a = conf_good("tunnels: {a: {" CERTS ", psk-file: k1}}");
	struct conf *b = conf_good("tunnels: {a: {" CERTS ", certificate: gw.pem, private-key: gw.key, ca: root.pem}}");
	struct psk *taken = a->tunnels[0]->psk; /* as after a restart, which has no keys of before */
	a->tunnels[0]->psk = NULL;
	ck_assert_int_eq(tunnel_conf_diff(a->tunnels[0], b->tunnels[0], &key), EFFECT_RESTART);
	ck_assert_str_eq(key, "certificate");
	ck_assert_int_eq(tunnel_conf_diff(b->tunnels[0], a->tunnels[0], &key), EFFECT_RESTART);
	ck_assert_str_eq(key, "psk-file");
	ck_assert(tunnel_conf_restart_hash(a->tunnels[0]) != tunnel_conf_restart_hash(b->tunnels[0]));
	a->tunnels[0]->psk = taken;
	conf_free(a);
	conf_free(b);
}
END_TEST

START_TEST(reload_keeps_what_is_equal)
{
	struct conf *one = conf_good("tunnels:\n  b: {remote: 192.0.2.2, psk-file: k2}\n  d: {remote: 192.0.2.4, psk-file: k4}\n"
				     "  e: {remote: 192.0.2.5, psk-file: k5}\n");
	conf_adopt(one, NULL);
	ck_assert_uint_eq(one->tunnels[0]->id, 1);
	ck_assert_uint_eq(one->tunnels[2]->id, 3);
	struct tunnel_conf *b = one->tunnels[0];

	struct conf *two = conf_good(
		"tunnels:\n  a: {remote: 192.0.2.1, psk-file: k1}\n  e: {remote: 192.0.2.5, psk-file: k5, mtu: 1300}\n"
		"  b: {remote: 192.0.2.2, psk-file: k2, mtu: auto}\n");
	conf_adopt(two, one);
	ck_assert_ptr_eq(conf_find(two, "b"), b);
	ck_assert_uint_eq(b->refs, 2);
	ck_assert_ptr_ne(conf_find(two, "e"), conf_find(one, "e"));
	ck_assert_uint_eq(conf_find(two, "e")->id, 3);
	ck_assert_uint_eq(conf_find(two, "a")->id, 4); /* not 2: d is only going away now */
	conf_free(one);
	ck_assert_uint_eq(b->refs, 1);

	struct conf *three = conf_good(
		"tunnels:\n  d: {remote: 192.0.2.4, psk-file: k4}\n  b: {remote: 192.0.2.2, psk-file: k2}\n");
	conf_adopt(three, two);
	ck_assert_uint_eq(conf_find(three, "d")->id, 2);
	conf_free(two);
	ck_assert_ptr_eq(conf_find(three, "b"), b);
	conf_free(three);
}
END_TEST

UNIT_MAIN("conf reload", changes_have_effects, the_hash_stays_the_same, another_key_restarts,
	other_certificates_interrupt_nothing, certificates_instead_of_a_key_restart, reload_keeps_what_is_equal)
