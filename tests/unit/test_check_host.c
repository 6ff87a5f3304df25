/*
 * test_check_host.c - `s2sctl check`: what is said of the machine, which is made up: paths, sysctls, networks, key files, other daemons.
 */
#include "check_help.h"

static void with_path(struct host_path *p, int mtu, const char *from, int rp)
{
	*p = (struct host_path){ .mtu = mtu, .rp_filter = rp };
	ck_assert(addr_parse(&p->from, from));
}

static const struct {
	const char *more;
	int mtu;
	const char *from, *key; /* NULL: nothing is said */
	unsigned fits;
} paths[] = {
	/* AES-CBC, SHA2-256: 1438 without and 1422 with NAT on a path of 1500, as AWS prints it */
	{ ", mtu: 1438", 1500, "198.51.100.1", NULL, 0 },
	{ ", mtu: 1439", 1500, "198.51.100.1", "mtu", 1438 },
	{ ", mtu: 1438", 1500, "192.168.1.2", "mtu", 1422 },
	{ ", mtu: 1423, encapsulation: udp", 1500, "198.51.100.1", "mtu", 1422 },
	{ ", mtu: 1447, esp-proposals: aes256gcm16-modp2048", 1500, "198.51.100.1", "mtu", 1446 },
	{ ", mtu: 1438, esp-proposals: [aes256gcm16-modp2048, aes256-sha512-modp2048]", 1500, "198.51.100.1", "mtu", 1422 },
	{ ", mss: 1399", 1500, "198.51.100.1", "mss", 1398 },
	{ ", mss: 1398", 1500, "198.51.100.1", NULL, 0 },
	{ ", cloud: azure, psk-file: kk", 1454, "192.168.1.2", NULL, 0 }, /* what nobody wrote the daemon makes fit */
	{ ", cloud: azure, psk-file: kk, mtu: 1400", 1454, "192.168.1.2", "mtu", 1374 },
	{ ", cloud: azure, psk-file: kk, mss: 1350", 1390, "198.51.100.1", "mss", 1286 },
	{ ", mtu: 9000", HOST_UNKNOWN, "198.51.100.1", NULL, 0 },
};

START_TEST(sizes)
{
	char yaml[512], number[32];
	struct host_path path;
	calm();
	with_path(&path, paths[_i].mtu, paths[_i].from, HOST_UNKNOWN);
	host.paths = &path;
	host.n_paths = 1;
	bool azure = strstr(paths[_i].more, "azure") != NULL;
	snprintf(yaml, sizeof yaml, "tunnels:\n  a: {remote: 203.0.113.1%s%s}\n", azure ? "" : ", psk-file: k", paths[_i].more);
	load(yaml);
	judge();
	const struct finding *f = find("mtu", paths[_i].key);
	if (paths[_i].key == NULL) {
		ck_assert_msg(f == NULL, "%s", f != NULL ? f->text : "");
	} else {
		snprintf(number, sizeof number, "leaves %u", paths[_i].fits);
		ck_assert_ptr_nonnull(f);
		ck_assert_msg(strstr(f->text, number) != NULL, "%s", f->text);
	}
	drop();
}
END_TEST

#define PAIR "tunnels:\n" ONE("a", "1", ", routes: [10.2.0.0/16]") ONE("b", "2", ", routes: [10.2.0.0/16]")
#define SINGLE "tunnels:\n" ONE("a", "1", ", routes: [10.2.0.0/16]")

START_TEST(forwarding)
{
	calm();
	host.forward4 = host.forward6 = 0;
	load(SINGLE);
	judge();
	const struct finding *f = find("forwarding", "net.ipv4.ip_forward");
	ck_assert(f != NULL && f->severity == FINDING_WARNING && f->file == NULL && f->tunnel[0] == 0);
	ck_assert_ptr_null(find("forwarding", "net.ipv6.conf.all.forwarding")); /* nothing of IPv6 is configured */
	drop();
	load("s2sd: {forwarding: yes}\n" SINGLE);
	judge();
	ck_assert_ptr_null(find("forwarding", NULL));
	drop();
}
END_TEST

