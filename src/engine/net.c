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
#define OUT_ROOM \
	(2 * (IKE_MESSAGE_MAX + MARKER)) /* bytes that wait for the end of the turn: any datagram, or a batch of ordinary ones */

union control { /* the local address, and of what came the length of each of those that are joined */
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

struct batch {
	struct mmsghdr msgs[NET_BATCH];
	struct iovec iov[NET_BATCH];
	struct sockaddr_storage peer[NET_BATCH];
	union control control[NET_BATCH];
};

struct net {
	int fd[UDP_SOCKETS];
	struct batch in;
	uint8_t *room; /* NET_BATCH slots; pages that no datagram ever reached cost nothing */
	bool alone;    /* what is delivered now */
	net_unsent_fn unsent;
	struct { /* what waits to be sent, in its order */
		struct batch b;
		unsigned n;
		int fd[NET_BATCH];
		struct addr local[NET_BATCH], remote[NET_BATCH];
		size_t used;
		uint8_t *room; /* OUT_ROOM */
	} out;
};

struct net *net_new(const int fds[UDP_SOCKETS], net_unsent_fn unsent)
{
	struct net *n = xcalloc(1, sizeof *n);
	memcpy(n->fd, fds, sizeof n->fd);
	n->unsent = unsent;
	n->room = xcalloc(NET_BATCH, SLOT);
	n->out.room = xcalloc(1, OUT_ROOM);
	for (unsigned i = 0; i < NET_BATCH; i++)
		n->in.iov[i] = (struct iovec){ n->room + (size_t)i * SLOT, SLOT };
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

/* On a socket with UDP_GRO several datagrams of one sender may come as one, all of that length but the last: what this machine, a container or a VM on it sent
 * with UDP_SEGMENT and nobody has segmented yet. What comes from outside in frames of its own the kernel joins only where it is ESP. len: it is one. */
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
	const struct msghdr *msg = &n->in.msgs[slot].msg_hdr;
	uint8_t *p = n->room + (size_t)slot * SLOT;
	size_t len = n->in.msgs[slot].msg_len, size = datagram_size(msg, len);
	struct addr local, remote;
	if (!local_of(msg, udp_ports[socket].port, &local) || !addr_from_sockaddr(&remote, msg->msg_name, msg->msg_namelen) ||
		remote.port == 0 || (msg->msg_flags & MSG_TRUNC) != 0)
		return;
	n->alone &= size == len;
	for (size_t at = 0; at < len || at == 0; at += size) {
		deliver_one(bytes_of(p + at, len - at < size ? len - at : size), &local, &remote, fn, arg);
		if (size == 0)
			break;
	}
}

bool net_alone(const struct net *n) { return n->alone; }

bool net_read(struct net *n, unsigned i, net_fn fn, void *arg)
{
	struct batch *in = &n->in;
	for (unsigned turn = 0; turn < NET_BATCHES; turn++) {
		for (unsigned m = 0; m < NET_BATCH; m++)
			in->msgs[m].msg_hdr = (struct msghdr){ .msg_name = &in->peer[m],
				.msg_namelen = sizeof in->peer[m],
				.msg_iov = &in->iov[m],
				.msg_iovlen = 1,
				.msg_control = &in->control[m],
				.msg_controllen = sizeof in->control[m] };
		int got = recvmmsg(n->fd[i], in->msgs, NET_BATCH, MSG_DONTWAIT, NULL);
		if (got <= 0)
			return false;
		n->alone = got == 1;
		for (int m = 0; m < got; m++)
			deliver(n, i, (unsigned)m, fn, arg);
		n->alone = false;
		if (got < NET_BATCH)
			return false;
		net_flush(n);
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

/* Those of one socket, as many as the kernel takes; of one that it refuses it says why. */
static unsigned send_run(struct net *n, unsigned first, unsigned end)
{
	int sent;
	do
		sent = sendmmsg(n->out.fd[first], n->out.b.msgs + first, end - first, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent > 0)
		return (unsigned)sent;
	n->unsent(&n->out.local[first], &n->out.remote[first], -errno);
	return 1;
}

void net_flush(struct net *n)
{
	for (unsigned at = 0; at < n->out.n;) {
		unsigned end = at + 1;
		while (end < n->out.n && n->out.fd[end] == n->out.fd[at])
			end++;
		at += send_run(n, at, end);
	}
	n->out.n = 0;
	n->out.used = 0;
}

static void enqueue(struct net *n, const struct addr *local, const struct addr *remote, struct bytes marker, struct bytes message)
{
	size_t size = marker.n + message.n;
	int fd = socket_for(n, local);
	if (fd < 0 || remote->family != local->family || remote->port == 0 || size > OUT_ROOM) {
		n->unsent(local, remote, size > OUT_ROOM ? -EMSGSIZE : -EAFNOSUPPORT);
		return;
	}
	if (n->out.n == NET_BATCH || size > OUT_ROOM - n->out.used)
		net_flush(n);
	unsigned i = n->out.n++;
	struct batch *b = &n->out.b;
	b->iov[i] = (struct iovec){ n->out.room + n->out.used, size };
	struct buf room = buf_of(b->iov[i].iov_base, size);
	put_view(&room, marker);
	put_view(&room, message);
	n->out.used += size;
	n->out.fd[i] = fd;
	n->out.local[i] = *local;
	n->out.remote[i] = *remote;
	memset(&b->control[i], 0, sizeof b->control[i]);
	b->msgs[i].msg_hdr = (struct msghdr){ .msg_name = &b->peer[i],
		.msg_namelen = addr_to_sockaddr(remote, &b->peer[i]),
		.msg_iov = &b->iov[i],
		.msg_iovlen = 1,
		.msg_control = &b->control[i] };
	set_source(&b->msgs[i].msg_hdr, local);
}

void net_send(struct net *n, const struct addr *local, const struct addr *remote, struct bytes message)
{
	static const uint8_t marker[MARKER];
	/* RFC 7296 2.23: the port that the message leaves from decides; a peer behind NAT may have any port and still speak plain on our 500. */
	enqueue(n, local, remote, bytes_of(marker, local->port == PORT_NAT ? MARKER : 0), message);
}

void net_keepalive(struct net *n, const struct addr *local, const struct addr *remote)
{
	static const uint8_t one = 0xff;
	enqueue(n, local, remote, bytes_of(NULL, 0), bytes_of(&one, 1));
}
