/*
 * kernel_test.c - src/kernel against a real kernel: both ends of a tunnel are set by our own functions, with keys made up here; no IKE.
 *
 *	west-host ---- west ------------ inet ------------ east ---- east-host
 *	10.1.0.10      198.51.100.7              203.0.113.10       10.20.0.10       (made by scenarios/kernel.sh)
 *
 * One process holds a kernel handle in each gateway's network namespace. Every check prints one line; the first that fails ends it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/alg.h"
#include "kernel/kernel.h"

struct side {
	const char *ns, *host, *lan, *behind; /* behind: the other's LAN */
	const char *outside, *outside6, *inside, *inside6, *lan6, *behind6;
	struct kernel *k;
	int encap_socket;
	struct kernel_event seen[5];
	unsigned n_seen[5];
};

static struct side west = { .ns = "west",
	.host = "west-host",
	.lan = "10.1.0.10",
	.behind = "10.20.0.0/24",
	.outside = "198.51.100.7",
	.outside6 = "2001:db8:1::7",
	.inside = "169.254.21.2/30",
	.inside6 = "fd00:ff::2/126",
	.lan6 = "fd00:1::10",
	.behind6 = "fd00:2::/64" };
static struct side east = { .ns = "east",
	.host = "east-host",
	.lan = "10.20.0.10",
	.behind = "10.1.0.0/24",
	.outside = "203.0.113.10",
	.outside6 = "2001:db8:2::7",
	.inside = "169.254.21.1/30",
	.inside6 = "fd00:ff::1/126",
	.lan6 = "fd00:2::10",
	.behind6 = "fd00:1::/64" };

/* --- saying, running --- */
static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("FAIL ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	exit(1);
}

static void good(const char *what)
{
	printf("ok %s\n", what);
	fflush(stdout);
}

static void check(const struct side *s, int error, const char *what)
{
	if (error != 0)
		die("%s: %s: error %d (%s)", s->ns, what, error, kernel_real.why(s->k));
	if (kernel_real.why(s->k)[0] != 0)
		die("%s: %s: a warning: %s", s->ns, what, kernel_real.why(s->k));
}

