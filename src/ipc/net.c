/*
 * net.c - see net.h.
 */
#include "ipc/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel's headers come second: they leave out what the C library has defined already. */
#include <linux/udp.h>
#include <linux/xfrm.h>

#include "base/mem.h"
#include "base/util.h"
#include "wire/ikev2.h"

#define NET_BATCH 16  /* datagrams per system call */
#define NET_BATCHES 4 /* per turn: the other descriptors are not starved */
#define NET_BUFFER (4 << 20)
#define MARKER 4 /* RFC 3948 2.2: four zero bytes where ESP has its SPI */
#define SLOT (IKE_MESSAGE_MAX + 1)
#ifndef UDP_ENCAP_ESPINUDP
#define UDP_ENCAP_ESPINUDP 2
#endif

const struct net_port net_ports[UDP_SOCKETS] = {
	{ AF_INET, NET_PORT_IKE },
	{ AF_INET, NET_PORT_NAT },
	{ AF_INET6, NET_PORT_IKE },
	{ AF_INET6, NET_PORT_NAT },
};

/* ---------------------------------------------------------------- opening, by the keeper */
struct option {
	int family; /* 0: both */
	int level, name, value;
	bool must;
	const char *what;
};

static const struct option options[] = {
	{ AF_INET, IPPROTO_IP, IP_PKTINFO, 1, true, "asking for the local address" },
	{ AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, 1, true, "keeping IPv4 apart" },
	{ AF_INET6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, true, "asking for the local address" },
	/* A big IKE message must reach the peer in IP fragments rather than not at all. */
	{ AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, true, "allowing fragments" },
	{ AF_INET6, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT, true, "allowing fragments" },
	{ 0, SOL_SOCKET, SO_RCVBUF, NET_BUFFER, false, NULL },
	{ 0, SOL_SOCKET, SO_RCVBUFFORCE, NET_BUFFER, false, NULL },
	{ 0, SOL_SOCKET, SO_SNDBUF, NET_BUFFER, false, NULL },
	{ 0, SOL_SOCKET, SO_SNDBUFFORCE, NET_BUFFER, false, NULL },
};

static int set_options(int fd, int family, const char **why)
{
	for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];
		if (o->family != 0 && o->family != family)
			continue;
		if (setsockopt(fd, o->level, o->name, &o->value, sizeof o->value) != 0 && o->must) {
			*why = o->what;
			return -errno;
		}
	}
	return 0;
}

/* IKE passes beside every policy of this machine, also a default of "block". A kernel without XFRM has nothing to pass beside. */
static void bypass_policies(int fd, int family)
{
	for (int dir = XFRM_POLICY_IN; dir <= XFRM_POLICY_OUT; dir++) {
		struct xfrm_userpolicy_info p = { .action = XFRM_POLICY_ALLOW, .dir = (uint8_t)dir };
		p.sel.family = (uint16_t)family;
		if (family == AF_INET)
			setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, &p, sizeof p);
		else
			setsockopt(fd, IPPROTO_IPV6, IPV6_XFRM_POLICY, &p, sizeof p);
	}
}

int net_open(const struct net_port *p, const char **why)
{
	*why = "opening a socket";
	int fd = socket(p->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	if (fd < 0)
		return -errno;
	int err = set_options(fd, p->family, why);
	if (err != 0)
		goto failed;
	bypass_policies(fd, p->family);
	int encap = UDP_ENCAP_ESPINUDP;
	/* A kernel without ESP refuses; the socket still serves IKE. */
	bool no_encap = p->port == NET_PORT_NAT && setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &encap, sizeof encap) != 0;
	struct addr any = { .family = (uint8_t)p->family, .port = p->port };
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&any, &ss);
	*why = "binding";
	if (bind(fd, (struct sockaddr *)&ss, len) == 0) {
		*why = no_encap ? "this kernel does not decapsulate ESP in UDP" : NULL;
		return fd;
	}
	err = -errno;
failed:
	close(fd);
	return err;
}

