/*
 * sa.h - an IKE SA.
 *
 * What its two ends owe each other follows from what was sent and heard (liveness.c). Three things can be wrong, and each has consequences of its own:
 *
 *	unresponsive       a request of ours was sent three times and nothing was heard since: another SA is initiated beside it, and nothing is closed for its sake
 *	unconfirmed        an IKE_AUTH of the peer's made it and nothing was heard on it since: our answer may be lost; traffic stays where it was
 *	no return traffic  traffic goes out and nothing, not even an answer, came back: failover-after counts from there
 */
#ifndef IKE_SA_H
#define IKE_SA_H

#include "exchange.h"

#define HALF_OPEN_TIMEOUT 30000 /* a responder's SA that is not authenticated by then goes */
#define KEEPALIVE_EVERY 20000   /* RFC 3948 4 */
#define REDUNDANT_OURS 4000     /* who made the losing SA closes it after this ... */
#define REDUNDANT_THEIRS 30000  /* ... the other end, should that not happen, after this */
#define RECONNECTS_WITHIN 60000 /* a peer that initiates this soon after we closed a redundant SA does so because of it */
#define BUSY_RETRY 3000         /* after TEMPORARY_FAILURE, with jitter (RFC 7296 2.25) */
#define CHILDLESS_RETRY 3000    /* IKE SA without child: ask again; doubled; after three refusals start over */
#define SHUTDOWN_MAX 2000
#define NO_RETURN_PROBE 2000 /* traffic without any answer for this long: is the peer alive? */
#define NO_RETURN_REPEAT 1000
#define UNRESPONSIVE_TRIES 3   /* a transmission and two repetitions without an answer */
#define CHILDREN_PER_SA_MAX 16 /* a peer cannot make more, and two for each that the tunnel carries side by side */
#define SAS_PER_TUNNEL_MAX 8

struct sa_core { /* all that outlives a restart: plain data, no pointers. One writer each: message ids exchange.c, IV sent.c, addresses path.c */
	uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
	bool initiator; /* of the first exchange of this very SA */
	struct suite suite;
	uint64_t iv_out;                         /* never used twice under a key */
	uint32_t next_out, next_in;              /* message ids */
	struct addr local, remote;               /* with ports */
	bool nat_local, nat_remote, natt, encap; /* natt: the peer speaks NAT traversal; encap: ESP in UDP */
	bool fragmentation, forced;              /* forced: encapsulation is wanted, NAT or not */
	bool id_sync;                            /* both ends announced it (RFC 6311) */
	/* the highest id that a request of the peer's to synchronise them began with; 0: none came */
	uint32_t synced, sync_nonce;
	struct {
		bool initiator;
		uint32_t number;
		struct mono at;
		struct collision_nonce collision_nonce;
	} origin;                               /* the first of its line: rekeys make nobody younger */
	struct collision_nonce collision_nonce; /* the lower of the two nonces that made it: who wins a crossing */
	struct mono created, established, rekey_at, expire_at;
	int64_t established_wall, rekey_wall;
	int64_t proven_until; /* wall: a certificate of either end, by which it was made, is no longer valid then; 0: there is none */
};

struct sa_keys { /* SK_d | SK_ai | SK_ar | SK_ei | SK_er, as they are derived: as many octets of each as its algorithm wants */
	uint8_t d, a, e;
	uint8_t octets[];
};

struct auth_keys { /* SK_pi, SK_pr: of an SA that is not established yet */
	struct secret i, r;
};

struct proof { /* of an SA that was made with certificates */
	struct cert_facts peer;
	uint8_t theirs, ours;   /* sign_scheme() of either AUTH */
	struct asked_cas asked; /* of the peer; nobody asks after a restart */
};

struct at_gate {            /* of an SA that the peer has begun and that is not authenticated */
	uint64_t key;       /* in ike->by_source */
	struct addr source; /* where its IKE_SA_INIT came from */
	uint16_t slot[2];   /* where that is counted */
	bool peer;          /* it is an address that is configured */
};

struct fragments; /* frag.c */

