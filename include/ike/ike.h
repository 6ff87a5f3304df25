/*
 * ike.h - the protocol as a pure function: events in, actions out (RFC 7296). No socket, clock, kernel or random source is touched here.
 *
 *	  event --> ike_step() --> actions --> whoever owns sockets, workers, the kernel --> results come back as events
 *
 * Tunnels are named by tunnel_conf.id. Whatever takes time (key exchange, AUTH, kernel) is asked for by an action that carries a ticket; the answer
 * carries the ticket back. An answer to something that is gone meanwhile is ignored.
 */
#ifndef IKE_IKE_H
#define IKE_IKE_H

#include "base/addr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/store.h"
#include "conf/conf.h"
#include "crypto/cert.h"
#include "crypto/crypto.h"
#include "crypto/sign.h"
#include "ike/esp.h"
#include "codes/counter.h"
#include "codes/problem.h"
#include "codes/state.h"
#include "ike/fact.h"

struct ike;

/* sa: number of the IKE SA, never used twice; of what the kernel is asked, the child's inbound SPI. job: counts up within it */
struct ike_ticket {
	uint32_t sa, job;
};

/* ---------------------------------------------------------------- jobs */
enum ike_job_kind {
	JOB_KE_OFFER,
	JOB_KE_FINISH,
	JOB_KE_ACCEPT /* generate + derive: responder */,
	JOB_AUTH_SIGN,
	JOB_AUTH_VERIFY,
	JOB_AUTH_ANSWER /* a responder's, by the pre-shared key: AUTH_VERIFY, and AUTH_SIGN only when the peer's AUTH is right */,
	JOB_AUTH_CERT /* in place of AUTH_VERIFY when the tunnel has certificates: public data only, for whoever has no key */
};

#define IKE_AUTH_MAX (1 + SIGN_ALGORITHM_MAX + SIGN_MAX) /* octets of AUTH that we make: method 14 with all that it may have */
#define IKE_AUTH_PEER_MAX 2048 /* ... and that we look at: an AlgorithmIdentifier may be written at length */

struct ike_job {
	enum ike_job_kind kind;
	uint16_t group;           /* KE_* */
	struct ke_private priv;   /* KE_DERIVE */
	struct bytes peer_public; /* KE_DERIVE, KE_BOTH */
	/* AUTH_*: what goes into AUTH of the end that proves its identity (RFC 7296 2.15): ours to be made, or the peer's to be checked. The
	 * keeper puts it together with the pre-shared key, and takes our identity from its own configuration. */
	uint32_t tunnel; /* whose PSK */
	uint16_t prf;
	bool initiator;              /* our role */
	struct addr local;           /* AUTH_SIGN, AUTH_ANSWER: our outside address, for a tunnel without local-id */
	struct bytes message, nonce; /* that end's IKE_SA_INIT, whole; the other end's nonce */
	struct secret sk_p;          /* that end's SK_pi or SK_pr */
	/* AUTH_VERIFY, AUTH_ANSWER, AUTH_CERT: body of the identity payload, and AUTH, as the peer sent them */
	struct bytes peer_id, auth;
	struct {
		struct bytes message, nonce;
		struct secret sk_p;
	} ours; /* AUTH_ANSWER: the same for our own AUTH; the three above are for the peer's */
	/* With a certificate (RFC 7427). AUTH_SIGN: whoever has the key chooses by it and by what the peer understands how AUTH is signed. */
	bool by_cert;
	uint32_t hashes; /* AUTH_SIGN: sign_hashes_read() of what the peer announced; 0: nothing */
	/* AUTH_SIGN: cert_conf_leaf() of the certificate that goes with it: whoever has the key signs by no other */
	uint64_t leaf;
	uint8_t method; /* AUTH_CERT: of the peer's AUTH */
	uint8_t n_chain;
	struct bytes chain[CERT_CHAIN_MAX]; /* AUTH_CERT: the peer's certificates as they came, its own first */
	struct tunnel_conf *conf; /* AUTH_CERT: anchors, identity, rules; the step's: who works on it later takes a reference */
	/* AUTH_CERT: now, and what it is at least if that is before the release (a gateway may boot with 1970), or 0 */
	int64_t wall, earliest;
};
#define IKE_JOB_WHY 160
struct ike_job_result {
	int err; /* ERR_OK; ERR_BAD_KE: the peer's value failed; ERR_INTEGRITY: AUTH is wrong, or the certificate is refused; ERR_NO_MATCH:
		    AUTH_SIGN: the peer understands nothing that the key can sign; ERR_STALE: AUTH_SIGN: it would sign by another
		    certificate, of a reload that has not come here; else local trouble */
	struct ke_private priv;
	struct ke_public pub;
	struct ke_shared shared; /* KE_* */
	uint8_t auth[IKE_AUTH_MAX];
	uint16_t auth_len;     /* AUTH_SIGN, AUTH_ANSWER with ERR_OK */
	uint8_t scheme;        /* AUTH_SIGN with a certificate: sign_scheme() */
	char why[IKE_JOB_WHY]; /* AUTH_SIGN with a certificate: why it was not signed, escaped; "": the library's word is enough */
	struct cert_verdict verdict; /* AUTH_CERT with ERR_OK or ERR_INTEGRITY */
};

