/*
 * path.h - how datagrams to a peer leave this machine: the best route whose device is no interface of ours.
 */
#ifndef KERNEL_PATH_H
#define KERNEL_PATH_H

#include "state.h"

struct path_hop {
	bool found, local;
	bool ours;   /* some of its nexthops are interfaces of ours */
	uint8_t len; /* of the prefix that brought it */
	uint32_t metric, oif, mtu, flags;
	uint16_t gateway_type; /* RTA_GATEWAY, RTA_VIA, 0 */
	uint8_t gateway_size, gateway[24];
	struct addr source;
};

struct path_search { /* one look through the main table for many peers */
	/* best: of those beside our interfaces. beside: the main table's own choice is such a one, so nothing needs to be done for it. */
	struct kernel *k;
	int family;
	unsigned n;
	struct {
		const struct addr *to;
		struct path_hop best;
		bool beside, any;
		uint8_t len;     /* of the main table's choice */
		uint32_t metric; /* likewise */
	} * v;
};

int path_search(struct path_search *s);
/* For one peer: the best route beside our interfaces; *beside: what the kernel does with packets that bear no mark is that already. */
int path_route(struct kernel *k, const struct addr *to, struct path_hop *hop, bool *beside);

#endif
