/*
 * kernel.h - all that we do to the Linux kernel: XFRM, links, addresses, routes, one nf_tables table. Used by the keeper alone.
 *
 * Ours is marked (links: group and if_id range; routes: protocol number; XFRM: if_id; nf_tables: table name), nothing else is ever touched and
 * nothing is ever flushed. Functions return 0 or -errno; why() then has a sentence for people (extended ack, the foreign object's name).
 * A success may leave a warning there (nf_tables missing, say); otherwise it is "".
 * All calls are synchronous requests on sockets of their own; events come from separate sockets.
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "base/addr.h"
#include "base/path.h"
#include "ike/esp.h"

#define S2S_RTPROT 213        /* protocol number of our routes and addresses */
#define S2S_LINK_GROUP 0x5332 /* link group of our interfaces */

/* Table PEER_TABLE holds host routes to peers; rules ask it for packets with PEER_MARK only, after an operator's own rules and before the main
 * table: the way to a peer is no road for others. */
#define PEER_TABLE 21300
#define PEER_RULE_PRIORITY 32765 /* the main table's is 32766 */

struct kernel;

struct kernel_tunnel { /* what a configured tunnel wants of the kernel, whether up or not */
	uint32_t id;   /* if_id = IF_ID_BASE + id */
	bool vti;
	char interface[16];
	char altname[64];
	uint8_t n_inside;
	const struct prefix *inside;
	uint16_t n_routes;
	const struct prefix *routes;
	uint32_t route_metric, route_table;
	struct addr route_source;
	const struct ts_list *local_ts, *remote_ts; /* policies before a child narrows them */
	struct addr local, remote;                  /* outside, when known (VTI needs them) */
	struct addr dialled; /* what a name means for now, unproven: IKE gets a way to it, and it is used for nothing else */
	uint32_t mtu;
	int32_t mss;   /* 0 = auto; mss -1 = off; never more than the MTU allows */
	bool mtu_most; /* the MTU is lowered to what fits the path */
	bool pin_route;
	uint8_t offload; /* enum offload_mode */
};

struct kernel_kept { /* what an earlier run of ours had made of a tunnel, by its own record */
	struct kernel_tunnel want;
	struct esp_link_state up, link; /* what came with `up` last, and the state now; link.tunnel 0: it had none */
	unsigned n_sas, n_switches;
	const struct esp_held *sas;
	const struct esp_switch *const *switches; /* per slot the last one that was carried out */
};

struct kernel_event {
	/* ACQUIRE: a packet for a slot that has no child and asks for one, in local and remote. TOUCHED: somebody else changed something of ours, reconcile() shall look. UPLINK_CHANGED, TOUCHED and OVERRUN come once per read. */
	enum { KERNEL_EXPIRE, KERNEL_MAPPING, KERNEL_ACQUIRE, KERNEL_UPLINK_CHANGED, KERNEL_TOUCHED, KERNEL_OVERRUN } kind;
	uint32_t tunnel, spi;
	bool hard;
	struct addr addr; /* EXPIRE: addr = dst; MAPPING: addr = new source with port */
	struct ts local, remote;
};

enum kernel_object {
	OBJECT_INTERFACE,
	OBJECT_SYSCTL,
	OBJECT_ADDRESS,
	OBJECT_ROUTE,
	OBJECT_RULE,
	OBJECT_POLICY,
	OBJECT_SA,
	OBJECT_FIREWALL, /* the nf_tables table */
	OBJECT_KINDS
};
#define KERNEL_WHAT 96
#define KERNEL_WHY 320
#define KERNEL_WHO 24
struct kernel_difference { /* between what is wanted and what was there */
	uint32_t tunnel;   /* 0: of all */
	enum kernel_object object;
	bool restored; /* it is as wanted again. An SA never is: nobody has its keys */
	bool surplus;  /* it was ours and wanted by nobody */
	uint32_t spi;  /* of an SA, and dst */
	struct addr dst;
	const char *what, *was; /* "interface s2s-aws"; what it had become ("MTU 1300"), "" when it was gone */
	const char *why;        /* it could not be restored, or "" */
	const char *by;         /* the program that did it, "" when it cannot be told */
};
typedef void (*kernel_difference_fn)(void *arg, const struct kernel_difference *d);
typedef void (*kernel_event_fn)(void *arg, const struct kernel_event *e);
typedef void (*kernel_held_fn)(void *arg, const struct esp_held *h);
typedef void (*kernel_count_fn)(void *arg, uint32_t tunnel, const struct esp_counters *c);

