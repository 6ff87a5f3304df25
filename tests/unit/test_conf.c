/* test_conf.c - what a configuration says and what is refused; golden pairs (tests/golden/conf) hold the exact words. */
#include "conf_help.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

START_TEST(seven_lines_make_an_aws_tunnel)
{
	struct conf *c = conf_good("tunnels:\n"
				   "  aws-1:\n"
				   "    cloud: none\n"
				   "    remote: 203.0.113.10\n"
				   "    local-id: 198.51.100.7\n"
				   "    psk-file: aws-1.psk\n"
				   "    inside: 169.254.21.2/30\n"
				   "    routes: [10.20.0.0/16]\n");
	const struct tunnel_conf *t = conf_find(c, "aws-1");
	ck_assert_ptr_nonnull(t);
	ck_assert_uint_eq(c->n, 1);
	ck_assert_str_eq(t->interface, "s2s-aws-1");
	ck_assert_ptr_null(t->altname);
	ck_assert_str_eq(value_of(t, "remote"), "203.0.113.10");
	ck_assert_uint_eq(t->local_id.type, ID_IPV4_ADDR);
	ck_assert_uint_eq(t->local_id.len, 4);
	ck_assert_uint_eq(t->psk->len, strlen("key-made-up-for-tests-aws-1.psk"));
	ck_assert_mem_eq(t->psk->data, "key-made-up-for-tests-aws-1.psk", t->psk->len);
	ck_assert_uint_eq(t->n_inside, 1);
	ck_assert_uint_eq(t->n_routes, 1);
	ck_assert_uint_eq(t->inside[0].len, 30);
	ck_assert(prefix_has_host_bits(&t->inside[0]));
	ck_assert_int_eq(t->start, START_INITIATE);
	ck_assert_int_eq(t->esn, TRI_AUTO);
	ck_assert_int_eq(t->ike_lifetime, 28800 * 1000);
	ck_assert_uint_eq(t->replay_window, 1024);
	ck_assert_uint_eq(t->n_ike, 1);
	ck_assert_uint_eq(t->n_esp, 1);
	ck_assert(t->pin_route && !t->rekey_check && !t->bgp.set);
	ck_assert_str_eq(t->file, "t.yaml");
	ck_assert_int_eq(t->line, 2);
	ck_assert_ptr_null(conf_find(c, "aws-2"));
	conf_free(c);
}
END_TEST

