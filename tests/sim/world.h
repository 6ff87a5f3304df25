/*
 * world.h - the simulator: several engines in one process, a clock that jumps, a network that loses, delays, doubles and reorders.
 *
 *	   A: struct ike          network (delay, loss, NAT)          B: struct ike
 *	   | actions                        |                           ^ events
 *	   v                                v                           |
 *	 fake kernel, jobs, names --> queue by time and number --> world_run()
 *
 * Everything follows from one seed: a run that fails is run again, with its diagram, by `sim --scenario NAME --seed S -v`.
 * Invariants are checked after every step (check.c), on every datagram (net.c) and on every packet of the tunnels (kernel.c).
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "ike/machine.h"

#define HOSTS_MAX 4
#define LINKS_MAX 8     /* tunnels, each with its two ends */
#define SLOTS 24        /* children of a tunnel side by side, by number from 1 */
#define TUNNEL_IDS 10   /* ids are small here: conf_adopt gives them from 1 */
#define SETTINGS_MAX 24 /* keys of one tunnel's configuration */
#define SECOND 1000
#define MINUTE (60 * SECOND)
#define ANY_HOST (-1)
#define HELD_MAX 64
#define PAST_MAX 32

/* ---------------------------------------------------------------- prng.c */
struct prng {
	uint64_t s;
};
uint64_t prng_next(struct prng *p);
uint32_t prng_below(struct prng *p, uint32_t n);        /* 0 .. n-1; 0 when n is 0 */
msec prng_between(struct prng *p, msec low, msec high); /* both may come */
bool prng_percent(struct prng *p, unsigned percent);
void prng_fill(void *p, void *out, size_t n); /* a fill_fn */
uint64_t mix_bytes(uint64_t seed, const void *p, size_t n);

/* A set of 64-bit keys with a 64-bit value each: what must not be seen twice. */
struct seen {
	struct seen_slot {
		uint64_t key, value;
	} * v;
	size_t cap, n;
};
uint64_t *seen_put(struct seen *s, uint64_t key, bool *fresh);
void seen_release(struct seen *s);

/* ---------------------------------------------------------------- the network */
struct packet {
	bool esp;
	struct addr src, dst; /* on the wire where the packet is now */
	int from;             /* host that sent it; ANY_HOST: injected */
	uint64_t number;      /* of the datagram, counted from 1; copies keep it */
	uint8_t *data;        /* IKE: malloc'd */
	size_t n;
	uint32_t spi, octets; /* ESP */
	unsigned slot;        /* the sender's */
	uint64_t key;
	bool encap, marker;
	bool garbage, replay; /* IKE: changed on the way; an old one again */
	struct link *link;
	msec sent;
	uint32_t up_epoch, from_epoch; /* of receiver and sender when it was sent */
	bool counts;                   /* both ends were up: it must arrive */
};

struct weather { /* of the whole network; ESP has its own loss so that "lost by the network" and "lost by us" stay apart */
	unsigned loss, duplicate, replay, garbage; /* percent of IKE datagrams */
	msec delay_min, delay_max;
	unsigned esp_loss;
	bool no_plain_esp; /* only in UDP does it pass */
};

#define NAT_MAPS_MAX 32
struct nat {                 /* address and port translation in front of one host */
	bool used, forwards; /* forwards: ports 500 and 4500 reach the host unasked */
	struct addr outside;
	uint16_t next_port;
	unsigned n;
	struct {
		uint16_t inside, outside;
		struct addr to;
		msec last;
	} maps[NAT_MAPS_MAX];
};

/* ---------------------------------------------------------------- the fake kernel */
struct ksa {
	uint32_t tunnel, spi;
	uint8_t dir;
	bool encap, gone, soft_said, told;
	uint16_t keepalive; /* seconds; it keeps the NAT's mapping open */
	struct addr local, remote;
	struct suite suite;
	uint64_t key; /* hash of all key bytes: two SAs fit when it is equal */
	uint64_t soft_bytes, hard_bytes, octets, packets;
	msec lost_at; /* another program removed it; 0: nobody did */
	msec installed, removed, mapping_said, hard_at;
	uint32_t peer_incarnation;
	bool closing; /* our DELETE of it is out, or our answer to the peer's: it is not used any more when another one is there */
	bool excused; /* the peer was given up, or an operator ended it: what comes late may be lost */
};
struct kpolicy {
	uint32_t spi_out;
	struct addr local, remote;
	struct ts_list *local_ts, *remote_ts; /* kept; NULL: nothing was said about the slot, or that it is gone */
};

