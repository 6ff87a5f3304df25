/*
 * export.h - BGP for the tunnels with a `bgp` block, as the settings of a routing daemon. What a session needs is worked out once, in plain
 * data (sessions.c); export_frr.c and export_bird.c only write it; export.c is the command. The same settings give the same bytes.
 */
#ifndef CTL_EXPORT_H
#define CTL_EXPORT_H

#include <stdio.h>

#include "conf/conf.h"

struct prefixes {
	unsigned n;
	struct prefix *v;
};

struct export_peer {
	const struct tunnel_conf *t;
	struct addr source;    /* our end of the session */
	unsigned hops;         /* 0: directly connected */
	bool far;              /* in no network of the tunnel */
	bool host_route;       /* far, and it needs a route into the tunnel that s2sd does not make */
	bool default_wanted;   /* the peer may bring a default route */
	unsigned hold, keep;   /* seconds */
	unsigned rank;         /* by route-metric: 0 is preferred */
	struct prefixes here;  /* what it may learn of ours; empty: private networks that are connected */
	struct prefixes there; /* what it may bring; empty: everything */
};

struct export
{
	unsigned n, n_as, ranks;
	struct export_peer *peers; /* in the order of names */
	uint32_t *as;              /* of the peers, each once, ascending */
	uint32_t local_as;
	struct addr router_id;      /* family 0: none is known */
	unsigned paths;             /* most equal tunnels to one AS */
	bool multihop, sourced;     /* any session; any tunnel with route-source */
	struct prefixes blackholes; /* unreachable unless something better is there */
	struct prefixes here;       /* of all peers */
	struct prefixes links;      /* inside networks */
};

#define EXPORT_WHY 256
bool export_make(struct export *e, const struct conf *c, char why[EXPORT_WHY]);
void export_release(struct export *e);
void export_frr(const struct export *e, FILE *to);
void export_bird(const struct export *e, FILE *to);

/* --- what both need --- */
const char *export_title(const struct export_peer *p, char text[160]); /* "AWS at 203.0.113.10, through s2s-aws-1" */
const char *export_opens(const struct export_peer *p);                 /* who opens the session */
#define LOCAL_PREFERENCE(e, p) (100u + 10u * ((e)->ranks - 1 - (p)->rank))
#define PREPEND_MAX 5
/* Networks that are nobody's on the Internet: what a side has when its selectors do not say. NULL at the end. */
const char *const *export_private_nets(uint8_t family);
bool export_has(const struct export *e, uint8_t family); /* a session of this family */

#endif
