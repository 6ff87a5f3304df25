/*
 * core.h - the protocol's own structs, private to src/ike.
 *
 *	struct ike ---- struct tunnel (one per configured tunnel: wanted state, back-off, what is elected)
 *	                   |
 *	                struct sa (an IKE SA: core, ours/theirs = the exchange under way in either direction)
 *	                   |
 *	                struct child (a child SA pair)
 *
 * Life: a child belongs to an SA, an SA to the machine (and to a tunnel once that is known). sa_destroy wipes and frees everything below it.
 * Pointers go from shorter to longer life; the other way only through numbers and tables.
 *
 * How a step runs (ike.c): the event is routed to its owner, the exchange table (fsm.c) picks the handler and assigns the state; whatever a handler
 * changed marks the SA and the tunnel dirty; at the end of the step sa_work() starts the next exchange that is due and tunnel_work() elects the child to
 * send on, follows with the interface, closes what is redundant and dials when nothing is left. Handlers decide; these two carry the consequences.
 */
#ifndef IKE_CORE_H
#define IKE_CORE_H

#include "base/heap.h"
#include "base/table.h"
#include "ike/ike.h"
#include "wire/message.h"

/* ---------------------------------------------------------------- bounds and times */
#define NONCE_SIZE 32         /* ours; at least half the PRF's key (RFC 7296 2.10), enough for SHA-512 */
#define RETRANSMIT_FIRST 1000 /* ms; then doubled up to RETRANSMIT_MAX */
#define RETRANSMIT_MAX 4000
#define DIAL_RETRANSMIT_MAX 2000    /* IKE_SA_INIT while nothing answers: the peer's return is noticed within 2 s */
#define DIAL_EAGER (10 * 60 * 1000) /* this long into an outage we dial without pauses, then with retry-max */
#define HALF_OPEN_TIMEOUT 30000     /* a responder's SA that is not authenticated by then goes */
#define REKEY_CHECK 4000            /* rekey-check: once, so long after IKE_AUTH at least, twice that at most */
#define LINGER_OUT 3000             /* a closed child's outbound SA goes after this ... */
#define LINGER_IN 8000              /* ... and its inbound SA after this: packets may be under way */
#define SWITCH_LATEST 60000    /* as responder: after this a new child is used although nothing proved that the peer has it */
#define REPLACED_LATEST 75000  /* a replaced child that the peer, who replaced it, forgets to close; later than SWITCH_LATEST */
#define KEEPALIVE_EVERY 20000  /* RFC 3948 4 */
#define CROSSING 30000         /* SAs made by both ends within this count as crossing: the nonces decide (RFC 7296 2.8) */
#define REDUNDANT_OURS 4000    /* who made the losing SA closes it after this ... */
#define REDUNDANT_THEIRS 30000 /* ... the other end, should that not happen, after this */
#define INSISTS_WITHIN 60000   /* a peer that dials this soon after we closed a redundant SA does so because of it */
#define BUSY_RETRY 3000        /* after TEMPORARY_FAILURE, with jitter (RFC 7296 2.25) */
#define CHILDLESS_RETRY 3000   /* IKE SA without child: ask again; doubled; after three refusals start over */
#define ANSWER_REPEAT_MIN 200  /* a cached answer is sent again at most every so many ms */
#define SHUTDOWN_MAX 2000
#define COUNTERS_MIN 500
#define QUIET_PROBE 2000 /* traffic without any answer for this long: is the peer alive? */
#define QUIET_REPEAT 1000
#define HINT_EVERY 1000 /* INVALID_IKE_SPI hints that we send */
#define SUSPECT_TRIES 3 /* a transmission and two repetitions without an answer: the SA may be dead, another is dialled beside */
#define SLEPT 5000      /* a timer this late: the machine was suspended */
#define CHILDREN_PER_SA_MAX 16 /* a peer cannot make more */
#define SAS_PER_TUNNEL_MAX 8

struct step { /* what every handler gets */
	struct ike *ike;
	struct moment now;
	struct ike_actions *out;
};

enum owner_kind { OWNER_TUNNEL, OWNER_SA, OWNER_CHILD, OWNER_MACHINE };
struct alarm {          /* a timer that knows whose it is */
	struct timer t; /* first */
	enum owner_kind kind;
	void *owner;
};

struct flight { /* datagrams of one message, kept for repeating: n times { u16 length, bytes } */
	uint16_t n;
	uint32_t size;
	uint8_t *data;
};