/* What the keeper may do to a kernel. Every function gets what open() gave. */
struct kernel_ops {
	/* Large buffers; modules are loaded by use; -EOPNOTSUPP: why() names what is missing. After a failure too *k is to be closed. A warning
	 * names the kinds of news that this kernel does not tell. */
	int (*open)(struct kernel **k, kernel_event_fn fn, void *arg);
	void (*close)(struct kernel *k); /* touches nothing in the kernel */
	const char *(*why)(const struct kernel *k);
	uint32_t (*features)(const struct kernel *k); /* bits FEATURE_BIT(enum feature), found by open() */
	/* Event sockets to poll, then read(fd). ENOBUFS becomes KERNEL_OVERRUN after the socket is drained. */
	unsigned (*fds)(const struct kernel *k, int fds[4]);
	void (*read)(struct kernel *k, int fd);

	/* --- tunnels --- */
	/* After start: look at what is ours in the kernel. Adopts what belongs to the tunnels given (by interface name / if_id), removes the
	 * rest of ours. SAs too, unless keep_sas: then those of an interface that has both stay, with their policies, routes and link state until
	 * these are told, if they are between the outside addresses of the tunnel as far as it has any. */
	int (*adopt)(struct kernel *k, const struct kernel_tunnel *tunnels, unsigned n, bool keep_sas);
	/* The SAs that adopt() has kept. Their ports are not told. */
	int (*held)(struct kernel *k, kernel_held_fn fn, void *arg);
	/* Instead, with the record of that run: tunnels, links, slots and SAs are as it left them and go on. Nothing is written to the kernel; what the
	 * record says and the kernel has not is found by the next reconcile(). An error: some tunnel is to be set again. */
	int (*resume)(struct kernel *k, const struct kernel_kept *kept, unsigned n);
	/* Compares all that is wanted with what is there, and puts back what is missing or differs; what is ours and wanted by nobody goes. What
	 * belongs to others stays. fn (may be NULL) hears of each difference. An error: it could not look; nothing was told to be missing. */
	int (*reconcile)(struct kernel *k, kernel_difference_fn fn, void *arg);
	/* Create, adopt or change to this; idempotent. Starts administratively down. */
	int (*tunnel_set)(struct kernel *k, const struct kernel_tunnel *t);
	int (*tunnel_del)(struct kernel *k, uint32_t id, bool keep_blackholes);
	/* Everything of ours at once (on exit): much faster than one by one. The tunnels are forgotten. keep_blackholes: unreachable routes and the
	 * nf_tables table stay; where no tunnel was known, as an earlier run left it. */
	int (*remove)(struct kernel *k, bool keep_blackholes);
	/* Interface state follows the tunnel. up: MTU/MSS computed, link up, addresses, routes. dormant: operstate. down: link down, blackhole
	 * routes stay. */
	int (*tunnel_link)(struct kernel *k, const struct esp_link_state *s);
	/* After an uplink change: host routes to the peers are made again. */
	int (*peer_routes_renew)(struct kernel *k);

	/* --- SAs --- */
	int (*sa_add)(struct kernel *k, const struct esp_sa *sa); /* -EEXIST: SPI in use */
	/* Without an SA but with selectors and addresses packets for the slot ask for a child, KERNEL_ACQUIRE. Policies by UPDPOLICY, never delete + add; surplus selectors removed. -E2BIG: more policies than a tunnel may have, and nothing is changed. Slot 0 and no
	 * SA: the slots that there are belong to nobody any more, and go with the next switch. */
	int (*sa_switch)(struct kernel *k, const struct esp_switch *s);
	int (*sa_del)(struct kernel *k, const struct esp_remove *r); /* absent is fine */
	int (*sa_move)(struct kernel *k, const struct esp_move *m);  /* ports: UPDSA; addresses: MIGRATE */
	/* One dump: counters of every SA of ours. fn is called per SA. */
	int (*counters)(struct kernel *k, kernel_count_fn fn, void *arg);

	/* --- routes --- */
	/* The path to remote that does not lead into an interface of ours: source address and (unless NULL) MTU of the uplink. -ENETUNREACH. */
	int (*path)(struct kernel *k, const struct addr *remote, struct addr *local, uint32_t *mtu);
	int (*forwarding)(struct kernel *k, int family); /* 1 on, 0 off */
	int (*set_forwarding)(struct kernel *k, int family);
};

extern const struct kernel_ops kernel_real;
/* For --null-kernel: records SAs, installs nothing. It serves protocol tests on machines without ESP and carries no traffic. */
extern const struct kernel_ops kernel_null;

#endif