/* The output of a shell command in a namespace. */
static const char *output(const char *ns, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static const char *output(const char *ns, const char *fmt, ...)
{
	static char text[65536];
	char command[1024], whole[1200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	snprintf(whole, sizeof whole, "nsenter --net=/run/netns/%s -- sh -c '%s' 2>&1", ns, command);
	FILE *p = popen(whole, "r");
	if (p == NULL)
		die("cannot run %s", whole);
	size_t n = fread(text, 1, sizeof text - 1, p);
	text[n] = 0;
	pclose(p);
	return text;
}

static void expect(const char *text, const char *part, const char *what)
{
	if (strstr(text, part) == NULL)
		die("%s: expected \"%s\", saw: %s", what, part, text);
}

static void refuse(const char *text, const char *part, const char *what)
{
	if (strstr(text, part) != NULL)
		die("%s: did not expect \"%s\", saw: %s", what, part, text);
}

static void enter(const char *ns)
{
	char path[64];
	snprintf(path, sizeof path, "/run/netns/%s", ns);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		die("cannot enter %s: %s", ns, strerror(errno));
	close(fd);
}

/* --- the two ends --- */
static void on_event(void *arg, const struct kernel_event *e)
{
	struct side *s = arg;
	s->seen[e->kind] = *e;
	s->n_seen[e->kind]++;
}

static void read_events(struct side *s)
{
	int fds[4];
	unsigned n = kernel_real.fds(s->k, fds);
	for (unsigned i = 0; i < n; i++)
		kernel_real.read(s->k, fds[i]);
}

static void forget_events(struct side *s)
{
	read_events(s);
	memset(s->n_seen, 0, sizeof s->n_seen);
}

static void side_open(struct side *s)
{
	enter(s->ns);
	int error = kernel_real.open(&s->k, on_event, s);
	if (error != 0)
		die("%s: kernel_open: %s", s->ns, kernel_real.why(s->k));
	s->encap_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(4500) };
	int type = UDP_ENCAP_ESPINUDP;
	if (bind(s->encap_socket, (void *)&any, sizeof any) != 0 ||
		setsockopt(s->encap_socket, IPPROTO_UDP, UDP_ENCAP, &type, sizeof type) != 0)
		die("%s: encapsulating socket: %s", s->ns, strerror(errno));
}

static struct addr address(const char *text, uint16_t port)
{
	struct addr a;
	if (!addr_parse(&a, text))
		die("address %s", text);
	a.port = port;
	return a;
}

struct plan { /* one kind of tunnel */
	const char *name, *proposal;
	bool vti, encap, v6_outside;
	uint32_t mtu; /* expected */
};

static struct addr outside(const struct side *s, const struct plan *p)
{
	return address(p->v6_outside ? s->outside6 : s->outside, p->encap ? 4500 : 0);
}

static const struct side *other(const struct side *s) { return s == &west ? &east : &west; }

static struct kernel_tunnel describe(const struct side *s, const struct plan *p, uint32_t id, const char *name)
{
	static struct prefix inside[2][2], routes[2][2];
	static struct ts_list all;
	unsigned i = s == &east;
	struct prefix all4, all6;
	struct kernel_tunnel t = { .id = id,
		.vti = p->vti,
		.route_metric = 100,
		.pin_route = true,
		.local = outside(s, p),
		.remote = outside(other(s), p) };
	snprintf(t.interface, sizeof t.interface, "%s", name);
	snprintf(t.altname, sizeof t.altname, "s2s-a-name-longer-than-fifteen-%u", (unsigned)id);
	prefix_parse(&inside[i][0], s->inside);
	prefix_parse(&inside[i][1], s->inside6);
	prefix_parse(&routes[i][0], s->behind);
	prefix_parse(&routes[i][1], s->behind6);
	prefix_parse(&all4, "0.0.0.0/0");
	prefix_parse(&all6, "::/0");
	t.inside = inside[i];
	t.routes = routes[i];
	t.n_inside = t.n_routes = 2;
	if (p->vti) /* a VTI carries one family */
		t.n_inside = t.n_routes = 1;
	all.n = 2;
	all.v[0] = ts_from_prefix(&all4);
	all.v[1] = ts_from_prefix(&all6);
	t.local_ts = t.remote_ts = &all;
	return t;
}

static struct suite suite_of(const char *proposal)
{
	struct proposal p;
	const char *bad, *reason;
	size_t n;
	struct suite s = { .protocol = PROTOCOL_ESP };
	if (!proposal_parse(&p, PROTOCOL_ESP, proposal, &bad, &n, &reason))
		die("proposal %s: %s", proposal, reason);
	for (unsigned i = 0; i < p.n; i++) {
		if (p.t[i].type == TRANSFORM_ENCR) {
			s.encr = p.t[i].id;
			s.keylen = p.t[i].keylen;
		}
		if (p.t[i].type == TRANSFORM_INTEG)
			s.integ = p.t[i].id;
		if (p.t[i].type == TRANSFORM_ESN)
			s.esn = p.t[i].id;
	}
	return s;
}

static void make_key(struct secret *s, unsigned n, unsigned salt)
{
	s->len = (uint16_t)n;
	for (unsigned i = 0; i < n; i++)
		s->data[i] = (uint8_t)(salt * 31 + i * 7 + 1);
}

/* Generation g: one SPI from west to east and one back. */
static uint32_t spi_from(const struct side *from, unsigned g) { return 0x10000 + 2 * g + (from == &east); }

static struct esp_sa sa_for(const struct side *s, const struct plan *p, unsigned g, enum esp_dir dir)
{
	const struct side *from = dir == ESP_OUT ? s : other(s);
	struct esp_sa sa = { .tunnel = 1,
		.dir = dir,
		.encap = p->encap,
		.spi = spi_from(from, g),
		.local = outside(s, p),
		.remote = outside(other(s), p),
		.suite = suite_of(p->proposal),
		.replay_window = 1024,
		.hard_seconds = 3600 };
	const struct alg *encr = alg_find(TRANSFORM_ENCR, sa.suite.encr, sa.suite.keylen);
	if (encr == NULL)
		die("no algorithm for %s", p->proposal);
	make_key(&sa.encr_key, encr->key_bytes + encr->salt_bytes, sa.spi);
	if (sa.suite.integ != INTEG_NONE)
		make_key(&sa.integ_key, alg_find(TRANSFORM_INTEG, sa.suite.integ, 0)->key_bytes, sa.spi + 1);
	return sa;
}

static void add_sa(struct side *s, const struct plan *p, unsigned g, enum esp_dir dir)
{
	struct esp_sa sa = sa_for(s, p, g, dir);
	check(s, kernel_real.sa_add(s->k, &sa), dir == ESP_IN ? "inbound SA" : "outbound SA");
}

static void switch_to(struct side *s, const struct plan *p, unsigned g)
{
	struct kernel_tunnel t = describe(s, p, 1, "x");
	struct esp_switch w = { .tunnel = 1, .spi_out = g != 0 ? spi_from(s, g) : 0, .local = t.local, .remote = t.remote };
	esp_switch_put(&w, t.local_ts, t.remote_ts);
	check(s, kernel_real.sa_switch(s->k, &w), "switch");
}

static void delete_sa(struct side *s, const struct plan *p, unsigned g, enum esp_dir dir)
{
	struct esp_remove r = { .tunnel = 1,
		.dir = dir,
		.spi = spi_from(dir == ESP_OUT ? s : other(s), g),
		.local = outside(s, p),
		.remote = outside(other(s), p) };
	check(s, kernel_real.sa_del(s->k, &r), "remove an SA");
}

static void link_to(struct side *s, const struct plan *p, enum esp_link state)
{
	struct esp_link_state l = { .tunnel = 1,
		.state = state,
		.encap = p->encap,
		.suite = suite_of(p->proposal),
		.local = outside(s, p),
		.remote = outside(other(s), p) };
	check(s, kernel_real.tunnel_link(s->k, &l), "link state");
}

/* Inbound first, then outbound: nothing may be lost. */
static void install(const struct plan *p, unsigned g)
{
	add_sa(&west, p, g, ESP_IN);
	add_sa(&east, p, g, ESP_IN);
	add_sa(&west, p, g, ESP_OUT);
	add_sa(&east, p, g, ESP_OUT);
	switch_to(&west, p, g);
	switch_to(&east, p, g);
}

static void retire(const struct plan *p, unsigned g)
{
	delete_sa(&west, p, g, ESP_OUT);
	delete_sa(&east, p, g, ESP_OUT);
	usleep(100000);
	delete_sa(&west, p, g, ESP_IN);
	delete_sa(&east, p, g, ESP_IN);
}

static void set_both(const struct plan *p)
{
	struct kernel_tunnel w = describe(&west, p, 1, "s2s-one"), e = describe(&east, p, 1, "s2s-one");
	check(&west, kernel_real.tunnel_set(west.k, &w), "tunnel");
	check(&east, kernel_real.tunnel_set(east.k, &e), "tunnel");
}

static void up_both(const struct plan *p)
{
	link_to(&west, p, LINK_UP);
	link_to(&east, p, LINK_UP);
}

static void del_both(void)
{
	check(&west, kernel_real.tunnel_del(west.k, 1, false), "delete");
	check(&east, kernel_real.tunnel_del(east.k, 1, false), "delete");
}

static void ping(const char *ns, const char *to, unsigned n, const char *more, const char *what)
{
	char want[64];
	snprintf(want, sizeof want, "%u received", n);
	expect(output(ns, "ping -n -q -c %u -i 0.01 -W 3 %s %s", n, more, to), want, what);
}

/* --- checks --- */
static const struct plan plans[] = {
	{ "GCM", "aes256gcm16", false, false, false, 1446 },
	{ "CBC-SHA256", "aes256-sha256", false, false, false, 1438 },
	{ "GCM in UDP", "aes128gcm16", false, true, false, 1438 },
	{ "CBC-SHA256 in UDP", "aes256-sha256", false, true, false, 1422 },
	{ "ChaCha20-Poly1305 with ESN", "chacha20poly1305-esn", false, false, false, 1446 },
	{ "CBC-SHA512 with ESN", "aes256-sha512-esn", false, false, false, 1422 },
	{ "GCM over IPv6", "aes256gcm16", false, false, true, 1426 },
	{ "VTI, GCM", "aes256gcm16", true, false, false, 1446 },
	{ "VTI, CBC-SHA256 in UDP", "aes256-sha256", true, true, false, 1422 },
	{ "VTI, CBC-SHA256", "aes256-sha256", true, false, false, 1438 },
};

static void traffic(const struct plan *p)
{
	char part[64];
	set_both(p);
	expect(output("west", "ip route show table all type unreachable"), "unreachable 10.20.0.0/24 proto 213 metric 4294967294",
		"guard");
	refuse(output("west", "ip link show s2s-one"), "UP", "down at first");
	expect(output("west-host", "ping -n -c 1 -W 1 10.20.0.10"), "Unreachable", "before the first child");
	install(p, 1);
	up_both(p);
	snprintf(part, sizeof part, "mtu %u ", p->mtu);
	expect(output("west", "ip link show s2s-one"), part, "MTU");
	snprintf(part, sizeof part, "-M do -s %u", p->mtu - 28);
	ping("west-host", "10.20.0.10", 20, "", "through the tunnel");
	ping("east-host", "10.1.0.10", 5, part, "as large as the MTU");
	ping("west", "169.254.21.1", 3, "", "inside address");
	if (!p->vti) {
		ping("west-host", "fd00:2::10", 5, "", "IPv6 through the tunnel");
		ping("west", "fd00:ff::1", 3, "", "IPv6 inside address");
		expect(output("west", "ip link show s2s-a-name-longer-than-fifteen-1"), "s2s-one", "the long name");
	}
	good(p->name);
}

static void rekeys(const struct plan *p)
{
	FILE *f = popen("nsenter --net=/run/netns/west-host -- ping -n -q -c 500 -i 0.01 -W 3 10.20.0.10", "r");
	char text[4096];
	for (unsigned g = 2; g < 10; g++) {
		usleep(200000);
		install(p, g);
		if (g > 2)
			retire(p, g - 2); /* a round later: packets may be under way */
	}
	size_t n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	pclose(f);
	expect(text, " 500 received", "eight rekeys under load");
	retire(p, 8);
	install(p, 1);
	retire(p, 9);
	good("rekeys lose nothing");
}

static void count(void *arg, uint32_t tunnel, const struct esp_counters *c)
{
	struct esp_counters *sum = arg;
	if (tunnel == 1)
		sum[c->dir].packets += c->packets;
}

static void counters(void)
{
	struct esp_counters sum[2] = { { 0 } };
	ping("west-host", "10.20.0.10", 7, "", "to be counted");
	check(&west, kernel_real.counters(west.k, count, sum), "counters");
	if (sum[ESP_IN].packets != 7 || sum[ESP_OUT].packets != 7)
		die("counters: in %llu out %llu", (unsigned long long)sum[ESP_IN].packets,
			(unsigned long long)sum[ESP_OUT].packets);
	good("counters");
}

/* The handshake's MSS as the client learns it. */
static unsigned handshake(const char *from, const char *in, const char *to)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(5001) };
	struct tcp_info info;
	socklen_t n = sizeof info;
	inet_pton(AF_INET, to, &sa.sin_addr);
	enter(in);
	int server = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(server, (void *)&sa, sizeof sa) != 0 || listen(server, 1) != 0)
		die("listen: %s", strerror(errno));
	enter(from);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval limit = { .tv_sec = 5 };
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(client, (void *)&sa, sizeof sa) != 0 || getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
		die("connect to %s: %s", to, strerror(errno));
	close(client);
	close(server);
	return info.tcpi_snd_mss + (info.tcpi_options & TCPI_OPT_TIMESTAMPS ? 12 : 0);
}