struct sa { /* in order of their sizes: there are thousands */
	struct sa_core core;
	struct exchange ours, theirs;
	struct tunnel *tunnel;  /* NULL for a half-open responder */
	struct sa_keys *keys;   /* malloc'd; NULL: not yet */
	struct auth_keys *auth; /* malloc'd; NULL: not yet, or no more */
	struct child *children; /* list */
	struct alarm alarm;
	struct sa *dirty_next, *tunnel_next; /* tunnel_next: in tunnel->sa_list */
	struct mono heard, sent, retry_at, close_at;
	struct mono no_return_since; /* since then traffic goes out and nothing comes back; MONO_NEVER = not so */
	struct mono reauth_at;       /* when that is to begin; MONO_NEVER: no need, or begun */
	struct mono prove_at;     /* when it is to begin for the sake of a certificate that expires; MONO_NEVER: there is none */
	struct mono busy_since;   /* since then the peer answers TEMPORARY_FAILURE */
	struct mono narrow_until; /* `narrow` is believed until then */
	struct ident peer_id;
	struct proof *proof;              /* malloc'd; NULL: made with a pre-shared key */
	struct at_gate *at_gate;          /* malloc'd: responder, half-open */
	struct sent_message *sync_answer; /* malloc'd: to the last request to agree on message ids; NULL: there was none */
	struct fragments *fragments[2];   /* of a request, of a response */
	struct ike_path from; /* between these addresses the request of theirs came, and its answer goes (RFC 7296 2.11, 2.23) */
	uint32_t number;
	uint32_t jobs;        /* last ticket given */
	uint32_t replaced_by; /* number; SA_REPLACED */
	uint32_t peer_half;   /* number of the SA that a crossing rekey of the peer's made; 0: none did */
	uint16_t narrow;      /* packets of so many octets got through when larger ones did not; 0: nothing of the kind */
	enum sa_state state : 8;
	bool dirty;
	uint8_t no_return_answers; /* liveness checks that were answered although no traffic came: the next one waits longer */
	bool no_return_probe;      /* the check under way was sent while traffic got no answer, not for idleness alone */
	bool rekey_due, delete_due, liveness_due, new_child_due;
	bool forgotten;     /* see sa_forget */
	bool reauth;        /* it cannot go on: another one is made beside it */
	bool lifetime_due;  /* ... by the peer, which is to be told */
	uint8_t reauth_for; /* enum reauth */
	uint8_t child_refusals;
	bool limit_told;
	uint8_t vendor; /* vendor_by_number(), for people */
};

/* liveness.c: what is known of the peer */
bool sa_closing(const struct sa *sa);
bool sa_unresponsive(const struct sa *sa);
bool sa_unconfirmed(const struct sa *sa);
bool sa_unreliable(const struct sa *sa);                         /* closing, unresponsive or unconfirmed: another one is better */
bool sa_failover_due(const struct step *s, const struct sa *sa); /* traffic should not rely on it, though it may live */
struct mono sa_failover_at(const struct sa *sa);
struct mono sa_liveness_at(const struct sa *sa); /* when the peer is asked whether it lives */
void sa_heard(struct step *s, struct sa *sa);
void sa_traffic_out(struct step *s, struct sa *sa);
void sa_lost_hint(struct step *s, struct sa *sa); /* somebody says that the peer does not know it */

