/* kernel_world.c - of kernel_test: the two gateways and what stands in each, commands in their namespaces, tunnels and SAs with keys made up here. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/alg.h"
#include "kernel_test.h"

struct side west = { .ns = "west",
	.host = "west-host",
	.lan = "10.1.0.10",
	.behind = "10.20.0.0/24",
	.outside = "198.51.100.7",
	.outside6 = "2001:db8:1::7",
	.inside = "169.254.21.2/30",
	.inside6 = "fd00:ff::2/126",
	.lan6 = "fd00:1::10",
	.behind6 = "fd00:2::/64" };
struct side east = { .ns = "east",
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
void die(const char *fmt, ...)
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

void good(const char *what)
{
	printf("ok %s\n", what);
	fflush(stdout);
}

void check(const struct side *s, int error, const char *what)
{
	if (error != 0)
		die("%s: %s: error %d (%s)", s->ns, what, error, kernel_real.why(s->k));
	if (kernel_real.why(s->k)[0] != 0)
		die("%s: %s: a warning: %s", s->ns, what, kernel_real.why(s->k));
}

const char *output(const char *ns, const char *fmt, ...)
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

void expect(const char *text, const char *part, const char *what)
{
	if (strstr(text, part) == NULL)
		die("%s: expected \"%s\", saw: %s", what, part, text);
}

void refuse(const char *text, const char *part, const char *what)
{
	if (strstr(text, part) != NULL)
		die("%s: did not expect \"%s\", saw: %s", what, part, text);
}

void enter(const char *ns)
{
	char path[64];
	snprintf(path, sizeof path, "/run/netns/%s", ns);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		die("cannot enter %s: %s", ns, strerror(errno));
	close(fd);
}

/* --- the two ends --- */
void on_event(void *arg, const struct kernel_event *e)
{
	struct side *s = arg;
	s->seen[e->kind] = *e;
	s->n_seen[e->kind]++;
}

void read_events(struct side *s)
{
	int fds[4];
	unsigned n = kernel_real.fds(s->k, fds);
	for (unsigned i = 0; i < n; i++)
		kernel_real.read(s->k, fds[i]);
}

void forget_events(struct side *s)
{
	read_events(s);
	memset(s->n_seen, 0, sizeof s->n_seen);
}

void side_open(struct side *s)
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

struct addr address(const char *text, uint16_t port)
{
	struct addr a;
	if (!addr_parse(&a, text))
		die("address %s", text);
	a.port = port;
	return a;
}

struct addr outside(const struct side *s, const struct plan *p)
{
	return address(p->v6_outside ? s->outside6 : s->outside, p->encap ? 4500 : 0);
}

const struct side *other(const struct side *s) { return s == &west ? &east : &west; }

struct kernel_tunnel describe(const struct side *s, const struct plan *p, uint32_t id, const char *name)
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

struct suite suite_of(const char *proposal)
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

uint32_t spi_from(const struct side *from, unsigned g) { return 0x10000 + 2 * g + (from == &east); }

struct esp_sa sa_for(const struct side *s, const struct plan *p, unsigned g, enum esp_dir dir)
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

void add_sa(struct side *s, const struct plan *p, unsigned g, enum esp_dir dir)
{
	struct esp_sa sa = sa_for(s, p, g, dir);
	check(s, kernel_real.sa_add(s->k, &sa), dir == ESP_IN ? "inbound SA" : "outbound SA");
}

void switch_to(struct side *s, const struct plan *p, unsigned g)
{
	struct kernel_tunnel t = describe(s, p, 1, "x");
	struct esp_switch w = { .tunnel = 1, .slot = 1 };
	if (g != 0) {
		w.spi_out = spi_from(s, g);
		w.local = t.local;
		w.remote = t.remote;
	}
	esp_switch_put(&w, t.local_ts, t.remote_ts);
	check(s, kernel_real.sa_switch(s->k, &w), "switch");
}

void delete_sa(struct side *s, const struct plan *p, unsigned g, enum esp_dir dir)
{
	struct esp_remove r = { .tunnel = 1,
		.dir = dir,
		.spi = spi_from(dir == ESP_OUT ? s : other(s), g),
		.local = outside(s, p),
		.remote = outside(other(s), p) };
	check(s, kernel_real.sa_del(s->k, &r), "remove an SA");
}

void link_to(struct side *s, const struct plan *p, enum esp_link state)
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
void install(const struct plan *p, unsigned g)
{
	add_sa(&west, p, g, ESP_IN);
	add_sa(&east, p, g, ESP_IN);
	add_sa(&west, p, g, ESP_OUT);
	add_sa(&east, p, g, ESP_OUT);
	switch_to(&west, p, g);
	switch_to(&east, p, g);
}

void retire(const struct plan *p, unsigned g)
{
	delete_sa(&west, p, g, ESP_OUT);
	delete_sa(&east, p, g, ESP_OUT);
	usleep(100000);
	delete_sa(&west, p, g, ESP_IN);
	delete_sa(&east, p, g, ESP_IN);
}

void set_both(const struct plan *p)
{
	struct kernel_tunnel w = describe(&west, p, 1, "s2s-one"), e = describe(&east, p, 1, "s2s-one");
	check(&west, kernel_real.tunnel_set(west.k, &w), "tunnel");
	check(&east, kernel_real.tunnel_set(east.k, &e), "tunnel");
}

void up_both(const struct plan *p)
{
	link_to(&west, p, LINK_UP);
	link_to(&east, p, LINK_UP);
}

void del_both(void)
{
	check(&west, kernel_real.tunnel_del(west.k, 1, false), "delete");
	check(&east, kernel_real.tunnel_del(east.k, 1, false), "delete");
}

void ping(const char *ns, const char *to, unsigned n, const char *more, const char *what)
{
	char want[64];
	snprintf(want, sizeof want, "%u received", n);
	expect(output(ns, "ping -n -q -c %u -i 0.01 -W 3 %s %s", n, more, to), want, what);
}

void count(void *arg, uint32_t tunnel, const struct esp_counters *c)
{
	struct esp_counters *sum = arg;
	if (tunnel == 1)
		sum[c->dir].packets += c->packets;
}

unsigned dropped_clear(void)
{
	const char *at = strstr(output("west", "nft list chain inet s2sd clear"), "counter packets ");
	return at != NULL ? (unsigned)strtoul(at + 16, NULL, 10) : 0;
}
