/*
 * udp.h - the UDP sockets of IKE: ports 500 and 4500, IPv4 and IPv6 (RFC 7296 2, 2.23; RFC 3948). The keeper opens them and keeps them,
 * because the kernel decapsulates ESP in UDP only while the socket lives; the engine reads and writes them.
 */
#ifndef IPC_UDP_H
#define IPC_UDP_H

#include "base/addr.h"

#define PORT_IKE 500
#define PORT_NAT 4500
#define UDP_SOCKETS 4

static const struct udp_port { /* index of msg_setup.udp */
	int family;
	uint16_t port;
} udp_ports[UDP_SOCKETS] = {
	{ AF_INET, PORT_IKE },
	{ AF_INET, PORT_NAT },
	{ AF_INET6, PORT_IKE },
	{ AF_INET6, PORT_NAT },
};

#endif