static void clamp(const struct plan *p)
{
	unsigned mss = handshake("west-host", "east-host", "10.20.0.10");
	if (mss != p->mtu - 40)
		die("MSS: expected %u, saw %u", p->mtu - 40, mss);
	expect(output("west", "nft list table inet s2sd"), "chain forward", "nft can list the table");
	expect(output("west", "nft list set inet s2sd ours"), "\"s2s-one\"", "nft lists interfaces by name");
	good("MSS");
}

static unsigned dropped_clear(void)
{
	const char *at = strstr(output("west", "nft list chain inet s2sd clear"), "counter packets ");
	return at != NULL ? (unsigned)strtoul(at + 16, NULL, 10) : 0;
}

/* The internet pretends to be the other LAN. */
static void clear_source(const struct plan *p)
{
	output("inet", "ip addr add 10.20.0.10/32 dev lo; ip route add 10.1.0.0/24 via 198.51.100.7");
	unsigned before = dropped_clear();
	output("inet", "ping -n -c 2 -i 0.2 -W 1 -I 10.20.0.10 10.1.0.10");
	if (dropped_clear() != before + 2)
		die("clear packets from an inside source: %u dropped, expected %u", dropped_clear() - before, 2);
	link_to(&west, p, LINK_DOWN);
	expect(output("west-host", "ping -n -c 1 -W 1 10.20.0.10"), "Unreachable", "down");
	output("inet", "ping -n -c 2 -i 0.2 -W 1 -I 10.20.0.10 10.1.0.10");
	if (dropped_clear() != before + 4)
		die("clear packets while down: %u dropped, expected %u", dropped_clear() - before, 4);
	ping("inet", "10.1.0.10", 2, "-I 198.51.100.1", "honest clear packets pass");
	output("inet", "ip addr del 10.20.0.10/32 dev lo; ip route del 10.1.0.0/24 via 198.51.100.7");
	link_to(&west, p, LINK_UP);
	ping("west-host", "10.20.0.10", 5, "", "up again");
	ping("west-host", "fd00:2::10", 5, "", "IPv6 up again");
	good("clear packets from inside sources are dropped, up and down");
}