/* ---------------------------------------------------------------- events */
#define RESOLVED_MAX 8
struct ike_path {
	struct addr local, remote;
	uint32_t mtu; /* of the way there, as far as this machine knows; 0: not at all */
};                    /* outside addresses; local by the route to remote */
enum ike_command_kind {
	COMMAND_UP,
	COMMAND_DOWN,
	COMMAND_REKEY,
	COMMAND_REKEY_IKE,
	COMMAND_REKEY_CHECK, /* of the child, as a proof that PFS is agreed: a refusal is reported and not repeated */
	COMMAND_TRACE /* ACTION_TRACE for each message, until ... */,
	COMMAND_UNTRACE,
	COMMAND_ENCAPSULATE /* UDP encapsulation is tried for a minute, done when ESP leaves so, or until ... */,
	COMMAND_UNENCAPSULATE,
	COMMAND_SHUTDOWN /* all tunnels: tell the peers, finish in 2 s */
};

/*
 * What outlived the process (RFC 7296 says nothing about it: to the peers nothing happened). A record and a note are what ACTION_SAVE had last for that
 * tunnel; they are hostile input, judged whole before anything is made of them. What is refused, and what has no record, is dialled anew beside the SAs held.
 */
struct ike_kept {
	uint32_t tunnel;
	struct bytes record; /* n 0: none */
	struct bytes note;   /* ... what was noted since; n 0: nothing */
	uint32_t n;
	const struct esp_held *held; /* n SAs of ours that the kernel has for it */
};
struct ike_restore {
	uint32_t n;
	const struct ike_kept *v; /* one per tunnel at most; the caller's, until the step is over */
};

enum ike_event_kind {
	EVENT_TIMER,         /* nothing but time */
	EVENT_DATAGRAM,      /* an IKE message; a non-ESP marker is stripped already (local.port tells the socket) */
	EVENT_JOB,           /* a job is done */
	EVENT_KERNEL_RESULT, /* an INSTALL or SWITCH is done */
	EVENT_EXPIRE,        /* kernel: soft or hard limit of an SA; or it is lost: gone, and nobody of ours removed it */
	EVENT_MAPPING,       /* kernel: the peer's NAT mapping changed (authenticated ESP from elsewhere) */
	EVENT_ACQUIRE,       /* kernel: a packet for selectors that no child has, and that ask for one (struct esp_switch) */
	EVENT_COUNTERS,
	EVENT_RESOLVED,
	EVENT_TUNNEL,       /* a tunnel's interface or policies cannot be made, or can again */
	EVENT_PATH_CHANGED, /* links, addresses or routes of the uplinks changed: paths are to be looked up again */
	EVENT_CONF,         /* new configuration; ike takes ownership */
	EVENT_COMMAND,
};
struct ike_event {
	enum ike_event_kind kind;
	union {
		struct {
			struct addr local, remote;
			struct bytes bytes; /* writable memory: opened in place */
		} datagram;
		struct {
			struct ike_ticket ticket;
			struct ike_job_result *result; /* wiped by ike */
		} job;
		struct {
			struct ike_ticket ticket;
			int err;        /* 0, EEXIST, ... */
			int switch_err; /* of an INSTALL with a switch, when err is 0 */
		} kernel;
		struct {
			uint32_t tunnel;
			uint32_t spi;
			uint8_t dir;
			bool hard, lost;
		} expire;
		struct {
			uint32_t tunnel;
			uint32_t spi;
			struct addr remote;
		} mapping;
		struct {
			uint32_t tunnel;
			struct ts local, remote; /* the packet's */
		} acquire;
		struct {
			uint32_t n;
			const struct esp_counters *v;
			bool more;
		} counters;
		struct {
			uint32_t tunnel;
			uint32_t query;
			uint8_t n;
			struct ike_path v[RESOLVED_MAX];
			const char *why; /* when n is 0 */
			bool no_route;   /* ... there is an address, but no route to it */
		} resolved;
		struct {
			uint32_t tunnel;
			const char *why; /* NULL: it can be used (again) */
		} tunnel;
		struct {
			struct conf *conf;
			/* with the first configuration of an engine that comes after another; else NULL */
			const struct ike_restore *restore;
		} conf;
		struct {
			enum ike_command_kind kind;
			uint32_t tunnel;
			uint64_t token; /* 0: no reply wanted */
		} command;
	};
};