/* What makes ESP slower than this machine could: hints, and nothing where nothing is to be done. */
static const struct {
	struct host_speed is;
	const char *rule, *key, *words; /* rule NULL: none of them */
} speeds[] = {
	{ { .processors = 8 }, NULL, NULL, NULL },
	{ { .waits4 = true }, "esp-module", NULL, "esp4_offload: " },
	{ { .waits6 = true }, NULL, NULL, NULL }, /* no peer is reached by IPv6 */
	{ { .no_aes = true }, "cpu-aes", NULL, "no instructions" },
	{ { .vaes_hidden = true }, "cpu-aes", NULL, "VAES" },
	{ { .processors = 4, .n_cards = 1, .cards = { { "eth0", 1, 1, 8 } } }, "card-queues", NULL, "one queue of 8" },
	{ { .processors = 1, .n_cards = 1, .cards = { { "eth0", 1, 1, 8 } } }, NULL, NULL, NULL },
	{ { .processors = 4, .n_cards = 1, .cards = { { "eth0", 1, 1, 1 } } }, NULL, NULL, NULL },
	{ { .processors = 4, .n_cards = 1, .cards = { { "eth0", 1, 2, 8 } } }, NULL, NULL, NULL },
	{ { .processors = 4, .n_cards = 1, .cards = { { "eth0", HOST_UNKNOWN, HOST_UNKNOWN, HOST_UNKNOWN } } }, NULL, NULL,
		NULL },
	{ { .processors = 4, .n_cards = 1, .cards = { { "eth0", 0, 4, 8 } } }, "card-gro", NULL, "eth0: " },
};

START_TEST(speed)
{
	static const char *const rules[] = { "esp-module", "cpu-aes", "card-queues", "card-gro" };
	unsigned n = 0;
	calm();
	host.speed = speeds[_i].is;
	load(SINGLE);
	judge();
	for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++)
		n += find(rules[i], NULL) != NULL;
	ck_assert_uint_eq(n, speeds[_i].rule != NULL);
	if (speeds[_i].rule != NULL) {
		const struct finding *f = find(speeds[_i].rule, speeds[_i].key);
		ck_assert(f != NULL && f->severity == FINDING_HINT && f->advice[0] != 0);
		ck_assert_msg(strstr(f->text, speeds[_i].words) != NULL, "%s", f->text);
	}
	drop();
	host.speed = (struct host_speed){ 0 };
}
END_TEST

/* Where both are offered the faster one belongs first; one alone is somebody's decision. */
static const struct {
	const char *proposals;
	bool said;
} orders[] = {
	{ "[aes256-sha256-modp2048, aes256gcm16-modp2048]", true },
	{ "[aes256gcm16-modp2048, aes256-sha256-modp2048]", false },
	{ "[aes256-sha256-modp2048]", false },
	{ "[aes256gcm16-modp2048]", false },
	{ "[aes256gcm16-modp2048, aes256-sha256-modp2048, chacha20poly1305-modp2048]", true },
};

START_TEST(order_of_ciphers)
{
	char yaml[256];
	calm();
	snprintf(yaml, sizeof yaml, "tunnels:\n  a: {remote: 203.0.113.1, psk-file: k, esp-proposals: %s}\n",
		orders[_i].proposals);
	load(yaml);
	judge();
	ck_assert_int_eq(find("cipher-order", "esp-proposals") != NULL, orders[_i].said);
	drop();
}
END_TEST

/* all, default, the interface's (-1: not there yet), tunnels -> severity or -1 */
static const int filters[][5] = { { 1, 0, -1, 2, W }, { 0, 1, -1, 2, W }, { 0, 0, 1, 2, W }, { 1, 0, -1, 1, H },
	{ 1, 1, 2, 2, -1 }, { 2, 1, 1, 2, -1 }, { 0, 0, -1, 2, -1 }, { 0, 1, 0, 2, -1 }, { -1, -1, -1, 2, -1 } };

