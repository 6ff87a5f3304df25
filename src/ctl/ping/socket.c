/*
 * socket.c - ICMP and ICMPv6 echo (RFC 792, RFC 4443). A ping socket where net.ipv4.ping_group_range permits it: the kernel then gives only our own
 * answers; else a raw one, whose answers are sorted by their id.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <linux/errqueue.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/system.h"
#include "ping.h"

#define PACKET_MAX 65536
#define ICMP_HEADER 8

static unsigned ip_header(const struct ping_socket *s)
{
	return s->family == AF_INET6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
}

static int set(int fd, int level, int name, int value) { return setsockopt(fd, level, name, &value, sizeof value); }

static int prepare(struct ping_socket *s, const char *interface, const struct addr *from, enum ping_df df)
{
	static const int v4[] = {
		[PING_DF_OFF] = IP_PMTUDISC_DONT, [PING_DF_ASK] = IP_PMTUDISC_DO, [PING_DF_PROBE] = IP_PMTUDISC_PROBE
	};
	static const int v6[] = {
		[PING_DF_OFF] = IPV6_PMTUDISC_DONT, [PING_DF_ASK] = IPV6_PMTUDISC_DO, [PING_DF_PROBE] = IPV6_PMTUDISC_PROBE
	};
	struct sockaddr_storage own;
	bool six = s->family == AF_INET6;
	socklen_t len = addr_to_sockaddr(from, &own);
	if (setsockopt(s->fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface) + 1) != 0)
		return -errno;
	if (bind(s->fd, (struct sockaddr *)&own, len) != 0)
		return -errno;
	if (set(s->fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVERR : IP_RECVERR, 1) != 0 ||
		set(s->fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, six ? v6[df] : v4[df]) !=
			0)
		return -errno;
	set(s->fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVHOPLIMIT : IP_RECVTTL,
		1); /* without it the TTL is not printed */
	return 0;
}

int ping_open(struct ping_socket *s, const char *interface, const struct addr *from, enum ping_df df)
{
	int protocol = from->family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	*s = (struct ping_socket){ .family = (uint8_t)from->family, .id = (uint16_t)getpid() };
	s->fd = socket(from->family, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
	s->raw = s->fd < 0;
	if (s->raw)
		s->fd = socket(from->family, SOCK_RAW | SOCK_CLOEXEC, protocol);
	int err = s->fd < 0 ? -errno : prepare(s, interface, from, df);
	if (err != 0)
		ping_close(s);
	return err;
}

void ping_close(struct ping_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* RFC 1071; that of ICMPv6 is the kernel's. */
static uint16_t checksum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (n % 2 != 0)
		sum += (uint32_t)(p[n - 1] << 8);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

int ping_send(struct ping_socket *s, const struct addr *to, uint16_t seq, unsigned size)
{
	static uint8_t packet[PACKET_MAX];
	struct sockaddr_storage peer;
	struct addr a = *to;
	a.port = 0;
	socklen_t len = addr_to_sockaddr(&a, &peer);
	size_t n = size > ip_header(s) + ICMP_HEADER ? size - ip_header(s) : ICMP_HEADER;
	n = n < PACKET_MAX ? n : PACKET_MAX;
	for (size_t i = ICMP_HEADER; i < n; i++)
		packet[i] = (uint8_t)i;
	packet[0] = s->family == AF_INET6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	packet[1] = packet[2] = packet[3] = 0;
	packet[4] = (uint8_t)(s->id >> 8);
	packet[5] = (uint8_t)s->id;
	packet[6] = (uint8_t)(seq >> 8);
	packet[7] = (uint8_t)seq;
	if (s->family == AF_INET) {
		uint16_t sum = checksum(packet, n);
		packet[2] = (uint8_t)(sum >> 8);
		packet[3] = (uint8_t)sum;
	}
	for (unsigned tries = 0; tries < 3; tries++) {
		if (sendto(s->fd, packet, n, 0, (struct sockaddr *)&peer, len) >= 0)
			return 0;
		/* What an earlier request met with is told by the next call, whatever that is; the error queue has it, too. */
		if (errno != EHOSTUNREACH && errno != ECONNREFUSED && errno != EINTR)
			return -errno;
	}
	return -errno;
}

/* ---------------------------------------------------------------- what comes */
static struct ping_event error_of(struct msghdr *m)
{
	struct ping_event e = { .kind = PING_ERROR, .ttl = -1 };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		bool four = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
		bool six = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
		struct sock_extended_err x;
		if ((!four && !six) || c->cmsg_len < CMSG_LEN(sizeof x))
			continue;
		memcpy(&x, CMSG_DATA(c), sizeof x);
		e.error = (int)x.ee_errno;
		e.own = x.ee_origin == SO_EE_ORIGIN_LOCAL;
		e.mtu = x.ee_errno == EMSGSIZE ? x.ee_info : 0;
		size_t left = c->cmsg_len - CMSG_LEN(sizeof x),
		       need = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
		if (!e.own && left >= need)
			addr_from_sockaddr(
				&e.from, (const struct sockaddr *)(const void *)(CMSG_DATA(c) + sizeof x), (socklen_t)need);
		e.from.port = 0;
	}
	return e;
}

static int ttl_of(struct msghdr *m)
{
	int ttl = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
		if (((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) &&
			c->cmsg_len >= CMSG_LEN(sizeof ttl))
			memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
	return ttl;
}

/* An answer of ours, or nothing. A raw IPv4 socket has the IP header in front. */
static struct ping_event answer_of(const struct ping_socket *s, const uint8_t *p, size_t n)
{
	struct ping_event e = { .ttl = -1 };
	size_t skip = s->raw && s->family == AF_INET && n > 0 ? (size_t)(p[0] & 15) * 4 : 0;
	if (n < skip + ICMP_HEADER)
		return e;
	p += skip;
	bool reply = p[0] == (s->family == AF_INET6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
	if (!reply || (s->raw && (p[4] << 8 | p[5]) != s->id))
		return e;
	e.kind = PING_ANSWER;
	e.seq = (uint16_t)(p[6] << 8 | p[7]);
	e.size = (unsigned)(n - skip) + ip_header(s);
	return e;
}

static bool take(struct ping_socket *s, int flags, struct ping_event *e)
{
	static uint8_t packet[PACKET_MAX];
	union {
		struct cmsghdr h;
		uint8_t bytes[512];
	} control;
	struct sockaddr_storage from = { 0 };
	struct iovec v = { packet, sizeof packet };
	struct msghdr m = { .msg_name = &from,
		.msg_namelen = sizeof from,
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control };
	ssize_t n = recvmsg(s->fd, &m, flags | MSG_DONTWAIT);
	if (n < 0)
		return false;
	if ((flags & MSG_ERRQUEUE) != 0) {
		*e = error_of(&m);
		return true;
	}
	*e = answer_of(s, packet, (size_t)n);
	e->ttl = ttl_of(&m);
	if (!addr_from_sockaddr(&e->from, (const struct sockaddr *)&from, m.msg_namelen))
		e->from.family = 0;
	e->from.port = 0;
	return e->kind != PING_NOTHING;
}

struct ping_event ping_receive(struct ping_socket *s, int64_t until)
{
	struct ping_event e = { .kind = PING_NOTHING };
	int64_t left;
	while ((left = until - system_ms()) > 0) {
		struct pollfd p = { .fd = s->fd, .events = POLLIN };
		if (take(s, MSG_ERRQUEUE, &e) || take(s, 0, &e))
			return e;
		if (poll(&p, 1, (int)left) < 0)
			break; /* somebody wants it to end */
	}
	return (struct ping_event){ .kind = PING_NOTHING };
}
