/*
 * msg.h - the messages between keeper and engine. One row per message: the body is a plain struct, or a struct followed by bytes.
 *
 *	keeper  -- configuration, results, kernel events, commands -->  engine
 *	        <-- requests: AUTH, SAs, links, look-ups ----------
 */
#ifndef DAEMON_MSG_H
#define DAEMON_MSG_H

#include "conf/conf.h"
#include "ike/ike.h"
#include "ipc/udp.h"

enum msg_kind {
	/* keeper -> engine */
	MSG_SETUP = 1,     /* msg_setup + the control socket, the UDP sockets that exist, the engine's store (base/store.h) */
	MSG_HELD,          /* msg_held: before the first MSG_CONF */
	MSG_CONF,          /* nothing + one memfd: conf_pack; later ones conf_pack_since, the last one */
	MSG_KERNEL_RESULT, /* msg_result, ticket */
	MSG_AUTH_RESULT,   /* msg_auth_result, ticket */
	MSG_EXPIRE,        /* msg_expire */
	MSG_MAPPING,       /* msg_mapping */
	MSG_ACQUIRE,       /* msg_acquire */
	MSG_COUNTERS,      /* msg_counters */
	MSG_RESOLVED,      /* msg_resolved */
	MSG_TUNNEL,        /* msg_tunnel */
	MSG_PATH_CHANGED,  /* nothing */
	MSG_COMMAND,       /* msg_command */
	MSG_STATUS,        /* nothing: write status lines */
	MSG_RELOADED,      /* msg_reloaded + rows */
	MSG_FACT,          /* struct fact: the keeper's own news, logged already */
	MSG_KERNEL,        /* msg_kernel: whether the kernel has what the tunnel needs */
	MSG_PING,          /* nothing; the ticket comes back */
	/* engine -> keeper */
	MSG_READY,        /* nothing: the configuration is in, sockets are being read */
	MSG_PONG,         /* nothing, ticket */
	MSG_AUTH,         /* msg_auth + bytes, ticket */
	MSG_INSTALL,      /* msg_install (+ struct esp_switch), ticket */
	MSG_SWITCH,       /* struct esp_switch, ticket */
	MSG_REMOVE,       /* struct esp_remove */
	MSG_MOVE,         /* struct esp_move */
	MSG_LINK,         /* struct esp_link_state */
	MSG_ASK_COUNTERS, /* nothing */
	MSG_RESOLVE,      /* msg_resolve */
	MSG_RELOAD,       /* msg_reload */
	MSG_SUMMARY,      /* msg_summary */
	MSG_IDLE,         /* nothing: after COMMAND_SHUTDOWN */
	MSG_KIND_COUNT
};

struct msg_setup {
	uint32_t uid, gid, control_gid;
	uint32_t features;        /* bits FEATURE_BIT(enum feature) */
	uint32_t resolver_uid;    /* who, as uid itself, has nothing to say to the control socket */
	uint8_t udp[UDP_SOCKETS]; /* 1: its descriptor follows, in this order, after the control socket */
	uint8_t crashed;          /* the engine before this one died of what it did, and not because somebody killed it */
	uint8_t store;            /* 1: its descriptor follows the sockets'; 0: nothing outlives this engine */
	uint8_t to_stderr;        /* log */
	uint8_t log_level;
	uint8_t verbose; /* -v given how often */
	int32_t log_facility;
	char root[108]; /* an empty directory to live in */
};

struct msg_result {
	int32_t err;
	int32_t switch_err; /* of an INSTALL with a switch, when err is 0 */
};
struct msg_auth_result {
	int32_t err;
	uint16_t len;
	uint8_t scheme; /* sign_scheme() of a certificate's key; 0: by the pre-shared key */
	uint8_t auth[IKE_AUTH_MAX];
	char why[IKE_JOB_WHY]; /* err: as in struct ike_job_result */
};
struct msg_expire {
	uint32_t tunnel, spi;
	uint8_t dir, hard, lost; /* lost: it is gone, and nobody of ours removed it */
};
struct msg_mapping {
	uint32_t tunnel, spi;
	struct addr remote;
};

struct msg_acquire { /* a packet for which there is no child, as selectors of one address each */
	uint32_t tunnel;
	struct ts local, remote;
};

#define MSG_COUNTERS_MAX 512
struct msg_counters {
	uint32_t n, more;
	struct esp_counters v[MSG_COUNTERS_MAX];
}; /* sent as far as it is filled */

#define MSG_HELD_MAX 512
struct msg_held {         /* the SAs that an engine before this one had installed and the kernel has still */
	uint32_t n, more; /* more: another message with others follows */
	struct esp_held v[MSG_HELD_MAX];
}; /* sent as far as it is filled */

#define MSG_WHY 160
struct msg_resolved {
	uint32_t tunnel, query;
	uint8_t n;
	bool no_route; /* there is an address, but no route to it */
	struct ike_path v[RESOLVED_MAX];
	char why[MSG_WHY];
};
struct msg_tunnel {
	uint32_t tunnel;
	uint8_t usable;
	char why[FACT_TEXT]; /* when it is not */
};
struct msg_kernel {
	uint32_t tunnel;
	uint8_t differs;      /* 0: as wanted */
	char text[FACT_TEXT]; /* what differs and cannot be put back; foreign bytes are escaped already */
};
struct msg_command {
	uint32_t kind, tunnel;
	uint64_t token;
};
#define MSG_RELOADED_TEXT 640
struct msg_reloaded {
	uint64_t token;
	uint8_t ok;
	char text[MSG_RELOADED_TEXT];
}; /* then rows, see reloaded.h: as many as fit */
#define MSG_RELOADED_ROWS 60000

/* Then: message, nonce, SK_p, for VERIFY the peer's identity payload body and AUTH, and for ANSWER our message, nonce and SK_p: struct ike_job says what they are. */
struct msg_auth {
	uint32_t tunnel, message_len, own_message_len;
	uint16_t prf, nonce_len, sk_p_len, peer_id_len, auth_len, own_nonce_len, own_sk_p_len;
	uint8_t verify, initiator;
	uint8_t answer;  /* verify, and when that is right ours is wanted, too: of a responder */
	uint8_t by_cert; /* the tunnel has certificates: there is nothing for the keeper to verify */
	uint32_t hashes; /* ... and what the peer understands */
	uint64_t leaf;   /* ... and cert_conf_leaf() of the certificate that the signature has to fit */
	struct addr local;
};
struct msg_install {
	struct esp_pair sas;
	uint8_t first; /* 1: a struct esp_switch follows, and after it the link is done, each when what is before it succeeded */
	struct esp_link_state link;
	struct ike_ticket after; /* of the MSG_AUTH before it, when this is only for a peer that it proves; job 0: in any case */
};
#define MSG_NAME 256
struct msg_resolve {
	uint32_t tunnel, query;
	struct addr remote, local;
	char name[MSG_NAME];
};
struct msg_reload {
	uint64_t token;
	uint8_t dry_run;
};
struct msg_summary {
	uint32_t up, total;
};

#endif
