/*
 * test_check.c - `s2sctl check`: each judgement of a configuration bites where it should, at the right line, and stays silent otherwise; with a made-up
 * machine. test_check_host judges the machine, test_check_keys the pre-shared keys.
 */
#include "check_help.h"

/* ---------------------------------------------------------------- single tunnels */
#define T "tunnels:\n  a:\n    remote: 203.0.113.10\n    psk-file: k\n"
#define AWS T "    cloud: aws\n"
#define AZURE T "    cloud: azure\n"
#define BGP(local, peer, address) "    bgp:\n      local-as: " local "\n      peer-as: " peer "\n      peer: " address "\n"

static const struct {
	const char *yaml, *rule, *key;
	enum finding_severity severity;
	int line;
	enum finding_side side;
	const char *todo; /* part of it; NULL: any */
} cases[] = {
	{ AWS "    inside: 169.254.5.2/30\n", "inside-range", "inside", E, 6, SIDE_BOTH, "TunnelInsideCidr" },
	{ AWS "    inside: 169.254.169.254/30\n", "inside-range", "inside", E, 6, SIDE_BOTH, NULL },
	{ AWS "    inside: 169.254.6.1/30\n", "inside-range", "inside", E, 6, SIDE_OURS, "second" },
	{ AWS "    inside: 169.254.6.2/29\n", "inside-range", "inside", W, 6, SIDE_OURS, "/30" },
	{ AWS "    inside: 10.0.0.2/30\n", "inside-range", "inside", W, 6, SIDE_OURS, NULL },
	{ AWS "    inside: \"2001:db8::2/126\"\n", "inside-range", "inside", W, 6, SIDE_OURS, NULL },
	{ AWS "    inside: \"fd00::1/126\"\n", "inside-range", "inside", E, 6, SIDE_OURS, "second" },
	{ AZURE "    inside: 169.254.20.2/30\n", "inside-range", "inside", E, 6, SIDE_BOTH, "APIPA" },
	{ AZURE "    inside: 169.254.23.2/30\n", "inside-range", "inside", E, 6, SIDE_BOTH, "APIPA" },
	{ AZURE "    inside: 10.0.0.1/32\n" BGP("65000", "65515", "169.254.9.1"), "inside-range", "bgp.peer", E, 10, SIDE_BOTH,
		NULL },
	{ AZURE, "psk-alphabet", "psk-file", H, 4, SIDE_BOTH, "nothing, if Azure has taken it" }, /* the key is "key-k" */
	{ "tunnels:\n  a: {remote: 203.0.113.1, cloud: aws,\n\n    psk-file: k}\n", "psk-alphabet", "psk-file", H, 4, SIDE_BOTH,
		"in the tunnel's options at AWS" },
	{ AWS "    inside: 169.254.6.2/30\n" BGP("7224", "64512", "169.254.6.1"), "asn", "bgp.local-as", E, 8, SIDE_BOTH,
		"64512" },
	{ AWS "    inside: 169.254.6.2/30\n" BGP("65515", "64512", "169.254.6.1"), "asn", "bgp.local-as", W, 8, SIDE_BOTH, NULL },
	{ AZURE "    inside: 169.254.21.2/30\n" BGP("12076", "65515", "169.254.21.1"), "asn", "bgp.local-as", E, 8, SIDE_BOTH,
		NULL },
	{ AZURE "    inside: 169.254.21.2/30\n" BGP("23456", "65515", "169.254.21.1"), "asn", "bgp.local-as", E, 8, SIDE_BOTH,
		NULL },
	{ AZURE "    inside: 169.254.21.2/30\n" BGP("65514", "65514", "169.254.21.1"), "asn", "bgp.local-as", E, 8, SIDE_BOTH,
		"local network gateway" },
	{ AWS "    esp-lifetime: 10m\n", "lifetime", "esp-lifetime", W, 6, SIDE_OURS, NULL },
	{ AZURE "    esp-lifetime: 27001s\n", "lifetime", "esp-lifetime", W, 6, SIDE_OURS, NULL },
	{ AZURE "    ike-lifetime: 12h\n", "lifetime", "ike-lifetime", W, 6, SIDE_OURS, NULL },
	{ AZURE "    esp-lifetime-bytes: none\n", "lifetime", "esp-lifetime-bytes", W, 6, SIDE_OURS, NULL },
	{ AZURE "    ike-proposals: aes256-sha1-modp1024\n    allow-weak: [sha1, modp1024]\n", "dh-group-2", "ike-proposals", W,
		6, SIDE_BOTH,
		"az network vpn-connection ipsec-policy add --resource-group GROUP --connection-name CONNECTION --ike-encryption AES256"
		" --ike-integrity SHA256 --dh-group DHGroup14 --ipsec-encryption AES256 --ipsec-integrity SHA256 --pfs-group PFS2048"
		" --sa-lifetime 27000 --sa-max-size 102400000;" },
	{ AWS "    esp-proposals: aes256-sha256-modp1024\n    allow-weak: modp1024\n", "dh-group-2", "esp-proposals", W, 6,
		SIDE_BOTH, "Phase2DHGroupNumbers" },
	{ AZURE "    ike-proposals: aes256gcm16-prfsha384-ecp384\n    esp-proposals: [aes256gcm16-ecp384, aes256gcm16]\n",
		"azure-policy", "ike-proposals", H, 6, SIDE_CLOUD,
		"--ike-encryption GCMAES256 --ike-integrity SHA384 --dh-group ECP384 --ipsec-encryption GCMAES256 --ipsec-integrity GCMAES256"
		" --pfs-group ECP384" },
	{ AWS "    esp-proposals: aes256-sha256\n", "proposal", "esp-proposals", E, 6, SIDE_OURS, NULL },
	{ AWS "    ike-proposals: aes192-sha256-modp2048\n", "proposal", "ike-proposals", E, 6, SIDE_OURS, NULL },
	{ AWS "    ike-proposals: aes256-sha256-modp1536\n    allow-weak: modp1536\n", "proposal", "ike-proposals", E, 6,
		SIDE_OURS, NULL },
	{ AZURE "    ike-proposals: aes256-sha256-modp4096\n", "proposal", "ike-proposals", E, 6, SIDE_OURS, NULL },
	{ AZURE "    ike-proposals: [aes256-sha256-x25519, aes256-sha256-modp2048]\n", "proposal", "ike-proposals", W, 6,
		SIDE_OURS, NULL },
	{ AZURE "    esp-proposals: [aes256-sha384, aes256-sha256]\n", "proposal", "esp-proposals", W, 6, SIDE_OURS, NULL },
	{ AZURE "    esp-proposals: aes256gcm8\n", "proposal", "esp-proposals", E, 6, SIDE_OURS, NULL },
	{ AZURE "    esn: yes\n", "proposal", "esn", E, 6, SIDE_OURS, NULL },
	{ AZURE "    ike-proposals: aes256-sha256-modp1024\n    allow-weak: modp1024\n    esp-proposals: aes256-sha256-modp2048\n",
		"pfs", "esp-proposals", W, 8, SIDE_BOTH, "aes256-sha256" },
	{ AWS "    start: respond\n", "start", "start", W, 6, SIDE_BOTH, NULL },
	{ AZURE "    mtu: 1420\n", "mtu", "mtu", W, 6, SIDE_OURS, "1400" },
	{ AZURE "    mss: 1380\n", "mtu", "mss", W, 6, SIDE_OURS, "1350" },
	{ AWS "    mtu: 1447\n", "mtu", "mtu", W, 6, SIDE_OURS, NULL },
	{ AWS "    mss: 1407\n", "mtu", "mss", W, 6, SIDE_OURS, NULL },
	{ T "    inside: 10.0.0.2/30\n", "no-way-in", "routes", W, 3, SIDE_OURS, "s2s-a" },
	{ T "    mss: off\n", "mtu", "mss", W, 5, SIDE_OURS, NULL },
	{ T "    routes: [10.0.0.0/8]\n    remote-ts: 10.1.0.0/16\n", "selectors", "routes", E, 5, SIDE_BOTH, NULL },
	{ T "    local-ts: 10.1.0.0/16\n    remote-ts: [10.2.0.0/16, 10.0.0.0-10.1.0.0]\n", "overlap", "local-ts", E, 5,
		SIDE_BOTH, NULL },
	{ T BGP("65000", "65001", "10.0.0.2"), "bgp-address", "bgp.local", E, 3, SIDE_OURS, "inside" },
	{ T "    inside: 10.0.0.2/30\n" BGP("65000", "65001", "10.0.0.2"), "bgp-address", "bgp.peer", E, 9, SIDE_OURS, NULL },
	{ T "    inside: 10.0.0.2/30\n" BGP("65000", "65001", "10.0.0.9"), "bgp-multihop", "bgp.peer", W, 9, SIDE_OURS,
		"multihop" },
	{ T "    inside: 169.254.21.2/30\n" BGP("65000", "65001", "169.222.21.1"), "bgp-multihop", "bgp.peer", W, 9, SIDE_OURS,
		NULL },
	{ T "    inside: 169.254.21.2/30\n" BGP("65000", "65001", "169.254.21.5"), "inside", "inside", W, 5, SIDE_BOTH,
		"hosts of one network" },
	{ T "    inside: 10.0.0.2/30\n" BGP("65000", "65001", "10.0.0.1"), "unguarded", "bgp.peer", H, 9, SIDE_OURS,
		"unreachable route" },
	{ T "    inside: 10.0.0.2/30\n    routes: [10.0.0.1/32]\n" BGP("65000", "65001", "10.0.0.1"), "unguarded", "bgp.peer", H,
		10, SIDE_OURS, "unreachable route" },
	{ T "    routes: [10.1.0.0/16]\n    route-table: 100\n", "unguarded", "route-table", H, 6, SIDE_OURS, "to table 100" },
	{ "tunnels:\n  a:\n    psk-file: k\n    remote: peer.example.net\n    routes: [0.0.0.0/0]\n", "remote", "remote", W, 4,
		SIDE_OURS, "name server" },
	{ "tunnels:\n  a:\n    psk-file: k\n    remote: any\n    start: respond\n    remote-id: 'fqdn:b.example'\n    routes: [10.1.0.0/16, '::/0']\n",
		"remote", "remote", W, 4, SIDE_OURS, "route-table" },
	{ T "    inside: 10.0.0.2/30\n    routes: [10.1.0.0/16]\n" BGP("65000", "65001", "10.0.0.1"), "bgp-static", "routes", H,
		6, SIDE_OURS, NULL },
};

