/* tunnel.h - a configured tunnel: what is wanted of it, what carries its traffic. */
#ifndef IKE_TUNNEL_H
#define IKE_TUNNEL_H

#include "step.h"
#include "wire/message.h"

#define INITIATE_EAGER (10 * 60 * 1000) /* this long into an outage we initiate without pauses, then with retry-max */
#define FLAPPING 10000                  /* an SA that lived shorter than this counts as a refusal: back off */
#define WAITERS_MAX 8

struct waiter {
	uint64_t token;
	enum ike_command_kind kind;
};

#define CHILD_SLOTS 1
struct slot {                                       /* one of the children that a tunnel carries side by side */
	const struct ts_list *local_ts, *remote_ts; /* its selectors, in conf */
	struct child *current;                      /* outbound traffic uses it (switched in the kernel) */
	struct child *switching;                    /* SWITCH asked for, not yet answered */
};

struct tunnel {
	struct tunnel_conf *conf;
	uint32_t id;
	enum tunnel_state state;
	int64_t since;
	bool wanted;            /* we keep it up */
	bool held;              /* operator said down */
	char *unusable;         /* why this machine cannot make its interface: nothing is initiated until it can; NULL: it can */
	bool resolving;         /* an initiation waits for its address */
	uint32_t query;         /* of the resolve under way */
	uint8_t n_paths, path;  /* what the name resolved to, which one is tried */
	struct ike_path *paths; /* n_paths of them, malloc'd */
	struct slot slots[CHILD_SLOTS];
	struct esp_link_state link; /* last reported */
	bool link_up, dirty, repath, removed, new_path;
	bool traced;
	bool seen; /* in the new configuration, while it is taken over */
	struct tunnel *dirty_next;
	struct alarm alarm;
	struct mono retry_at, outage, resolve_by;
	struct mono lost_at;             /* when a child was last rekeyed because an SA of it was lost */
	struct mono refusal_at;          /* when an address was refused and told */
	struct mono closed_redundant_at; /* when we last closed an SA as redundant */
	bool peer_reconnects;            /* the peer answered that with a new SA of its own: its SAs are left to it */
	msec backoff;
	struct waiter waiters[WAITERS_MAX];
	unsigned n_waiters;
	struct child *lingering; /* closed children whose SA is gone */
	struct sa *sa_list;      /* all that point here, in any state */
	uint32_t sas;
	bool refused;    /* the attempt that just ended was answered with a refusal */
	bool up_asked;   /* operator said up (manual, respond) */
	char *uncovered; /* malloc'd: what the child in use does not carry of what is wanted; NULL: all is covered */
	unsigned n_uncovered;
	uint32_t covered_by; /* the child that was looked at for that, and the configuration; that may be gone, only compared */
	const struct tunnel_conf *covered_conf;
	struct fact *last_error; /* malloc'd; NULL: none since it was up */
	int64_t last_error_at, last_heard;
	uint64_t counters[COUNTER_COUNT]; /* of all SAs, also those that are gone */
	msec last_handshake;
	uint32_t awaiting_kernel; /* dead children whose kernel answer is under way */
	struct tunnel *chain;     /* by remote address */
};

/* tunnel.c: what others need of a tunnel */
struct tunnel *tunnel_by_id(struct ike *ike, uint32_t id);
/* Tunnels that a datagram between these addresses may be for, explicit `remote` before names before `any`; start with NULL. */
struct tunnel *tunnel_next_at(struct ike *ike, struct tunnel *after, const struct addr *local, const struct addr *remote);
void tunnels_index(struct ike *ike); /* anew, after a change of configuration */
void tunnel_take_conf(struct tunnel *t, struct tunnel_conf *conf);
void tunnel_attach(struct tunnel *t, struct sa *sa); /* t: NULL = to none */
void tunnel_sa_gone(struct step *s, struct tunnel *t, const struct sa *sa, bool initiating);
void tunnel_reply(struct step *s, struct tunnel *t, enum ike_command_kind kind, bool ok, const char *text);
void command_reply(struct step *s, uint64_t token, bool ok, const char *text);
const char *tunnel_error(const struct tunnel *t); /* in words; "" without one */
void tunnel_forget_error(struct tunnel *t);
void tunnel_set_paths(struct tunnel *t, const struct ike_path *v, uint8_t n);
void tunnel_back_off(struct step *s, struct tunnel *t);
bool tunnel_may_initiate(const struct ike *ike, const struct tunnel *t); /* it is wanted up, and the peer can be reached */
void tunnel_want(struct step *s, struct tunnel *t); /* after a change of configuration or of the operator's mind */

/* trace.c: does nothing unless the tunnel is traced */
void trace_opened(struct step *s, const struct sa *sa, bool out, const struct ike_path *way, const struct header *h,
	uint8_t first, struct bytes plain);
void trace_plain(struct step *s, const struct sa *sa /* or NULL */, bool out, const struct addr *local, const struct addr *remote,
	struct bytes datagram);
void trace_note(struct step *s, const struct sa *sa, bool out, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void trace_set(struct ike *ike, struct tunnel *t, bool on);

/* elect.c: the order among SAs and children */
/* Which child should carry the traffic of the slot. */
struct child *tunnel_elect(const struct tunnel *t, const struct slot *slot);
bool sa_better(const struct sa *a, const struct sa *b);

/* connect.c: names, paths, initiation */
void tunnel_connect(struct step *s, struct tunnel *t); /* initiates when nothing lives and it is time */
void tunnel_cancel_initiation(struct step *s, struct tunnel *t);
void tunnel_resolved(struct step *s, const struct ike_event *e);
void tunnel_path_changed(struct step *s);

/* cover.c: tells when the peer's selectors leave a hole, and when it is closed */
void tunnel_cover(struct step *s, struct tunnel *t);

/* follow.c: the consequences */
void tunnel_timer(struct step *s, struct tunnel *t);
void tunnel_work(struct step *s, struct tunnel *t);
void tunnel_usable(struct step *s, uint32_t id, const char *why);
void tunnel_close_all(struct step *s, struct tunnel *t); /* DELETE to the peer for what is established, the rest goes at once */
void tunnel_drop(struct ike *ike, struct tunnel *t);

/* reload.c, command.c */
void tunnel_conf_event(struct step *s, struct conf *conf);
void tunnels_free(struct step *s);
void tunnel_acquire(
	struct step *s, uint32_t tunnel, const struct ts *local, const struct ts *remote); /* a packet asks for a child */
void tunnel_command(struct step *s, enum ike_command_kind kind, uint32_t id, uint64_t token);

#endif
