/* test_net.c - the engine's UDP sockets: one datagram at a time, whether the kernel hands them up alone or several joined (UDP_GRO). */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/udp.h>

#include "engine/net.h"
#include "base/util.h"
#include "unit.h"

#define ROUND 40 /* octets of a datagram but for the last */

static const unsigned natt4 = 1, natt6 = 3; /* rows of udp_ports */
static struct {
	unsigned n, alone;
	uint16_t local_port;
	size_t size[64];
	uint8_t first[64];
} got;

static void take(void *arg, const struct addr *local, const struct addr *remote, struct bytes d)
{
	got.alone += net_alone(arg);
	ck_assert_uint_lt(got.n, 64);
	ck_assert_uint_ne(remote->port, 0);
	got.local_port = local->port;
	got.size[got.n] = d.n;
	got.first[got.n++] = d.n > 0 ? d.p[0] : 0;
}

/* As the keeper makes it, but for the port: the engine goes by its place. */
static int receiver(int family, bool joined, struct sockaddr_storage *at, socklen_t *len)
{
	int on = 1, fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct addr a = { .family = (uint8_t)family };
	ck_assert_int_ge(fd, 0);
	ck_assert(family == AF_INET ? setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0
				    : setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0);
	if (joined)
		ck_assert_int_eq(setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on), 0);
	ck_assert(addr_parse(&a, family == AF_INET ? "127.0.0.1" : "::1"));
	*len = addr_to_sockaddr(&a, at);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)at, *len), 0);
	*len = sizeof *at;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)at, len), 0);
	return fd;
}

static void send_segments(const struct sockaddr_storage *to, socklen_t len, const uint8_t *data, size_t n, int segment)
{
	int fd = socket(to->ss_family, SOCK_DGRAM, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert(segment == 0 || setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0);
	ck_assert_int_eq(sendto(fd, data, n, 0, (const struct sockaddr *)to, len), (ssize_t)n);
	close(fd);
}

/* The engine has one for life: there is nothing that gives back what belongs to it. */
static struct net *another(const int fds[UDP_SOCKETS])
{
	static struct net *all[16];
	static unsigned n;
	ck_assert_uint_lt(n, ARRAY_SIZE(all));
	return all[n++] = net_new(fds, NULL);
}

static void run(unsigned place, bool joined, const uint8_t *data, size_t n, int segment)
{
	int fds[UDP_SOCKETS] = { -1, -1, -1, -1 };
	struct sockaddr_storage at;
	socklen_t len;
	memset(&got, 0, sizeof got);
	fds[place] = receiver(udp_ports[place].family, joined, &at, &len);
	struct net *net = another(fds);
	send_segments(&at, len, data, n, segment);
	net_read(net, place, take, net);
	ck_assert(!net_alone(net));
	close(fds[place]);
}

/* Ten and a half datagrams in one system call of the sender: the same ones arrive whether they are joined on the way or not. */
START_TEST(joined_datagrams)
{
	uint8_t data[10 * ROUND + ROUND / 2] = { 0 };
	for (unsigned i = 0; i < 11; i++)
		data[i * ROUND + 4] = (uint8_t)(i + 1);
	for (unsigned family = 0; family < 2; family++)
		for (unsigned joined = 0; joined < 2; joined++) {
			run(family == 0 ? natt4 : natt6, joined != 0, data, sizeof data, ROUND);
			ck_assert_uint_eq(got.n, 11);
			ck_assert_uint_eq(got.local_port, PORT_NAT);
			ck_assert_uint_eq(got.alone, 0);
			for (unsigned i = 0; i < 11; i++) {
				ck_assert_uint_eq(got.first[i], i + 1);
				ck_assert_uint_eq(got.size[i], (i < 10 ? ROUND : ROUND / 2) - 4);
			}
		}
}
END_TEST

/* What is no IKE among them is left out, and what stands beside it is not. */
START_TEST(joined_with_others)
{
	uint8_t data[5 * ROUND] = { 0 };
	for (unsigned i = 0; i < 5; i++)
		data[i * ROUND + 4] = (uint8_t)(i + 1);
	data[1 * ROUND + 2] = 1; /* no marker */
	data[4 * ROUND] = 0xff;
	run(natt4, true, data, sizeof data, ROUND);
	ck_assert_uint_eq(got.n, 3);
	ck_assert_uint_eq(got.first[0], 1);
	ck_assert_uint_eq(got.first[1], 3);
	ck_assert_uint_eq(got.first[2], 4);
}
END_TEST

/* Port 500 has no marker; a datagram of the whole size and an empty one are datagrams; on the NAT port a keepalive is none. */
START_TEST(single_datagrams)
{
	static uint8_t data[60000];
	data[0] = 7;
	run(0, false, data, sizeof data, 0);
	ck_assert_uint_eq(got.n, 1);
	ck_assert_uint_eq(got.size[0], sizeof data);
	ck_assert_uint_eq(got.local_port, PORT_IKE);
	ck_assert_uint_eq(got.alone, 1);
	run(0, false, data, 0, 0);
	ck_assert(got.n == 1 && got.alone == 1);
	ck_assert_uint_eq(got.size[0], 0);
	run(natt4, true, (const uint8_t *)"\xff", 1, 0);
	ck_assert_uint_eq(got.n, 0);
}
END_TEST

UNIT_MAIN("net", joined_datagrams, joined_with_others, single_datagrams)