START_TEST(bites)
{
	calm();
	load(cases[_i].yaml);
	judge();
	const struct finding *f = find(cases[_i].rule, cases[_i].key);
	ck_assert_msg(f != NULL, "%s", cases[_i].yaml);
	ck_assert_int_eq(f->severity, cases[_i].severity);
	ck_assert_str_eq(f->tunnel, "a");
	ck_assert_str_eq(f->file, "t.yaml");
	/* What is not written is found at the tunnel. */
	ck_assert_int_eq(f->line, cases[_i].line == 3 ? 2 : cases[_i].line);
	ck_assert_int_eq(f->side, cases[_i].side);
	ck_assert_ptr_nonnull(f->advice);
	ck_assert_msg(cases[_i].todo == NULL || strstr(f->advice, cases[_i].todo) != NULL, "%s", f->advice);
	drop();
}
END_TEST

/* ---------------------------------------------------------------- what is right */
static const char *const good[] = {
	T "    routes: [10.20.0.0/16]\n",
	AWS "    inside: 169.254.6.2/30\n    routes: [10.20.0.0/16]\n",
	AWS "    inside: [169.254.6.2/30, \"fd00::2/126\"]\n" BGP("65000", "7224", "169.254.6.1"),
	AWS
	"    ike-proposals: aes256gcm16-prfsha384-ecp384\n    esp-proposals: aes128gcm16-ecp521\n    routes: [10.20.0.0/16]\n",
	T "    inside: 10.0.0.2/30\n" BGP("65000", "65001", "10.0.0.1"),
	T "    local-ts: 10.1.0.0/16\n    remote-ts: 10.2.0.0/16\n    routes: [10.2.3.0/24]\n",
	T "    local-ts: 0.0.0.0/0\n    remote-ts: 10.2.0.0/16\n    routes: [10.2.0.0/16]\n",
	"tunnels:\n"
	"  a: {remote: 203.0.113.1, psk-file: k, cloud: aws, inside: 169.254.6.2/30, routes: [10.2.0.0/16]}\n"
	"  b: {remote: 203.0.113.2, psk-file: k, cloud: aws, inside: 169.254.7.2/30, routes: [10.2.0.0/16]}\n"
	"  c: {remote: 203.0.113.3, psk-file: k, routes: [0.0.0.0/0]}\n"
	"  d: {remote: 203.0.113.3, psk-file: k, local: 198.51.100.1, routes: [10.9.0.0/16]}\n"
	"  e: {remote: 203.0.113.4, psk-file: k, local: 198.51.100.2, routes: [10.10.0.0/16]}\n",
};

