/*
 * test_net_send.c - IKE's datagrams: they leave at the end of a turn, in their order, one that the kernel refuses alone.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "engine/net.h"
#include "unit.h"
#include "wire/ikev2.h"

static struct net *n;
static int peer;
static struct addr here, there;
static unsigned n_unsent;
static int last_error;
static struct addr last_remote;

static void on_unsent(const struct addr *local, const struct addr *remote, int err)
{
	(void)local;
	n_unsent++;
	last_error = err;
	last_remote = *remote;
}

static struct addr loopback(uint16_t port)
{
	struct addr a;
	ck_assert(addr_parse(&a, "127.0.0.1"));
	a.port = port;
	return a;
}

/* Both sockets of IPv4 at free ports: which one it is decides, not the number at the other end. */
static void setup(void)
{
	int fds[UDP_SOCKETS];
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	for (unsigned i = 0; i < UDP_SOCKETS; i++)
		fds[i] = udp_ports[i].family == AF_INET ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(peer, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(getsockname(peer, (struct sockaddr *)&at, &len), 0);
	n = net_new(fds, on_unsent);
	here = loopback(PORT_IKE);
	there = loopback(ntohs(at.sin_port));
	n_unsent = 0;
}

static void teardown(void) { close(peer); }

static ssize_t arrived(uint8_t *p, size_t size) { return recv(peer, p, size, MSG_DONTWAIT); }

START_TEST(datagrams_leave_with_the_flush_in_their_order)
{
	uint8_t got[16];
	for (uint8_t i = 0; i < 5; i++)
		net_send(n, &here, &there, bytes_of(&i, 1));
	ck_assert_int_eq(arrived(got, sizeof got), -1);
	net_flush(n);
	for (uint8_t i = 0; i < 5; i++) {
		ck_assert_int_eq(arrived(got, sizeof got), 1);
		ck_assert_uint_eq(got[0], i);
	}
	net_flush(n);
	ck_assert_int_eq(arrived(got, sizeof got), -1);
	ck_assert_uint_eq(n_unsent, 0);
}
END_TEST

/* More than one batch, and more bytes than wait at a time. */
START_TEST(none_of_many_is_lost)
{
	static uint8_t big[20000], got[20001];
	for (uint8_t i = 0; i < 50; i++) {
		size_t size = i % 5 == 0 ? sizeof big : 3;
		big[0] = i;
		net_send(n, &here, &there, bytes_of(big, size));
		if (i % 5 == 4) /* a reader as slow as that would lose some by itself */
			net_flush(n);
		for (uint8_t k = (uint8_t)(i - 4); i % 5 == 4 && k <= i; k++) {
			ck_assert_int_eq(arrived(got, sizeof got), k % 5 == 0 ? (ssize_t)sizeof big : 3);
			ck_assert_uint_eq(got[0], k);
		}
	}
	static const uint8_t one = 7;
	for (unsigned i = 0; i < 40; i++)
		net_send(n, &here, &there, bytes_of(&one, 1));
	net_flush(n);
	unsigned count = 0;
	while (arrived(got, sizeof got) == 1)
		count++;
	ck_assert_uint_eq(count, 40);
}
END_TEST

START_TEST(largest_datagrams_wait_beside_each_other)
{
	static uint8_t big[IKE_MESSAGE_MAX], got[IKE_MESSAGE_MAX + 1];
	size_t size = 65507; /* what IPv4 has room for */
	for (unsigned i = 0; i < 3; i++)
		net_send(n, &here, &there, bytes_of(big, i == 1 ? sizeof big : size)); /* the second is refused by the kernel */
	net_flush(n);
	ck_assert_int_eq(arrived(got, sizeof got), (ssize_t)size);
	ck_assert_uint_eq(n_unsent, 1);
	ck_assert_int_eq(last_error, -EMSGSIZE);
}
END_TEST

START_TEST(refused_one_takes_no_other_with_it)
{
	static const uint8_t v[] = { 1, 2, 3, 4 };
	uint8_t got[4];
	struct addr nowhere = loopback(there.port), broadcast = there;
	ck_assert(addr_parse(&broadcast, "255.255.255.255"));
	broadcast.port = there.port;
	nowhere.port = 0;
	net_send(n, &here, &there, bytes_of(v, 1));
	net_send(n, &here, &broadcast, bytes_of(v + 1, 1)); /* EACCES */
	net_send(n, &here, &nowhere, bytes_of(v + 2, 1));
	net_send(n, &here, &there, bytes_of(v + 3, 1));
	net_flush(n);
	ck_assert_int_eq(arrived(got, sizeof got), 1);
	ck_assert_uint_eq(got[0], 1);
	ck_assert_int_eq(arrived(got, sizeof got), 1);
	ck_assert_uint_eq(got[0], 4);
	ck_assert_int_eq(arrived(got, sizeof got), -1);
	ck_assert_uint_eq(n_unsent, 2);
	ck_assert(addr_equal(&last_remote, &broadcast));
}
END_TEST

START_TEST(nat_port_has_the_marker_and_keepalives_have_none)
{
	static const uint8_t v[] = { 9, 8 };
	uint8_t got[16];
	struct addr nat = loopback(PORT_NAT);
	net_send(n, &nat, &there, bytes_of(v, sizeof v));
	net_keepalive(n, &nat, &there);
	net_send(n, &here, &there, bytes_of(v, sizeof v));
	net_flush(n);
	ck_assert_int_eq(arrived(got, sizeof got), 6);
	ck_assert_mem_eq(got, "\0\0\0\0\x09\x08", 6);
	ck_assert_int_eq(arrived(got, sizeof got), 1);
	ck_assert_uint_eq(got[0], 0xff);
	ck_assert_int_eq(arrived(got, sizeof got), 2);
	ck_assert_mem_eq(got, v, 2);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("net_send");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, datagrams_leave_with_the_flush_in_their_order);
	tcase_add_test(t, none_of_many_is_lost);
	tcase_add_test(t, largest_datagrams_wait_beside_each_other);
	tcase_add_test(t, refused_one_takes_no_other_with_it);
	tcase_add_test(t, nat_port_has_the_marker_and_keepalives_have_none);
	return unit_run_case("net_send", t);
}