static void states(const struct plan *p)
{
	link_to(&west, p, LINK_DORMANT);
	expect(output("west", "ip link show s2s-one"), "state DORMANT", "dormant");
	ping("west-host", "10.20.0.10", 3, "", "dormant still carries");
	link_to(&west, p, LINK_UP);
	expect(output("west", "ip link show s2s-one"), "state UP", "up");
	switch_to(&west, p, 0);
	refuse(output("west-host", "ping -n -c 2 -i 0.1 -W 1 10.20.0.10"), "bytes from", "blocked out policy");
	switch_to(&west, p, 1);
	ping("west-host", "10.20.0.10", 3, "", "unblocked");
	good("dormant, blocked and back");
}

#define MARKED "ip route get 203.0.113.10 mark 0x73320000"
#define PLAIN "ip route get 203.0.113.10"
#define PEER_ROUTES "ip route show table 21300"

/* A route that covers the peer leads into the tunnel: what goes to the peer does not follow it, all the rest does. */
static void covered(void)
{
	output("west", "ip route add 203.0.113.0/24 dev s2s-one; ip route add 128.0.0.0/1 dev s2s-one;"
		       " echo 1 >/proc/sys/net/ipv4/conf/out/rp_filter");
	read_events(&west);
	expect(output("west", MARKED), "via 198.51.100.1 dev out", "the way of what we send to the peer");
	expect(output("west", PLAIN), "dev s2s-one", "the way of others to that address");
	expect(output("west", PEER_ROUTES), "203.0.113.10 via 198.51.100.1 dev out proto 213", "the host route");
	expect(output("west", "ip rule"), "32765:\tfrom all fwmark 0x73320000/0xffff0000 lookup 21300 proto 213", "the rule");
	refuse(output("west", "ip route show 203.0.113.10"), "203.0.113.10", "in the main table");
	ping("west-host", "10.20.0.10", 3, "", "still carries, with the strict check of sources");
	struct addr remote = address("203.0.113.99", 0), local;
	uint32_t mtu = 0;
	char text[ADDR_TEXT];
	check(&west, kernel_real.path(west.k, &remote, &local, &mtu), "path");
	if (strcmp(addr_format(&local, text), "198.51.100.7") != 0 || mtu != 1500)
		die("path: local %s mtu %u", text, mtu);
	if (west.n_seen[KERNEL_UPLINK_CHANGED] != 0)
		die("our interface's routes count as an uplink change");
	output("west", "ip route del 203.0.113.0/24 dev s2s-one; ip route del 128.0.0.0/1 dev s2s-one;"
		       " echo 0 >/proc/sys/net/ipv4/conf/out/rp_filter");
	read_events(&west);
	refuse(output("west", PEER_ROUTES), "203.0.113.10", "the host route is not needed any more");
	refuse(output("west", "ip rule"), "ipproto", "nor are the rules for the check of sources");
	ping("west-host", "10.20.0.10", 3, "", "still carries");
}

static void peer_routes(const struct plan *p)
{
	(void)p;
	forget_events(&west);
	expect(output("west", MARKED), "via 198.51.100.1 dev out", "the way to the peer");
	refuse(output("west", PEER_ROUTES), "203.0.113.10", "a host route without need");
	covered();
	output("west", "ip link add up2 type dummy; ip addr add 198.18.0.1/24 dev up2; ip link set up2 up;"
		       " ip route add 203.0.113.0/24 via 198.18.0.2");
	expect(output("west", MARKED), "via 198.18.0.2 dev up2", "the better way");
	read_events(&west);
	if (west.n_seen[KERNEL_UPLINK_CHANGED] == 0)
		die("a new uplink was not told");
	output("west", "ip route add 203.0.113.8/29 dev s2s-one");
	read_events(&west);
	expect(output("west", MARKED), "via 198.18.0.2 dev up2", "the better way, copied");
	output("west", "ip link del up2");
	check(&west, kernel_real.peer_routes_renew(west.k), "renew");
	expect(output("west", MARKED), "via 198.51.100.1 dev out", "back on the old way");
	forget_events(&west);
	check(&west, kernel_real.peer_routes_renew(west.k), "renew");
	read_events(&west);
	if (west.n_seen[KERNEL_UPLINK_CHANGED] != 0)
		die("our own peer host route counts as an uplink change");
	output("west", "ip route add 203.0.113.10 via 198.51.100.1");
	read_events(&west);
	check(&west, kernel_real.peer_routes_renew(west.k), "renew");
	refuse(output("west", PEER_ROUTES), "203.0.113.10", "a host route beside the operator's own");
	ping("west-host", "10.20.0.10", 3, "", "by the operator's host route");
	output("west", "ip route del 203.0.113.10; ip route del 203.0.113.8/29");
	read_events(&west);
	check(&west, kernel_real.peer_routes_renew(west.k), "renew");
	good("peer host routes");
}

/* --- what others do is undone --- */
static struct {
	unsigned n, lost, surplus, failed;
	enum kernel_object object; /* of the last one */
	char text[1024];
} differences;

static void note_difference(void *arg, const struct kernel_difference *d)
{
	size_t n = strlen(differences.text);
	(void)arg;
	differences.n++;
	differences.lost += d->object == OBJECT_SA && !d->surplus;
	differences.surplus += d->surplus;
	differences.failed += d->why[0] != 0;
	differences.object = d->object;
	snprintf(differences.text + n, sizeof differences.text - n, "%s [%s] by %s: %s; ", d->what, d->was, d->by, d->why);
}

static void compare(const char *what)
{
	memset(&differences, 0, sizeof differences);
	check(&west, kernel_real.reconcile(west.k, note_difference, NULL), what);
}