START_TEST(rp_filter)
{
	struct host_path p[2];
	calm();
	const int *v = filters[_i];
	host.rp_all = v[0];
	host.rp_default = v[1];
	with_path(&p[0], 1500, "198.51.100.1", v[2]);
	p[1] = p[0];
	host.paths = p;
	host.n_paths = (unsigned)v[3];
	load(v[3] == 2 ? PAIR : SINGLE);
	judge();
	const struct finding *f = find("rp-filter", NULL);
	ck_assert_int_eq(f != NULL ? (int)f->severity : -1, v[4]);
	drop();
}
END_TEST

START_TEST(multipath)
{
	static const struct {
		const char *yaml;
		bool shared;
	} v[] = { { PAIR, true }, { SINGLE, false },
		{ "tunnels:\n" ONE("a", "1", ", routes: [10.2.0.0/16]")
				ONE("b", "2", ", routes: [10.2.0.0/16], route-metric: 200"),
			false },
		{ "tunnels:\n" ONE("a", "1", ", inside: 10.0.0.1/30, bgp: {local-as: 1, peer-as: 2, peer: 10.0.0.2}")
				ONE("b", "2", ", inside: 10.0.1.1/30, bgp: {local-as: 1, peer-as: 2, peer: 10.0.1.2}"),
			true },
		{ "tunnels:\n" ONE("a", "1", ", inside: 10.0.0.1/30, bgp: {local-as: 1, peer-as: 2, peer: 10.0.0.2}")
				ONE("b", "2", ", inside: 10.0.1.1/30, bgp: {local-as: 1, peer-as: 3, peer: 10.0.1.2}"),
			false } };
	calm();
	host.hash4 = host.hash6 = 0;
	load(v[_i].yaml);
	judge();
	ck_assert_int_eq(find("ecmp-hash", "net.ipv4.fib_multipath_hash_policy") != NULL, v[_i].shared);
	ck_assert_ptr_null(find("ecmp-hash", "net.ipv6.fib_multipath_hash_policy"));
	drop();
	host.hash4 = 1;
	load(v[_i].yaml);
	judge();
	ck_assert_ptr_null(find("ecmp-hash", NULL));
	drop();
}
END_TEST

START_TEST(networkd)
{
	calm();
	host.networkd_routes = host.networkd_rules = true;
	load(SINGLE);
	judge();
	ck_assert_ptr_null(find("networkd", NULL)); /* it does not run */
	drop();
	host.networkd = true;
	host.networkd_rules = false;
	load(SINGLE);
	judge();
	ck_assert_ptr_nonnull(find("networkd", "ManageForeignRoutes"));
	ck_assert_ptr_null(find("networkd", "ManageForeignRoutingPolicyRules"));
	drop();
}
END_TEST

START_TEST(networkd_reads_when_it_starts)
{
	static const struct {
		int64_t since, settings;
		bool told;
	} rows[] = { { 100, 101, true }, { 100, 100, false }, { 0, 100, false }, { 101, 0, false } };
	calm();
	host.networkd = true;
	host.networkd_routes = host.networkd_rules = false;
	host.networkd_since = rows[_i].since;
	host.networkd_settings = rows[_i].settings;
	load(SINGLE);
	judge();
	ck_assert_int_eq(find("networkd", NULL) != NULL, rows[_i].told);
	drop();
}
END_TEST

