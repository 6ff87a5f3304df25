/*
 * machine.h - the protocol's own structs and the order of its files, private to src/ike.
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
 * From below; a file calls only what stands in a line above its own, or before it in the line:
 *
 *	nonce recent step keys select              values, actions, reports, marks
 *	tunnel trace                               a tunnel's own, found by address
 *	walk record save                           a tunnel as octets, for who comes after a death
 *	sent frag exchange farewell ke_round       messages: sealed, repeated, cached, opened; know no handler
 *	gate liveness sync slot leftover child install path identity sa reauth collision offer cert   who may come in; the SAs' lives
 *	auth init create rekey info                one exchange each, both roles: they decide, derive, then commit
 *	fsm dispatch schedule                      which handler runs when something came; which exchange starts next
 *	elect demand connect cover problem trial follow  what a tunnel makes of its SAs
 *	judge restore reload command view ike                    the machine: one event in, its consequences out
 *
 * How a step runs (ike.c): the event is routed to its owner, the exchange table (fsm.c) picks the handler and assigns the state; whatever a handler
 * changed marks the SA and the tunnel dirty; at the end of the step sa_work() starts the next exchange that is due and tunnel_work() elects the child to
 * send on, follows with the interface, closes what is redundant and initiates when nothing is left. Handlers decide; these two carry the consequences.
 */
#ifndef IKE_MACHINE_H
#define IKE_MACHINE_H

#include "child.h"
#include "handlers.h"
#include "sa.h"
#include "tunnel.h"

/*
 * How often the counters are looked at: what begins to be without an answer must be seen long before failover-after is over, what stays idle need not be
 * seen often. Whoever wants fresh ones (status, metrics) asks for a look of his own.
 */
#define COUNTERS_MIN 500 /* ms */
#define COUNTERS_MAX 10000
#define COUNTERS_BUSY 30000 /* so long after the last packet, or since it is up, a tunnel with failover-after is busy */
#define HINT_EVERY 1000     /* INVALID_IKE_SPI hints that we send */

struct saved { /* room for a record; wiped after each */
	uint8_t *mem;
	size_t room;
};

#define REQUESTED_MAX 32 /* CAs named to whom we do not know yet */
struct named_cas {       /* cert.c: gathered once from tunnels of `remote: any`, of which a hub has thousands */
	unsigned n;
	bool some, bound; /* some of them have certificates; some are for one of our addresses only: then each is asked */
	bool stale;       /* tunnels have changed, or the operator stopped or started one: to be gathered before it is used */
	uint8_t hash[REQUESTED_MAX * CA_HASH];
};

struct ike {
	fill_fn fill;
	void *fill_arg;
	struct conf *conf;
	uint32_t confs;             /* that there were */
	struct table tunnels;       /* id -> tunnel */
	struct table by_remote;     /* hash of outside address -> chain of tunnels */
	struct table by_identities; /* hash of both identities -> chain of tunnels that have IKE SAs under them */
	/* chains of the tunnels without a known address: that have a name, whose peers may be anywhere */
	struct tunnel *named, *any;
	struct named_cas any_cas;
	struct table by_number; /* number -> sa; children have numbers of the same counter, and are found in their tunnel */
	struct table by_spi;    /* our IKE SPI -> sa */
	struct table by_source; /* half-open responders: hash (source, SPIi) -> sa */
	struct table by_esp;    /* our inbound ESP SPI -> child */
	struct heap heap;
	uint32_t numbers;
	uint32_t *stepping; /* where the tunnel's id is written that is worked on; NULL: nowhere */
	struct sa *dirty;
	struct tunnel *dirty_tunnels, *changed; /* changed: their records are to be looked at */
	struct saved record;
	struct tunnel *dial_first, **dial_last; /* whose turn to initiate has not come */
	uint32_t dials;                         /* under way, and not for long */
	bool no_debug;                          /* nobody reads FACT_LIVENESS */
	bool unsaved;                           /* nobody keeps records */
	bool kernel_keepalive;                  /* the kernel can send NAT keepalives */
	struct sa **dead;                       /* n_dead of them, malloc'd: freed at the end of the step */
	uint32_t n_dead;
	struct child *dead_children;
	struct {
		/* by the configuration: half the shortest liveness interval or failover-after; a tenth of failover-after */
		msec idle, busy;
		msec now;         /* by what the last look saw, and the number of SAs */
		struct mono calm; /* busy until then */
	} looks;
	struct mono counters_at, counted, cookie_rotate, hinted; /* counted: the last counters came */
	uint8_t cookie_secret[2][32];
	uint8_t cookie_version;
	uint64_t cookie_key;
	struct gate *gate;
	struct farewells *farewells;
	struct child_views *views;
	uint32_t traced; /* tunnels that are */
	bool trace_all;
	bool shutting_down;
	bool certificates; /* some tunnel has them */
	int64_t booted;    /* wall: when the machine booted, as its clock said when SAs were last reckoned by it */
	struct mono shutdown_at;
	bool idle_said;
	struct alarm alarm; /* the machine's own: counters */
	struct ike_totals totals;
};

/* save.c */
void tunnel_saved(struct ike *ike, struct tunnel *t); /* its record is kept already, as it is now */
void tunnel_not_saved(struct ike *ike, uint32_t tunnel);
void tunnel_forgotten(struct step *s, struct tunnel *t); /* it is about to go, and its record with it */
void save_changed(struct step *s);                       /* the end of the step */
void saved_release(struct saved *v);

/* restore.c */
/* false: it does not fit the record that was read */
bool record_take_note(struct step *s, struct tunnel *read, struct bytes note);

/* view.c */
struct child_views *child_views_new(void);
void child_views_free(struct child_views *views);

#endif