/* reauth.c */
enum reauth {
	REAUTH_NONE,
	REAUTH_CHILD,
	REAUTH_IKE,
	REAUTH_PEERS_CHILD,
	REAUTH_PEERS_IKE,
	REAUTH_TRUST,
	REAUTH_LIFETIME,
	REAUTH_TRIAL,
	REAUTH_TRIAL_OVER,
	REAUTH_CERTIFICATE
};
void sa_reauth(struct step *s, struct sa *sa, enum reauth why, msec within); /* another SA is made beside, begun so late */
void sa_reauth_over(struct sa *sa, enum reauth why);                         /* what was refused has worked after all */
/* The rekey of something with these times is answered with TEMPORARY_FAILURE. */
void sa_busy(struct step *s, struct sa *sa, enum reauth why, struct mono rekey_at, struct mono expire_at);
void sa_auth_lifetime(struct step *s, struct sa *sa, const struct message *m); /* if the message has one */
void sa_reauth_due(struct step *s, struct sa *sa);
void sa_distrust(struct step *s, struct sa *sa); /* what its peer was believed by has changed: it proves itself again, or ends */
void sa_proven_until(struct step *s, struct sa *sa); /* it ends with the certificates that made it, and is made anew before */
void sas_clock(struct step *s);                      /* each step: whether the clock was set, by which that is reckoned */
uint32_t sa_lifetime_left(const struct step *s, const struct sa *sa); /* seconds, for an AUTH_LIFETIME of ours */

/* sa.c */
struct negotiation *negotiation_new(void);
void negotiation_free(struct step *s, struct negotiation *n);
struct sa *sa_new(struct step *s, struct tunnel *t, bool initiator);
void sa_state(struct sa *sa, enum sa_state state);
bool sa_index(struct ike *ike, struct sa *sa); /* under our SPI */
uint64_t sa_our_spi(const struct sa *sa);
/* Octets of a message from its peer. */
static inline size_t sa_message_max(const struct sa *sa)
{
	return sa->state == SA_INITIATING || sa->state == SA_HALF_OPEN ? IKE_UNPROVEN_MAX : IKE_MESSAGE_MAX;
}
void sa_established(struct step *s, struct sa *sa);
void sa_close(struct step *s, struct sa *sa); /* gone at both ends: its children linger */
/* the peer no longer has it: gone without a word once the new one carries the traffic */
void sa_forget(struct step *s, struct sa *sa);
void sa_destroy(struct step *s, struct sa *sa); /* and all below it; wiped at the end of the step */
void sa_free_dead(struct ike *ike);

/* keys.c */
struct child;
struct sa_keys *keys_new(uint8_t d, uint8_t a, uint8_t e);
size_t keys_size(const struct sa_keys *k); /* of its octets */
struct bytes keys_d(const struct sa *sa);  /* none when there are no keys yet, as below */
struct seal_keys keys_out(const struct sa *sa);
struct seal_keys keys_in(const struct sa *sa);
void keys_drop(struct sa *sa);      /* all, wiped */
void keys_drop_auth(struct sa *sa); /* what AUTH was made with, wiped */
int keys_initial(struct sa *sa, const struct negotiation *n, struct bytes shared);
int keys_rekeyed(struct sa *fresh, const struct sa *old, const struct negotiation *n, struct bytes shared);
int keys_child(struct child *c, const struct sa *sa, const struct negotiation *n, struct bytes shared, bool initiator);

/* path.c */
void nat_hash(const struct sa_core *c, const struct addr *a, uint8_t out[20]);
void nat_add(struct step *s, struct sa *sa, struct writer *w);
void nat_judge(struct sa *sa, const struct message *m);
void path_set(struct sa *sa, const struct addr *local, const struct addr *remote); /* the one who writes them */
void path_set_ports(struct sa *sa, uint16_t local, uint16_t remote);
/* May this be the address of the tunnel's peer? Told when not, but not for each packet. */
bool path_permits(struct step *s, struct tunnel *t, const struct addr *remote);
void path_peer_moved(struct step *s, struct sa *sa, const struct addr *remote);
void path_local_moved(struct step *s, struct sa *sa, const struct addr *local);

/* sync.c */
/* true: the datagram was such a message */
bool sync_received(struct step *s, struct sa *sa, const struct header *h, const struct ike_event *e);

/* schedule.c */
void sa_alarm(struct step *s, struct sa *sa); /* the earliest of its deadlines */
void sa_timer(struct step *s, struct sa *sa);
bool sa_only_quiet(struct step *s, struct sa *sa); /* it is time for a liveness check or a NAT keepalive, and for nothing else */
void sa_work(struct step *s, struct sa *sa);       /* start the next exchange that is due */

#endif
