/*
 * host.h - what `s2sctl check` has to know of this machine, read once into plain data, so that the judgement (check.h) is pure.
 */
#ifndef CHECK_HOST_H
#define CHECK_HOST_H

#include "base/addr.h"
#include "conf/conf.h"

#define HOST_UNKNOWN (-1) /* a number that could not be read */

struct host_net { /* an address of an interface, with its prefix */
	char interface[INTERFACE_NAME_MAX + 1];
	struct prefix prefix; /* host bits kept */
	bool carries;         /* it is up, has a carrier, and is no loop or dummy */
	bool has_default;     /* the main table has a default route by it, preferred or not ... */
	struct addr gateway;  /* ... to that router; family 0 = none needed */
	int rp_filter;        /* of the interface; HOST_UNKNOWN */
	char elsewhere[INTERFACE_NAME_MAX +
		       1]; /* by which hosts of this network are reached instead; "" = by this one, or not known */
};

struct host_key { /* a file in keys/ that group or others can get at */
	char *name;
	unsigned mode;
};

struct host_path {        /* of one tunnel */
	struct addr from; /* what the route to the peer takes as source; family 0 = unknown or no route */
	int mtu;          /* of that route */
	int rp_filter;    /* of the tunnel interface; HOST_UNKNOWN = there is none now */
	/* With `local` as source, by which device: what we send, and what others would. "" = not asked, or nowhere. */
	char out[INTERFACE_NAME_MAX + 1], back[INTERFACE_NAME_MAX + 1];
};

#define HOST_FILTER_TEXT 240
struct host_filter {     /* a rule of this machine's packet filter that the traffic of tunnels meets */
	uint32_t tunnel; /* the first that does, in the order of conf->tunnels */
	bool others;     /* others do, too */
	bool changes;    /* it changes addresses, else it drops */
	char where[HOST_FILTER_TEXT], rule[HOST_FILTER_TEXT]; /* rule "" = the policy of a chain */
	unsigned n_commands;
	char commands[3][256]; /* that except the tunnel from it */
};

#define HOST_UNIT 128
#define HOST_PROGRAM 32
struct host_port { /* of IKE, and another program has it */
	unsigned port;
	int pid;
	char program[HOST_PROGRAM], unit[HOST_UNIT]; /* unit: its service of systemd; "" = none */
	bool manager;                                /* it is systemd itself, which holds it for some unit */
};

#define HOST_CARDS 4
struct host_card { /* a real network card on the way to some peer */
	char name[INTERFACE_NAME_MAX + 1];
	int gro;                /* 1 on, 0 off, HOST_UNKNOWN */
	int queues, queues_max; /* for receiving; HOST_UNKNOWN */
};

struct host_speed {          /* what ESP could be faster by */
	bool waits4, waits6; /* esp4_offload, esp6_offload: the kernel has the module, and nobody loaded it */
	/* the processor's instructions: none for AES; the wide ones are kept from this virtual machine */
	bool no_aes, vaes_hidden;
	unsigned processors, n_cards;
	struct host_card cards[HOST_CARDS];
};

struct host {
	int64_t now; /* seconds since 1970; 0: not known */
	int forward4, forward6, rp_all, rp_default, hash4, hash6;
	bool networkd;                             /* systemd-networkd runs here */
	bool networkd_routes, networkd_rules;      /* ... and deletes routes, rules that it did not make */
	int64_t networkd_since, networkd_settings; /* when it started; when a file of its settings changed last; 0: unknown */
	unsigned n_nets, n_keys, n_paths, n_ports;
	struct host_net *nets;
	struct host_key *keys;
	struct host_path *paths; /* in the order of conf->tunnels */
	struct host_port ports[4];
	unsigned n_filters;
	struct host_filter *filters;
	unsigned n_ra;
	char ra[4][INTERFACE_NAME_MAX +
		   1]; /* interfaces that live from router advertisements, which forwarding makes the kernel ignore */
	int key_dir_mode;
	struct host_speed speed;
};

/* root: "" or a folder that stands in for / (proc, etc, run): for tests. Interfaces and routes are those of the machine in any case. */
void host_read(struct host *h, const struct conf *c, const char *key_dir, const char *root);
void host_release(struct host *h);

#endif