START_TEST(silent)
{
	struct host_net own[] = { { .interface = "eth0" }, { .interface = "eth1" } };
	calm();
	ck_assert(prefix_parse(&own[0].prefix, "198.51.100.1/24") && prefix_parse(&own[1].prefix, "198.51.100.2/24"));
	host.nets = own;
	host.n_nets = 2;
	load(good[_i]);
	if (_i == 7) /* c and d: one address, but c leaves ours open */
		((struct tunnel_conf *)conf->tunnels[2])->local = own[1].prefix.addr;
	judge();
	none_but_hints();
	drop();
}
END_TEST

/* With a key that it can have, Azure's profile is right as it is; only the policy is to be set there. */
START_TEST(azure_profile)
{
	calm();
	struct findings faults;
	conf = conf_of_private(
		"tunnels:\n  a: {remote: 203.0.113.1, psk: abcdefgh1ijklmnop2qr, cloud: azure, inside: 169.254.21.2/30, routes: [10.20.0.0/16]}\n",
		&faults);
	ck_assert_ptr_nonnull(conf);
	findings_release(&faults);
	judge();
	none_but_hints();
	ck_assert_uint_eq(out.n, 1);
	ck_assert_str_eq(out.v[0].rule, "azure-policy");
	ck_assert_ptr_nonnull(strstr(out.v[0].advice, "--dh-group DHGroup14"));
	drop();
}
END_TEST