/* ---------------------------------------------------------------- hosts */
struct setting {
	char key[20], value[200];
	unsigned prefixes; /* value is "10.1": so many prefixes 10.1.N.0/24 */
};
struct tunnel_settings { /* what stands in the configuration of a host */
	char name[16];
	unsigned n;
	struct setting v[SETTINGS_MAX];
	bool absent;
};

struct reply {
	uint64_t token;
	bool pending, ok;
	msec asked, answered;
	int host;
	enum ike_command_kind kind;
	char text[100]; /* of the answer, cut */
};

#define ASKED_MAX 8
struct closing { /* an INFORMATIONAL of the peer's that is not answered yet */
	uint8_t spis[2 * IKE_SPI_LEN];
	uint32_t id, tunnel;
	unsigned n;
	uint32_t out[CHILDREN_PER_SA_MAX]; /* outbound SPIs of the SA's children when it came */
};

#define TOKEN_AWAY "the token is away"
struct host {
	char name;
	int number;
	struct ike *ike;
	uint32_t incarnation;
	struct bytes given;      /* malloc'd: the packed configuration that the engine got last */
	bool token_away;         /* its private keys cannot sign */
	bool dead, reload_due;   /* died and not yet back; the configuration changed meanwhile */
	uint32_t life, stepping; /* of the engine within the incarnation */
	unsigned deaths;
	unsigned dies_in;    /* at so many boundaries of actions from now; 0: by chance */
	unsigned looks;      /* at its counters */
	unsigned links_told; /* states of interfaces, of all tunnels */
	uint64_t inits;      /* requests of IKE_SA_INIT that it sent */
	struct ike **graves;
	unsigned n_graves;
	struct prng fill;
	struct conf *conf; /* the keeper's */
	unsigned n_tunnels;
	struct tunnel_settings tunnels[LINKS_MAX];
	struct setting globals[4];
	unsigned n_globals;
	struct addr addr;
	struct nat nat;
	struct arena arena;
	struct ike_actions actions;
	struct ksa *sas;
	unsigned n_sas, cap_sas;
	struct kpolicy policy[TUNNEL_IDS][SLOTS + 1];
	struct bytes kept[TUNNEL_IDS];  /* the records that outlive its engine; malloc'd */
	struct bytes noted[TUNNEL_IDS]; /* ... and what was noted since; malloc'd */
	bool as_kept[TUNNEL_IDS];       /* ... from which it went on, and nothing was saved since */
	uint8_t link[TUNNEL_IDS];       /* enum esp_link */
	msec lost_out[TUNNEL_IDS];      /* when another program removed an outbound SA last; 0: never */
	uint32_t up_epoch[TUNNEL_IDS];  /* counts LINK_UP going away */
	msec kernel_free;               /* operations finish in order */
	struct {
		struct ike_ticket ticket;
		int err;
		msec at;
	} verdict;             /* the last AUTH_ANSWER or AUTH_VERIFY: what is to be installed after it is so if it says yes */
	bool kernel_keepalive; /* its kernel sends NAT keepalives */
	unsigned keepalives;   /* that its engine sent */
	unsigned kernel_fail;  /* percent of installs that fail */
	unsigned jobs_pending, kernel_pending;
	bool problem[TUNNEL_IDS]; /* its engine told one and has not taken it back */
	unsigned facts[FACT_COUNT][BLAME_OPERATOR + 1];
	unsigned traced[2], traced_auth; /* messages in, out; AUTH payloads in them */
	struct closing asked[ASKED_MAX];
	unsigned n_asked;
	bool idle, deaf; /* deaf: gone, neither sends nor receives */
	msec timer_at, idle_at;
	unsigned spins;
};

