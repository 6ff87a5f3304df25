/* kernel_set.c - of kernel_test: a tunnel that is set carries traffic through rekeys, moves and limits, and nothing goes past it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel_test.h"

void traffic(const struct plan *p)
{
	char part[64];
	set_both(p);
	expect(output("west", "ip route show table all type unreachable"), "unreachable 10.20.0.0/24 proto 213 metric 4294967294",
		"guard");
	refuse(output("west", "ip link show s2s-one"), "UP", "down at first");
	expect(output("west-host", "ping -n -c 2 -i 0.5 -W 3 10.20.0.10"), "Unreachable", "before the first child");
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

void rekeys(const struct plan *p)
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

void counters(void)
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

void clamp(const struct plan *p)
{
	unsigned mss = handshake("west-host", "east-host", "10.20.0.10");
	if (mss != p->mtu - 40)
		die("MSS: expected %u, saw %u", p->mtu - 40, mss);
	expect(output("west", "nft list table inet s2sd"), "chain forward", "nft can list the table");
	expect(output("west", "nft list set inet s2sd ours"), "\"s2s-one\"", "nft lists interfaces by name");
	good("MSS");
}

/* The internet pretends to be the other LAN. */
void clear_source(const struct plan *p)
{
	output("inet", "ip addr add 10.20.0.10/32 dev lo; ip route add 10.1.0.0/24 via 198.51.100.7");
	unsigned before = dropped_clear();
	output("inet", "ping -n -c 2 -i 0.2 -W 1 -I 10.20.0.10 10.1.0.10");
	if (dropped_clear() != before + 2)
		die("clear packets from an inside source: %u dropped, expected %u", dropped_clear() - before, 2);
	link_to(&west, p, LINK_DOWN);
	expect(output("west-host", "ping -n -c 2 -i 0.5 -W 3 10.20.0.10"), "Unreachable", "down");
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

void states(const struct plan *p)
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
	expect(output("west", "ip rule"), "32765:\tfrom all fwmark 0x73320000/0xfffe0000 lookup 21300 proto 213", "the rule");
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

void peer_routes(const struct plan *p)
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

static void move_side(struct side *s, struct esp_move m)
{
	m.spi_in = spi_from(other(s), 1);
	m.spi_out = spi_from(s, 1);
	int error = kernel_real.sa_move(s->k, &m);
	check(s, error, "move");
}

void moves(const struct plan *p)
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
void mapping(const struct plan *p)
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

void expiry(const struct plan *p)
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

void narrowed(const struct plan *p)
{
	struct esp_switch s = {
		.tunnel = 1, .slot = 1, .spi_out = spi_from(&west, 1), .local = outside(&west, p), .remote = outside(&east, p)
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

void second_tunnel(const struct plan *p)
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