START_TEST(selectors_follow_the_families)
{
	static const struct {
		const char *more, *local, *remote;
	} rows[] = {
		{ "", "0.0.0.0/0", "0.0.0.0/0" },
		{ "inside: 10.0.0.1/30", "0.0.0.0/0", "0.0.0.0/0" },
		{ "inside: 'fd00::1/64'", "::/0", "::/0" },
		{ "inside: 10.0.0.1/30, routes: '2001:db8::/32'", "[0.0.0.0/0, ::/0]", "[0.0.0.0/0, ::/0]" },
		{ "local-ts: 10.1.0.0/16, inside: 10.0.0.1/30", "10.1.0.0/16", "0.0.0.0/0" },
		{ "local-ts: ['10.1.0.0/16[6/443]', 10.2.0.1-10.2.0.7, '10.3.0.0/24[17/5-9]']",
			"[\"10.1.0.0/16[6/443]\", 10.2.0.1-10.2.0.7, \"10.3.0.0/24[17/5-9]\"]", "0.0.0.0/0" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct conf *c = conf_tunnel(rows[i].more);
		ck_assert_str_eq(value_of(c->tunnels[0], "local-ts"), rows[i].local);
		ck_assert_str_eq(value_of(c->tunnels[0], "remote-ts"), rows[i].remote);
		conf_free(c);
	}
}
END_TEST

START_TEST(long_names_get_short_interfaces)
{
	struct conf *c = conf_good("tunnels:\n"
				   "  abcdefghijk: {remote: 192.0.2.1, psk-file: k}\n"
				   "  abcdefghijkl: {remote: 192.0.2.2, psk-file: l}\n"
				   "  abcdefghijkm: {remote: 192.0.2.3, psk-file: m}\n"
				   "  z: {remote: 192.0.2.4, psk-file: o, interface: ipsec0}\n");
	const struct tunnel_conf *fits = c->tunnels[0], *one = c->tunnels[1], *two = c->tunnels[2];
	ck_assert_str_eq(fits->interface, "s2s-abcdefghijk");
	ck_assert_ptr_null(fits->altname);
	ck_assert_uint_eq(strlen(one->interface), INTERFACE_NAME_MAX);
	ck_assert_int_eq(strncmp(one->interface, "s2s-abcdef-", 11), 0);
	ck_assert_uint_eq(strspn(one->interface + 11, "0123456789abcdef"), 4);
	ck_assert_str_eq(one->altname, "s2s-abcdefghijkl");
	ck_assert_str_ne(one->interface, two->interface);
	ck_assert_str_eq(c->tunnels[3]->interface, "ipsec0");
	conf_free(c);
}
END_TEST

/* Each value as written and as printed; "" = refused. */
static const struct {
	const char *key, *written, *printed;
} values[] = {
	{ "ike-lifetime", "3600s", "1h" },
	{ "ike-lifetime", "90m", "90m" },
	{ "ike-lifetime", "1d", "1d" },
	{ "ike-lifetime", "10000ms", "10s" },
	{ "ike-lifetime", "9s", "" },
	{ "ike-lifetime", "31d", "" },
	{ "ike-lifetime", "-1h", "" },
	{ "ike-lifetime", "1h30m", "" },
	{ "ike-lifetime", "99999999999999999999h", "" },
	{ "ike-lifetime", "1 h", "" },
	{ "ike-lifetime", "0", "" },
	{ "esp-lifetime-bytes", "100G", "100G" },
	{ "esp-lifetime-bytes", "1048576", "1M" },
	{ "esp-lifetime-bytes", "0", "none" },
	{ "esp-lifetime-bytes", "100GB", "" },
	{ "esp-lifetime-bytes", "1K", "" },
	{ "esp-lifetime-bytes", "18446744073709551615G", "" },
	{ "dpd-interval", "500ms", "" },
	{ "dpd-timeout", "45s", "45s" },
	{ "failover-after", "0", "off" },
	{ "failover-after", "off", "off" },
	{ "mtu", "auto", "auto" },
	{ "mtu", "1400", "1400" },
	{ "mtu", "575", "" },
	{ "mtu", "9001", "" },
	{ "mtu", "01400", "1400" },
	{ "mtu", "1400.0", "" },
	{ "mtu", "0x578", "" },
	{ "mtu", "0", "" },
	{ "mss", "off", "off" },
	{ "mss", "1350", "1350" },
	{ "mss", "-1", "" },
	{ "fragment-size", "auto", "auto" },
	{ "fragment-size", "576", "576" },
	{ "fragment-size", "9000", "9000" },
	{ "fragment-size", "575", "" },
	{ "fragment-size", "9001", "" },
	{ "fragment-size", "0", "" },
	{ "df", "set", "set" },
	{ "df", "copy", "copy" },
	{ "df", "yes", "" },
	{ "offload", "auto", "auto" },
	{ "offload", "no", "no" },
	{ "offload", "crypto", "crypto" },
	{ "offload", "yes", "" },
	{ "dscp", "copy", "copy" },
	{ "dscp", "0", "0" },
	{ "dscp", "63", "63" },
	{ "dscp", "64", "" },
	{ "dscp", "-1", "" },
	{ "dscp", "clear", "" },
	{ "replay-window", "32", "32" },
	{ "replay-window", "4096", "4096" },
	{ "replay-window", "31", "" },
	{ "replay-window", "4097", "" },
	{ "replay-window", "0", "" },
	{ "esn", "yes", "yes" },
	{ "esn", "true", "" },
	{ "esn", "Yes", "" },
	{ "pin-route", "no", "no" },
	{ "pin-route", "auto", "" },
	{ "rekey-check", "yes", "yes" },
	{ "route-table", "main", "main" },
	{ "route-table", "100", "100" },
	{ "route-table", "254", "main" },
	{ "route-table", "4294967295", "4294967295" },
	{ "route-table", "4294967296", "" },
	{ "route-metric", "4294967294", "4294967294" },
	{ "route-metric", "0", "" },
	{ "interface-type", "vti", "vti" },
	{ "interface-type", "gre", "" },
	{ "encapsulation", "udp", "udp" },
	{ "start", "manual", "manual" },
	{ "start", "", "" },
	{ "interface", "ipsec0", "ipsec0" },
	{ "interface", "sixteencharacter", "" },
	{ "interface", "lo", "" },
	{ "interface", "a/b", "" },
	{ "local", "198.51.100.7", "198.51.100.7" },
	{ "local", "0.0.0.0", "" },
	{ "local", "224.0.0.1", "" },
	{ "local", "2001:db8::1", "" },
	{ "local", "198.51.100.7/32", "" },
	{ "routes", "10.0.0.0/8", "10.0.0.0/8" },
	{ "routes", "10.0.0.1", "10.0.0.1/32" },
	{ "routes", "10.0.0.1/8", "" },
	{ "routes", "10.0.0.0/33", "" },
	{ "routes", "default", "" },
	{ "routes", "0.0.0.0/0", "0.0.0.0/0" },
	{ "routes", "[]", "" },
	{ "routes", "[10.0.0.0/8, '2001:db8::/32']", "[10.0.0.0/8, 2001:db8::/32]" },
	{ "routes", "224.0.0.0/4", "" },
	{ "inside", "10.0.0.2/30", "10.0.0.2/30" },
	{ "inside", "0.0.0.0/0", "" },
	{ "inside", "[[10.0.0.2/30]]", "" },
	{ "inside", "'fd00::1/126'", "fd00::1/126" },
	{ "local-ts", "[]", "" },
	{ "local-ts", "10.0.0.9-10.0.0.1", "" },
	{ "local-ts", "'10.0.0.0/8[6'", "" },
	{ "local-ts", "'10.0.0.0/8[]'", "" },
	{ "local-ts", "'10.0.0.0/8[0/5]'", "" },
	{ "local-ts", "'10.0.0.0/8[256]'", "" },
	{ "local-ts", "'10.0.0.0/8[6/opaque]'", "10.0.0.0/8[6/opaque]" },
	{ "local-ts", "'10.0.0.0/8[1]'", "10.0.0.0/8[1]" },
	{ "local-ts", "10.0.0.1-2001:db8::1", "" },
	{ "ike-proposals", "aes256gcm16-prfsha384-ecp384", "aes256gcm16-prfsha384-ecp384" },
	{ "ike-proposals", "[]", "" },
	{ "ike-proposals", "aes256-sha256-modp1024", "" },
	{ "ike-proposals", "aes256-sha1-modp2048", "" },
	{ "ike-proposals", "aes256", "" },
	{ "esp-proposals", "[aes256gcm16, aes256-sha256]", "[aes256gcm16, aes256-sha256]" },
	{ "esp-proposals", "3des-sha256", "" },
	{ "allow-weak", "[sha1, modp1024]", "[modp1024, sha1]" },
	{ "allow-weak", "sha1", "sha1" },
	{ "allow-weak", "aes256", "" },
	{ "remote-id", "gw.example.net", "gw.example.net" },
	{ "remote-id", "'ip:gw'", "" },
	{ "remote-id", "nonsense:gw", "" },
	{ "certificate", "gw.pem", "" }, /* with a pre-shared key beside it */
	{ "private-key", "../gw.key", "" },
	{ "crl", "off", "off" },
	{ "crl", "require", "" },
	{ "crl", "list.pem sometimes", "" },
	{ "crl", "list.pem off", "list.pem off" },
	{ "cert-pin", "00:11", "" },
	{ "cert-pin", "zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "" },
	{ "send-certificate", "sometimes", "" },
	{ "allow-weak", "sha1-auth", "sha1-auth" },
	{ "bgp", "5", "" },
	{ "bgp", "{}", "" },
};

static void one_value(size_t i)
{
	char yaml[512];
	const char *key = values[i].key, *printed = values[i].printed;
	struct findings f;
	snprintf(yaml, sizeof yaml, "tunnels: {a: {remote: 192.0.2.1, psk-file: k, %s: %s}}\n", key, values[i].written);
	struct conf *c = conf_of(yaml, &f);
	bool empty_list = strcmp(values[i].written, "[]") == 0 && strcmp(key, "routes") == 0;
	if (printed[0] == 0 && !empty_list) {
		ck_assert_msg(c == NULL && f.refused > 0, "%s: %s was taken", key, values[i].written);
		ck_assert_int_eq(f.v[0].line, 1);
		ck_assert_str_eq(f.v[0].tunnel, "a");
	} else {
		ck_assert_msg(c != NULL, "%s: %s: %s", key, values[i].written, f.n > 0 ? f.v[0].text : "?");
		ck_assert_str_eq(value_of(c->tunnels[0], key), printed);
	}
	findings_release(&f);
	conf_free(c);
}

START_TEST(values_are_read_and_bounded)
{
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		one_value(i);
}
END_TEST

START_TEST(what_needs_what)
{
	static const struct {
		const char *tunnel, *key;
	} rows[] = {
		{ "{psk-file: k}", "remote" },
		{ "{remote: 192.0.2.1}", "psk-file" },
		{ "{remote: 192.0.2.1, psk-file: none}", "psk-file" },
		{ "{remote: 192.0.2.1, psk-file: ../k}", "psk-file" },
		{ "{remote: 192.0.2.1, psk-file: k, psk: abc}", "psk" },
		{ "{remote: any, psk-file: k, start: respond}", "remote" },
		{ "{remote: any, psk-file: k, remote-id: x.example}", "remote" },
		{ "{remote: 192.0.2.1, local: 2001:db8::1, psk-file: k}", "local" },
		{ "{remote: 192.0.2.1, local: 192.0.2.1, psk-file: k}", "local" },
		{ "{remote: 192.0.2.1, psk-file: k, mtu: 1000, inside: 'fd00::1/64'}", "mtu" },
		{ "{remote: 192.0.2.1, psk-file: k, bgp: {local-as: 65000, peer: 10.0.0.1}}", "bgp.peer-as" },
		{ "{remote: any, remote-id: x.example, start: respond, psk-file: k, interface-type: vti}", "interface-type" },
		{ "{remote: 203.0.113, psk-file: k}", "remote" },
		{ "{remote: -x.example, psk-file: k}", "remote" },
		{ "{remote: x..example, psk-file: k}", "remote" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char yaml[512];
		struct findings f;
		snprintf(yaml, sizeof yaml, "tunnels:\n  a: %s\n", rows[i].tunnel);
		ck_assert_msg(conf_of(yaml, &f) == NULL, "%s", rows[i].tunnel);
		ck_assert_str_eq(f.v[0].key, rows[i].key);
		findings_release(&f);
	}
}
END_TEST

START_TEST(what_two_tunnels_may_not_share)
{
	static const struct {
		const char *a, *b;
		unsigned errors, warnings;
	} rows[] = {
		{ "remote: 192.0.2.1", "remote: 192.0.2.1", 1, 0 },
		{ "remote: 192.0.2.1", "remote: 192.0.2.1, remote-id: 192.0.2.1", 1, 0 },
		{ "remote: 192.0.2.1", "remote: 192.0.2.1, remote-id: other.example", 0, 0 },
		{ "remote: 192.0.2.1, local: 192.0.2.7", "remote: 192.0.2.1, local: 192.0.2.7, local-id: 192.0.2.7", 1, 0 },
		{ "remote: 192.0.2.1, local-id: a.example", "remote: 192.0.2.1, local-id: b.example", 0, 0 },
		{ "remote: 192.0.2.1, remote-id: 'fqdn:x'", "remote: 192.0.2.1, remote-id: 'keyid:x'", 0, 0 },
		{ "remote: any, start: respond, remote-id: x.example", "remote: any, start: respond, remote-id: x.example", 1,
			0 },
		{ "remote: any, start: respond, remote-id: x.example", "remote: 192.0.2.1, remote-id: x.example", 0, 0 },
		{ "remote: 192.0.2.1, interface: i", "remote: 192.0.2.2, interface: i", 1, 0 },
		{ "remote: 192.0.2.1, interface: s2s-b", "remote: 192.0.2.2", 1, 0 },
		{ "remote: 192.0.2.1, interface-type: vti, remote-id: a.example", "remote: 192.0.2.1, interface-type: vti", 1,
			0 },
		{ "remote: 192.0.2.1, interface-type: vti, remote-id: a.example", "remote: 192.0.2.1", 0, 0 },
		{ "remote: 192.0.2.1, inside: 10.0.0.1/30", "remote: 192.0.2.2, inside: 10.0.0.1/30", 0, 1 },
		{ "remote: 192.0.2.1, inside: 10.0.0.1/30", "remote: 192.0.2.2, inside: 10.0.0.1/32", 0, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char yaml[512];
		struct findings f;
		snprintf(yaml, sizeof yaml, "tunnels:\n  a: {psk-file: k, %s}\n  b: {psk-file: l, %s}\n", rows[i].a, rows[i].b);
		conf_free(conf_of(yaml, &f));
		ck_assert_msg(
			f.refused == rows[i].errors && f.n == rows[i].errors + rows[i].warnings, "%s / %s", rows[i].a, rows[i].b);
		if (f.n > 0) {
			ck_assert_int_eq(f.v[0].line, 3);
			ck_assert_ptr_nonnull(strstr(f.v[0].text, "t.yaml:2"));
		}
		findings_release(&f);
	}
}
END_TEST

START_TEST(nothing_is_a_configuration)
{
	static const char *const rows[] = { "", "# only a comment\n", "---\n", "s2sd:\ntunnels:\n", "tunnels: {}\n" };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct conf *c = conf_good(rows[i]);
		ck_assert_uint_eq(c->n, 0);
		ck_assert_str_eq(c->global.user, "s2sd");
		ck_assert_int_eq(c->global.log_level, LOG_LEVEL_INFO);
		ck_assert_int_eq(c->global.status_interval, 3600000);
		conf_free(c);
	}
}
END_TEST

UNIT_MAIN("conf", seven_lines_make_an_aws_tunnel, selectors_follow_the_families, long_names_get_short_interfaces,
	values_are_read_and_bounded, what_needs_what, what_two_tunnels_may_not_share, nothing_is_a_configuration)
