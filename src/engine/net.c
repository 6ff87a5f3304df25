/* net.c - see net.h. */
#include "net.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel's headers come second: they leave out what the C library has defined already. */
#include <linux/udp.h>

#include "base/mem.h"
#include "wire/ikev2.h"

#define NET_BATCH 16  /* datagrams per system call */
#define NET_BATCHES 4 /* per turn: the other descriptors are not starved */
#define MARKER 4      /* RFC 3948 2.2: four zero bytes where ESP has its SPI */
#define SLOT (IKE_MESSAGE_MAX + 1)

struct net {
	int fd[UDP_SOCKETS];
	struct mmsghdr msgs[NET_BATCH];
	struct iovec iov[NET_BATCH];
	struct sockaddr_storage from[NET_BATCH];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
	} control[NET_BATCH];
	uint8_t *room; /* NET_BATCH slots; pages that no datagram ever reached cost nothing */
};

struct net *net_new(const int fds[UDP_SOCKETS])
{
	struct net *n = xcalloc(1, sizeof *n);
	memcpy(n->fd, fds, sizeof n->fd);
	n->room = xcalloc(NET_BATCH, SLOT);
	for (unsigned i = 0; i < NET_BATCH; i++)
		n->iov[i] = (struct iovec){ n->room + (size_t)i * SLOT, SLOT };
	return n;
}

static bool local_of(const struct msghdr *msg, uint16_t port, struct addr *local)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h != NULL; h = CMSG_NXTHDR((struct msghdr *)msg, h)) {
		if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(h), sizeof info);
			*local = (struct addr){ .family = AF_INET, .port = port };
			memcpy(local->ip, &info.ipi_addr, 4);
			return true;
		}
		if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(h), sizeof info);
			*local = (struct addr){ .family = AF_INET6, .port = port };
			memcpy(local->ip, &info.ipi6_addr, 16);
			return true;
		}
	}
	return false;
}

/* On a socket with UDP_GRO several datagrams of one sender may come as one, all of that length but the last: from this machine (UDP_SEGMENT), as the kernel
 * joins no IKE that comes from outside. len: it is one. */
static size_t datagram_size(const struct msghdr *msg, size_t len)
{
	int size = 0;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h != NULL; h = CMSG_NXTHDR((struct msghdr *)msg, h))
		if (h->cmsg_level == IPPROTO_UDP && h->cmsg_type == UDP_GRO)
			memcpy(&size, CMSG_DATA(h), sizeof size);
	return size > 0 && (size_t)size < len ? (size_t)size : len;
}

static void deliver_one(struct bytes d, const struct addr *local, const struct addr *remote, net_fn fn, void *arg)
{
	static const uint8_t marker[MARKER];
	if (local->port == PORT_NAT) {
		/* Keepalives and ESP without an SA end here, should the kernel hand them up at all. */
		if (d.n < MARKER || memcmp(d.p, marker, MARKER) != 0)
			return;
		d = bytes_of(d.p + MARKER, d.n - MARKER);
	}
	fn(arg, local, remote, d);
}

static void deliver(struct net *n, unsigned socket, unsigned slot, net_fn fn, void *arg)
{
	const struct msghdr *msg = &n->msgs[slot].msg_hdr;
	uint8_t *p = n->room + (size_t)slot * SLOT;
	size_t len = n->msgs[slot].msg_len, size = datagram_size(msg, len);
	struct addr local, remote;
	if (!local_of(msg, udp_ports[socket].port, &local) || !addr_from_sockaddr(&remote, msg->msg_name, msg->msg_namelen) ||
		remote.port == 0 || (msg->msg_flags & MSG_TRUNC) != 0)
		return;
	for (size_t at = 0; at < len || at == 0; at += size) {
		deliver_one(bytes_of(p + at, len - at < size ? len - at : size), &local, &remote, fn, arg);
		if (size == 0)
			break;
	}
}

bool net_read(struct net *n, unsigned i, net_fn fn, void *arg)
{
	for (unsigned turn = 0; turn < NET_BATCHES; turn++) {
		for (unsigned m = 0; m < NET_BATCH; m++)
			n->msgs[m].msg_hdr = (struct msghdr){ .msg_name = &n->from[m],
				.msg_namelen = sizeof n->from[m],
				.msg_iov = &n->iov[m],
				.msg_iovlen = 1,
				.msg_control = &n->control[m],
				.msg_controllen = sizeof n->control[m] };
		int got = recvmmsg(n->fd[i], n->msgs, NET_BATCH, MSG_DONTWAIT, NULL);
		if (got <= 0)
			return false;
		for (int m = 0; m < got; m++)
			deliver(n, i, (unsigned)m, fn, arg);
		if (got < NET_BATCH)
			return false;
	}
	return true;
}

static void set_source(struct msghdr *msg, const struct addr *local)
{
	struct cmsghdr *h = msg->msg_control;
	struct in_pktinfo v4 = { 0 };
	struct in6_pktinfo v6 = { 0 };
	bool is_v4 = local->family == AF_INET;
	size_t size = is_v4 ? sizeof v4 : sizeof v6;
	memcpy(&v4.ipi_spec_dst, local->ip, sizeof v4.ipi_spec_dst);
	memcpy(&v6.ipi6_addr, local->ip, sizeof v6.ipi6_addr);
	h->cmsg_level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
	h->cmsg_type = is_v4 ? IP_PKTINFO : IPV6_PKTINFO;
	h->cmsg_len = CMSG_LEN(size);
	msg->msg_controllen = CMSG_SPACE(size);
	memcpy(CMSG_DATA(h), is_v4 ? (const void *)&v4 : &v6, size);
}

static int socket_for(const struct net *n, const struct addr *local)
{
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		if (udp_ports[i].family == local->family && udp_ports[i].port == local->port)
			return n->fd[i];
	}
	return -1;
}

static int send_parts(struct net *n, const struct addr *local, const struct addr *remote, struct iovec *iov, unsigned n_iov)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	struct sockaddr_storage to;
	int fd = socket_for(n, local);
	if (fd < 0 || remote->family != local->family || remote->port == 0)
		return -EAFNOSUPPORT;
	memset(&control, 0, sizeof control);
	struct msghdr msg = { .msg_name = &to, .msg_iov = iov, .msg_iovlen = n_iov, .msg_control = &control };
	msg.msg_namelen = addr_to_sockaddr(remote, &to);
	set_source(&msg, local);
	ssize_t sent;
	do
		sent = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int net_send(struct net *n, const struct addr *local, const struct addr *remote, struct bytes message)
{
	static const uint8_t marker[MARKER];
	struct iovec iov[2] = { { (void *)marker, MARKER }, { (void *)message.p, message.n } };
	/* RFC 7296 2.23: the port that the message leaves from decides; a peer behind NAT may have any port and still speak plain on our 500. */
	bool marked = local->port == PORT_NAT;
	return send_parts(n, local, remote, marked ? iov : iov + 1, marked ? 2 : 1);
}

int net_keepalive(struct net *n, const struct addr *local, const struct addr *remote)
{
	static const uint8_t one = 0xff;
	struct iovec iov = { (void *)&one, 1 };
	return send_parts(n, local, remote, &iov, 1);
}
