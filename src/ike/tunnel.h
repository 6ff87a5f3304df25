/* tunnel.h - a configured tunnel: what is wanted of it, what carries its traffic. */
#ifndef IKE_TUNNEL_H
#define IKE_TUNNEL_H

#include "recent.h"
#include "step.h"
#include "wire/message.h"

#define INITIATE_EAGER (10 * 60 * 1000) /* this long into an outage we initiate without pauses, then with retry-max */
#define FLAPPING 10000                  /* an SA that lived shorter than this counts as a refusal: back off */
#define WAITERS_MAX 8

struct waiter {
	uint64_t token;
	enum ike_command_kind kind;
};

/*
 * One of the children that a tunnel carries side by side, each for its own selectors. The configured ones stay; a pair is what such a list was cut
 * into for a peer that takes one pair at a time; one of the peer's making lives as long as a child of it.
 */
enum slot_told { TOLD_NOTHING, TOLD_SENDS, TOLD_BLOCKED };
enum slot_kind { SLOT_CONFIGURED, SLOT_PAIR, SLOT_PEERS };
struct slot {
	struct slot *next;
	/* what its child is asked to carry; of a configured one: in conf, else kept (ts.h) */
	struct ts_list *local_ts, *remote_ts;
	struct child *current;   /* outbound traffic uses it (switched in the kernel) */
	struct child *switching; /* SWITCH asked for, not yet answered */
	struct child *first;     /* its INSTALL, not yet answered, switches, too; NULL when something else was said since */
	struct child *best;      /* whom tunnel_elect() chose */
	struct mono retry_at;    /* not asked for before that */
	uint16_t number;         /* for the kernel; 1 to ESP_SLOTS_MAX */
	uint16_t children;       /* that are in it, in any state but dead */
	uint8_t kind, refusals;
	uint16_t policies; /* that its selectors became last */
	bool retired;      /* configured no longer: it ends with its children */
	bool hosts;        /* the peer takes single addresses only */
	bool transient;    /* ... such a pair, made for traffic */
	bool settled;      /* nothing is about to change in it: what is older may go */
	bool lacking;      /* a child is wanted for it, now (ask) or as soon as it may be asked for */
	bool ask;
	bool by_traffic; /* packets want it, whatever `start` says */
	bool cut;        /* pairs stand for it */
	uint8_t told;    /* enum slot_told: what the kernel knows of it */
};

enum record_change { RECORD_SAME, RECORD_NOTED /* by what a note says at most */, RECORD_CHANGED };