struct link { /* one tunnel */
	struct {
		int host;
		char name[16];
	} end[2];
	uint64_t sent, received, lost, lost_by_network;
	/*
	 * The up_epochs of both ends in which a packet of that end arrived. Until one did its packets may be lost: the responder of IKE_AUTH sends at
	 * once and may overtake its answer; and who lost the peer's SAs in a cut comes up again before the peer has noticed.
	 */
	uint64_t proven[2][SLOTS + 1]; /* by the sender's slot */
	bool one_way_ok;               /* scenario: packets may be lost (no common SA is expected) */
};

/* ---------------------------------------------------------------- the world */
enum wkind { W_PACKET, W_JOB, W_KERNEL, W_RESOLVED, W_COUNTERS, W_TRAFFIC, W_CALL };
struct world;
typedef void (*call_fn)(struct world *w, int host, int arg);
struct wevent {
	msec at;
	uint64_t seq;
	enum wkind kind;
	int host;
	uint32_t incarnation, life;
	union {
		struct packet packet;
		struct {
			struct ike_ticket ticket;
			struct ike_job_result *result;
		} job;
		struct {
			struct ike_action *action; /* INSTALL, SWITCH, REMOVE, MOVE; malloc'd */
		} kernel;
		struct {
			uint32_t tunnel, query;
			struct ike_path path;
		} resolved;
		struct {
			call_fn fn;
			int arg;
		} call;
	};
};

struct dns_entry {
	char name[40];
	struct addr addr;
};

struct world {
	uint64_t seed;
	struct prng random, fate;
	bool stays_dead; /* until host_restore() */
	bool spared;     /* nobody dies in this step */
	bool running;    /* in world_run(), and not called by a scenario */
	unsigned deaths; /* of 1000 steps one of these ends in one */
	uint64_t died;
	msec now;
	int64_t wall;
	struct wevent **queue;
	unsigned n_queue, cap_queue;
	uint64_t seq;
	struct host hosts[HOSTS_MAX];
	int n_hosts;
	struct link links[LINKS_MAX];
	int n_links;
	struct weather weather;
	bool partition;
	msec excuse_until;    /* the network itself broke paths: packets sent before may be lost */
	uint64_t drop_number; /* this datagram is lost, whatever the weather; 0 = none */
	bool (*filter)(struct world *w, const struct packet *p); /* scenario: true = lose it */
	int filter_arg, filter_seen;
	bool hold; /* datagrams are kept in `held` instead of delivered */
	struct packet held[HELD_MAX];
	unsigned n_held;
	bool traffic, quiet, pfs_differs; /* the last: what IKE_AUTH does not make is refused */
	msec job_max, kernel_max, traffic_max;
	uint32_t octets;   /* of each packet of the tunnels; 0: any */
	unsigned refusals; /* installs that a kernel refused */
	struct dns_entry dns[4];
	unsigned n_dns;
	struct seen messages, ivs, keys, spis, requests;
	const struct ike_event *asking; /* the request of this step */
	struct packet past[PAST_MAX];   /* some old datagrams, to be replayed */
	unsigned n_past;
	struct reply replies[256];
	unsigned n_replies;
	uint64_t datagrams, steps, exchanges, collisions, esp_sent, esp_received, esp_network, garbage;
	/* the diagram */
	struct note {
		msec at;
		char text[120];
	} * notes;
	uint64_t n_notes;
	bool meddled;                             /* a test changed engines by hand: they need not be as they were saved */
	bool verbose, failed, probing;            /* probing: a failure is only an opinion */
	bool (*tolerates)(const char *complaint); /* a hostile peer: what the ends owe each other does not hold then */
	char why[400];
};
#define NOTES_MAX 512

/* world.c */
void world_init(struct world *w, uint64_t seed, bool verbose);
void world_release(struct world *w);
struct wevent *world_at(struct world *w, msec delay, enum wkind kind, int host);
void world_run(struct world *w, msec span);
bool world_run_until(struct world *w, msec span, bool (*done)(struct world *w, int arg), int arg);
void world_fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void world_call(struct world *w, msec delay, call_fn fn, int host, int arg);
struct moment world_moment(const struct world *w);

