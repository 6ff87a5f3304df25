/*
 * watch.h - real packets of one pair of addresses, watched on their way through this machine for some seconds: which rules of nf_tables they met, where they
 * died, what NAT made of them. A table of our own marks them; it belongs to its socket and is gone with it, however we end.
 *
 * Order of src/ctl/watch, from below: nfnl (messages), marks (the table), message (what is heard), conntrack, watch.
 */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"

enum watch_leg {
	WATCH_INTO,    /* from behind us, or made here, to the far network */
	WATCH_ESP_OUT, /* our ESP, in UDP or not */
	WATCH_ESP_IN,  /* the peer's */
	WATCH_BACK,    /* out of the tunnel */
	WATCH_LEGS
};

#define WATCH_NAME 64
#define WATCH_RULES 24
struct watch_rule {                                                                            /* that packets met */
	char family[8], table[WATCH_NAME], chain[WATCH_NAME], verdict[16], target[WATCH_NAME]; /* target: of a jump */
	uint64_t handle; /* 0: the chain's policy, or its end */
	bool policy, drop;
	unsigned n;
};

struct watch_seen {
	uint64_t packets; /* that reached the hook, by our own counter */
	unsigned traced, dropped, n_rules;
	bool cut; /* more rules than there is room for */
	struct watch_rule rules[WATCH_RULES];
	const struct watch_rule *killer; /* of the last packet that died; points into rules */
};

struct watch_nat {
	bool there, answered, unseen;    /* unseen: the kernel does not answer for connection tracking */
	struct addr source, destination; /* what they became; family 0 = as they were */
};

struct watch {
	struct addr from, to, peer;
	uint32_t interface; /* its index */
	char table[32];
	struct watch_seen leg[WATCH_LEGS];
	struct watch_nat nat;
	bool lost; /* messages came faster than they were read */
	/* of the first packet into the tunnel: for conntrack */
	uint8_t header[60];
	size_t network, transport;
	/* which leg a packet is on, by the kernel's number of it: it says so in our own table, first of all */
	struct {
		uint32_t id;
		enum watch_leg leg;
		bool ours;
	} recent[32];
	unsigned next;
};

/* Takes one message of the kernel's (enum nft_msg_types NFT_MSG_TRACE) in. Pure. */
void watch_take(struct watch *w, const void *message, size_t size);

/* Until seconds are over, or enough was seen. False, with why, when this machine does not let us. */
#define WATCH_WHY 160
bool watch_run(struct watch *w, unsigned seconds, char why[WATCH_WHY]);

#endif
