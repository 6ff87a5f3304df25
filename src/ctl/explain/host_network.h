/*
 * host_network.h - what this machine does with a tunnel's packets: interface, routes, forwarding, filters, the path to the peer.
 * Read once into plain data, so that the judgement (explain.h) is pure. Nothing is changed. Meaningful only in the network
 * namespace of the daemon.
 */
#ifndef CTL_HOST_NETWORK_H
#define CTL_HOST_NETWORK_H

#include <jansson.h>

#include "base/addr.h"
#include "conf/conf.h"

#define HOST_ROUTES 16 /* so many of a tunnel's routes are looked up */
#define HOST_COUNTERS 32

enum route_end { ROUTE_UNKNOWN, ROUTE_DEVICE, ROUTE_REFUSED /* unreachable, or there is none */ };

struct host_route {
	struct prefix prefix;
	struct addr host; /* the address in it that was looked up */
	enum route_end end;
	char device[INTERFACE_NAME_MAX + 1];
};

struct host_counter { /* a line of /proc/net/xfrm_stat that is not 0 */
	char name[40];
	uint64_t n;
};

struct host_network {
	bool link, link_up;     /* the tunnel's interface */
	int link_mtu, path_mtu; /* SYSTEM_UNKNOWN: could not be read */
	struct addr from;       /* source of the route to the peer; family 0 = no route */
	int forward4, forward6;
	unsigned n_routes, n_counters;
	struct host_route routes[HOST_ROUTES];
	struct host_counter counters[HOST_COUNTERS];
	json_t *rules;     /* `nft -j list ruleset`; NULL = not known */
	bool legacy_rules; /* iptables of the old kind hold rules that nft does not show */
};

json_t *host_rules_read(void); /* `nft -j list ruleset`; NULL = not known */
void host_network_read(
	struct host_network *w, const struct tunnel_conf *t, const char *interface, const struct addr *peer, json_t *rules);
void host_network_release(struct host_network *w);

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