/* ---------------------------------------------------------------- actions */
enum ike_action_kind {
	ACTION_SAVE,      /* a tunnel's record, before all that depends on it: these stand in front of the step's other actions */
	ACTION_SEND,      /* datagram; when local.port is 4500 the sender adds the non-ESP marker (RFC 3948 2.2) */
	ACTION_KEEPALIVE, /* one 0xff byte (RFC 3948 2.3) */
	ACTION_JOB,
	ACTION_INSTALL, /* an esp_sa: result wanted; the key is wiped after */
	ACTION_SWITCH,  /* result wanted */
	ACTION_REMOVE,
	ACTION_MOVE,
	ACTION_LINK,
	ACTION_COUNTERS, /* one dump, answered by EVENT_COUNTERS */
	ACTION_RESOLVE,  /* name or address -> paths */
	ACTION_REPORT,   /* a fact */
	ACTION_TRACE,    /* a message of a traced tunnel as it was meant: opened, AUTH and EAP contents zeroed */
	ACTION_REPLY,    /* an operator's command is done or failed */
	ACTION_IDLE,     /* after COMMAND_SHUTDOWN: everything is said, the daemon may go */
};
struct ike_action {
	enum ike_action_kind kind;
	union {
		struct {
			uint32_t tunnel;
			/* in the step arena; it holds SK_*, but no key of ESP and no PSK. n 0: drop what was saved */
			struct bytes record;
			bool noted; /* instead: the record stays, and this is what has changed since, in place of what was noted before */
			uint8_t note[STORE_NOTE];
		} save;
		struct {
			struct addr local, remote;
			struct bytes bytes;
		} send; /* bytes live in the step arena */
		struct {
			struct ike_ticket ticket;
			struct ike_job job;
		} job;
		struct {
			struct ike_ticket ticket;
			struct esp_pair sas;
			struct esp_switch *
				to; /* the first child of a tunnel that is down: traffic is switched to it and the interface follows, in one; else NULL */
			struct esp_link_state link; /* with `to` */
			/* only if that AUTH_ANSWER or AUTH_VERIFY, asked for before, says yes; its result comes first. job 0: in any case */
			struct ike_ticket after;
		} install;
		struct {
			struct ike_ticket ticket;
			struct esp_switch *to; /* in the step arena, as far as it is filled */
		} swtch;
		struct esp_remove remove;
		struct esp_move move;
		struct esp_link_state link;
		struct {
			uint32_t tunnel, query;
			const char *name;          /* or NULL */
			struct addr remote, local; /* local: as configured, or none */
		} resolve;
		struct fact *fact; /* the actions' */
		struct {
			uint32_t tunnel;
			bool out;
			struct addr local, remote;
			struct bytes message;
			const char *note; /* instead of a message */
		} trace;
		struct {
			uint64_t token;
			bool ok;
			const char *text;
		} reply;
	};
};
struct ike_actions { /* filled by ike_step in the order they must be carried out; reset by the caller, which wipes secrets with it */
	struct arena *arena; /* the step arena: the owner resets it after carrying out the actions */
	uint32_t n, cap;
	struct ike_action *v;
	struct fact *spare[8]; /* of steps before, for the next: they are too large for what malloc has at hand */
	uint32_t spares;
};
void ike_actions_init(struct ike_actions *a, struct arena *arena);
void ike_actions_reset(struct ike_actions *a); /* wipes the actions and the arena */
void ike_actions_release(struct ike_actions *a);