/* ---------------------------------------------------------------- several tunnels */

static const struct {
	const char *yaml, *rule, *key, *tunnel;
	int severity; /* -1: must not be found */
} sets[] = {
	{ ONE("a", "1", ", routes: [10.0.0.0/8]") ONE("b", "2", ", cloud: aws, routes: [10.2.0.0/16]"), "overlap", "routes", "b",
		W },
	{ ONE("a", "1", ", cloud: aws, routes: [10.0.0.0/8]") ONE("b", "2", ", cloud: aws, routes: [10.2.0.0/16]"), "overlap",
		"routes", "b", H },
	{ ONE("a", "1", ", cloud: aws, routes: [10.2.0.0/16]") ONE("b", "2", ", cloud: azure, routes: [10.2.0.0/16]"), "overlap",
		"routes", "b", W },
	{ ONE("a", "1", ", remote-ts: 10.2.0.0/16") ONE("b", "2", ", routes: [10.2.3.0/24]"), "overlap", "routes", "b", W },
	{ ONE("a", "1", ", routes: [10.2.0.0/16]") ONE("b", "2", ", routes: [10.3.0.0/16]"), "overlap", NULL, "", -1 },
	{ ONE("a", "1", ", routes: [0.0.0.0/0]") ONE("b", "2", ", routes: [10.3.0.0/16]"), "overlap", NULL, "", -1 },
	{ ONE("a", "1", ", routes: [10.2.0.0/16], route-table: 7") ONE("b", "2", ", routes: [10.2.3.0/24]"), "overlap", NULL, "",
		-1 },
	{ ONE("a", "1", ", routes: [10.2.0.0/16]") ONE("b", "2", ", routes: [10.2.0.0/16]"), "overlap", NULL, "", -1 },
	{ ONE("a", "1", "") ONE("b", "1", ", local-id: x.example"), "same-remote", "remote", "b", W },
	{ ONE("a", "1", ", local: 192.0.2.1") ONE("b", "1", ", local: 192.0.2.2"), "same-remote", NULL, "", -1 },
	{ ONE("a", "1", ", remote-id: p.example, local-id: us.example")
			ONE("b", "2", ", remote-id: p.example, local-id: us.example"),
		"identity", "remote-id", "b", W },
	{ ONE("a", "1", ", remote-id: p.example, local-id: us.example")
			ONE("b", "2", ", remote-id: p.example, local-id: we.example"),
		"identity", NULL, "", -1 },
	{ ONE("a", "1", ", inside: 10.0.0.2/30, bgp: {local-as: 1, peer-as: 2, peer: 10.0.0.1}")
			ONE("b", "2", ", inside: 10.0.0.3/29, bgp: {local-as: 1, peer-as: 2, peer: 10.0.0.1}"),
		"bgp-address", "bgp.peer", "b", E },
};

