/*
 * path.h - how datagrams to a peer leave this machine: the best route whose device is no interface of ours.
 */
#ifndef KERNEL_PATH_H
#define KERNEL_PATH_H

#include "state.h"

struct path_hop {
	bool found, local;
	uint8_t len; /* of the prefix that brought it */
	uint32_t metric, oif, mtu, flags;
	uint16_t gateway_type; /* RTA_GATEWAY, RTA_VIA, 0 */
	uint8_t gateway_size, gateway[24];
	struct addr source;
};

struct path_search { /* one look through the main table for many peers */
	struct kernel *k;
	int family;
	unsigned n;
	struct {
		const struct addr *to;
		struct path_hop best;
	} * v;
};

int path_search(struct path_search *s);
/* For one peer: what the kernel would do, asked shortly, and by a search only when that leads into a tunnel or is a route of ours. */
int path_route(struct kernel *k, const struct addr *to, struct path_hop *hop);

#endif
