/*
 * keeper.h - the privileged process, seen by its own files only (main.c has the overview).
 *
 * Order of the files, from below: notify, given, helper, accounts, settings_link, grant; keeper; peer; saved, saved_conf; place, stores, udp; sas; repairs;
 * tunnels; events, resolve; signer; conf; reload; engine; request; remove; main.
 */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include <stdarg.h>
#include <sys/types.h>

#include "accounts.h"
#include "base/table.h"
#include "conf/conf.h"
#include "ipc/ipc.h"
#include "ipc/limit.h"
#include "ipc/msg.h"
#include "ipc/udp.h"
#include "kernel/kernel.h"

struct event;
struct event_base;

struct options { /* of the command line, s2sd(8) */
	const char *file, *rundir;
	bool check, foreground, null_kernel, remove, all;
	unsigned verbose;
};

enum phase {             /* bits: a row of the request table names those in which it is permitted */
	PHASE_DOWN = 1,  /* no engine */
	PHASE_START = 2, /* the engine has its configuration and has not answered yet */
	PHASE_RUN = 4,
	PHASE_STOP = 8, /* the peers are being notified; nothing new is installed */
};

#define SAS_PER_TUNNEL (8 * ESP_SLOTS_MAX) /* each child's pair, the one that replaces it, one that lingers, and one more */

struct switch_record {
	uint32_t spi_out;
	uint16_t slot;
	struct addr local, remote;
	struct ts_list *local_ts, *remote_ts; /* kept (ts.h) */
};

struct tunnel_run {               /* a configured tunnel and what the kernel has of it */
	struct tunnel_conf *conf; /* ours, counted */
	enum { SET_PENDING, SET_DONE, SET_FAILED } set;
	char *unusable;                 /* malloc'd: why it cannot be set up, as the engine knows it; NULL: it can */
	char *differs;                  /* malloc'd: what the kernel has not as wanted, as the engine knows it; NULL: nothing */
	struct esp_link_state link, up; /* up: the last one that was up */
	bool linked;                    /* link is what the engine asked for last */
	bool relink;                    /* the kernel is to be given link again */
	bool renew;                     /* its interface is another one now, and the old one is gone */
	unsigned n_switches;
	struct switch_record *switches; /* n_switches of them: per slot the last one that was carried out */
	struct addr found;              /* the remote end, when the configuration has a name for it */
	int64_t refusal_at;             /* mono ms: when an address of the peer was refused and told; 0: never */
	unsigned n_sas;
	struct esp_held *sas;    /* n_sas of them: what the kernel has, or is about to have */
	struct limit acquires;   /* told to the engine */
	struct repairs *repairs; /* NULL: nobody changed anything of its */
};

struct conf_memory; /* check/again.h */
struct store;       /* base/store.h */
struct repairs;     /* what others changed and was put back, repairs.c */
struct saved_conf;
struct resolver; /* a look-up under way, resolve.c */
struct signer;   /* the process with the private keys, signer.c */
#define RESOLVERS_MAX 8
#define RELOADS_WAITING 64
#define ACQUIRES_WAITING 64
#define SIGNALS 5 /* that the keeper listens to */