START_TEST(together)
{
	char yaml[2048];
	calm();
	snprintf(yaml, sizeof yaml, "tunnels:\n%s", sets[_i].yaml);
	load(yaml);
	judge();
	const struct finding *f = find(sets[_i].rule, sets[_i].key);
	if (sets[_i].severity < 0) {
		ck_assert_msg(f == NULL, "%s", f != NULL ? f->text : "");
		drop();
		return;
	}
	ck_assert_msg(f != NULL, "%s", sets[_i].yaml);
	ck_assert_int_eq((int)f->severity, sets[_i].severity);
	ck_assert_str_eq(f->tunnel, sets[_i].tunnel);
	drop();
}
END_TEST

/* ---------------------------------------------------------------- the loader's faults */
#define PEER "tunnels:\n  a: {remote: 203.0.113.1, psk-file: k"
static const struct {
	const char *yaml, *rule;
	int severity;
	const char *advice; /* part of it; NULL: there is none */
} faulty[] = {
	{ PEER ", cloud: azure, ike-proposals: aes256-sha256-modp1024}\n", "dh-group-2", E,
		"--sa-lifetime 27000 --sa-max-size 102400000" },
	{ PEER ", esp-proposals: aes256-sha1-modp2048}\n", "weak", E, "take a stronger word at both ends" },
	{ "tunnels:\n  a: {remote: 203.0.113.1, psk-file: none.psk}\n", "key-file", E, "s2sctl genpsk > keys/NAME" },
	{ "tunnels:\n  a: {remote: 203.0.113.1}\n", "key-file", E, "write 'psk-file: NAME.psk'" },
	{ "tunnels:\n  a: {remote: 203.0.113.1, psk: abc}\n", "key-mode", E, "chmod 600 the file, owner root" },
	{ PEER ", cloud: aws, esp-proposals: [aes256-sha256-modp2048, aes128-sha256-modp2048]}\n", "aws-weakest", W,
		"keep the strongest one" },
	{ PEER ", cloud: aws, esp-lifetime: 2h}\n", "lifetime", W, "write 'esp-lifetime: 3600s', or leave the key out" },
	{ PEER ", cloud: aws, ike-lifetime: 9h}\n", "lifetime", W, "write 'ike-lifetime: 28800s', or leave the key out" },
	{ PEER ", esp-lifetime: 8h}\n", "lifetime", W, "should outlive several child SAs" },
	{ PEER ", ike-lifetime: 1h}\n", "lifetime", W, "should outlive several child SAs" },
	{ PEER ", mtu: 1400, mss: 1361}\n", "mtu", W, "leave 'mss' out: auto takes what fits" },
	{ PEER ", inside: 10.0.0.0/24}\n", "inside", W, "write the address that the peer knows as ours" },
	{ PEER ", routes: 0.0.0.0/0, pin-route: no}\n", "pin-route", W, "leave 'pin-route' out" },
	{ PEER "}\n  b: {remote: 203.0.113.1, psk-file: k}\n", "identity", E, "another remote, local, local-id or remote-id" },
	{ PEER ", inside: 10.0.0.1/30}\n  b: {remote: 203.0.113.2, psk-file: k, inside: 10.0.0.1/30}\n", "inside", W,
		"give each tunnel its own inside network" },
	{ "tunnels:\n  a: {remot: 203.0.113.1, psk-file: k}\n", "configuration", E, NULL },
	/* The name of a key in a sentence is no reason for an advice about it. */
	{ PEER ", esp-lifetime: 5}\n", "configuration", E, NULL },
};