struct nonce {
	uint16_t n;
	uint8_t v[IKE_NONCE_MAX];
};

/* As much of the lower of two nonces as can decide a crossing: it outlives its exchange, in every SA. */
struct lowest {
	uint8_t n; /* 0: none */
	uint8_t v[NONCE_SIZE];
};

/* ---------------------------------------------------------------- exchanges */
enum xkind { X_NONE, X_INIT, X_AUTH, X_NEW_CHILD, X_REKEY_CHILD, X_REKEY_IKE, X_DELETE_CHILD, X_DELETE_IKE, X_LIVENESS };
enum xside { OURS, THEIRS };
enum xstate { XS_IDLE, XS_KE, XS_SENT, XS_DERIVE, XS_SIGN, XS_VERIFY, XS_INSTALL };
enum xevent { XE_JOB, XE_KERNEL, XE_RESPONSE };

struct negotiation { /* what an exchange gathers before it commits; freed (wiped) at its end */
	struct nonce ni, nr;
	uint16_t group; /* of the KE payload; GROUP_NONE = none */
	struct ke_private priv;
	uint16_t pub_len;
	uint8_t *pub;        /* our public value */
	struct suite suite;  /* chosen */
	uint8_t number;      /* of the chosen proposal in their offer */
	uint32_t replaces;   /* number of the child or SA that is rekeyed; 0 = none */
	uint32_t spi_old;    /* rekey of a child: as named in REKEY_SA */
	uint32_t closed;     /* SPI of an unknown child that the peer closed meanwhile: maybe the one its delayed answer brings */
	struct child *child; /* being made */
	uint8_t spi_new[IKE_SPI_LEN]; /* IKE rekey: our SPI */
	struct bytes peer_public;     /* malloc'd */
	struct nonce cookie;
	uint8_t cookies, ke_retries;
	bool without_pfs; /* second try of a rekey: the peer refused the one with a group, and our proposals can do without */
	struct bytes init_request, init_response; /* whole messages, for AUTH (RFC 7296 2.15) */
	struct bytes peer_id_body;                /* malloc'd: ID payload body of the peer */
	struct bytes peer_auth;                   /* malloc'd */
	uint16_t child_error;                     /* notify to answer instead of a child; 0 = none */
	struct bytes child_error_data;
	bool initial_contact;
	struct bytes our_auth; /* malloc'd: responder, between SIGN and the answer */
};

struct exchange {
	uint8_t kind, state;
	uint32_t job; /* the ticket it waits for */
	uint32_t message_id;
	struct negotiation *neg;
	struct flight sent; /* ours: the open request; theirs: the cached answer to the last request */
	uint16_t tries;     /* transmissions so far */
	uint16_t unheard;   /* ... and those since the peer was heard last */
	struct mono first,
		next; /* ours: first transmission, or when the answer came; next repetition; theirs: last time the answer was repeated */
};

/* ---------------------------------------------------------------- IKE SA */
struct sa_core { /* plain data, no pointers: what a restart needs */
	uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
	bool initiator; /* of the first exchange of this very SA */
	struct suite suite;
	struct secret d, pi, pr; /* SK_d, SK_pi, SK_pr */
	struct seal_keys out, in;
	uint64_t iv_out;                         /* never used twice under a key */
	uint32_t next_out, next_in;              /* message ids */
	struct addr local, remote;               /* with ports */
	bool nat_local, nat_remote, natt, encap; /* natt: the peer speaks NAT traversal; encap: ESP in UDP */
	bool fragmentation, forced;              /* forced: encapsulation is wanted, NAT or not */
};

struct fragments; /* frag.h */

