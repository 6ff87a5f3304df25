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
#include "ctl/filter.h"
#include "ctl/way.h"

#define HOST_ROUTES 16 /* so many of a tunnel's routes are looked up */
#define HOST_COUNTERS 32
#define HOST_LANS 4

enum route_end { ROUTE_UNKNOWN, ROUTE_DEVICE, ROUTE_REFUSED /* unreachable, or there is none */ };

struct host_route {
	struct prefix prefix;
	struct addr host; /* the address in it that was looked up */
	enum route_end end;
	char device[INTERFACE_NAME_MAX + 1];
};

struct host_lan { /* a network that this machine is in, where traffic for the tunnel may come from */
	char device[INTERFACE_NAME_MAX + 1];
	struct addr host; /* another address in it than ours */
};

struct host_counters { /* lines of /proc/net/xfrm_stat that are not 0; of all tunnels together */
	unsigned n;
	struct {
		char name[40];
		uint64_t n;
	} v[HOST_COUNTERS];
};

struct host_network {
	bool link, link_up;                  /* the tunnel's interface */
	int link_mtu, path_mtu;              /* SYSTEM_UNKNOWN: could not be read */
	struct addr from;                    /* source of the route to the peer; family 0 = no route */
	char uplink[INTERFACE_NAME_MAX + 1]; /* by which the peer is reached; "" = not known */
	/* What masquerading there makes of our address when that is another one, and family 0 when it is the same or not sure. */
	struct addr masquerade;
	int forward4, forward6;
	unsigned n_routes;
	struct host_route routes[HOST_ROUTES];
	const struct host_counters *risen; /* by so much between two looks; NULL: there was one look only. The caller's */
	unsigned n_lans;
	struct host_lan lans[HOST_LANS];
	bool iptables;     /* the program is here */
	json_t *rules;     /* `nft -j list ruleset`; NULL = not known */
	bool legacy_rules; /* iptables of the old kind hold rules that nft does not show */
};

void host_network_read(struct host_network *w, const struct tunnel_conf *t, const char *interface, const struct addr *peer,
	json_t *rules, const struct way_facts *facts);
void host_counters_read(struct host_counters *c);
void host_counters_parse(struct host_counters *c, char *text); /* is cut into pieces */
void host_counters_rise(const struct host_counters *was, const struct host_counters *now, struct host_counters *rise);
void host_lans_read(struct host_network *w, const struct tunnel_conf *t, const char *interface); /* host_lan.c */
void host_network_release(struct host_network *w);

#endif
