/* test_conf.c - what a configuration says and what is refused; golden pairs (tests/golden/conf) hold the exact words. */
#include "conf_help.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	{ "certificate", "cert.pem", "" },
	{ "ca", "ca.pem", "" },
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

START_TEST(inline_keys_want_a_private_file)
{
	const char *yaml = "tunnels: {a: {remote: 192.0.2.1, psk: Ab0._xCd1._yEf2._zGh3._w}}";
	struct findings f;
	ck_assert_ptr_null(conf_of(yaml, &f));
	ck_assert_ptr_null(strstr(f.v[0].text, "Ab0"));
	findings_release(&f);
	struct conf *c = conf_of_private(yaml, &f);
	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(c->tunnels[0]->psk->len, 24);
	ck_assert_str_eq(value_of(c->tunnels[0], "psk"), "");
	conf_free(c);
	findings_release(&f);
	ck_assert_ptr_null(conf_of_private("tunnels: {a: {remote: 192.0.2.1, psk: 'secret-with-dash'}}", &f));
	ck_assert_ptr_null(strstr(f.v[0].text, "secret"));
	findings_release(&f);
}
END_TEST

/* Findings are logged, answered and reported: they name the place, and repeat nothing that may be a key. */
START_TEST(keys_in_wrong_places_are_not_repeated)
{
	static const struct {
		const char *tunnel, *says;
	} rows[] = {
		{ "psk-file: no-Sup3r.Secret_Key", "no such file (value not shown, it may be a key)" },
		{ "psk-file: keys/Sup3r.Secret_Key",
			"letters, digits and . _ @ + -, no slash) (value not shown, it may be a key)" },
		{ "psk-file: 'Sup3r Secret'", "(value not shown, it may be a key)" },
		{ "psk-file: [k, Sup3rSecret]", "takes one value, not a list" },
		{ "psk-file: {Sup3r: Secret}", "not a mapping" },
		{ "psk-file: &Sup3rSecret k", "anchors" },
		{ "psk-file: *Sup3rSecret", "aliases" },
		{ "psk-file: !Sup3rSecret k", "tags" },
		{ "private-key: 'pkcs11:token=t;pin-value=Sup3rSecret'", "(value not shown, it may be a key)" },
		{ "pks: Sup3rSecret", "unknown key 'pks': did you mean 'psk'?" },
		{ "psk:Sup3rSecret", "unknown key 'psk ...': a blank is missing behind the colon" },
		{ "preshared-key=Sup3rSecret", "unknown key 'preshared-key ...'" },
		{ "Sup3rSecret", "unknown key (value not shown, it may be a key)" },
		{ "password: Sup3rSecret", "unknown key 'password'" },
		{ "local: 192.0.2.7 psk Sup3rSecret", "'192.0.2.7 ...' is not an IPv4 or IPv6 address" },
		{ "routes: [10.0.0.0/8 psk=Sup3rSecret]", "'10.0.0.0/8 ...' is not an IPv4 or IPv6 prefix" },
		{ "start: initiate psk Sup3rSecret", "'initiate ...' is not valid" },
		{ "psk: Sup3r-Secret", "a key that stands here has only letters" },
		{ "psk: %Sup3rSecret", "YAML: found character that cannot start any token" },
		{ "psk: \"Sup3r\\Secret\"", "YAML: found unknown escape character" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char yaml[256], line[FINDING_LINE];
		struct findings f;
		snprintf(yaml, sizeof yaml, "tunnels:\n  a: {remote: 192.0.2.1,\n    %s}\n", rows[i].tunnel);
		ck_assert_msg(conf_of_private(yaml, &f) == NULL, "%s", rows[i].tunnel);
		bool said = false;
		for (unsigned k = 0; k < f.n; k++) {
			finding_line(&f.v[k], line);
			said = said || (strstr(line, rows[i].says) != NULL && strncmp(line, "t.yaml:3: ", 10) == 0);
			ck_assert_msg(strstr(line, "Sup3r") == NULL && strstr(line, "Secret") == NULL, "%s", line);
			ck_assert(f.v[k].advice == NULL || strstr(f.v[k].advice, "Secret") == NULL);
		}
		ck_assert_msg(said, "%s: %s", rows[i].tunnel, f.n > 0 ? f.v[0].text : "nothing");
		findings_release(&f);
	}
	/* What is no key is told, as it helps to find it. */
	static const char *const shown[][2] = {
		{ "rooutes: x", "unknown key 'rooutes': did you mean 'routes'?" },
		{ "Local-ID: x", "unknown key 'Local-ID': did you mean 'local-id'?" },
		{ "workers: 3", "unknown key 'workers' here: it belongs under 's2sd:'" },
		{ "mtu: 99999", "'99999' is not valid" },
	};
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
		char yaml[256];
		struct findings f;
		snprintf(yaml, sizeof yaml, "tunnels:\n  a: {remote: 192.0.2.1, psk-file: k, %s}\n", shown[i][0]);
		ck_assert_ptr_null(conf_of(yaml, &f));
		ck_assert_msg(strstr(f.v[0].text, shown[i][1]) != NULL, "%s", f.v[0].text);
		findings_release(&f);
	}
}
END_TEST

/* What was released is looked at where it lay, through /proc: the memory is not ours any more. */
START_TEST(keys_are_wiped_when_released)
{
	static const char key[] = "Kx7mQ2_vT9zLw4RbN8sPd3H.Jc6YfA5gXe1WuZ0t";
	char yaml[128], left[sizeof key] = "";
	struct findings f;
	snprintf(yaml, sizeof yaml, "tunnels: {a: {remote: 192.0.2.1, psk: %s}}", key);
	struct conf *c = conf_of_private(yaml, &f);
	ck_assert_ptr_nonnull(c);
	findings_release(&f);
	off_t at = (off_t)(uintptr_t)c->tunnels[0]->psk->data;
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, left, sizeof key - 1, at), (ssize_t)sizeof key - 1);
	ck_assert_str_eq(left, key);
	conf_free(c);
	ck_assert_int_eq(pread(fd, left, sizeof key - 1, at), (ssize_t)sizeof key - 1);
	for (size_t i = 0; i + 4 < sizeof key; i++)
		ck_assert_int_ne(memcmp(left + i, key + i, 4), 0);
	close(fd);
}
END_TEST

/* --- faults --- */
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

/* --- tunnels among each other --- */
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

/* --- reload --- */
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
	conf_free(a);
	conf_free(b);
}

START_TEST(changes_have_effects)
{
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		one_change(i);
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

UNIT_MAIN("conf", seven_lines_make_an_aws_tunnel, selectors_follow_the_families, long_names_get_short_interfaces,
	values_are_read_and_bounded, what_needs_what, changes_have_effects, inline_keys_want_a_private_file,
	keys_in_wrong_places_are_not_repeated, keys_are_wiped_when_released, faults_come_in_file_order, nearest_words,
	yaml_that_is_not_taken, nothing_is_a_configuration, faults_are_bounded, lists_and_tunnels_are_bounded,
	what_two_tunnels_may_not_share, another_key_restarts, reload_keeps_what_is_equal)