/* ---------------------------------------------------------------- reading and writing, by the engine */
struct net {
	int fd[UDP_SOCKETS];
	struct net_counts counts;
	struct mmsghdr msgs[NET_BATCH];
	struct iovec iov[NET_BATCH];
	struct sockaddr_storage from[NET_BATCH];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
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

void net_free(struct net *n)
{
	if (n == NULL)
		return;
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		if (n->fd[i] >= 0)
			close(n->fd[i]);
	}
	wipe(n->room, (size_t)NET_BATCH * SLOT);
	free(n->room);
	free(n);
}

const struct net_counts *net_counts(const struct net *n) { return &n->counts; }

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

static void deliver(struct net *n, unsigned socket, unsigned slot, net_fn fn, void *arg)
{
	const struct msghdr *msg = &n->msgs[slot].msg_hdr;
	uint8_t *p = n->room + (size_t)slot * SLOT;
	size_t len = n->msgs[slot].msg_len;
	uint16_t port = net_ports[socket].port;
	struct addr local, remote;
	static const uint8_t marker[MARKER];
	n->counts.received++;
	if (!local_of(msg, port, &local) || !addr_from_sockaddr(&remote, msg->msg_name, msg->msg_namelen) || remote.port == 0 ||
		(msg->msg_flags & MSG_TRUNC) != 0) {
		n->counts.malformed++;
		return;
	}
	if (port == NET_PORT_NAT) {
		/* Keepalives and ESP without an SA end here, should the kernel hand them up at all. */
		if (len < MARKER || memcmp(p, marker, MARKER) != 0) {
			n->counts.malformed++;
			return;
		}
		p += MARKER;
		len -= MARKER;
	}
	fn(arg, &local, &remote, bytes_of(p, len));
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
	if (local->family == AF_INET) {
		struct in_pktinfo info = { 0 };
		memcpy(&info.ipi_spec_dst, local->ip, 4);
		h->cmsg_level = IPPROTO_IP;
		h->cmsg_type = IP_PKTINFO;
		h->cmsg_len = CMSG_LEN(sizeof info);
		msg->msg_controllen = CMSG_SPACE(sizeof info);
		memcpy(CMSG_DATA(h), &info, sizeof info);
		return;
	}
	struct in6_pktinfo info = { 0 };
	memcpy(&info.ipi6_addr, local->ip, 16);
	h->cmsg_level = IPPROTO_IPV6;
	h->cmsg_type = IPV6_PKTINFO;
	h->cmsg_len = CMSG_LEN(sizeof info);
	msg->msg_controllen = CMSG_SPACE(sizeof info);
	memcpy(CMSG_DATA(h), &info, sizeof info);
}

static int socket_for(const struct net *n, const struct addr *local)
{
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		if (net_ports[i].family == local->family && net_ports[i].port == local->port)
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
	if (fd < 0 || remote->family != local->family || remote->port == 0) {
		n->counts.unsent++;
		return -EAFNOSUPPORT;
	}
	memset(&control, 0, sizeof control);
	struct msghdr msg = { .msg_name = &to, .msg_iov = iov, .msg_iovlen = n_iov, .msg_control = &control };
	msg.msg_namelen = addr_to_sockaddr(remote, &to);
	set_source(&msg, local);
	ssize_t sent;
	do
		sent = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0) {
		n->counts.unsent++;
		return -errno;
	}
	n->counts.sent++;
	return 0;
}

int net_send(struct net *n, const struct addr *local, const struct addr *remote, struct bytes message)
{
	static const uint8_t marker[MARKER];
	struct iovec iov[2] = { { (void *)marker, MARKER }, { (void *)message.p, message.n } };
	/* RFC 7296 2.23: the port that the message leaves from decides; a peer behind NAT may have any port and still speak plain on our 500. */
	bool marked = local->port == NET_PORT_NAT;
	return send_parts(n, local, remote, marked ? iov : iov + 1, marked ? 2 : 1);
}

int net_keepalive(struct net *n, const struct addr *local, const struct addr *remote)
{
	static const uint8_t one = 0xff;
	struct iovec iov = { (void *)&one, 1 };
	return send_parts(n, local, remote, &iov, 1);
}
