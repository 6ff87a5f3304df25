/*
 * way.h - the way of a packet through this machine, both directions, as the kernel would carry it: rules, routes, reverse path, forwarding,
 * policies, neighbours. What nf_tables does with it is told by a function of the caller's.
 *
 *     netlink.c -> facts.c (what is the same for all: read once) ----+
 *               -> question.c (what the kernel answers for a pair) --+--> leg.c: pure, step by step --> explain
 *
 * Nothing is changed and no packet is sent. Order of the files, from below: netlink; step, facts; rule, policy, question; leg; uplink; walk.
 */
#ifndef CTL_WAY_H
#define CTL_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define WAY_NAME 16 /* an interface's name */

/* ---------------------------------------------------------------- facts of the machine */
enum way_kind { LINK_OTHER, LINK_LOOPBACK, LINK_TUNNEL /* XFRM interface or VTI, anybody's */ };
struct way_link {
	unsigned index, master; /* 0 = none */
	char name[WAY_NAME];
	enum way_kind kind;
	uint32_t if_id; /* of an XFRM interface */
	bool up, running;
	/* IPv4's settings of this interface; -1 = not known. IPv6 forwards by conf.all alone. */
	int forwarding, rp_filter, accept_local, disable_policy, disable_xfrm;
	uint64_t no_policy, refused, loop, damaged; /* packets: tx_carrier, tx_aborted, tx_collisions, rx_errors */
};
struct way_address {
	struct prefix prefix; /* host bits are the address */
	unsigned link;
};
struct way_rule { /* an `ip rule` */
	uint8_t family, action;
	bool invert, l3mdev, more; /* more: it looks at what is not in here (ports, protocol, uid) */
	uint32_t pref, table, mark, mask, jump;
	struct prefix from, to; /* family 0 = all */
	char in[WAY_NAME], out[WAY_NAME];
};
enum way_dir { WAY_POLICY_IN, WAY_POLICY_OUT, WAY_POLICY_FWD };
struct way_policy { /* of XFRM; those of our tunnels' if_id that let through are left out */
	enum way_dir dir;
	struct prefix from, to;
	uint8_t protocol;
	bool block;
	unsigned templates; /* that are required */
	uint32_t priority, index, if_id, mark, mask;
	struct addr ends[2]; /* of the first template: source, destination */
};
struct way_neighbour {
	struct addr addr;
	unsigned link;
	bool failed, known; /* no answer to ARP or neighbour solicitation; it has a link-layer address */
};

struct way_facts {
	unsigned n_links, n_addresses, n_rules, n_policies, n_neighbours;
	struct way_link *links;
	struct way_address *addresses;
	struct way_rule *rules;
	struct way_policy *policies;
	struct way_neighbour *neighbours;
	bool policies_seen;
	int forward4, forward6, rp_all; /* -1 = not known */
	const char *unseen[4];          /* what could not be read, in words */
	unsigned n_unseen;
	struct way_socket *socket; /* for the questions */
};
void way_facts_read(struct way_facts *f); /* one dump of each kind, whatever the number of tunnels */
void way_facts_release(struct way_facts *f);
const struct way_link *way_link(const struct way_facts *f, unsigned index); /* NULL */
const char *way_link_name(const struct way_facts *f, unsigned index);       /* "?" */
const struct way_link *way_link_named(const struct way_facts *f, const char *name);
const struct way_address *way_own_address(const struct way_facts *f, const struct addr *a); /* NULL: it is none of this machine */
const struct way_neighbour *way_neighbour(const struct way_facts *f, unsigned link, const struct addr *a); /* NULL */