START_TEST(local_networks)
{
	static const struct {
		const char *interface, *net, *rule;
		int severity;
	} v[] = { { "eth1", "10.2.3.1/24", "overlap-local", W }, { "eth1", "10.2.0.1/16", "overlap-local", E },
		{ "eth1", "10.0.0.1/8", "overlap-local", E }, { "eth1", "10.3.0.1/16", "overlap-local", -1 },
		{ "s2s-a", "10.2.0.1/16", "overlap-local", -1 }, { "lo", "10.2.0.1/32", "overlap-local", -1 },
		{ "eth1", "203.0.113.1/24", "remote", E } };
	struct host_net net = { 0 };
	calm();
	snprintf(net.interface, sizeof net.interface, "%s", v[_i].interface);
	ck_assert(prefix_parse(&net.prefix, v[_i].net));
	host.nets = &net;
	host.n_nets = 1;
	load(SINGLE);
	judge();
	const struct finding *f = find(v[_i].rule, NULL);
	ck_assert_int_eq(f != NULL ? (int)f->severity : -1, v[_i].severity);
	drop();
}
END_TEST

START_TEST(local_address)
{
	calm();
	load("tunnels:\n" ONE("a", "1", ", local: 198.51.100.1"));
	judge();
	ck_assert_ptr_nonnull(find("local", "local"));
	drop();
}
END_TEST

/* ---------------------------------------------------------------- the ways of packets */
static struct host_net net_with(const char *interface, const char *prefix)
{
	struct host_net n = { .carries = true };
	snprintf(n.interface, sizeof n.interface, "%s", interface);
	ck_assert(prefix_parse(&n.prefix, prefix));
	return n;
}

/* all, the interface's, by which its hosts are reached -> told */
static const struct {
	int all, own;
	const char *interface, *elsewhere;
	bool told;
} strict[] = { { 0, 1, "lan", "lan2", true }, { 1, 0, "lan", "lan2", true }, { 0, 1, "lan", "", false },
	{ 2, 1, "lan", "lan2", false }, { 0, 2, "lan", "lan2", false }, { 0, 0, "lan", "lan2", false },
	{ HOST_UNKNOWN, HOST_UNKNOWN, "lan", "lan2", false }, { 0, 1, "s2s-a", "lan2", false } };

START_TEST(rp_filter_of_networks)
{
	struct host_net n = net_with(strict[_i].interface, "10.1.0.1/24");
	calm();
	host.rp_all = strict[_i].all;
	n.rp_filter = strict[_i].own;
	snprintf(n.elsewhere, sizeof n.elsewhere, "%s", strict[_i].elsewhere);
	host.nets = &n;
	host.n_nets = 1;
	load(SINGLE);
	judge();
	const struct finding *f = find("rp-filter", "net.ipv4.conf.*.rp_filter");
	ck_assert_int_eq(f != NULL, strict[_i].told);
	ck_assert(f == NULL || (strstr(f->text, "10.1.0.0/24") != NULL && strstr(f->advice, "conf.lan.rp_filter=2") != NULL));
	drop();
}
END_TEST

/* what we send, what others would, a default route there, its router, rp_filter there -> rule, severity */
static const struct {
	const char *out, *back;
	bool has_default, carries;
	const char *gateway;
	int rp;
	const char *rule;
	int severity;
	const char *advice;
} second[] = {
	{ "out", "out", true, true, "192.0.2.1", 0, "uplink", W,
		"ip route add default via 192.0.2.1 dev out2 table 200; ip rule add from 192.0.2.77 lookup 200" },
	{ "out", "out", true, true, NULL, 0, "uplink", W, "via ROUTER dev out2" },
	{ "out", "out", false, true, NULL, 1, "uplink", H, "ip rule add from 192.0.2.77 lookup 200" },
	{ "out2", "out2", true, true, "192.0.2.1", 1, NULL, 0, NULL },
	{ "", "", true, true, "192.0.2.1", 1, NULL, 0, NULL },
	{ "out", "out", false, false, NULL, 1, NULL, 0, NULL }, /* a loop's address, or a dummy's */
	{ "out2", "out", true, true, "192.0.2.1", 1, "rp-filter", W, "conf.out2.rp_filter=2" },
	{ "out2", "out", true, true, "192.0.2.1", 2, NULL, 0, NULL },
};

