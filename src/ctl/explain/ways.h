/*
 * ways.h - what this machine does with a tunnel's packets: interface, routes, forwarding, filters, the path to the peer.
 * Read once into plain data, so that the judgement (explain.h) is pure. Nothing is changed. Meaningful only in the network
 * namespace of the daemon.
 */
#ifndef CTL_WAYS_H
#define CTL_WAYS_H

#include <jansson.h>

#include "base/addr.h"
#include "conf/conf.h"

#define WAYS_UNKNOWN (-1) /* a number that could not be read */
#define WAYS_ROUTES 16    /* so many of a tunnel's routes are looked up */
#define WAYS_COUNTERS 32

enum route_end { ROUTE_UNKNOWN, ROUTE_DEVICE, ROUTE_REFUSED /* unreachable, or there is none */ };

struct way_route {
	struct prefix prefix;
	struct addr host; /* the address in it that was looked up */
	enum route_end end;
	char device[INTERFACE_NAME_MAX + 1];
};

struct way_counter { /* a line of /proc/net/xfrm_stat that is not 0 */
	char name[40];
	uint64_t n;
};

struct ways {
	bool link, link_up; /* the tunnel's interface */
	int link_mtu, path_mtu;
	struct addr from; /* source of the route to the peer; family 0 = no route */
	int forward4, forward6;
	unsigned n_routes, n_counters;
	struct way_route routes[WAYS_ROUTES];
	struct way_counter counters[WAYS_COUNTERS];
	json_t *rules;     /* `nft -j list ruleset`; NULL = not known */
	bool legacy_rules; /* iptables of the old kind hold rules that nft does not show */
};

/* root: "" or a folder that stands in for /. */
void ways_read(struct ways *w, const struct tunnel_conf *t, const char *interface, const struct addr *peer, const char *root);
void ways_release(struct ways *w);

/* --- what a rule set does to a packet (nftpath.c) --- */
enum packet_state { PACKET_NEW, PACKET_ANSWER /* conntrack: established */ };
struct packet { /* NULL, 0, family 0: not known */
	const char *in, *out;
	struct addr from, to;
	const char *protocol; /* "udp", "esp" */
	unsigned port;        /* of the destination */
	enum packet_state state;
};
enum fate { FATE_PASSES, FATE_MAYBE /* dropped unless a rule that is not understood accepts it */, FATE_DROPPED };
#define FATE_WHY 160
/* Our own table is left out. hooks: names of base chains' hooks in the packet's order, NULL at the end. why: what drops it. */
enum fate packet_fate(const json_t *rules, const char *const *hooks, const struct packet *p, char why[FATE_WHY]);

#endif
