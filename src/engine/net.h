/* net.h - IKE's datagrams, read and written on the UDP sockets that the keeper opened. */
#ifndef ENGINE_NET_H
#define ENGINE_NET_H

#include <stdbool.h>

#include "ipc/udp.h"

struct net;
typedef void (*net_fn)(
	void *arg, const struct addr *local, const struct addr *remote, struct bytes datagram); /* writable memory */

struct net *net_new(const int fds[UDP_SOCKETS]); /* -1: not there; owns them */
/* Reads what waits on socket i, at most a few batches; false when nothing was left. */
bool net_read(struct net *n, unsigned i, net_fn fn, void *arg);
/* 0 or -errno. The non-ESP marker is added on our NAT port. */
int net_send(struct net *n, const struct addr *local, const struct addr *remote, struct bytes message);
int net_keepalive(struct net *n, const struct addr *local, const struct addr *remote);

#endif