static const struct harm {
	const char *command;
	enum kernel_object object;
	const char *text; /* in what is told */
	bool silent;      /* there is no news of it */
} harms[] = {
	{ "ip link del s2s-one", OBJECT_INTERFACE, "interface s2s-one []", false },
	{ "ip link set s2s-one down", OBJECT_INTERFACE, "interface s2s-one [down]", false },
	{ "ip link set s2s-one mtu 1300", OBJECT_INTERFACE, "[MTU 1300]", false },
	{ "ip link set s2s-one group 7", OBJECT_INTERFACE, "[group 7]", false },
	{ "ip link set s2s-one state dormant", OBJECT_INTERFACE, "[dormant]", false },
	{ "ip link set s2s-one down; ip link set s2s-one name other; ip link set other up", OBJECT_INTERFACE, "[named other]",
		false },
	{ "sysctl -q -w net.ipv4.conf.s2s-one.accept_redirects=1", OBJECT_SYSCTL, "settings of interface s2s-one", true },
	{ "ip addr del 169.254.21.2/30 dev s2s-one", OBJECT_ADDRESS, "address 169.254.21.2/30", false },
	{ "ip addr del fd00:ff::2/126 dev s2s-one", OBJECT_ADDRESS, "address fd00:ff::2/126", false },
	{ "ip route del 10.20.0.0/24 dev s2s-one", OBJECT_ROUTE, "route 10.20.0.0/24", false },
	{ "ip -6 route del fd00:2::/64 dev s2s-one", OBJECT_ROUTE, "route fd00:2::/64", false },
	{ "ip route change 10.20.0.0/24 dev s2s-one proto 213 scope link metric 100 src 198.51.100.7", OBJECT_ROUTE,
		"[other interfaces or source]", true },
	{ "ip route del unreachable 10.20.0.0/24", OBJECT_ROUTE, "unreachable route 10.20.0.0/24", false },
	{ "ip route flush table all proto 213", OBJECT_ROUTE, "unreachable route", false },
	{ "ip rule flush protocol 213; ip -6 rule flush protocol 213", OBJECT_RULE, "rule for packets to peers", false },
	{ "ip xfrm policy flush", OBJECT_POLICY, "policy out 0.0.0.0/0 - 0.0.0.0/0", false },
	{ "ip xfrm policy update dir out src 0.0.0.0/0 dst 0.0.0.0/0 if_id 0x53320001 action block priority 1000", OBJECT_POLICY,
		"[changed]", false },
	{ "nft flush ruleset", OBJECT_FIREWALL, "nf_tables table s2sd [] by nft", false },
	{ "nft flush chain inet s2sd source", OBJECT_FIREWALL, "nf_tables table s2sd [changed] by nft", false },
	{ "nft flush set inet s2sd antispoof4", OBJECT_FIREWALL, "nf_tables table s2sd [changed] by nft", false },
	{ "nft delete table inet s2sd", OBJECT_FIREWALL, "nf_tables table s2sd [] by nft", false },
};

/* What a flush takes away that is not ours. */
static void foreign_flushable(void)
{
	output("west",
		"ip xfrm policy add dir out src 10.77.0.0/16 dst 10.78.0.0/16 tmpl src 192.0.2.1 dst 192.0.2.2 proto esp mode tunnel;"
		" nft add table ip foreign");
}

static void heals(const struct plan *p)
{
	(void)p;
	compare("a first comparison");
	if (differences.n != 0)
		die("nothing was changed, and yet: %s", differences.text);
	for (unsigned i = 0; i < sizeof harms / sizeof harms[0]; i++) {
		const struct harm *h = &harms[i];
		forget_events(&west);
		refuse(output("west", "%s", h->command), "rror", h->command);
		read_events(&west);
		if (!h->silent && west.n_seen[KERNEL_TOUCHED] == 0)
			die("%s: no news of it", h->command);
		compare(h->command);
		if (differences.n == 0 || differences.object != h->object || differences.failed != 0 || differences.surplus != 0)
			die("%s: %u differences: %s", h->command, differences.n, differences.text);
		expect(differences.text, h->text, h->command);
		if (h->object != OBJECT_ROUTE && h->object != OBJECT_RULE && differences.n != 1)
			die("%s: more than one: %s", h->command, differences.text);
		ping("west-host", "10.20.0.10", 3, "", h->command);
		ping("west-host", "fd00:2::10", 3, "", h->command);
		compare("once more");
		if (differences.n != 0)
			die("%s: not as it was: %s", h->command, differences.text);
		read_events(&west);
		forget_events(&west);
		read_events(&west);
		if (west.n_seen[KERNEL_TOUCHED] != 0)
			die("%s: our own repair is news", h->command);
	}
	foreign_flushable();
	good("what others remove or change is put back");
}

static void heals_sas(const struct plan *p)
{
	const char *by_index =
		"ip xfrm state add src 203.0.113.10 dst 198.51.100.7 proto esp spi 0x4711 reqid 0x53320001 mode tunnel"
		" if_id 0x53320001 aead \"rfc4106(gcm(aes))\" 0x0102030405060708090a0b0c0d0e0f1011121314 128";
	forget_events(&west);
	output("west", "%s", by_index);
	read_events(&west);
	compare("an SA with our marks that nobody wants");
	if (west.n_seen[KERNEL_TOUCHED] == 0 || differences.n != 1 || differences.surplus != 1)
		die("a surplus SA: %s", differences.text);
	refuse(output("west", "ip xfrm state"), "0x00004711", "it is gone");
	expect(output("west", "ip xfrm state"), "spi 0x00000777", "the foreign SA");
	output("west", "ip xfrm state delete src 198.51.100.7 dst 203.0.113.10 proto esp spi 0x%x", (unsigned)spi_from(&west, 1));
	read_events(&west);
	compare("an outbound SA is lost");
	if (west.n_seen[KERNEL_TOUCHED] == 0 || differences.n != 1 || differences.lost != 1)
		die("a lost SA: %s", differences.text);
	compare("it is told once");
	if (differences.n != 0)
		die("a lost SA is told twice: %s", differences.text);
	/* A larval SA of the same number, for one who listens to ACQUIRE, is none. */
	retire(p, 1);
	install(p, 10);
	FILE *f = popen("nsenter --net=/run/netns/west -- timeout 5 ip xfrm monitor acquire >/dev/null", "r");
	usleep(300000);
	output("west", "ip xfrm state delete src 198.51.100.7 dst 203.0.113.10 proto esp spi 0x%x",
		(unsigned)spi_from(&west, 10));
	output("west-host", "ping -n -q -c 1 -W 1 10.20.0.10");
	compare("a larval SA stands for the lost one");
	if (differences.n != 1 || differences.lost != 1)
		die("a larval SA: %s in %s", differences.text, output("west", "ip xfrm state"));
	pclose(f);
	retire(p, 10);
	install(p, 1);
	good("lost SAs are told, surplus ones removed");
}