/* host.c */
int host_add(struct world *w, const char *addr);
void host_start(struct world *w, int host);
void host_stop(struct world *w, int host); /* like a crash: kernel swept, no word to anybody */
void host_give_conf(struct world *w, int host, const struct ike_restore *from); /* the keeper's, to the engine */
void host_load(struct world *w, int host);                                      /* (re)load the configuration from the settings */
void host_link(struct world *w, struct host *h, const struct esp_link_state *link);
void host_step(struct world *w, int host, const struct ike_event *e);
void host_wake(struct world *w, int host); /* timers */
uint64_t host_order(struct world *w, int host, const char *tunnel, enum ike_command_kind kind);
uint64_t order_surely(struct world *w, int host, const char *tunnel, enum ike_command_kind kind);
const struct reply *order_reply(struct world *w, uint64_t token);
struct tunnel_settings *settings_of(struct world *w, int host, const char *tunnel);
void set(struct world *w, int host, const char *tunnel, const char *key, const char *value);
void set_prefixes(struct world *w, int host, const char *tunnel, const char *key, const char *net, unsigned n);
/* `children`: n pairs, LOCAL.I.0/24 === REMOTE.I.0/24; n 0: none. */
void set_pairs(struct world *w, int host, const char *tunnel, const char *local, const char *remote, unsigned n);
void set_global(struct world *w, int host, const char *key, const char *value);
int link_add(struct world *w, const char *name, int a, int b); /* a initiates, b responds; identities and addresses are set */
uint32_t tunnel_id(struct world *w, int host, const char *name);
struct tunnel *tunnel_of(struct world *w, int host, const char *name);
struct link *link_of(struct world *w, int host, uint32_t id, int *side);

/* death.c */
bool death_may_come(const struct world *w, const struct host *h); /* before the step */
uint32_t death_after(struct world *w, struct host *h, uint32_t n);
void death(struct world *w, int host);
void host_restore(struct world *w, int host); /* now, if it is dead */
struct ike *engine_of(const struct host *h);  /* while it is dead, as it was then */
void graves_free(struct host *h);

/* store.c */
void record_keep(struct world *w, int host, const struct ike_action *a);
void store_check(struct world *w, struct host *h); /* each tunnel is as it was saved last */
void store_forget(struct host *h);                 /* all of it */

/* work.c */
void work_job(struct world *w, int host, const struct ike_action *a);
void work_resolve(struct world *w, int host, const struct ike_action *a);

/* kernel.c */
void kernel_ask(struct world *w, int host, const struct ike_action *a);
void kernel_done(struct world *w, struct wevent *e);
int kernel_do(struct world *w, int host, struct ike_action *a, int *switch_err); /* what it says */
void kernel_sweep(struct world *w, int host);
void kernel_counters(struct world *w, int host);
void kernel_lose(struct world *w, int host, const char *tunnel, uint8_t dir); /* the current SA vanishes: hard expiry */
/* Another program removes an SA of the child: only what it would have carried is excused. False: the kernel does not have it. */
bool kernel_take(struct world *w, int host, const struct child *c, uint8_t dir);
void kernel_take_some(struct world *w, int host, const char *tunnel);            /* of the child in use */
void kernel_excuse(struct world *w, int host, uint32_t tunnel, uint32_t spi_in); /* 0: all */
struct ksa *kernel_find(struct host *h, uint8_t dir, uint32_t spi, uint32_t tunnel);
unsigned kernel_count(const struct host *h, uint32_t tunnel, uint8_t dir);
void traffic_tick(struct world *w);
void traffic_send(struct world *w, int host, uint32_t tunnel);
void traffic_arrive(struct world *w, int host, const struct packet *p);

/* net.c */
void net_send(struct world *w, int host, const struct ike_action *a);
void net_keepalive(struct world *w, int host, const struct ike_action *a);
void net_forward(struct world *w, struct packet *p); /* takes p->data */
void net_deliver(struct world *w, struct wevent *e);
void net_asked(struct world *w, const struct ike_event *e); /* around each step: what was asked in it ... */
void net_heard(struct world *w, const struct host *h);      /* ... and may be answered later */
void net_release_held(struct world *w, bool backwards);     /* and stops holding */
/* For filters: an IKE message of this host and exchange, a request or a response. */
bool packet_is(const struct packet *p, int from, uint8_t exchange, bool response);
bool no_auth_answer_of_b(struct world *w, const struct packet *p); /* a filter */
void nat_place(struct world *w, int host, const char *outside, bool forwards);
void nat_forget(struct world *w, int host, const char *outside); /* mappings; outside: also a new address, or NULL */

