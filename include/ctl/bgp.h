/*
 * bgp.h - what this machine knows of its BGP sessions: the routing daemons FRR and BIRD are asked, and the kernel for what they cannot say. Read once
 * into plain data; nothing is changed, and no packet is sent: a connection to a peer's TCP 179 from our address makes it drop a session that has agreed
 * on graceful restart.
 *
 * Order of src/ctl/bgp, from below: view, words, frr, bird, signs, bgp.
 */
#ifndef CTL_BGP_H
#define CTL_BGP_H

#include <jansson.h>

#include "base/addr.h"

enum bgp_daemon { BGP_FRR, BGP_BIRD };
#define BGP_DAEMONS 2

enum bgp_reach {
	BGP_ABSENT, /* it does not run */
	BGP_ANSWERS,
	BGP_DENIED,  /* it may run; we may not ask */
	BGP_HANGS,   /* no answer in time */
	BGP_GARBLED, /* an answer that cannot be read, or none because this machine is too slow */
};

enum bgp_state { BGP_UNKNOWN, BGP_IDLE, BGP_CONNECT, BGP_ACTIVE, BGP_OPENSENT, BGP_OPENCONFIRM, BGP_ESTABLISHED };

enum bgp_error {
	BGP_NO_ERROR,
	/* a NOTIFICATION, by its code and subcode (RFC 4271 4.5, RFC 4486) */
	BGP_BAD_PEER_AS,
	BGP_HOLD_EXPIRED,
	BGP_PREFIX_LIMIT,
	BGP_SHUTDOWN,
	BGP_REMOVED,
	BGP_OTHER,
	/* of the connection */
	BGP_REFUSED,     /* refused, or closed before anything was said */
	BGP_UNREACHABLE, /* somebody says that there is no such host */
	BGP_NO_ROUTE,    /* this machine says it */
	BGP_NO_SOURCE,   /* the address to send from is not here */
	BGP_LINK,        /* the interface is down, or its address is gone */
};
enum bgp_from { BGP_FROM_NOBODY, BGP_FROM_US, BGP_FROM_PEER };

#define BGP_WORDS 160
#define BGP_NOT_TOLD (-1)

struct bgp_session {
	enum bgp_daemon daemon;
	char name[64]; /* the protocol's (BIRD), the VRF's (FRR) */
	struct addr peer;
	enum bgp_state state;
	uint32_t local_as, peer_as; /* as the daemon is told; 0 = not told, or not known yet */
	bool shut, stale, limit_hit, no_policy_in, no_policy_out, not_connected, multihop, md5, bfd_down, starting;
	enum bgp_error error;
	enum bgp_from from;                              /* who sent the NOTIFICATION */
	char error_words[BGP_WORDS], message[BGP_WORDS]; /* the daemon's; what the peer's operator says of a shutdown */
	char filter[64], source[ADDR_TEXT]; /* what its way in is filtered by; the address or interface that is to be sent from */
	int64_t age_s;                      /* in this state */
	int64_t received, accepted, filtered, sent, limit;
	int64_t retry_s, retry_every_s; /* until the next try */
	char since[32];                 /* BIRD's clock, for age_s */
};

struct bgp_route { /* that a session has brought */
	struct prefix prefix;
	struct addr nexthop; /* FRR; family 0 = not told */
	char device[32];     /* FRR */
	char protocol[64];   /* BIRD */
	bool used;           /* the daemon says that it is in the kernel; BIRD cannot */
};

struct bgp_socket { /* of this machine to somebody's TCP 179 */
	struct addr peer;
	bool unanswered; /* SYN-SENT */
};

struct bgp_view {
	enum bgp_reach reach[BGP_DAEMONS];
	bool zebra; /* FRR runs, with bgpd or without */
	unsigned n, n_routes, n_sockets;
	struct bgp_session *sessions;
	struct bgp_route *routes;
	struct bgp_socket *sockets;
	uint64_t md5_missing, md5_unexpected, md5_wrong; /* of all peers, since the machine started */
};

/* routes: also those that the sessions have brought. Two seconds at most, whoever hangs. */
void bgp_read(struct bgp_view *v, bool routes);
void bgp_release(struct bgp_view *v);

/* The session with that address, NULL when there is none; of several the one that is up, else the last. */
const struct bgp_session *bgp_session_of(const struct bgp_view *v, const struct addr *peer);
bool bgp_unanswered(const struct bgp_view *v, const struct addr *peer); /* a connection of ours waits for an answer */
bool bgp_unknown(const struct bgp_view *v);                             /* some daemon could not be asked */

/* --- a route of a session that is not the kernel's choice (bgp.c) --- */
struct bgp_loser {
	struct prefix prefix;
	bool none;               /* the kernel has no route for exactly that network */
	char device[64], by[64]; /* of the one that is preferred, and the protocol that made it */
};
/* False when all are used. devices: interfaces of our tunnels, by which they may well go. budget: of questions to the kernel, counted down. */
bool bgp_loser_find(const struct bgp_view *v, const struct bgp_session *x, const char *const *devices, unsigned n_devices,
	unsigned *budget, struct bgp_loser *out);

/* --- words (words.c) --- */
const char *bgp_daemon_name(enum bgp_daemon d);  /* "FRR" */
const char *bgp_daemon_group(enum bgp_daemon d); /* who may ask it */
const char *bgp_state_word(enum bgp_state s);    /* RFC 4271's; "?" */
/* {"daemon","state","since_s","received","sent"} of the tunnel's session; a tunnel without `bgp`: null. */
json_t *bgp_json(const struct bgp_view *v, const struct addr *peer);
/* Gives each tunnel of a daemon's answer that object as "bgp", null where its "bgp_peer" is; asks nobody when all are. */
void bgp_answer(json_t *tunnels);

#endif
