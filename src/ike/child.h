/* child.h - a child SA: a pair of ESP SAs. */
#ifndef IKE_CHILD_H
#define IKE_CHILD_H

#include "nonce.h"
#include "step.h"

#define REKEY_CHECK 4000    /* rekey-check: once, so long after IKE_AUTH at least, twice that at most */
#define LINGER_OUT 3000     /* a closed child's outbound SA goes after this ... */
#define LINGER_IN 8000      /* ... and its inbound SA after this: packets may be under way */
#define SWITCH_LATEST 60000 /* as responder: after this a new child is used although nothing proved that the peer has it */
#define PEERS_EARLY \
	30000           /* a rekey of the peer's that comes so early is a proof or an order: what it is about does not end yet */
#define PEERS_TURN 5000 /* a peer whose rekey we refused may make a new IKE SA itself: it has so long */
#define LOST_PAUSE 1000 /* somebody removes SAs from our kernel again and again: a tunnel makes new ones once a second at most */
#define LOST_YOUNG \
	2000 /* so long after it was made a child may be unknown to the peer: before that it is not rekeyed for a lost SA */
#define REPLACED_LATEST 75000 /* a replaced child that the peer, who replaced it, forgets to close; later than SWITCH_LATEST */

struct child_core {               /* all that outlives a restart: plain data, no pointers; the selectors lie beside it */
	uint32_t spi_in, spi_out; /* host order; 0 = not known yet */
	bool in_installed, out_installed, initiator;
	bool by_auth; /* made by IKE_AUTH: an answer on its IKE SA proves that the peer has it */
	struct suite suite;
	struct addr local, remote; /* as installed; written by child_install and child_endpoints */
	bool encap;
	bool keepalive;                         /* the kernel keeps the NAT's mapping open while it has the outbound SA */
	struct collision_nonce collision_nonce; /* see struct sa */
	struct mono created, rekey_at, expire_at;
	int64_t established_wall, rekey_wall;
};

struct child {
	struct child_core core;
	uint32_t number, jobs, job_install, job_switch;
	struct sa *sa; /* NULL when lingering after its SA is gone */
	struct tunnel *tunnel;
	struct slot *slot;  /* of the tunnel: what it carries; NULL when dead */
	struct child *next; /* in sa->children or tunnel->lingering */
	struct alarm alarm;
	/* kept (ts.h): asked for, then agreed on; of a child of the peer's NULL until then */
	struct ts_list *local_ts, *remote_ts;
	struct esp_pair *keys; /* malloc'd, wiped and freed when handed to the kernel */
	uint32_t peer_half;    /* number of the child that a crossing rekey of the peer's made; 0: none did */
	uint32_t replaced_by;  /* number */
	struct mono ready_at, linger_out, linger_in, close_at, retry_at, check_at;
	struct esp_count in, out;
	uint16_t policies; /* that its selectors become */
	enum child_state state : 8;
	bool peers_selectors; /* it chose them: a rekey of ours asks for the same */
	bool rekey_due, delete_due;
	uint8_t lost;  /* bits 1 << ESP_IN, 1 << ESP_OUT: another program removed it from the kernel */
	bool checking; /* the rekey that is due is a proof only: a refusal is reported, not repeated */
};

/* child.c */
struct child *child_new(struct step *s, struct sa *sa, struct slot *slot, bool initiator);
void child_state(struct child *c, enum child_state state);
void child_destroy(struct step *s, struct child *c); /* removes what is installed, at once */
void child_free(struct child *c);                    /* wipes; nobody may know it any more */
void child_close(struct step *s, struct child *c);   /* closed by a DELETE: linger, then gone */
void child_replaced(struct step *s, struct child *old, struct child *by);
void child_installed(struct step *s, struct child *c); /* inbound is in: deadlines */
void child_ready(struct step *s, struct child *c);
void child_by_auth(struct step *s, struct child *c);         /* made by IKE_AUTH: the first of its line; plans the rekey-check */
void child_check(struct step *s, struct child *c);           /* rekey it now, as a proof */
void child_abandon(struct step *s, struct child *c);         /* the peer made it and we cannot use it: it gets a DELETE */
bool child_spi_out_taken(const struct sa *sa, uint32_t spi); /* a peer must not give one SPI to two children */
void child_expired(struct child *c, enum esp_dir dir);       /* the kernel has dropped one direction */
void child_lost(struct step *s, struct child *c, enum esp_dir dir);  /* ... or somebody removed it: a rekey at once */
bool child_sends(const struct child *c);                             /* it has an outbound SA, or will have */
bool child_rekey_ready(const struct step *s, const struct child *c); /* its rekey may start now */
void child_timer(struct step *s, struct child *c);
void child_alarm(struct step *s, struct child *c);
void child_move_to(struct child *c, struct sa *sa);
struct child *child_by_number(const struct tunnel *t, uint32_t number); /* that belongs to an SA */
struct child *child_by_spi_out(struct sa *sa, uint32_t spi);
struct child *child_sending(const struct tunnel *t, uint32_t spi); /* the one whose outbound SA the kernel has under it */
bool child_wanted(const struct child *c);                          /* may be elected */
void child_endpoints(struct step *s, struct child *c, const struct addr *local, const struct addr *remote);

void child_drop_keys(struct child *c);                 /* wipes, frees */
void child_remove_in(struct step *s, struct child *c); /* from the kernel, if it is there */
void child_remove_out(struct step *s, struct child *c);
/* A dead one: freed unless an answer of the kernel is under way, else an SA that it just installed would be forgotten. */
void child_reap(struct step *s, struct child *c);

/* install.c */
uint64_t child_soft_bytes(const struct child *c); /* of each direction: then it is rekeyed; 0: there is no limit */
/* Both SAs, with one answer; `first` and nothing is in its way: the policy and the interface with them. */
void child_install(struct step *s, struct child *c, bool first);
void child_install_after(
	struct step *s, struct child *c, bool first, struct ike_ticket auth); /* if that AUTH_ANSWER, AUTH_VERIFY says yes */
struct esp_link_state child_link(const struct tunnel *t, const struct child *c, enum esp_link state); /* c: NULL: none carries */
void child_switch(struct step *s, struct child *c); /* traffic of its slot goes out by it */
/* true: its exchange waited for this; err: of both SAs */
bool child_kernel(struct step *s, struct child *c, uint32_t job, int *err, int switch_err);

/* collision.c: both ends rekey the same thing at once (RFC 7296 2.8.1); `ours` is NULL when our half was refused */
void collision_child(struct step *s, struct child *old, struct child *ours);
void collision_sa(struct step *s, struct sa *old, struct sa *ours);
void collision_peer_closes(struct step *s, struct sa *sa); /* the peer's half of a crossing was all that it ever saw */
void collision_peer_decided(struct step *s, struct sa *fresh);
void sa_inherit(struct step *s, struct sa *from, struct sa *to); /* the children go to a new IKE SA */
void child_reply_rekeyed(struct step *s, struct tunnel *t, const struct child *made);
/* Made by opposite ends at about the same time: the nonces decide, at both ends alike. Else the newer. */
struct maker {
	bool initiator;
	struct mono at;
	const struct collision_nonce *nonce;
	uint32_t number;
};
bool collision_wins(struct maker a, struct maker b);

#endif