struct keeper {
	struct options opt;
	struct event_base *base;
	struct conf *conf;
	struct conf_memory *memory;   /* of the files that were read last */
	struct table tunnels;         /* id -> tunnel_run */
	const struct kernel_ops *ops; /* the real kernel or the null kernel */
	struct kernel *kernel;
	uint32_t features; /* bits FEATURE_BIT(enum feature) of kernel and UDP sockets */
	struct event *kernel_events[4], *tunnel_work, *uplink_changed, *signals[SIGNALS], *ticker, *stop_timer, *restart_timer,
		*reload_timer;
	bool work_failed;   /* of the tunnels before work_next: one could not be set up, it is tried again */
	int64_t work_at;    /* when tunnel_work runs, while it is pending */
	uint32_t work_next; /* index into conf->tunnels: those before it are done ... */
	uint32_t work_rest; /* ... and so many at the end */
	bool settled;       /* news of the time before the start are read */
	struct {
		struct event *soon, *every;
		int64_t not_before; /* mono ms */
		bool differing;     /* of some tunnel */
		bool failing;       /* the last comparison did; that is told once */
		struct repairs *common;
	} repairs;
	struct limit refusals, failures, summaries; /* what the engine can cause: log lines, news for the service manager */
	struct accounts accounts;
	bool settings_linked, set_up; /* the engine: it has our sockets */
	bool behind;                  /* it has another configuration than the one of before */
	struct {
		int engine, own;         /* descriptors, -1: there is none; the engine's is written by it alone */
		struct store *v;         /* ours; NULL: nothing is saved */
		struct saved_conf *conf; /* what of it is saved, saved_conf.c */
		uint8_t salt[32];        /* of the fingerprints of pre-shared keys */
		bool found, told_full;   /* found: v is of an earlier run, whose state goes on */
	} stores;
	/* after a start that goes on with the configuration of an earlier run: the one that is in the files; else NULL */
	struct conf *next;
	struct {
		struct msg_acquire v[ACQUIRES_WAITING];
		unsigned n;
	} acquires; /* while there is no engine: the kernel asks again after half a minute only */
	int run_dir, control, udp[UDP_SOCKETS];
	unsigned udp_given[UDP_SOCKETS]; /* under which number the service manager keeps it */

	enum phase phase;
	struct ipc *engine;
	void (*on_request)(struct keeper *k, struct ipc_message *m); /* keeper_request: its table stands above what it calls */
	pid_t engine_pid;
	/* open since the start: an upgrade does not change what runs with us */
	int engine_program, resolver_program, signer_program;
	bool ready, leaving, pinged, status_due;
	bool told, tells; /* the look at the counters before this one, and this one, found some that are not zero */
	bool left;        /* the last engine of this run has ended, the kernel goes on with what it has */
	bool refused;     /* settings on disk, by the last reload */
	uint32_t up, total;
	unsigned starts_failed;
	bool crashed;                  /* the last engine: nobody from outside killed it */
	struct ike_ticket proven;      /* the last MSG_AUTH, if it proved a peer by its pre-shared key; else 0 */
	int64_t engine_since, pong_at; /* keeper_awake */
	struct {
		struct resolver *v[RESOLVERS_MAX];
		struct resolver *waiting;
	} resolve;
	struct signer *signers[2]; /* of keys in files, of keys that a provider has; NULL: none was needed yet */
	struct {
		struct msg_reload v[RELOADS_WAITING];
		unsigned n;
		bool ever;
		int64_t at; /* keeper_awake */
	} reloads;
	int exit_code;
};

#define OF_TUNNEL(t) (&(struct log_fields){ (t)->name, NULL, NULL }) /* for log_fielded: S2S_TUNNEL */

#define LINES_SPAN 60000 /* ms */
#define LINES_MOST 20    /* of each kind in that span */