START_TEST(uplinks)
{
	struct host_net n = net_with("out2", "192.0.2.77/24");
	struct host_path p;
	calm();
	host.rp_all = 0;
	with_path(&p, 1500, "192.0.2.77", HOST_UNKNOWN);
	snprintf(p.out, sizeof p.out, "%s", second[_i].out);
	snprintf(p.back, sizeof p.back, "%s", second[_i].back);
	n.carries = second[_i].carries;
	n.has_default = second[_i].has_default;
	n.rp_filter = second[_i].rp;
	if (second[_i].gateway != NULL)
		ck_assert(addr_parse(&n.gateway, second[_i].gateway));
	host.nets = &n;
	host.n_nets = 1;
	host.paths = &p;
	host.n_paths = 1;
	load("tunnels:\n" ONE("a", "1", ", local: 192.0.2.77, routes: [10.2.0.0/16]"));
	judge();
	const struct finding *f = second[_i].rule != NULL ? find(second[_i].rule, "local") : NULL;
	if (second[_i].rule == NULL) {
		ck_assert_ptr_null(find("uplink", NULL));
		ck_assert_ptr_null(find("rp-filter", NULL));
	} else {
		ck_assert_ptr_nonnull(f);
		ck_assert_int_eq((int)f->severity, second[_i].severity);
		ck_assert_msg(strstr(f->advice, second[_i].advice) != NULL, "%s", f->advice);
	}
	drop();
}
END_TEST

/* settings, forwarding now -> told */
static const struct {
	const char *yaml;
	int forward6;
	bool told;
} advertised[] = {
	{ "tunnels:\n" ONE("a", "1", ", routes: ['fd00:2::/48']"), 1, true },
	{ "tunnels:\n" ONE("a", "1", ", routes: ['fd00:2::/48']"), 0, true }, /* before somebody turns it on */
	{ "tunnels:\n  a: {remote: '2001:db8::1', psk-file: k, routes: [10.2.0.0/16]}\n", 1, true },
	{ "tunnels:\n  a: {remote: '2001:db8::1', psk-file: k, routes: [10.2.0.0/16]}\n", 0, false },
	{ SINGLE, 1, false },
};

START_TEST(advertisements)
{
	calm();
	host.forward6 = advertised[_i].forward6;
	snprintf(host.ra[0], sizeof host.ra[0], "out");
	host.n_ra = 1;
	load(advertised[_i].yaml);
	judge();
	const struct finding *f = find("router-advertisements", NULL);
	ck_assert_int_eq(f != NULL, advertised[_i].told);
	ck_assert(f == NULL || strstr(f->advice, "conf.out.accept_ra=2") != NULL);
	drop();
	host.n_ra = 0;
	load(advertised[_i].yaml);
	judge();
	ck_assert_ptr_null(find("router-advertisements", NULL));
	drop();
}
END_TEST

/* What drops and what rewrites; with commands, and of a rule that none is known for. */
START_TEST(filtered)
{
	struct host_filter v[2] = {
		{ .tunnel = 0,
			.others = true,
			.where = "policy drop of chain inet filter forward",
			.n_commands = 2,
			.commands = { "nft one", "nft two" } },
		{ .tunnel = 1, .changes = true, .where = "rule with handle 3 of chain ip nat POSTROUTING", .rule = "masquerade" }
	};
	calm();
	host.filters = v;
	host.n_filters = 2;
	load(PAIR);
	judge();
	const struct finding *drops = find("filter", NULL), *changes = find("rewritten", NULL);
	ck_assert(drops != NULL && changes != NULL && drops->severity == FINDING_WARNING && drops->file == NULL);
	ck_assert_str_eq(drops->tunnel, "a");
	ck_assert_str_eq(drops->text,
		"what hosts behind us exchange with this tunnel and others is dropped by the policy drop of chain inet filter forward");
	ck_assert_ptr_nonnull(strstr(drops->advice, "nft one; nft two; and in the program"));
	ck_assert_str_eq(changes->tunnel, "b");
	ck_assert_ptr_nonnull(
		strstr(changes->text, "given another address by the rule with handle 3 of chain ip nat POSTROUTING: masquerade"));
	ck_assert_ptr_nonnull(strstr(changes->advice, "except the tunnel's interface"));
	drop();
}
END_TEST

