/*
 * test_check.c - `s2sctl check`: each judgement bites where it should, at the right line, and stays silent otherwise; with a made-up machine.
 */
#include <stdio.h>
#include <string.h>

#include "conf_help.h"
#include "check/check.h"
#include "check/host.h"
#include "unit.h"

static struct conf *conf;
static struct host host;
static struct findings out;

/* A machine on which nothing is to be said. */
static void calm(void)
{
	host = (struct host){
		.forward4 = 1, .forward6 = 1, .rp_all = 2, .rp_default = 0, .hash4 = 1, .hash6 = 1, .key_dir_mode = 0700
	};
}

static void load(const char *yaml)
{
	struct findings faults;
	conf = conf_of(yaml, &faults);
	ck_assert_msg(conf != NULL, "%s", faults.n > 0 ? faults.v[0].text : "?");
	findings_release(&faults);
}

static void judge(void)
{
	out = (struct findings){ 0 };
	check_conf(&out, conf, &host);
}

static void drop(void)
{
	findings_release(&out);
	conf_free(conf);
}

static const struct finding *find(const char *rule, const char *key)
{
	for (unsigned i = 0; i < out.n; i++)
		if (strcmp(out.v[i].rule, rule) == 0 && (key == NULL || (out.v[i].key != NULL && strcmp(out.v[i].key, key) == 0)))
			return &out.v[i];
	return NULL;
}

static void none_but_hints(void)
{
	for (unsigned i = 0; i < out.n; i++)
		ck_assert_msg(out.v[i].severity == FINDING_HINT, "%s: %s: %s", out.v[i].rule, out.v[i].key, out.v[i].text);
}

/* ---------------------------------------------------------------- single tunnels */
#define T "tunnels:\n  a:\n    remote: 203.0.113.10\n    psk-file: k\n"
#define AWS T "    cloud: aws\n"
#define AZURE T "    cloud: azure\n"
#define BGP(local, peer, address) "    bgp:\n      local-as: " local "\n      peer-as: " peer "\n      peer: " address "\n"

#define E FINDING_ERROR
#define W FINDING_WARNING
#define H FINDING_HINT

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
	{ AZURE, "psk-alphabet", "psk-file", H, 4, SIDE_BOTH, "genpsk" }, /* the key is "key-k"; such keys are in use */
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
	{ T "    mss: off\n", "mtu", "mss", W, 5, SIDE_OURS, NULL },
	{ T "    routes: [10.0.0.0/8]\n    remote-ts: 10.1.0.0/16\n", "selectors", "routes", E, 5, SIDE_BOTH, NULL },
	{ T "    local-ts: 10.1.0.0/16\n    remote-ts: [10.2.0.0/16, 10.0.0.0-10.1.0.0]\n", "overlap", "local-ts", E, 5,
		SIDE_BOTH, NULL },
	{ T BGP("65000", "65001", "10.0.0.2"), "bgp-address", "bgp.local", E, 3, SIDE_OURS, "inside" },
	{ T "    inside: 10.0.0.2/30\n" BGP("65000", "65001", "10.0.0.2"), "bgp-address", "bgp.peer", E, 9, SIDE_OURS, NULL },
	{ T "    inside: 10.0.0.2/30\n" BGP("65000", "65001", "10.0.0.9"), "bgp-multihop", "bgp.peer", W, 9, SIDE_OURS,
		"multihop" },
	{ T "    inside: 10.0.0.2/30\n" BGP("65000", "65001", "10.0.0.1"), "unguarded", "bgp.peer", H, 9, SIDE_OURS,
		"unreachable route" },
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
	T,
	AWS "    inside: 169.254.6.2/30\n    routes: [10.20.0.0/16]\n",
	AWS "    inside: [169.254.6.2/30, \"fd00::2/126\"]\n" BGP("65000", "7224", "169.254.6.1"),
	AWS "    ike-proposals: aes256gcm16-prfsha384-ecp384\n    esp-proposals: aes128gcm16-ecp521\n",
	T "    inside: 10.0.0.2/30\n" BGP("65000", "65001", "10.0.0.1"),
	T "    local-ts: 10.1.0.0/16\n    remote-ts: 10.2.0.0/16\n    routes: [10.2.3.0/24]\n",
	T "    local-ts: 0.0.0.0/0\n    remote-ts: 10.2.0.0/16\n",
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
		"tunnels:\n  a: {remote: 203.0.113.1, psk: abcdefgh1ijklmnop2qr, cloud: azure, inside: 169.254.21.2/30}\n",
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
#define ONE(name, n, more) "  " name ": {remote: 203.0.113." n ", psk-file: k" more "}\n"

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

/* ---------------------------------------------------------------- the machine */
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
	{ ", cloud: azure, psk-file: kk", 1454, "192.168.1.2", "mtu", 1374 },
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
	host.ports[0] = (struct host_port){ 500, 101, "charon-systemd", "strongswan.service" };
	host.ports[1] = (struct host_port){ 4500, 102, "evil\x1b[2J", "" };
	judge();
	ck_assert_str_eq(out.v[0].rule, "port");
	ck_assert_int_eq(out.v[0].severity, FINDING_ERROR);
	ck_assert_str_eq(out.v[0].text, "UDP port 500 belongs to 'charon-systemd', process 101: s2sd cannot start beside it");
	ck_assert_str_eq(out.v[0].advice, "systemctl disable --now strongswan.service");
	ck_assert_ptr_null(strchr(out.v[1].text, 0x1b));
	ck_assert_str_eq(out.v[1].advice, "stop it, and see that it does not start again");
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
	{ PEER ", cloud: aws}\n", "psk-alphabet", E, "into the tunnel's options at AWS" },
	{ "tunnels:\n  a: {remote: 203.0.113.1, cloud: azure, psk-file: "
	  "k01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
	  "0123456789012345}\n",
		"psk-alphabet", E, "as the connection's shared key at Azure" },
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

/* ---------------------------------------------------------------- pre-shared keys */
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

#define ROWS(v) ((int)(sizeof(v) / sizeof *(v)))

int main(void)
{
	Suite *s = suite_create("check");
	TCase *t = tcase_create("all");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, bites, 0, ROWS(cases));
	tcase_add_loop_test(t, silent, 0, ROWS(good));
	tcase_add_test(t, azure_profile);
	tcase_add_loop_test(t, together, 0, ROWS(sets));
	tcase_add_loop_test(t, sizes, 0, ROWS(paths));
	tcase_add_test(t, forwarding);
	tcase_add_loop_test(t, rp_filter, 0, ROWS(filters));
	tcase_add_loop_test(t, multipath, 0, 5);
	tcase_add_test(t, networkd);
	tcase_add_loop_test(t, local_networks, 0, 7);
	tcase_add_test(t, local_address);
	tcase_add_test(t, no_tunnels);
	tcase_add_test(t, key_files);
	tcase_add_test(t, another_ike_daemon);
	tcase_add_loop_test(t, advises, 0, ROWS(faulty));
	tcase_add_loop_test(t, weak_keys, 0, ROWS(strengths));
	tcase_add_test(t, weak_key_files);
	tcase_add_loop_test(t, shared_keys, 0, ROWS(sharers));
	tcase_add_test(t, many_shared_keys);
	tcase_add_test(t, lines_of_keys);
	tcase_add_test(t, bounded_and_in_order);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
