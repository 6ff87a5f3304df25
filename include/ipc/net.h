/*
 * net.h - the UDP sockets of IKE: ports 500 and 4500, IPv4 and IPv6 (RFC 7296 2, 2.23; RFC 3948). The keeper opens them and keeps them,
 * because the kernel decapsulates ESP in UDP only while the socket lives; the engine reads and writes them.
 */
#ifndef DAEMON_NET_H
#define DAEMON_NET_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/buf.h"
#include "ipc/msg.h"

#define NET_PORT_IKE 500
#define NET_PORT_NAT 4500

struct net_port { /* index of msg_setup.udp */
	int family;
	uint16_t port;
};
extern const struct net_port net_ports[UDP_SOCKETS];

/* The descriptor or -errno (EAFNOSUPPORT, EADDRNOTAVAIL: this machine has no such protocol). *why: what failed; with a descriptor: what it
 * cannot do, or NULL. */
int net_open(const struct net_port *p, const char **why);

/* --- engine --- */
struct net;
struct net_counts {
	uint64_t received, sent, malformed /* no marker, empty */, unsent /* the system refused */;
};
typedef void (*net_fn)(
	void *arg, const struct addr *local, const struct addr *remote, struct bytes datagram); /* writable memory */

struct net *net_new(const int fds[UDP_SOCKETS]); /* -1: not there; owns them */
void net_free(struct net *n);
/* Reads what waits on socket i, at most a few batches; false when nothing was left. */
bool net_read(struct net *n, unsigned i, net_fn fn, void *arg);
/* 0 or -errno. The non-ESP marker is added on our NAT port. */
int net_send(struct net *n, const struct addr *local, const struct addr *remote, struct bytes message);
int net_keepalive(struct net *n, const struct addr *local, const struct addr *remote);
const struct net_counts *net_counts(const struct net *n);

#endif