/* ---------------------------------------------------------------- one direction */
enum way_leg_kind {
	LEG_INTO,    /* from behind us into the tunnel */
	LEG_BACK,    /* out of the tunnel to behind us */
	LEG_OUTSIDE, /* IKE and ESP of ours to the peer's outside address */
	LEG_ARRIVAL, /* the peer's, to ours */
};
/* What a step is about, and what is wrong there. */
enum way_part {
	PART_ARRIVES,
	PART_RULE,
	PART_ROUTE,
	PART_REVERSE,
	PART_FORWARDING,
	PART_FILTER,
	PART_POLICY,
	PART_SA,
	PART_NEIGHBOUR
};
enum way_fault {
	WAY_FINE,
	WAY_NOT_SEEN, /* it could not be looked at */
	WAY_NO_ROUTE,
	WAY_ELSEWHERE,
	WAY_FORWARDING,
	WAY_REVERSE_PATH,
	WAY_OWN_ADDRESS,
	WAY_POLICY,
	WAY_NEIGHBOUR,
	WAY_DROPPED,   /* by a filter; the caller's function says so */
	WAY_REWRITTEN, /* its addresses are changed; the same */
};
#define WAY_STEP_TEXT 320
struct way_step {
	enum way_part part;
	enum way_fault fault;
	char text[WAY_STEP_TEXT];
	char named[200]; /* what the advice needs: the setting, the device, the address, the policy; "" */
};
struct way_leg {
	enum way_leg_kind kind;
	/* "" = this machine itself; out is what the kernel's answer says, and "" when there is none */
	char in[WAY_NAME], out[WAY_NAME];
	struct addr from, to;
	unsigned n;
	struct way_step *steps; /* in the packet's order */
};
/* Adds a step; `named` may be "". */
void way_add(struct way_leg *leg, enum way_part part, enum way_fault fault, const char *named, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
enum way_fault way_leg_fault(const struct way_leg *leg); /* the first that is wrong; WAY_FINE */
void way_leg_release(struct way_leg *leg);

/* Called once for each leg whose devices and addresses are known, where the packet passes the filters: adds its steps of PART_FILTER
 * (WAY_DROPPED, WAY_REWRITTEN, WAY_NOT_SEEN, WAY_FINE) by way_add(). */
typedef void way_filter_fn(void *arg, struct way_leg *leg);

/* ---------------------------------------------------------------- the walk */
#define WAY_BEHIND 4  /* so many networks behind us are tried, and */
#define WAY_ROUTES 16 /* so many behind the tunnel */
struct way_tunnel {
	const char *interface;
	const char *const *own; /* interfaces of all tunnels of the daemon */
	unsigned n_own;
	struct addr local, peer; /* outside; family 0 = not known */
	struct addr trusted;     /* the peer's inside address, or another that the interface's own network has; family 0 = none */
	/* networks behind us: none = those of the interfaces; networks behind the tunnel: none = those learnt */
	const struct prefix *behind, *routes;
	unsigned n_behind, n_routes;
	way_filter_fn *filter; /* may be NULL */
	void *arg;
};

/* The address that the tunnel has is on one uplink, and the way to the peer leaves by another. */
enum way_manager { MANAGER_NONE, MANAGER_NETWORKD, MANAGER_NETWORKMANAGER, MANAGER_IFUPDOWN };
struct way_uplink {
	bool wrong;
	struct addr local, router; /* router of the uplink that has `local`; family 0 = not known */
	char has[WAY_NAME], takes[WAY_NAME];
	uint32_t table;           /* to be asked for what comes from `local` */
	bool table_there;         /* it leads there already: only the rule is missing */
	enum way_manager manager; /* who configures `has` */
	char file[160];           /* its file there, or its connection's UUID; "" */
};
void way_uplink_read(const struct way_facts *f, const struct addr *local, const struct addr *peer, struct way_uplink *u);
#define WAY_COMMANDS 600
/* The commands that mend it at once, and what makes them last. */
const char *way_uplink_commands(const struct way_uplink *u, char text[WAY_COMMANDS]);

#define WAY_OVERLAPS 4
struct way_overlap { /* a network that the tunnel leads to and that an interface of ours is in */
	struct prefix route, own;
	char device[WAY_NAME];
};

struct way {
	unsigned n, n_overlaps;
	struct way_leg *legs; /* in the order in which they were tried */
	struct way_overlap overlaps[WAY_OVERLAPS];
	struct way_uplink uplink;
	bool named;  /* one pair, which the operator gave */
	bool learnt; /* the networks behind the tunnel are those of its routes in the kernel */
};
/* Samples of all pairs of networks. */
void way_walk(const struct way_facts *f, const struct way_tunnel *t, struct way *w);
/* One pair; false when it cannot be of this tunnel, with a sentence and what to do. */
#define WAY_REFUSAL 400
bool way_walk_pair(const struct way_facts *f, const struct way_tunnel *t, const struct addr *from, const struct addr *to,
	struct way *w, char why[WAY_REFUSAL]);
void way_trim(struct way *w); /* legs on which nothing is wrong are forgotten */
void way_release(struct way *w);
/* The first address of it that is a host's; of ::/0 and 0.0.0.0/0 one of the internet. */
struct addr way_host_in(const struct prefix *p);
/* The device that this machine's own packets take; an errno. */
int way_device_to(const struct way_facts *f, const struct addr *to, char device[WAY_NAME]);

#endif