struct sa {
	uint32_t number;
	uint32_t jobs; /* last ticket given */
	enum sa_state state;
	struct sa_core core;
	struct tunnel *tunnel; /* NULL for a half-open responder */
	struct exchange ours, theirs;
	struct child *children; /* list */
	struct alarm alarm;
	struct sa *dirty_next, *tunnel_next; /* tunnel_next: in tunnel->sa_list */
	bool dirty;
	struct {
		bool initiator;
		uint32_t number;
		struct mono at;
		struct lowest low;
	} born; /* of the first of its line: rekeys make nobody younger */
	struct mono created, established, heard, sent, rekey_at, expire_at, retry_at, close_at;
	int64_t established_wall, rekey_wall, heard_wall;
	uint32_t replaced_by;  /* number; SA_REPLACED */
	struct lowest low;     /* the lower of the two nonces that made it: who wins a crossing */
	struct lowest rival;   /* a crossing IKE rekey by the peer: its lower nonce; n = 0 = none */
	uint32_t rival_number; /* ... and the SA it made */
	struct mono quiet;     /* since then traffic goes out and nothing comes back; MONO_NEVER = not so */
	uint8_t one_way;       /* probes that were answered although no traffic came: the next one waits longer */
	bool probe_counts;     /* the probe under way was sent while traffic got no answer, not for idleness alone */
	bool rekey_due, delete_due, liveness_due, new_child_due;
	bool forgotten; /* see sa_forget */
	bool behind;    /* dialled beside a live SA that may be dead */
	uint8_t child_refusals;
	struct ident peer_id;
	const char *vendor;             /* one of ours, for people; NULL: not known */
	struct fragments *fragments[2]; /* of a request, of a response */
	uint64_t source_key;            /* responder, half-open: key in ike->by_source */
	uint16_t gate_slot[2];          /* responder, half-open: where its source is counted */
	bool at_gate;
};

/* ---------------------------------------------------------------- child SA */
struct child {
	uint32_t number, jobs, job_in, job_out, job_switch;
	enum child_state state;
	struct sa *sa; /* NULL when lingering after its SA is gone */
	struct tunnel *tunnel;
	struct child *next; /* in sa->children or tunnel->lingering */
	struct alarm alarm;
	uint32_t spi_in, spi_out; /* host order; 0 = not known yet */
	bool in_installed, out_installed, initiator;
	bool by_auth; /* made by IKE_AUTH: an answer on its IKE SA proves that the peer has it */
	struct suite suite;
	struct ts_list *local_ts, *remote_ts; /* kept (ts.h); NULL until they are agreed on */
	struct esp_sa *keys_in, *keys_out;    /* malloc'd, wiped and freed when handed to the kernel */
	struct addr local, remote;            /* as installed */
	bool encap;
	struct lowest low, rival; /* see struct sa */
	uint32_t rival_number;    /* child that the peer's crossing rekey made */
	uint32_t replaced_by;     /* number */
	struct mono created, ready_at, rekey_at, expire_at, linger_out, linger_in, close_at, retry_at, check_at;
	int64_t established_wall, rekey_wall;
	bool rekey_due, delete_due;
	bool checking; /* the rekey that is due is a proof only: a refusal is told, not repeated */
	uint64_t rekey_token;
	struct esp_counters in, out;
};

/* ---------------------------------------------------------------- tunnel */
#define WAITERS_MAX 8
struct waiter {
	uint64_t token;
	enum ike_command_kind kind;
};

struct tunnel {
	struct tunnel_conf *conf;
	uint32_t id;
	enum tunnel_state state;
	int64_t since;
	bool wanted;              /* we keep it up */
	bool held;                /* operator said down */
	char *unusable;           /* why this machine cannot make its interface: nothing is dialled until it can; NULL: it can */
	bool resolving;           /* a dial waits for its address */
	uint32_t query;           /* of the resolve under way */
	uint8_t n_paths, path;    /* what the name resolved to, which one is tried */
	struct ike_path *paths;   /* n_paths of them, malloc'd */
	struct addr known_remote; /* last good */
	struct child *current;    /* outbound traffic uses it (switched in the kernel) */
	struct child *switching;  /* SWITCH asked for, not yet answered */
	struct esp_link_state link; /* last told */
	bool link_up, dirty, repath, removed, new_path;
	bool traced;
	bool seen; /* in the new configuration, while it is taken over */
	struct tunnel *dirty_next;
	struct alarm alarm;
	struct mono retry_at, outage, resolve_by;
	struct mono culled; /* when we last closed an SA as redundant */
	bool insists;       /* the peer answered that with a new SA of its own: its SAs are left to it */
	msec backoff;
	struct waiter waiters[WAITERS_MAX];
	unsigned n_waiters;
	struct child *lingering; /* closed children whose SA is gone */
	struct sa *sa_list;      /* all that point here, in any state */
	uint32_t sas;
	bool refused;            /* the attempt that just ended was answered with a refusal */
	bool up_asked;           /* operator said up (manual, respond) */
	struct fact *last_error; /* malloc'd; NULL: none since it was up */
	int64_t last_error_at, last_heard;
	uint64_t counters[COUNTER_COUNT]; /* of all SAs, also those that are gone */
	msec last_handshake;
	uint32_t zombies;     /* dead children that wait for the kernel's answer */
	struct tunnel *chain; /* by remote address */
};