START_TEST(advises)
{
	conf = conf_of(faulty[_i].yaml, &out);
	const struct finding *f = find(faulty[_i].rule, NULL);
	ck_assert_msg(f != NULL, "%s", out.n > 0 ? out.v[0].text : "nothing");
	ck_assert_int_eq((int)f->severity, faulty[_i].severity);
	ck_assert_int_eq(f->advice != NULL, faulty[_i].advice != NULL);
	ck_assert_msg(f->advice == NULL || strstr(f->advice, faulty[_i].advice) != NULL, "%s", f->advice);
	ck_assert_msg(strncmp(f->text, "a: ", 3) != 0 && strncmp(f->text, "b: ", 3) != 0, "%s", f->text);
	drop();
}
END_TEST

/* ---------------------------------------------------------------- lines, order, bounds */
START_TEST(lines_of_keys)
{
	load("tunnels:\n  a:\n    remote: 203.0.113.1\n\n    routes:\n      - 10.0.0.0/8\n    psk-file: k\n    bgp:\n      peer: 10.0.0.1\n"
	     "      local-as: 1\n      peer-as: 2\n");
	const struct tunnel_conf *t = conf->tunnels[0];
	ck_assert_int_eq(tunnel_conf_line(t, "remote"), 3);
	ck_assert_int_eq(tunnel_conf_line(t, "routes"), 5);
	ck_assert_int_eq(tunnel_conf_line(t, "psk-file"), 7);
	ck_assert_int_eq(tunnel_conf_line(t, "bgp.peer"), 9);
	ck_assert_int_eq(tunnel_conf_line(t, "bgp.local"), 0);
	ck_assert_int_eq(tunnel_conf_line(t, "mtu"), 0);
	ck_assert_int_eq(tunnel_conf_line(t, "nonsense"), 0);
	conf_free(conf);
}
END_TEST

START_TEST(bounded_and_in_order)
{
	char *yaml = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&yaml, &len);
	fprintf(to, "tunnels:\n");
	for (int i = 0; i < 3000; i++)
		fprintf(to, "  t%d: {remote: 10.%d.%d.1, psk-file: k, mss: off, routes: [10.0.0.0/8, 10.%d.0.0/16]}\n", i,
			i / 250, i % 250, i % 200);
	fclose(to);
	calm();
	load(yaml);
	judge();
	ck_assert_uint_eq(out.n, FINDINGS_MAX);
	ck_assert_uint_gt(out.dropped, 0);
	ck_assert_uint_eq(out.n - 1 + out.dropped, out.count[0] + out.count[1] + out.count[2]); /* the last row counts them */
	for (unsigned i = 1; i < out.n; i++)
		ck_assert_int_le(out.v[i - 1].line, out.v[i].line);
	drop();
	free(yaml);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_loop_test(t, bites, 0, ROWS(cases));
	tcase_add_loop_test(t, silent, 0, ROWS(good));
	tcase_add_test(t, azure_profile);
	tcase_add_loop_test(t, together, 0, ROWS(sets));
	tcase_add_loop_test(t, advises, 0, ROWS(faulty));
	tcase_add_test(t, lines_of_keys);
	tcase_add_test(t, bounded_and_in_order);
	return check_run("check", t);
}