/* closing.c */
void closing_asked(struct world *w, int host, const struct packet *p); /* before the datagram is delivered */
void closing_sent(struct world *w, int host, const struct packet *p);  /* it leaves */

/* check.c */
void check_step(struct world *w, int host);
uint64_t check_digest(const struct ike *ike);       /* of all protocol state: equal before and after garbage */
void check_converged(struct world *w, bool wanted); /* one IKE SA, one child, the same on both ends; wanted = up at all */
void check_link(struct world *w, struct link *l, bool wanted);
void check_nothing_pending(struct world *w);
void check_stayed_up(struct world *w);       /* tunnel "t" of A and B, from the beginning */
unsigned carried(struct world *w, int host); /* how many children of tunnel "t" carry side by side */
struct child *live_child(struct tunnel *t, unsigned *n);
void policies_free(struct host *h);
uint32_t policy_spi(const struct host *h, uint32_t tunnel); /* of the first slot that sends; 0: none */
struct sa *live_sa(struct ike *ike, const struct tunnel *t, unsigned *n);

/* alloc.c */
long memory_blocks(void);

/* trace.c */
void note(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void note_datagram(struct world *w, const struct packet *p, const char *fate);
void notes_print(const struct world *w, unsigned last);

/* the scenarios */
enum deed { REKEY_CHILD, REKEY_IKE, LOSE_CHILD, LOSE_SA, DOWN_UP, LIVENESS, RELOAD, DEEDS };
/* The parameters of a scenario; each reads its own fields. */
struct params {
	uint64_t seed;         /* of this world: set by sim.c, for what is to be gone through in turn */
	int host;              /* who does it, or whom it befalls */
	bool both_initiate;    /* B initiates, too */
	bool b_initiates;      /* B instead of A */
	bool ike;              /* the IKE SA, not a child */
	bool child;            /* the child's proposals, not the IKE SA's */
	bool no_pfs, differ;   /* ... and only at one end */
	bool disjoint;         /* selectors without an intersection */
	bool nat_a, nat_b;     /* who is behind a NAT */
	bool any;              /* remote: any at the responder */
	bool cookie;           /* the responder asks for one */
	bool new_address;      /* not only another port */
	bool no_liveness;      /* in the time that is looked at */
	bool kernel_keepalive; /* A's kernel sends them */
	bool by_conf;          /* by the configuration, not by an order */
	bool later;            /* not at once, or not from the start */
	bool loss, unheard;    /* some datagrams are lost; all are */
	bool sends, closes;    /* see the scenario */
	uint32_t octets;       /* of each packet; 0: any */
	uint16_t notify;       /* what the peer answers */
	const char *variant;   /* of a certificate, certs.h */
	msec away[2];          /* for how long: from, to */
	unsigned dirs;         /* SAs that are lost: bits 1 << ESP_IN, 1 << ESP_OUT */
	enum deed deeds[2];    /* of A, of B */
	enum { SAME, MILD, RESTARTS } change;
};
struct scenario {
	const char *name;
	void (*run)(struct world *w, const struct params *p);
	unsigned share; /* runs per 100 seeds, at least one */
	const char *title;
	struct params params;
};
/* scenarios.c: what the stories share */
enum { A, B, C, D };
void pair(struct world *w);                /* A initiates, B responds, tunnel "t"; settings may follow */
void begin(struct world *w);               /* starts all hosts */
bool await_up(struct world *w, msec span); /* all tunnels up on both ends; failing is a failure */
void pair_up(struct world *w);             /* the three together */
bool all_up(struct world *w, int arg);
void expect(struct world *w, bool holds, const char *what);
bool saw(const struct world *w, int host, enum fact_code code, enum blame blame);
bool never_up(const struct world *w);            /* A and B */
void order(struct world *w, int host, int kind); /* a call_fn: the operator's command for tunnel "t" */
extern const struct scenario scenarios_basic[], scenarios_disagree[], scenarios_rekey[], scenarios_crossing[],
	scenarios_trouble[], scenarios_moved[], scenarios_unwilling[], scenarios_refused[], scenarios_forged[], scenarios_lost[],
	scenarios_lives[], scenarios_children[], scenarios_narrow[], scenarios_deaths[], scenarios_certified[];

#endif