int64_t keeper_now(void);   /* CLOCK_BOOTTIME, ms */
int64_t keeper_awake(void); /* CLOCK_MONOTONIC, ms: while the machine slept nobody could answer */
struct tunnel_run *keeper_tunnel(struct keeper *k, uint32_t id);
/* The keeper's own news: a log line "<tunnel>: text", and the engine's `events`. */
void keeper_fact(struct keeper *k, enum fact_code code, enum blame blame, enum fact_subject subject, uint32_t tunnel,
	const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/*
 * Something of ours had been removed or changed, by a program that is known or not (NULL), and was put back: FACT_KERNEL_REPAIRED. was: what the
 * object had been changed to, NULL when it was gone. Foreign bytes in the words are escaped already.
 */
void keeper_repaired(struct keeper *k, enum fact_subject subject, uint32_t tunnel, const char *was, const char *by,
	const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* What the kernel has not as the tunnel needs it and cannot be given now; NULL = as wanted. The engine is told of changes only. */
void keeper_kernel_state(struct keeper *k, uint32_t tunnel, const char *differs);
void keeper_kernel_tell(struct keeper *k, const struct tunnel_run *t); /* again, to a new engine */
/* May a failure be logged that the engine can cause at will? */
bool keeper_may_complain(struct keeper *k);
void keeper_exit(struct keeper *k, int exit_code); /* ends the loop */
void keeper_status(const struct keeper *k);        /* to the service manager: how many tunnels are up, and what is wrong */
void keeper_stopped(struct keeper *k);             /* the engine has closed all SAs, or was given up */

void keeper_send(struct keeper *k, uint32_t kind, struct ike_ticket ticket, const void *body, size_t size);

/* saved.c: what the next run must know of this one; in our store, so that a death at any instruction loses none of it. Keys of its records: ids of
 * tunnels, and from these on: */
#define STORE_PARTS_FROM 0x10000u /* parts of the configuration */
#define STORE_FILES_FROM 0x20000u /* what stands in files of certificates */
#define STORE_FILES_END 0x80000u
bool keeper_saved_put(struct keeper *k, uint32_t key, const struct buf *b);     /* false, and that is told: it is not there now */
struct esp_held *keeper_sa_of(struct tunnel_run *t, uint8_t dir, uint32_t spi); /* NULL: it has no such one */
/* one more that it has; not saved yet; valid until the next one */
struct esp_held *keeper_sa_note(struct tunnel_run *t, const struct esp_held *h);
void keeper_switch_set(struct tunnel_run *t, const struct esp_switch *s);      /* carried out; not saved yet */
struct esp_switch *keeper_switch_made(const struct tunnel_run *t, unsigned i); /* malloc'd, as long as it is filled */
void keeper_switches_forget(struct tunnel_run *t);
void keeper_save_tunnel(struct keeper *k, const struct tunnel_run *t);
void keeper_save_no_tunnel(struct keeper *k, uint32_t tunnel);
bool keeper_saved_tunnel(struct keeper *k, struct tunnel_run *t); /* into t, which is new; false: nothing that makes sense */

/* saved_conf.c: the configuration, the same way */
void keeper_save_conf(struct keeper *k);         /* what has changed of it since */
void keeper_forget_saved_conf(struct keeper *k); /* another store is used, or none */
/* What the earlier run had, as far as it can be read; NULL: nothing. Tunnels whose pre-shared key is fresh's get it. */
struct conf *keeper_saved_conf(struct keeper *k, const struct conf *fresh);

/* stores.c: where our store and the engine's lie */
void keeper_stores_open(struct keeper *k);  /* what an earlier run left, or else new ones */
void keeper_stores_renew(struct keeper *k); /* what an earlier run left is of no use */
void keeper_stores_close(struct keeper *k, bool forget);
/* what the engine wrote is read by nobody; renew: the next one has a new one */
void keeper_stores_distrust(struct keeper *k, bool renew);

/* place.c */
bool keeper_open_run_dir(struct keeper *k);
void keeper_remove_places(struct keeper *k);     /* what it made, but for the note of on-exit */
void keeper_note_exit(const struct keeper *k);   /* on-exit of the settings that are used */
bool keeper_exit_guards(const struct keeper *k); /* what the last run noted: the unreachable routes shall stay */
void keeper_forget_exit(const struct keeper *k);
bool keeper_open_control(struct keeper *k);
void keeper_renew_control(struct keeper *k);
void keeper_remove_control(struct keeper *k);

/* udp.c */
bool keeper_open_udp(struct keeper *k);
void keeper_find_features(struct keeper *k); /* when the kernel is open; prepares the UDP sockets for them */
void keeper_renew_udp(struct keeper *k);
void keeper_forget_udp(struct keeper *k);   /* the service manager keeps them no more */
bool udp_own_address(const struct addr *a); /* one of this machine's */

/* sas.c */
struct esp_held *keeper_sa(struct keeper *k, uint32_t tunnel, uint8_t dir, uint32_t spi);
void keeper_sa_found(struct keeper *k, const struct esp_held *h); /* an earlier run's, if it has no record */
void keeper_sa_drop(struct keeper *k, struct esp_held *r);        /* the record; not the kernel's SA */
void keeper_sas_remove(struct keeper *k, struct tunnel_run *t);   /* all, and out of the kernel, too */
size_t keeper_sas_count(const struct keeper *k);
void keeper_tunnel_free(struct tunnel_run *t);
void keeper_sas_hand_over(struct keeper *k); /* to a new engine, before its configuration: MSG_HELD */
void keeper_sas_expiring(struct keeper *k);  /* to a new engine, after its configuration: what the kernel said meanwhile */

/* repairs.c */
void keeper_reconcile(struct keeper *k);
void keeper_reconcile_soon(struct keeper *k); /* in some ms, and not more often than is good */
void keeper_repairs_open(struct keeper *k);
void keeper_repairs_close(struct keeper *k);

/* peer.c */
/* The judgement of grant_peer; a refusal is told, at most once a minute for each tunnel. why: NULL, or for its sentence. */
bool keeper_peer_permitted(struct keeper *k, struct tunnel_run *t, const struct addr *peer, char *why);

/* tunnels.c */
/* found: what a name in the configuration meant last, or NULL */
void keeper_tunnel_describe(struct keeper *k, const struct tunnel_conf *t, const struct addr *found, struct kernel_tunnel *out);
void keeper_tunnels_report(struct keeper *k); /* to a new engine: which tunnels cannot be set up */
void keeper_tunnels_resume(struct keeper *k); /* those that an earlier run left, in place of adopt */
/* After k->conf changed: table, interfaces (in slices of the loop). old: what it was, whose tunnels are in the table; NULL: at start. */
void keeper_tunnels_refresh(struct keeper *k, const struct conf *old);
void keeper_work_soon(struct keeper *k, int64_t ms);       /* all tunnels are looked at for what is to be done for them */
void keeper_tunnel_work(int fd, short what, void *keeper); /* that: a callback of the loop */
int keeper_tunnel_ensure(struct keeper *k, struct tunnel_run *t);
void keeper_tunnel_found(struct keeper *k, uint32_t id, const struct addr *remote); /* its name means this address */
void keeper_kernel_clear(struct keeper *k);                                         /* on exit, by on-exit */

/* events.c */
bool keeper_kernel_open(struct keeper *k);
void keeper_kernel_close(struct keeper *k); /* forgets; touches nothing in the kernel */

/* resolve.c */
void keeper_resolve(struct keeper *k, const struct msg_resolve *r);
void keeper_resolve_stop(struct keeper *k);

/* signer.c */
/* The input is put together by us; answered by MSG_AUTH_RESULT. hashes: what the peer understands (sign_hashes_read). */
void keeper_sign(struct keeper *k, struct tunnel_conf *t, struct ike_ticket ticket, uint32_t hashes, const struct auth_input *in);
void keeper_signers_flush(struct keeper *k);        /* after each turn of the loop: what they were asked for leaves together */
void keeper_signers_nobody_waits(struct keeper *k); /* after the engine's death: what is signed for it goes to nobody */
void keeper_signers_forget(struct keeper *k);       /* the keys, after a reload: what is wanted is given again */
void keeper_signers_stop(struct keeper *k);

/* conf.c */
bool keeper_configure(struct keeper *k); /* at start; k->next: what is to follow what an earlier run had */
void keeper_go_on(struct keeper *k);     /* to k->next */
const struct global_conf *keeper_global(const struct keeper *k); /* that of the files */
int keeper_check(const char *file);                              /* -n: 0, or 1 when there is an error */
bool keeper_send_conf(struct keeper *k, const struct conf *old); /* old: what the engine has, or NULL */
bool keeper_reload(struct keeper *k, bool dry_run, char words[MSG_RELOADED_TEXT], struct buf *rows); /* rows: ipc/reloaded.h */

/* reload.c */
void keeper_reload_asked(struct keeper *k, const struct msg_reload *r); /* answered by MSG_RELOADED */
void keeper_reload_waiting(int fd, short what, void *keeper);           /* a callback of the loop */
void keeper_reload_forget(struct keeper *k);                            /* those who asked are gone */

/* engine.c */
bool engine_spawn(struct keeper *k);
bool engine_setup(struct keeper *k); /* MSG_SETUP and the configuration */
void engine_end(struct keeper *k);   /* kills, collects, closes */
void engine_leave(struct keeper *k); /* the same; what it has asked for is done */
/* it broke the rules: killed, and nothing that it had or wrote is used again */
void engine_fail(struct keeper *k, const char *why);
void engine_ping(struct keeper *k);
void engine_command(struct keeper *k, enum ike_command_kind kind);

/* remove.c */
int keeper_remove(const struct options *o); /* --remove: 0, or 1 when something stays, also because a daemon runs */

/* request.c */
void keeper_request(struct keeper *k, struct ipc_message *m);

#endif
