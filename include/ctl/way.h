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
	int forward4, forward6, rp_all; /* -1 = not known */
	const char *unseen[4];          /* what could not be read, in words */
	unsigned n_unseen;
	struct way_socket *socket; /* for the questions */
};
void way_facts_read(struct way_facts *f); /* one dump of each kind, whatever the number of tunnels */
void way_facts_release(struct way_facts *f);
const struct way_link *way_link(const struct way_facts *f, unsigned index); /* NULL */
const struct way_link *way_link_named(const struct way_facts *f, const char *name);
const struct way_address *way_own_address(const struct way_facts *f, const struct addr *a); /* NULL: it is none of this machine */

/* ---------------------------------------------------------------- one direction */
enum way_leg_kind {
	LEG_INTO, /* from behind us into the tunnel */
	LEG_BACK, /* out of the tunnel to behind us */
};
/* What a step is about, and what is wrong there. */
enum way_part { PART_ARRIVES, PART_RULE, PART_ROUTE, PART_REVERSE, PART_FORWARDING, PART_FILTER, PART_POLICY, PART_SA, PART_NEIGHBOUR };
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
	char named[96]; /* what the advice needs: the setting, the device, the address; "" */
};
struct way_leg {
	enum way_leg_kind kind;
	char in[WAY_NAME], out[WAY_NAME]; /* "" = this machine itself; out is what the kernel's answer says, and "" when there is none */
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

#endif