struct tunnel {
	struct tunnel_conf *conf;
	uint64_t settings; /* hash of what of conf restarts the tunnel; of a record: of what it was made under */
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
	struct slot *slots;     /* at least one, the configured ones first */
	uint16_t n_slots;
	uint16_t slots_told;        /* the highest number of a slot that the kernel was told of */
	struct esp_link_state link; /* last reported */
	uint32_t first; /* number of the child whose INSTALL, not yet answered, sets the link, too; 0 when it was set since */
	bool link_up, dirty, repath, removed, new_path;
	bool traced;
	uint8_t changed;             /* enum record_change: its record is to be looked at before the step ends ... */
	bool notable;                /* the record that is kept is of this engine: notes go beside it */
	struct tunnel *changed_next; /* ... in the list of these */
	uint64_t saved;              /* hash of what was saved of it last; 0: nothing is */
	struct esp_held *leftover;   /* malloc'd: SAs that the kernel has for it from before, and no child claims ... */
	uint32_t n_leftover;
	struct mono leftover_until; /* ... stay until then */
	bool leftover_replaced;
	uint32_t seen; /* number of the last configuration that has it, ike->confs */
	struct tunnel *dirty_next;
	struct alarm alarm;
	struct mono retry_at, outage, resolve_by, ask_at; /* ask_at: when a child may be asked for again */
	struct mono dial_until;                           /* while dialling: its attempt counts among those under way */
	struct tunnel *dial_next, **dial_at; /* in the queue of those whose turn has not come; dial_at NULL: it is not */
	bool dialling;
	struct mono lost_at;             /* when a child was last rekeyed because an SA of it was lost */
	struct mono trial_until;         /* UDP encapsulation is tried until then; MONO_NEVER: it is not */
	struct mono refusal_at;          /* when an address was refused and told */
	struct mono closed_redundant_at; /* when we last closed an SA as redundant */
	bool peer_reconnects;            /* the peer answered that with a new SA of its own: its SAs are left to it */
	msec backoff;
	struct waiter *waiters; /* n_waiters of them, WAITERS_MAX at most; malloc'd, NULL when there are none */
	unsigned n_waiters;
	struct child *lingering; /* closed children whose SA is gone */
	struct sa *sa_list;      /* all that point here, in any state */
	uint32_t sas;
	bool refused;    /* the attempt that just ended was answered with a refusal */
	bool up_asked;   /* operator said up (manual, respond) */
	char *uncovered; /* malloc'd: what the child in use does not carry of what is wanted; NULL: all is covered */
	unsigned n_uncovered;
	bool recover;            /* what carries has changed: to be looked at again */
	struct fact *last_error; /* malloc'd; NULL: none since it was up */
	int64_t last_error_at, last_heard;
	uint64_t counters[COUNTER_COUNT]; /* of all SAs, also those that are gone */
	struct recent recent;
	uint8_t *ca_hashes; /* malloc'd: what a CERTREQ of ours names, n_ca_hashes of them */
	unsigned n_ca_hashes;
	/* malloc'd: the same of the CAs that are known to be above our certificate, n_issuer_hashes of them */
	uint8_t *issuer_hashes;
	unsigned n_issuer_hashes;
	uint32_t remote_name;   /* cert_name_hash() of remote-id; 0: it is none, or there are no certificates */
	bool issuer_known;      /* who is above the last of our chain is among them */
	int64_t own_until;      /* wall: when the first of our certificates expires; 0: there is none */
	int64_t own_from;       /* ... and when our own was valid first */
	struct cert_facts *own; /* malloc'd: our own; NULL: there is none */
	msec last_handshake;
	uint32_t awaiting_kernel;       /* dead children whose kernel answer is under way */
	struct tunnel *chain;           /* by remote address */
	uint64_t identities;            /* key of what its IKE SAs are under; 0: it has none ... */
	struct tunnel *identities_next; /* ... in the chain of those under the same */
};

/* tunnel.c: what others need of a tunnel */
struct tunnel *tunnel_by_id(struct ike *ike, uint32_t id);
/* Tunnels that a datagram between these addresses may be for, explicit `remote` before names before `any`; start with NULL. */
struct tunnel *tunnel_next_at(struct ike *ike, struct tunnel *after, const struct addr *local, const struct addr *remote);
void tunnels_index(struct ike *ike); /* anew, after a change of configuration */
/* Tunnels that may have IKE SAs under these identities, as it was when the last step ended; all that have are among them. Start with NULL. */
struct tunnel *tunnel_next_named(struct ike *ike, struct tunnel *after, const struct ident *local, const struct ident *remote);
void tunnel_index_identities(struct ike *ike, struct tunnel *t, bool gone); /* its SAs or their addresses have changed */
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

/* slot.c */
void slots_configure(struct tunnel *t); /* as its configuration says; what that no longer has gets no rekey and is closed */
void slots_free(struct tunnel *t);
void slot_told(struct tunnel *t, struct slot *slot, enum slot_told what); /* the kernel */
void slot_free(struct slot *slot);                                        /* out of the list already */
/* copied; NULL: full */
struct slot *slot_add(struct tunnel *t, enum slot_kind kind, const struct ts_list *local, const struct ts_list *remote);
void slot_enter(struct slot *slot, struct child *c); /* from where it was, if anywhere */
void slot_leave(struct child *c);
/* what its slot says; a rekey of old, or NULL: what the peer chose then */
void child_ask_for(struct child *c, const struct child *old);
/* Where a child with these selectors belongs, which is no rekey: `asked` is where it was made for, or what of ours it was narrowed to. NULL: full. */
struct slot *slot_for(struct tunnel *t, struct slot *asked, const struct child *c);
/* A list is more than the peer takes at once: its pairs stand for it, less what `have` carries (or NULL). False: it is one pair already, or there are too many. */
bool slot_cut(struct tunnel *t, struct slot *slot, const struct child *have);
struct slot *slot_add_pair(struct tunnel *t, const struct ts *local, const struct ts *remote); /* or the one that there is */
bool slot_waits(const struct tunnel *t, const struct slot *slot);                              /* no child of it lives */
bool slots_have_room(const struct tunnel *t, const struct child *c); /* the policies of all children fit, c's among them */
struct child *tunnel_current(const struct tunnel *t); /* one that carries traffic: of the first slot that has one; NULL: none */
bool slot_carried(const struct slot *slot);           /* by a child of an IKE SA */