/* ---------------------------------------------------------------- the machine */
struct ike *ike_new(fill_fn fill, void *fill_arg); /* fill: all randomness of the protocol; never saved */
void ike_free(struct ike *ike);
void ike_step(struct ike *ike, struct moment now, const struct ike_event *in, struct ike_actions *out);
/* While it works on a tunnel its id stands at `where` (not owned, NULL: nowhere): who died of a tunnel's record can be told. The caller zeroes it. */
void ike_stepping(struct ike *ike, uint32_t *where);
/* the kernel sends NAT keepalives of SAs that say so (esp.h); at first it cannot */
void ike_kernel_keepalive(struct ike *ike, bool can);
void ike_saves(struct ike *ike, bool wanted); /* whether ACTION_SAVE is; from the start on it is */
/* whether a fact that is there for a look for faults is, one for each liveness check; at first it is */
void ike_debug(struct ike *ike, bool wanted);
void ike_not_saved(struct ike *ike, uint32_t tunnel); /* there was no room for it: with the next change it is tried again */
struct mono ike_next(const struct ike *ike);          /* when to call with EVENT_TIMER if nothing else happens; MONO_NEVER */

/* ---------------------------------------------------------------- looking (status, show, metrics, tests) */
struct child_view {
	uint32_t spi_in, spi_out;
	struct suite suite;
	struct esp_count in, out;
	int64_t established, rekey_at;              /* wall */
	const struct ts_list *local_ts, *remote_ts; /* until the next step; may be NULL */
	enum child_state state;
};
struct alone_view { /* packets of one way since the other was last used */
	uint64_t packets;
	msec span;      /* from the look that saw the first of them to the last look */
	bool asks;      /* they want an answer: the size of connection attempts or pings, or there is BGP */
	bool elsewhere; /* another tunnel to the same networks has the other way */
};
struct recent_view { /* as exact as the counters are looked at, every so many milliseconds and when somebody asks */
	msec every;
	uint64_t in_10s, out_10s, in_60s, out_60s, replay_60s, integrity_60s; /* packets */
	int64_t last_in, last_out;  /* wall; 0: none since it came up, or since the engine began */
	struct alone_view alone[2]; /* in, out */
};
struct tunnel_view {
	const struct tunnel_conf *conf;
	enum tunnel_state state;
	bool held; /* the operator said down */
	int64_t since;
	struct addr local, remote; /* with ports; family 0 = not known */
	bool has_ike, initiator, nat_local, nat_remote, encap;
	uint8_t spi_i[8], spi_r[8];
	struct suite suite;
	int64_t established, rekey_at;
	const char *ike_state;
	struct ident peer_id;
	int64_t own_cert_ends;              /* wall: when the first of our certificates expires; 0: there is none */
	const struct cert_facts *own_cert;  /* until the next step; NULL: a pre-shared key */
	const struct cert_facts *peer_cert; /* until the next step; NULL: a pre-shared key proves both ends */
	uint8_t our_scheme, peer_scheme;    /* sign_scheme() of either AUTH; 0: a pre-shared key */
	char vendor[64];
	uint32_t ike_sas; /* of this tunnel, also those that are being set up or going */
	unsigned n_children;
	const struct child_view *children; /* n_children; until the next step or view */
	const char *uncovered;             /* until the next step: what is up, but not covered by the children; NULL: nothing */
	unsigned n_uncovered;
	bool has_error;
	struct fact last_error;
	int64_t last_error_at;
	uint64_t counters[COUNTER_COUNT]; /* of all SAs since the start */
	msec last_handshake;
	int64_t last_heard;  /* wall; 0 = never */
	uint16_t unanswered; /* how often the request that waits for its answer was sent; 0 = none waits */
	msec quiet;          /* for so long traffic has gone out and nothing has come, not even an answer; 0 = not so */
	struct recent_view recent;
	enum problem problem; /* of its traffic, told and not taken back */
	int64_t problem_at;
	uint8_t one_way; /* liveness probes that were answered although traffic got no answer */
};
void ike_trace_all(struct ike *ike); /* from now on an ACTION_TRACE for the messages of every tunnel */
bool ike_view(const struct ike *ike, uint32_t tunnel, struct tunnel_view *v); /* false: no such tunnel */
/* COUNTER_COUNT of them, until the next step; NULL: no such tunnel */
const uint64_t *ike_counters(const struct ike *ike, uint32_t tunnel);
/* the same without `recent` and the last error, and cheap */
bool ike_glance(const struct ike *ike, uint32_t tunnel, struct tunnel_view *v);
uint32_t ike_up(const struct ike *ike); /* how many tunnels are, as ike_view says it, for a fraction of the work */
struct ike_totals {
	uint64_t datagrams, dropped[DROP_COUNT], half_open, established, cookies_sent;
};
void ike_totals(const struct ike *ike, struct ike_totals *t);

#endif