START_TEST(no_tunnels)
{
	calm();
	load("s2sd: {workers: 2}\n");
	judge();
	ck_assert_uint_eq(out.n, 1);
	ck_assert(find("no-tunnels", NULL) != NULL && out.v[0].severity == FINDING_HINT && out.v[0].advice != NULL);
	drop();
}
END_TEST

START_TEST(key_files)
{
	struct host_key v[] = { { (char *)"k", 0644 }, { (char *)"old.psk", 0640 } };
	calm();
	host.keys = v;
	host.n_keys = 2;
	host.key_dir_mode = 0777;
	load(SINGLE);
	judge();
	unsigned n = 0;
	for (unsigned i = 0; i < out.n; i++)
		n += strcmp(out.v[i].rule, "key-mode") == 0;
	ck_assert_uint_eq(n, 2); /* the folder and old.psk; k is the loader's */
	ck_assert_int_eq(find("key-mode", NULL)->severity, FINDING_ERROR);
	drop();
}
END_TEST

START_TEST(another_ike_daemon)
{
	calm();
	load(SINGLE);
	judge();
	ck_assert_ptr_null(find("port", NULL));
	findings_release(&out);
	host.n_ports = 2;
	host.ports[0] = (struct host_port){ 500, 101, "charon-systemd", "strongswan.service", false };
	host.ports[1] = (struct host_port){ 4500, 102, "evil\x1b[2J", "", false };
	judge();
	ck_assert_str_eq(out.v[0].rule, "port");
	ck_assert_int_eq(out.v[0].severity, FINDING_ERROR);
	ck_assert_str_eq(out.v[0].text, "UDP port 500 belongs to 'charon-systemd', process 101: s2sd cannot start beside it");
	ck_assert_str_eq(out.v[0].advice, "systemctl disable --now strongswan.service");
	ck_assert_ptr_null(strchr(out.v[1].text, 0x1b));
	ck_assert_str_eq(out.v[1].advice, "stop it, and see that it does not start again");
	findings_release(&out);
	host.n_ports = 1;
	host.ports[0] = (struct host_port){ 500, 1, "systemd", "", true };
	judge();
	ck_assert_int_eq(out.v[0].severity, FINDING_ERROR);
	ck_assert_ptr_null(strstr(out.v[0].text, "cannot start")); /* it may be ours */
	ck_assert_ptr_nonnull(strstr(out.v[0].advice, "systemctl list-sockets"));
	ck_assert_ptr_nonnull(strstr(out.v[0].advice, "systemctl stop s2sd"));
	drop();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_loop_test(t, sizes, 0, ROWS(paths));
	tcase_add_test(t, forwarding);
	tcase_add_loop_test(t, order_of_ciphers, 0, sizeof orders / sizeof orders[0]);
	tcase_add_loop_test(t, speed, 0, sizeof speeds / sizeof speeds[0]);
	tcase_add_loop_test(t, rp_filter, 0, ROWS(filters));
	tcase_add_loop_test(t, multipath, 0, 5);
	tcase_add_test(t, networkd);
	tcase_add_loop_test(t, networkd_reads_when_it_starts, 0, 4);
	tcase_add_loop_test(t, local_networks, 0, 7);
	tcase_add_test(t, local_address);
	tcase_add_loop_test(t, rp_filter_of_networks, 0, ROWS(strict));
	tcase_add_test(t, filtered);
	tcase_add_loop_test(t, uplinks, 0, ROWS(second));
	tcase_add_loop_test(t, advertisements, 0, ROWS(advertised));
	tcase_add_test(t, no_tunnels);
	tcase_add_test(t, key_files);
	tcase_add_test(t, another_ike_daemon);
	return check_run("check host", t);
}