static void foreign_in_the_way(void)
{
	output("west", "ip route del 10.20.0.0/24 dev s2s-one; ip route add 10.20.0.0/24 via 198.51.100.1 metric 100");
	memset(&differences, 0, sizeof differences);
	kernel_real.reconcile(west.k, note_difference, NULL);
	if (differences.n != 1 || differences.failed != 1 || strstr(differences.text, "exists and is not ours") == NULL)
		die("a foreign route in the way: %s", differences.text);
	expect(output("west", "ip route show 10.20.0.0/24 metric 100"), "via 198.51.100.1", "the foreign route stays");
	output("west", "ip route del 10.20.0.0/24 via 198.51.100.1 metric 100");
	compare("out of the way");
	if (differences.n != 1 || differences.failed != 0)
		die("out of the way: %s", differences.text);
	ping("west-host", "10.20.0.10", 3, "", "out of the way");
	good("a foreign object in the way stays and is named");
}

static void move_side(struct side *s, struct esp_move m)
{
	m.spi_in = spi_from(other(s), 1);
	m.spi_out = spi_from(s, 1);
	int error = kernel_real.sa_move(s->k, &m);
	check(s, error, "move");
}

static void moves(const struct plan *p)
{
	struct addr old = outside(&west, p), peer = outside(&east, p), fresh = address("198.51.100.8", p->encap ? 4500 : 0);
	output("west", "ip addr add 198.51.100.8/24 dev out");
	ping("west-host", "10.20.0.10", 3, "", "before the move");
	struct esp_move at_west = {
		.tunnel = 1, .encap = p->encap, .old_local = old, .old_remote = peer, .new_local = fresh, .new_remote = peer
	};
	struct esp_move at_east = {
		.tunnel = 1, .encap = p->encap, .old_local = peer, .old_remote = old, .new_local = peer, .new_remote = fresh
	};
	move_side(&east, at_east);
	move_side(&west, at_west);
	ping("west-host", "10.20.0.10", 10, "", "after the move");
	expect(output("west", "ip xfrm state"), "src 198.51.100.8 dst 203.0.113.10", "the SA moved");
	expect(output("west", "ip xfrm state list src 198.51.100.8"), "output-mark 0x73320000/0xffff0000",
		"the mark moved with it");
	refuse(output("west", "ip xfrm state"), "198.51.100.7", "nothing at the old address");
	struct esp_move back_west = {
		.tunnel = 1, .encap = p->encap, .old_local = fresh, .old_remote = peer, .new_local = old, .new_remote = peer
	};
	struct esp_move back_east = {
		.tunnel = 1, .encap = p->encap, .old_local = peer, .old_remote = fresh, .new_local = peer, .new_remote = old
	};
	move_side(&east, back_east);
	move_side(&west, back_west);
	ping("west-host", "10.20.0.10", 10, "", "moved back");
	output("west", "ip addr del 198.51.100.8/24 dev out");
	good("addresses move with the SAs");
}

/* West sends from another port: east is told, and follows. */
static void mapping(const struct plan *p)
{
	struct addr w = outside(&west, p), e = outside(&east, p), wandered = w;
	wandered.port = 4600;
	forget_events(&east);
	struct esp_move m = {
		.tunnel = 1, .encap = true, .old_local = w, .old_remote = e, .new_local = wandered, .new_remote = e
	};
	move_side(&west, m);
	output("west-host", "ping -n -q -c 3 -i 0.1 -W 1 10.20.0.10");
	read_events(&east);
	if (east.n_seen[KERNEL_MAPPING] == 0 || east.seen[KERNEL_MAPPING].addr.port != 4600 ||
		east.seen[KERNEL_MAPPING].spi != spi_from(&west, 1))
		die("mapping: %u events, port %u", east.n_seen[KERNEL_MAPPING], east.seen[KERNEL_MAPPING].addr.port);
	m = (struct esp_move){
		.tunnel = 1, .encap = true, .old_local = wandered, .old_remote = e, .new_local = w, .new_remote = e
	};
	move_side(&west, m);
	m = (struct esp_move){ .tunnel = 1,
		.encap = false,
		.old_local = w,
		.old_remote = e,
		.new_local = w,
		.new_remote = e,
		.spi_in = spi_from(&east, 1),
		.spi_out = spi_from(&west, 1) };
	if (kernel_real.sa_move(west.k, &m) != -EOPNOTSUPP)
		die("taking the encapsulation away was not refused");
	ping("west-host", "10.20.0.10", 5, "", "port back");
	expect(output("west", "ip xfrm state list dst 203.0.113.10"), "output-mark 0x73320000/0xffff0000",
		"the mark stays with new ports");
	good("a peer's new port is told and followed");
}

static void expiry(const struct plan *p)
{
	struct esp_sa sa = sa_for(&west, p, 40, ESP_OUT), in = sa_for(&east, p, 40, ESP_IN);
	sa.soft_bytes = 1000;
	sa.hard_bytes = 3000;
	check(&east, kernel_real.sa_add(east.k, &in), "inbound SA");
	check(&west, kernel_real.sa_add(west.k, &sa), "outbound SA with a limit");
	forget_events(&west);
	switch_to(&west, p, 40);
	output("west-host", "ping -n -q -c 60 -i 0.01 -W 1 10.20.0.10");
	read_events(&west);
	if (west.n_seen[KERNEL_EXPIRE] != 2 || !west.seen[KERNEL_EXPIRE].hard ||
		west.seen[KERNEL_EXPIRE].spi != spi_from(&west, 40))
		die("expiry: %u events", west.n_seen[KERNEL_EXPIRE]);
	switch_to(&west, p, 1);
	delete_sa(&west, p, 40, ESP_OUT);
	delete_sa(&east, p, 40, ESP_IN);
	if (kernel_real.sa_add(east.k, &(struct esp_sa){ .tunnel = 1, .spi = 5, .local = in.local, .remote = in.remote }) !=
		-EINVAL)
		die("a reserved SPI was accepted");
	struct esp_sa again = sa_for(&west, p, 1, ESP_IN);
	if (kernel_real.sa_add(west.k, &again) != -EEXIST)
		die("an SPI in use was accepted");
	good("soft and hard expiry");
}