struct ike {
	fill_fn fill;
	void *fill_arg;
	struct conf *conf;
	struct table tunnels;   /* id -> tunnel */
	struct table by_remote; /* hash of outside address -> chain of tunnels */
	struct tunnel *any;     /* chain of the tunnels without a known address */
	struct table by_number; /* number -> sa; children have numbers of the same counter in child_by_number */
	struct table child_by_number;
	struct table by_spi;     /* our IKE SPI -> sa */
	struct table by_source;  /* half-open responders: hash (source, SPIi) -> sa */
	struct table by_esp;     /* our inbound ESP SPI -> child */
	struct table by_esp_out; /* (hash of) outbound SPI and tunnel -> child */
	struct heap heap;
	uint32_t numbers;
	struct sa *dirty;
	struct tunnel *dirty_tunnels;
	struct sa *dead; /* freed at the end of the step */
	struct child *dead_children;
	uint32_t half_open, half_open_dialed;
	msec counters_every;                                     /* half the shortest liveness interval of the configuration */
	struct mono counters_at, counted, cookie_rotate, hinted; /* counted: the last counters came */
	uint8_t cookie_secret[2][32];
	uint8_t cookie_version;
	uint64_t cookie_key;
	struct gate *gate;
	uint32_t traced; /* tunnels that are */
	bool trace_all;
	bool shutting_down;
	struct mono shutdown_at;
	bool idle_said;
	struct alarm alarm; /* the machine's own: counters */
	struct ike_totals totals;
};

/* ---------------------------------------------------------------- verbs, by file */

