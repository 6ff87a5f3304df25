/* net.h - IKE's datagrams, read and written on the UDP sockets that the keeper opened. */
#ifndef ENGINE_NET_H
#define ENGINE_NET_H

#include <stdbool.h>

#include "ipc/udp.h"

struct net;
/* writable memory */
typedef void (*net_fn)(void *arg, const struct addr *local, const struct addr *remote, struct bytes datagram);

typedef void (*net_unsent_fn)(const struct addr *local, const struct addr *remote, int err); /* -errno */

struct net *net_new(const int fds[UDP_SOCKETS], net_unsent_fn unsent); /* -1: not there; owns them */
/* Reads what waits on socket i, at most a few batches; what answered a batch has left when the next one is read. False when nothing was left. */
bool net_read(struct net *n, unsigned i, net_fn fn, void *arg);
/* To be asked by fn: nothing came with this datagram, as far as one look at the socket says. */
bool net_alone(const struct net *n);
/* Leaves with net_flush(), or earlier when many wait; the order stays. The non-ESP marker is added on our NAT port. */
void net_send(struct net *n, const struct addr *local, const struct addr *remote, struct bytes message);
void net_keepalive(struct net *n, const struct addr *local, const struct addr *remote);
void net_flush(struct net *n);

#endif