static void narrowed(const struct plan *p)
{
	struct esp_switch s = {
		.tunnel = 1, .spi_out = spi_from(&west, 1), .local = outside(&west, p), .remote = outside(&east, p)
	};
	struct prefix l, r;
	prefix_parse(&l, "10.1.0.0/24");
	prefix_parse(&r, "10.20.0.10/32");
	esp_switch_put(&s, &(struct ts_list){ .n = 1, .v = { ts_from_prefix(&l) } },
		&(struct ts_list){ .n = 1, .v = { ts_from_prefix(&r) } });
	check(&west, kernel_real.sa_switch(west.k, &s), "narrow");
	ping("west-host", "10.20.0.10", 3, "", "within the selectors");
	refuse(output("west", "ping -n -c 1 -W 1 169.254.21.1"), "bytes from", "outside the selectors");
	if (strtoul(output("west", "ip xfrm policy | grep -c ^src"), NULL, 10) != 4) /* and the foreign one */
		die("narrowed to one pair: %s", output("west", "ip xfrm policy"));
	switch_to(&west, p, 1);
	ping("west", "169.254.21.1", 3, "", "wide again");
	good("selectors narrow and widen");
}

static void second_tunnel(const struct plan *p)
{
	struct kernel_tunnel t = describe(&west, p, 2, "s2s-two"), rival = describe(&west, p, 3, "foreign0");
	struct esp_link_state l = { .tunnel = 2,
		.state = LINK_UP,
		.suite = suite_of(p->proposal),
		.local = outside(&west, p),
		.remote = outside(&east, p) };
	t.n_inside = 0;
	check(&west, kernel_real.tunnel_set(west.k, &t), "second tunnel");
	check(&west, kernel_real.tunnel_link(west.k, &l), "second tunnel up");
	expect(output("west", "ip route show 10.20.0.0/24"), "nexthop dev s2s-two", "ECMP");
	expect(output("west", "ip route show 10.20.0.0/24"), "nexthop dev s2s-one", "ECMP");
	expect(output("west", "ip -6 route show fd00:2::/64"), "dev s2s-two weight 1", "IPv6 ECMP");
	expect(output("west", "ip -6 route show fd00:2::/64"), "dev s2s-one weight 1", "IPv6 ECMP");
	t.route_metric = 200;
	check(&west, kernel_real.tunnel_set(west.k, &t), "another metric");
	refuse(output("west", "ip route show 10.20.0.0/24"), "nexthop", "no ECMP any more");
	expect(output("west", "ip route show 10.20.0.0/24"), "dev s2s-two proto 213 scope link metric 200", "the worse route");
	check(&west, kernel_real.tunnel_del(west.k, 2, false), "second tunnel deleted");
	refuse(output("west", "ip route show table all"), "s2s-two", "its routes are gone");
	ping("west-host", "10.20.0.10", 3, "", "the first tunnel's route is whole");
	ping("west-host", "fd00:2::10", 3, "", "and the IPv6 one");
	if (kernel_real.tunnel_set(west.k, &rival) != -EEXIST || strstr(kernel_real.why(west.k), "foreign0") == NULL)
		die("a foreign interface in the way: %s", kernel_real.why(west.k));
	kernel_real.tunnel_del(west.k, 3, false);
	expect(output("west", "ip link show foreign0"), "foreign0", "the foreign interface stays");
	good("two tunnels share a prefix; a foreign interface is respected");
}

static void everything(char text[65536])
{
	snprintf(text, 65536, "%s",
		output("west",
			"ip -o link | cut -d: -f2-; ip -o addr | grep -v link/; ip route show table all; ip -6 route show table all;"
			" ip rule; ip -6 rule;"
			" ip xfrm state; ip xfrm policy; nft list ruleset"));
}

/* Sets two tunnels, one of them up with generation g, and ends with no chance to clean up. */
static void short_life(const struct plan *p, unsigned g)
{
	struct kernel_tunnel one = describe(&west, p, 1, "s2s-one"), two = describe(&west, p, 2, "s2s-two");
	pid_t pid = fork();
	if (pid == 0) {
		enter("west");
		if (kernel_real.open(&west.k, on_event, &west) != 0)
			_exit(1);
		two.local.family = 0;
		check(&west, kernel_real.tunnel_set(west.k, &one), "tunnel");
		if (!p->vti) /* a second VTI needs other ends */
			check(&west, kernel_real.tunnel_set(west.k, &two), "tunnel");
		add_sa(&west, p, g, ESP_IN);
		add_sa(&west, p, g, ESP_OUT);
		switch_to(&west, p, g);
		link_to(&west, p, LINK_UP);
		kill(getpid(), SIGKILL);
	}
	int status;
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status))
		die("the first life ended otherwise");
	expect(output("west", "ip xfrm state"), "0x5332", "what the crash left");
}