/* ike.c */
struct ike_action *act(struct step *s, enum ike_action_kind kind);
void tell(struct step *s, enum fact_code code, enum blame blame, struct tunnel *t, const struct addr *peer, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* What was held against each other, for the fact that was just told about t. */
void tell_items(
	struct step *s, struct tunnel *t, enum ike_protocol protocol, uint16_t notify, const char *ours, const char *theirs);
void drop(struct step *s, enum drop_reason why);
void alarm_at(struct ike *ike, struct alarm *a, struct mono at);
void sa_mark(struct step *s, struct sa *sa);
void tunnel_mark(struct step *s, struct tunnel *t);
struct bytes bytes_dup(struct bytes b); /* malloc'd copy */
void bytes_drop(struct bytes *b);       /* wipes, frees */
void nonce_make(struct ike *ike, struct nonce *n);
bool nonce_set(struct nonce *n, struct bytes b);
struct lowest nonce_lower(const struct nonce *a, const struct nonce *b);
int lowest_compare(const struct lowest *a, const struct lowest *b);
msec jitter(struct ike *ike, msec base, unsigned percent); /* base .. base + percent */

/* fsm.c */
enum outcome { NEXT, SKIP, STAY, DONE, GONE /* the SA is destroyed */ };
void fsm_run(struct step *s, struct sa *sa, enum xside side, enum xevent ev, const struct message *m, struct ike_job_result *job,
	int kernel);
void exchange_state(struct exchange *x, enum xkind kind, enum xstate state);
void exchange_end(struct exchange *x); /* idle; negotiation freed, except what a cached answer needs */
void sa_state(struct sa *sa, enum sa_state state);
void child_state(struct child *c, enum child_state state);

struct turn { /* what a handler of the exchange table gets */
	struct sa *sa;
	struct exchange *x;
	const struct message *m;    /* XE_RESPONSE */
	struct ike_job_result *job; /* XE_JOB */
	int kernel;                 /* XE_KERNEL: 0 or an errno value */
};

/* sa.c */
struct sa *sa_new(struct step *s, struct tunnel *t, bool initiator);
void sa_destroy(
	struct step *s, struct sa *sa); /* children go to linger or are removed, everything else wiped at the end of the step */
void sa_free_dead(struct ike *ike);
void sa_attach(struct sa *sa, struct tunnel *t);
void sa_established(struct step *s, struct sa *sa);
void sa_deadlines(struct step *s, struct sa *sa); /* rekey and expiry, from the configuration */
struct mono rekey_point(struct step *s, msec lifetime, bool initiator);
void sa_alarm(struct step *s, struct sa *sa); /* the earliest of its deadlines */
void sa_timer(struct step *s, struct sa *sa);
void sa_work(struct step *s, struct sa *sa);   /* start the next exchange that is due */
bool sa_index(struct ike *ike, struct sa *sa); /* under our SPI */
uint64_t sa_our_spi(const struct sa *sa);
const uint8_t *sa_our_spi_bytes(const struct sa *sa);
struct negotiation *negotiation_new(void);
void negotiation_free(struct step *s, struct negotiation *n);
void sa_close(struct step *s, struct sa *sa); /* gone at both ends: its children linger */
void sa_forget(
	struct step *s, struct sa *sa); /* the peer no longer has it: gone without a word once the new one carries the traffic */
bool sa_live(const struct sa *sa);      /* established, not replaced or going */
void sa_peer_dead(struct step *s, struct sa *sa);
void sa_heard(struct step *s, struct sa *sa);
bool sa_unproven(const struct sa *sa);
bool sa_silent(
	const struct step *s, const struct sa *sa); /* for failover-after: traffic should not rely on it, though it may live */

/* exchange.c */
void exchange_datagram(struct step *s, struct sa *sa, const struct header *h, const struct ike_event *e);
bool exchange_send(
	struct step *s, struct sa *sa, uint8_t exchange, bool response, uint32_t id, const struct chain *c, struct flight *keep);
void exchange_request(
	struct step *s, struct sa *sa, enum xkind kind, uint8_t exchange, const struct chain *c); /* ours; arms the repetition */
void exchange_answer(struct step *s, struct sa *sa, uint8_t exchange, const struct chain *c); /* theirs: sends, caches, next id */
void exchange_answer_notify(struct step *s, struct sa *sa, uint8_t exchange, uint16_t notify, struct bytes data);
void exchange_repeat(struct step *s, struct sa *sa); /* timer: send again or give the peer up */
void flight_send(struct step *s, const struct sa *sa, const struct flight *f);
void flight_set(struct flight *f, const struct bytes *datagrams, unsigned n);
void flight_clear(struct flight *f);
struct chain chain_new(struct step *s, size_t cap);
uint32_t job_ask(struct step *s, struct sa *sa, struct exchange *x, const struct ike_job *job);

/* frag.c */
#define FRAGMENT_ABOVE 1280 /* datagrams longer than this are split when the peer can (RFC 7383 2.5.1) */
bool fragment_send(struct step *s, struct sa *sa, const struct header *h, const struct chain *c, struct flight *keep);
/* One SKF payload of a message with the id. ERR_OK and *plain set (malloc'd, to be dropped by the caller) when complete; ERR_STALE: more to come. */
int fragment_add(struct step *s, struct sa *sa, const struct message *m, struct bytes *plain, uint8_t *first);
void fragments_free(struct sa *sa);

/* keys.c */
int keys_initial(struct sa *sa, const struct negotiation *n, struct bytes shared);
int keys_rekeyed(struct sa *fresh, const struct sa *old, const struct negotiation *n, struct bytes shared);
int keys_child(struct child *c, const struct sa *sa, const struct negotiation *n, struct bytes shared, bool initiator);
int auth_octets(const struct sa *sa, bool of_initiator, struct bytes message, const struct nonce *nonce, struct bytes id_body,
	struct arena *a, struct bytes *octets);

/* select.c */
bool select_suite(const struct proposal *ours, unsigned n, const struct payload *sa, uint8_t protocol, bool ignore_group,
	struct suite *out, uint8_t *number, struct bytes *spi);
bool suite_permitted(const struct proposal *ours, unsigned n, const struct suite *s, bool ignore_group);
struct payload select_offer(struct step *s, const struct proposal *ours, unsigned n, struct bytes spi);
struct payload select_answer(struct step *s, const struct suite *suite, uint8_t number, struct bytes spi, bool with_group);
void select_describe(const struct payload *sa, char *text, size_t size); /* their offer in words, for people */
void select_describe_ours(const struct proposal *p, unsigned n, char *text, size_t size);
void select_describe_ts(const struct ts *local, unsigned n, const struct ts *remote, unsigned m, char *text,
	size_t size);                                        /* "10.1.0.0/16 === 0.0.0.0/0" */
enum groups { GROUPS_STRIPPED, GROUPS_KEPT, GROUPS_ABSENT }; /* absent: only those proposals that have none */
unsigned child_proposals(const struct tunnel *t, enum groups groups,
	struct proposal out[PROPOSALS_MAX]); /* with esn as configured; stripped: duplicates fall together */
bool group_offered(const struct proposal *p, unsigned n, uint16_t group);
uint16_t first_group(const struct proposal *p, unsigned n);
bool proposal_equal(const struct proposal *a, const struct proposal *b); /* the same transforms in the same order */

struct bytes spi_bytes(struct step *s, uint32_t spi);
void add_ts(struct chain *c, uint8_t payload, const struct ts_list *list);
void add_ke_nonce(struct chain *c, const struct negotiation *n, const struct nonce *nonce);

/* init.c, auth.c, create.c, rekey.c, info.c: handlers of the exchange table and the doors into it */
void init_dial(struct step *s, struct tunnel *t, bool beside);
void init_request(struct step *s, const struct header *h, const struct ike_event *e);
void init_response_unsealed(struct step *s, struct sa *sa, const struct ike_event *e);
void auth_request(struct step *s, struct sa *sa, const struct message *m);
void tell_selectors(
	struct step *s, struct tunnel *t, const struct addr *peer, const struct payload *tsi, const struct payload *tsr);
void auth_report_child(struct step *s, struct sa *sa, uint16_t notify); /* why there is no child: by the peer's notify */
void auth_start(struct step *s, struct sa *sa);
void create_request(struct step *s, struct sa *sa, const struct message *m);
void create_start(struct step *s, struct sa *sa, struct child *old); /* NULL: a new child */
void rekey_start(struct step *s, struct sa *sa);
void rekey_request(struct step *s, struct sa *sa, const struct message *m);
void rekey_yield(struct step *s, struct sa *sa);
void rekey_claimed(struct step *s, struct sa *fresh);
void create_yield(struct step *s, struct sa *sa, struct child *old);
void info_request(struct step *s, struct sa *sa, const struct message *m);
void info_delete_ike(struct step *s, struct sa *sa);
void info_delete_child(struct step *s, struct sa *sa, struct child *c);
void info_liveness(struct step *s, struct sa *sa);
enum outcome init_ke_done(struct step *s, struct turn *t), init_answered(struct step *s, struct turn *t),
	init_derived(struct step *s, struct turn *t);
enum outcome init_peer_derived(struct step *s, struct turn *t);
enum outcome auth_signed(struct step *s, struct turn *t), auth_answered(struct step *s, struct turn *t),
	auth_verified(struct step *s, struct turn *t);
enum outcome auth_installed(struct step *s, struct turn *t);
enum outcome auth_peer_verified(struct step *s, struct turn *t), auth_peer_signed(struct step *s, struct turn *t),
	auth_peer_installed(struct step *s, struct turn *t);
enum outcome create_ke_done(struct step *s, struct turn *t), create_answered(struct step *s, struct turn *t),
	create_derived(struct step *s, struct turn *t);
enum outcome create_installed(struct step *s, struct turn *t);
enum outcome create_peer_derived(struct step *s, struct turn *t), create_peer_installed(struct step *s, struct turn *t);
enum outcome rekey_ke_done(struct step *s, struct turn *t), rekey_answered(struct step *s, struct turn *t),
	rekey_derived(struct step *s, struct turn *t);
enum outcome rekey_peer_derived(struct step *s, struct turn *t);
enum outcome info_answered(struct step *s, struct turn *t);

/* child.c */
struct child *child_new(struct step *s, struct sa *sa, bool initiator);
void child_destroy(struct step *s, struct child *c); /* removes what is installed, at once */
void child_free(struct child *c);                    /* wipes; nobody may know it any more */
void child_close(struct step *s, struct child *c);   /* closed by a DELETE: linger, then gone */
void child_replaced(struct step *s, struct child *old, struct child *by);
void child_install_in(struct step *s, struct child *c);
void child_install_out(struct step *s, struct child *c); /* and SWITCH */
void child_installed(struct step *s, struct child *c);   /* inbound is in: deadlines */
void child_ready(struct step *s, struct child *c);
void child_by_auth(struct step *s, struct child *c); /* made by IKE_AUTH: the first of its line; plans the rekey-check */
void child_check(struct step *s, struct child *c);   /* rekey it now, as a proof */
void child_abandon(struct step *s, struct child *c); /* the peer made it and we cannot use it: it is told so by a DELETE */
bool child_spi_out_taken(const struct sa *sa, uint32_t spi);           /* a peer must not give one SPI to two children */
void child_expired(struct step *s, struct child *c, enum esp_dir dir); /* the kernel has dropped one direction */
void child_timer(struct step *s, struct child *c);
void child_alarm(struct step *s, struct child *c);
void child_kernel(struct step *s, struct child *c, uint32_t job, int err);
void child_move_to(struct step *s, struct child *c, struct sa *sa);
struct child *child_by_spi_out(struct sa *sa, uint32_t spi);
struct child *child_by_spi_in(struct sa *sa, uint32_t spi);
bool child_narrow(const struct ts_list *ours, const struct payload *theirs, struct ts_list **out); /* *out: kept, or NULL */
bool child_wanted(const struct child *c);                                                          /* may be elected */
void child_endpoints(struct step *s, struct child *c, const struct addr *local, const struct addr *remote);

/* tunnel.c: elect, follow, dial; reload.c: configuration, index, identities; command.c: the operator */
void tunnel_conf_event(struct step *s, struct conf *conf);
void tunnel_command(struct step *s, enum ike_command_kind kind, uint32_t id, uint64_t token);
void tunnel_resolved(struct step *s, const struct ike_event *e);
void tunnel_path_changed(struct step *s);
void tunnel_timer(struct step *s, struct tunnel *t);
void tunnel_work(struct step *s, struct tunnel *t);
void tunnel_sa_gone(struct step *s, struct tunnel *t, const struct sa *sa, bool dialing);
void tunnel_reply(struct step *s, struct tunnel *t, enum ike_command_kind kind, bool ok, const char *text);
struct tunnel *tunnel_by_id(struct ike *ike, uint32_t id);
/* Tunnels that a datagram between these addresses may be for, explicit `remote` before names before `any`; start with NULL. */
struct tunnel *tunnel_next_at(struct ike *ike, struct tunnel *after, const struct addr *local, const struct addr *remote);
/* Identities of the tunnel on this SA: as configured, or the outside addresses; views, not to be freed. */
void tunnel_identities(const struct tunnel *t, const struct sa *sa, struct ident *local, struct ident *remote);
void tunnels_free(struct ike *ike);
void tunnel_usable(struct step *s, uint32_t id, const char *why);
void tunnel_close_all(struct step *s, struct tunnel *t); /* DELETE to the peer for what is established, the rest goes at once */
void tunnel_drop(struct ike *ike, struct tunnel *t);
void tunnel_forget_error(struct tunnel *t);
void tunnel_set_paths(struct tunnel *t, const struct ike_path *v, uint8_t n);
const char *tunnel_error(const struct tunnel *t);   /* in words; "" without one */
void tunnel_want(struct step *s, struct tunnel *t); /* after a change of configuration or of the operator's mind */

/* path.c */
void nat_hash(const struct sa_core *c, const struct addr *a, uint8_t out[20]);
void nat_add(struct step *s, struct sa *sa, struct writer *w);
void nat_judge(struct sa *sa, const struct message *m);
void path_peer_moved(struct step *s, struct sa *sa, const struct addr *remote);
void path_local_moved(struct step *s, struct sa *sa, const struct addr *local);

/* trace.c: does nothing unless the tunnel is traced */
void trace_opened(struct step *s, const struct sa *sa, bool out, const struct ike_event *e /* it came by this one, or NULL */,
	const struct header *h, uint8_t first, struct bytes plain);
void trace_plain(struct step *s, const struct sa *sa /* or NULL */, bool out, const struct addr *local, const struct addr *remote,
	struct bytes datagram);
void trace_note(struct step *s, const struct sa *sa, bool out, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void trace_set(struct ike *ike, struct tunnel *t, bool on);

/* gate.c */
bool gate_admit(struct step *s, const struct header *h, const struct message *m,
	const struct ike_event *e);              /* false: dropped or a cookie went out */
bool gate_may_tell(struct step *s);              /* may there be a report about a stranger now? */
void gate_enter(struct ike *ike, struct sa *sa); /* a half-open SA of its source */
void gate_leave(struct ike *ike, struct sa *sa);
struct gate *gate_new(fill_fn fill, void *fill_arg);
void gate_free(struct gate *g);

#endif
