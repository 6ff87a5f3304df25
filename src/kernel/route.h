/* route.h - what is wanted of the routing tables: destinations shared by tunnels, and the ways to peers. */
#ifndef KERNEL_ROUTE_H
#define KERNEL_ROUTE_H

#include "path.h"
#include "state.h"

#define BLACKHOLE_METRIC 4294967294u

struct nexthop {
	uint32_t tunnel, ifindex, metric;
	struct addr source;
	bool there, other; /* by the last comparison: its route is there as it shall be; there, but not so */
};

struct dest {
	struct by_prefix at;
	uint32_t tunnel; /* the first that wanted it */
	bool there;      /* its blackhole route, by the last comparison */
	unsigned n;
	struct nexthop *nexthops;
};

struct peer_route {
	struct peer_route *next;
	struct addr remote;
	unsigned refs;
	bool set;   /* the route is in the kernel */
	bool there; /* by the last comparison */
	struct path_hop hop;
};

/* As they are wanted. there: one of ours is there already and is replaced; otherwise what stands in the way belongs to others, and stays. */
int route_blackhole_put(struct kernel *k, const struct dest *d);
int route_nexthops_put(struct kernel *k, const struct dest *d, uint32_t metric, bool there);

#endif