/* The second life finds what is left and does not know the keys. */
static void crash(const struct plan *p)
{
	struct kernel_tunnel one = describe(&west, p, 1, "s2s-one");
	short_life(p, 1);
	output("west",
		"ip route add 203.0.113.10 via 198.51.100.1 proto 213 metric 1; ip rule add fwmark 7 lookup 21300 protocol 213");
	unsigned long index = strtoul(output("west", "ip -o link show s2s-one"), NULL, 10);
	check(&west, kernel_real.adopt(west.k, &one, 1, false), "adopt");
	if (strtoul(output("west", "ip -o link show s2s-one"), NULL, 10) != index)
		die("the interface was not adopted (index %lu) but made again: %s", index,
			output("west", "ip -o link show s2s-one"));
	refuse(output("west", "ip link"), "s2s-two", "surplus interface");
	refuse(output("west", "ip route"), "203.0.113.10", "the host route of an earlier version");
	refuse(output("west", "ip rule"), "fwmark 0x7 ", "a rule of another version");
	expect(output("west", "ip rule"), "fwmark 0x73320000/0xffff0000 lookup 21300", "the rule");
	refuse(output("west", "ip xfrm state"), "0x5332", "SAs of the first life");
	expect(output("west", "ip xfrm state"), "spi 0x00000777", "the foreign SA");
	expect(output("west", "ip xfrm policy"), "action block", "closed until the first child");
	expect(output("west", "ip route show table all type unreachable"), "unreachable 10.20.0.0/24",
		"the blackhole route survived");
	install(p, 3);
	up_both(p);
	ping("west-host", "10.20.0.10", 5, "", "after the crash");
	good("a crash leaves nothing that is not adopted or swept");
}

/* An argument limits the plans to so many. */
/* The second life knows the SAs: it takes them over under load. Then it leaves, and only what protects stays. */
static void handover(const struct plan *p)
{
	struct kernel_tunnel one = describe(&west, p, 1, "s2s-one");
	char text[4096];
	struct esp_counters sum[2] = { { 0 } };
	set_both(p);
	kernel_real.tunnel_del(west.k, 1, false);
	add_sa(&east, p, 20, ESP_IN);
	add_sa(&east, p, 20, ESP_OUT);
	switch_to(&east, p, 20);
	link_to(&east, p, LINK_UP);
	short_life(p, 20);
	FILE *f = popen("nsenter --net=/run/netns/west-host -- ping -n -q -c 300 -i 0.01 -W 3 10.20.0.10", "r");
	usleep(500000);
	check(&west, kernel_real.adopt(west.k, &one, 1, true), "adopt with the SAs");
	link_to(&west, p, LINK_UP);
	switch_to(&west, p, 20);
	size_t n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	pclose(f);
	expect(text, " 300 received", "a handover under load");
	refuse(output("west", "ip link"), "s2s-two", "surplus interface");
	check(&west, kernel_real.counters(west.k, count, sum), "counters");
	if (sum[ESP_IN].packets < 300)
		die("the SAs are not the old ones");
	if (!p->vti) {
		check(&west, kernel_real.remove(west.k, true), "leave with the blackhole routes");
		refuse(output("west", "ip link"), "s2s-one", "left");
		expect(output("west-host", "ping -n -c 1 -W 1 10.20.0.10"), "Unreachable", "guarded after the end");
		output("inet", "ip addr add 10.20.0.10/32 dev lo; ip route add 10.1.0.0/24 via 198.51.100.7");
		output("inet", "ping -n -c 2 -i 0.2 -W 1 -I 10.20.0.10 10.1.0.10");
		if (dropped_clear() != 2)
			die("clear packets after the end: %u dropped, expected 2", dropped_clear());
		output("inet", "ip addr del 10.20.0.10/32 dev lo; ip route del 10.1.0.0/24 via 198.51.100.7");
		check(&west, kernel_real.adopt(west.k, NULL, 0, false), "sweep");
	}
	check(&west, kernel_real.remove(west.k, false), "remove all");
	check(&east, kernel_real.remove(east.k, false), "remove all");
	good(p->vti ? "handover of a VTI" : "handover to a new life, and a guarded end");
}

int main(int argc, char **argv)
{
	static char before[65536], after[65536];
	const char *reason;
	unsigned n = sizeof plans / sizeof plans[0];
	if (argc > 1 && strtoul(argv[1], NULL, 10) < n)
		n = (unsigned)strtoul(argv[1], NULL, 10);
	if (!alg_init(&reason))
		die("alg_init: %s", reason);
	output("west",
		"ip link add foreign0 type dummy; ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x777 mode tunnel"
		" aead \"rfc4106(gcm(aes))\" 0x0102030405060708090a0b0c0d0e0f1011121314 128; ip route add 10.77.0.0/16 dev out");
	foreign_flushable();
	everything(before);
	side_open(&west);
	side_open(&east);
	check(&west, kernel_real.adopt(west.k, NULL, 0, false), "start in a clean kernel");
	for (unsigned i = 0; i < n; i++) {
		traffic(&plans[i]);
		if (i == 0) {
			rekeys(&plans[0]);
			counters();
			clamp(&plans[0]);
			clear_source(&plans[0]);
			states(&plans[0]);
			peer_routes(&plans[0]);
			heals(&plans[0]);
			heals_sas(&plans[0]);
			foreign_in_the_way();
			moves(&plans[0]);
			narrowed(&plans[0]);
			expiry(&plans[0]);
			second_tunnel(&plans[0]);
		}
		if (plans[i].encap && !plans[i].vti && i == 2) {
			mapping(&plans[i]);
			moves(&plans[i]);
		}
		del_both();
		everything(after);
		if (strcmp(before, after) != 0)
			die("not clean after %s:\n%s\n--- before:\n%s", plans[i].name, after, before);
	}
	kernel_real.close(west.k);
	enter("west");
	if (kernel_real.open(&west.k, on_event, &west) != 0)
		die("open again");
	handover(&plans[0]);
	handover(&plans[7]);
	struct kernel_tunnel e = describe(&east, &plans[0], 1, "s2s-one");
	check(&east, kernel_real.tunnel_set(east.k, &e), "tunnel");
	crash(&plans[0]);
	check(&west, kernel_real.remove(west.k, false), "remove all");
	check(&east, kernel_real.remove(east.k, false), "remove all");
	everything(after);
	if (strcmp(before, after) != 0)
		die("not clean at the end:\n%s\n--- before:\n%s", after, before);
	good("nothing of ours is left, everything foreign is untouched");
	kernel_real.close(west.k);
	kernel_real.close(east.k);
	return 0;
}