/* leftover.c: SAs that the kernel has from before a death, of IKE SAs that are lost */
void leftovers_take(struct step *s, struct tunnel *t, const struct esp_held *held, uint32_t n); /* they stay for now */
void leftovers_within(struct step *s, struct tunnel *t, msec span);                             /* but no longer than that */
void leftovers_work(struct step *s, struct tunnel *t);
void leftovers_free(struct tunnel *t);
void tunnel_link_down(struct step *s, struct tunnel *t); /* whatever it was that somebody said of the interface before */
void leftover_remove(struct step *s, uint32_t tunnel, const struct esp_held *h);

/* elect.c: the order among SAs and children */
void tunnel_elect(struct tunnel *t); /* which child should carry the traffic of each slot: slot->best */
/* the best of all that may be elected, also one that the peer may not have yet; NULL */
struct child *slot_elect(const struct tunnel *t, const struct slot *slot);
struct sa *tunnel_elect_sa(const struct tunnel *t); /* on which IKE SA a further child is to be made; NULL: on none */
bool sa_better(const struct sa *a, const struct sa *b);

/* connect.c: names, paths, initiation */
void tunnel_connect(struct step *s, struct tunnel *t); /* initiates when nothing lives and it is time */
void tunnel_cancel_initiation(struct step *s, struct tunnel *t);
void tunnel_dial_over(struct ike *ike, struct tunnel *t); /* it is no more among those who initiate or wait for it */
void tunnel_resolved(struct step *s, const struct ike_event *e);
void tunnel_path_changed(struct step *s);

/* cover.c: tells when the peer's selectors leave a hole, and when it is closed */
void tunnel_cover(struct step *s, struct tunnel *t);

/* problem.c: traffic that goes one way only, told and taken back */
void tunnel_problem(struct step *s, struct tunnel *t);
bool tunnel_expects(const struct tunnel *t); /* both ways are used whatever the packets look like */
/* Another tunnel with a route to the same networks has the other way: the two ends choose differently among their tunnels. */
bool tunnel_elsewhere(const struct ike *ike, const struct tunnel *t, enum way way);

/* trial.c: UDP encapsulation for a minute, whatever is configured */
const char *tunnel_trial_begin(struct step *s, struct tunnel *t); /* NULL, or why it cannot be tried */
/* sooner than it would end; who waits for it is told why */
void tunnel_trial_end(struct step *s, struct tunnel *t, const char *why);
void tunnel_trial(struct step *s, struct tunnel *t);

/* demand.c: which children are wanted and not there */
void tunnel_demand(struct step *s, struct tunnel *t);
struct slot *tunnel_first_slot(const struct tunnel *t); /* what IKE_AUTH asks for */
struct slot *tunnel_demanded(const struct sa *sa);      /* what this SA is to be asked for next; NULL: nothing */
/* or of no use, notify 0: later again */
void tunnel_refused(struct step *s, struct tunnel *t, struct slot *slot, uint16_t notify);
/* the kernel has traffic and no child for it */
void tunnel_acquire(struct step *s, uint32_t id, const struct ts *local, const struct ts *remote);

/* follow.c: the consequences */
void tunnel_timer(struct step *s, struct tunnel *t);
void tunnel_work(struct step *s, struct tunnel *t);
void tunnel_usable(struct step *s, uint32_t id, const char *why);
void tunnel_close_all(struct step *s, struct tunnel *t); /* DELETE to the peer for what is established, the rest goes at once */
void tunnel_drop(struct ike *ike, struct tunnel *t);

/* judge.c, restore.c */
/* t: as configured; read: from its record */
bool record_believed(struct ike *ike, const struct tunnel *t, const struct tunnel *read);
void tunnels_restore(struct step *s, const struct ike_restore *from); /* NULL: nothing */

/* reload.c, command.c */
void tunnel_conf_event(struct step *s, struct conf *conf, const struct ike_restore *from);
void tunnels_free(struct step *s);
void tunnel_command(struct step *s, enum ike_command_kind kind, uint32_t id, uint64_t token);

#endif
