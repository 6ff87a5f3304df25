/*
 * state.h - what we know of the kernel: the tunnels, their objects, the destinations they share.
 *
 *	struct kernel --- nl xfrm, route, netfilter      requests
 *	   |----------- events[2]                        what others did, what the kernel did by itself
 *	   |----------- tunnel (by id) -- interface, policies, SAs, peer host route
 *	   |----------- dest (by prefix and table) -- blackhole route, nexthops of all tunnels that are up
 *	   |----------- peer_route (by peer) in PEER_TABLE, which rules ask for what goes to peers
 *	   '----------- sets (by prefix) -- of the nf_tables table
 *
 * The order of files, from below; each calls only what stands before it:
 *
 *	nlm nl           netlink messages and requests (libmnl)
 *	xsa policy nft_expr nft_rules nft_look     what the messages say
 *	state            this
 *	link address nft rule route elsewhere path peer_route     one kind of object each
 *	slot             policies of a tunnel
 *	card             which network card does ESP
 *	child move       SAs of a tunnel
 *	tunnel           all that a configured tunnel has
 *	compare compare_* reconcile   what is wanted against what is there; what an earlier run left
	resume           what an earlier run left, by its own record
 *	who event_route event   what happens without us
 *	kernel null      the table of operations; beside it the null kernel
 */
#ifndef KERNEL_STATE_H
#define KERNEL_STATE_H

#include "base/table.h"
#include "kernel/kernel.h"
#include "nl.h"
#include "policy.h"
#include "xsa.h"

struct peer_route;

struct sa_known {
	struct xsa_id id;
	struct addr was; /* its destination, when the move of another SA took it along and its own is still to come */
	bool there;      /* by the last comparison */
};

struct slot { /* one of the children side by side */
	struct outward out;
	bool carries; /* by an SA that is there */
	bool left;    /* by an engine that is gone: it goes with the next switch */
	struct sel_list sels;
};

struct policy { /* of a selector: in, fwd (but for a VTI) and out */
	struct sel sel;
	uint64_t hash; /* sel_hash */
	struct outward out;
	bool wanted, known;     /* known: the kernel has it so */
	uint8_t there, differs; /* by the last comparison: 1 << enum policy_dir */
};
struct policies {
	unsigned n;
	struct policy *v; /* owned */
};

struct tunnel {
	struct kernel_tunnel want; /* inside and routes are our copies */
	uint32_t ifindex;          /* 0: no interface yet */
	uint8_t state;             /* enum esp_link */
	bool has_link;             /* last holds what came with `up` */
	struct esp_link_state last;
	uint32_t mtu;
	struct { /* what the nf_tables sets hold of it */
		uint32_t ifindex;
		uint16_t mss4, mss6;
	} nft;
	unsigned n_slots;
	struct slot *slots; /* by number */
	/* what may be in the kernel: the union of what the slots want, before there are any what `want` says */
	struct policies policies;
	bool adopted;          /* an earlier run's, with its SAs: the out policies say what they said */
	uint32_t card_refused; /* ifindex of a network card that did not take an SA of it: it is not asked again ... */
	bool card_told;        /* ... and that was said; both hold for ... */
	uint8_t card_mode;     /* ... this want.offload */
	struct {               /* which card was on the way to a peer; to.family 0: nobody looked */
		struct addr to;
		uint32_t changes, card; /* as of k->uplink_changes */
		uint64_t at;            /* ms of the monotonic clock */
	} card_way;
	unsigned n_sas;
	struct sa_known *sas; /* those that we installed and did not delete */
	struct peer_route *peer_route;
	struct {                         /* the comparison under way */
		bool link;               /* its interface is there */
		bool surplus_address;    /* one of ours that is not wanted is there */
		uint64_t addresses;      /* those of want.inside that are there, as bits */
		enum kernel_object kind; /* of what differs about the interface */
		char differs[32];        /* "" nothing */
		uint16_t told;           /* 1 << enum kernel_object */
	} look;
};

struct who { /* did something to what is ours, since the last comparison */
	uint32_t port;
	char name[KERNEL_WHO];
};

enum prefix_set_kind { SET_ANTISPOOF, SET_GUARDED, SET_ELSEWHERE, PREFIX_SETS };
struct prefix_set {              /* an nf_tables set of prefixes, IPv4 and IPv6 */
	struct table all;        /* struct member (nft.c): chains by hash */
	uint64_t by_len[2][129]; /* how many of each length: saves searches */
};

enum nft_state { NFT_UNTRIED, NFT_READY, NFT_CLAMP_ONLY, NFT_MISSING };

struct kernel {
	struct nl xfrm, route, netfilter;
	struct mnl_socket *event_xfrm, *event_route, *event_nft;
	kernel_event_fn fn;
	void *arg;
	char why[NL_WHY];
	struct table by_id, by_ifindex; /* struct tunnel */
	struct table dests;             /* struct dest: chains by hash */
	struct prefix_set sets[PREFIX_SETS];
	bool elsewhere_old; /* routes of others came or went in a guarded prefix, or a guarded prefix came: elsewhere_look */
	/* not ours, as seen last: ifindex -> struct uplink; hash of address and link -> present */
	struct table uplinks, addresses;
	struct peer_route *peer_routes;
	unsigned peer_routes_set4; /* so many of them are in the kernel, of IPv4 */
	bool peer_routes_old;      /* a route into a tunnel came or went that concerns a peer */
#define RULES_MAX 6
	bool rule_there[RULES_MAX];
	enum nft_state nft;
	struct {
		uint32_t generation; /* in which the table was as it shall be; 0: look */
		uint64_t rules;      /* nft_print_rules of what we wrote */
	} nft_seen;
	bool uplink_changing; /* told, and the host routes to peers are not made again yet */
	uint32_t uplink_changes;
	struct who who[OBJECT_KINDS];
	bool touched, nft_touched;     /* by others, since the last KERNEL_TOUCHED; since the last generation */
	uint32_t features;             /* of this kernel: bits FEATURE_BIT(enum feature) */
	bool cards;                    /* some network card encrypts, as of ... */
	uint64_t cards_seen;           /* ms of the monotonic clock; 0: never looked */
	bool acquires;                 /* event_xfrm hears of packets that ask for an SA */
	char deaf[80];                 /* to whose events this kernel does not let us listen */
	uint64_t dests_by_len[2][129]; /* how many of each length: saves searches; of the main table */
	struct nlm scratch;            /* the message being written */
};

static inline bool ours_ifindex(const struct kernel *k, uint32_t ifindex) { return table_get(&k->by_ifindex, ifindex) != NULL; }

/* A sentence for people; returns error. With 0 it is a warning. */
int kernel_fail(struct kernel *k, int error, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Where one failure does not keep the rest from being done, the first is returned. */
static inline int first_error(int first, int next) { return first != 0 ? first : next; }

uint64_t prefix_hash(const struct prefix *p, uint32_t salt);
/* What there is one of per prefix and routing table: first member of its struct, chains by hash in a struct table. */
struct by_prefix {
	struct by_prefix *next;
	struct prefix prefix;
	uint32_t table; /* 0: whichever */
	unsigned refs;
};
void *prefix_find(const struct table *all, const struct prefix *p, uint32_t table);
void *prefix_add(struct table *all, size_t size, const struct prefix *p, uint32_t table); /* zeroed */
void prefix_remove(struct table *all, struct by_prefix *gone);                            /* out of the table; not freed */
void prefix_release(struct table *all, void (*release)(void *one));                       /* each, and the table */
struct tunnel *tunnel_find(const struct kernel *k, uint32_t id);
struct tunnel *tunnel_new(struct kernel *k, uint32_t id);
void tunnel_free(struct kernel *k, struct tunnel *t);
void slots_release(struct tunnel *t);
void tunnel_set_ifindex(struct kernel *k, struct tunnel *t, uint32_t ifindex);
struct kernel_tunnel tunnel_want_copy(const struct kernel_tunnel *w);
void tunnel_want_free(struct kernel_tunnel *w);

/* --- link.c --- */
#define OPER_DORMANT 5 /* RFC 2863; <linux/if.h> has them too and quarrels with <net/if.h> */
#define OPER_UP 6
struct link_seen {
	uint32_t ifindex, group, flags, mtu, number; /* number: if_id, or the VTI's key; 0 when it is another kind */
	uint8_t operstate;
	bool xfrm, vti;
	struct addr local, remote; /* VTI */
	uint32_t mark;             /* VTI: that of its outer packets */
	/* As set_options makes them; -1: the kernel did not say. */
	int accept_redirects, send_redirects, rp_filter, no_policy, addr_gen_mode;
	char name[16];
};
bool link_read(struct link_seen *seen, const struct nlmsghdr *h);
bool link_is_ours(const struct link_seen *seen);
bool link_wanted(const struct tunnel *t); /* a VTI waits for its outside addresses */
/* What of t's interface is not as it shall be, in words of the interface; false: nothing. */
bool link_differs(const struct tunnel *t, const struct link_seen *seen, enum kernel_object *kind, char words[32]);
bool link_other(const struct tunnel *t, const struct link_seen *seen);        /* so changed that it must be made anew */
int link_by_name(struct kernel *k, const char *name, struct link_seen *seen); /* -ENODEV */
int link_by_index(struct kernel *k, uint32_t ifindex, struct link_seen *seen);
int link_dump(struct kernel *k, nl_fn fn, void *arg);
int link_ensure(struct kernel *k, struct tunnel *t); /* create or adopt; a VTI without known addresses waits (ifindex 0) */
int link_change(struct kernel *k, struct tunnel *t, bool up, bool dormant, uint32_t mtu);
int link_endpoints(struct kernel *k, struct tunnel *t, const struct addr *local, const struct addr *remote); /* VTI */
int link_endpoints_put(struct kernel *k, struct tunnel *t); /* and the mark of its outer packets */
int link_delete(struct kernel *k, uint32_t ifindex);

/* --- address.c --- */
struct address_seen {
	uint32_t ifindex;
	bool ours; /* by its protocol; kernels before 5.18 do not say */
	struct prefix prefix;
};
bool address_read(struct address_seen *seen, const struct nlmsghdr *h);
int address_wanted(const struct tunnel *t, const struct prefix *p); /* its place in want.inside, or -1 */
int address_sync(struct kernel *k, struct tunnel *t);

/* --- rule.c --- */
/* What is wanted: rules 0 to RULES_MAX - 1, of which rule_wanted() says whether they are wanted now, and rule_put() puts one.
 * What is there: rule_dump(), and rule_read() for each message, also of an event; row: which of ours it is, -1: of our protocol and none of them. */
struct rule_seen {
	int row;
	size_t size;
	uint8_t body[256]; /* as it came; a rule is deleted by what it says */
};
bool rule_wanted(const struct kernel *k, unsigned i);
int rule_put(struct kernel *k, unsigned i); /* one that is there is fine */
int rule_dump(struct kernel *k, int family, nl_fn fn, void *arg);
bool rule_read(struct rule_seen *seen, const struct nlmsghdr *h); /* false: not ours */
int rule_delete_seen(struct kernel *k, const struct rule_seen *seen);
int rule_sync(struct kernel *k); /* after what is wanted changed: by what we know to be there, no message when nothing changed */
bool rule_is_ipv6(unsigned i);

/* --- route.c --- */
int route_blackhole_ref(struct kernel *k, const struct prefix *p, uint32_t table, uint32_t tunnel);
/* keep: somebody else may come to want it; otherwise route_sweep takes it away. */
void route_blackhole_unref(struct kernel *k, const struct prefix *p, uint32_t table, bool keep);
void route_sweep(struct kernel *k); /* what was kept and nobody came to want again */
int route_nexthop_set(struct kernel *k, const struct tunnel *t, const struct prefix *p);
int route_nexthop_remove(struct kernel *k, const struct tunnel *t, const struct prefix *p, uint32_t table);
bool route_blackhole_wanted(const struct kernel *k, const struct prefix *p, uint32_t table);
/* it lies in a prefix that has a blackhole route in the main table */
bool route_guards(const struct kernel *k, const struct addr *a);
void route_release(struct kernel *k);
uint32_t route_table_of(const struct kernel_tunnel *w);
struct route_seen {
	struct prefix prefix;
	uint32_t table, metric, oif;
	uint8_t protocol, type;
};
bool route_read(struct route_seen *seen, const struct nlmsghdr *h);
int route_dump_ours(struct kernel *k, int family, nl_fn fn, void *arg);
int route_delete_seen(struct kernel *k, const struct route_seen *seen);

/* --- peer_route.c --- */
/* What is wanted: for each struct peer_route whose peer cannot be reached by the main table beside the tunnels, one host route in PEER_TABLE
 * (peer_route_is() tells whether one that was seen is among them); kernel_peer_routes_renew() puts and removes. */
int peer_route_set(struct kernel *k, struct tunnel *t, const struct addr *remote); /* remote without a family: none */
void peer_route_clear(struct kernel *k, struct tunnel *t);
/* p is about to be guarded: peers within get their routes first */
int peer_route_before(struct kernel *k, const struct prefix *p);
void peer_route_adopt(struct kernel *k, const struct route_seen *r);
bool peer_route_like(const struct route_seen *r); /* by its form */
void peer_route_sweep(struct kernel *k);
void peer_route_release(struct kernel *k);                                /* forgets, touches nothing */
bool peer_route_concerns(const struct kernel *k, const struct prefix *p); /* does a route to p matter for a peer? */

/* --- nft.c --- */
int nft_ensure(struct kernel *k); /* 0 also when the kernel cannot: then kernel_why tells */
int nft_tunnel(struct kernel *k, struct tunnel *t, uint32_t ifindex, uint32_t mss4, uint32_t mss6);
/* Of SET_ANTISPOOF and SET_GUARDED; one of SET_GUARDED counts from the next elsewhere_look on. */
void nft_prefix_ref(struct kernel *k, enum prefix_set_kind kind, const struct prefix *p);
void nft_prefix_unref(struct kernel *k, enum prefix_set_kind kind, const struct prefix *p);
bool nft_guards(const struct kernel *k, const struct prefix *p); /* it lies in one of SET_GUARDED */
/* SET_ELSEWHERE holds these; then what is new in SET_GUARDED counts */
void nft_elsewhere(struct kernel *k, const struct prefix *v, unsigned n);
int nft_rebuild(struct kernel *k);
uint64_t nft_wanted_elements(struct kernel *k); /* as nft_print_elements would read them */
int nft_remove(struct kernel *k);
void nft_release(struct kernel *k);

/* --- elsewhere.c --- */
bool elsewhere_concerns(const struct kernel *k, const struct route_seen *r); /* another program's route in a guarded prefix */
int elsewhere_look(struct kernel *k);                                        /* if something changed */

/* --- slot.c --- */
struct policy *policies_find(const struct policies *all, const struct sel *s);
void policies_add(struct policies *all, const struct sel *s, const struct outward *out);
int policies_settle(struct kernel *k, struct tunnel *t); /* the policies become what is wanted; no message when nothing changed */
int policies_clear(struct kernel *k, struct tunnel *t);
/* One policy as it is wanted, into the batch of k->xfrm. */
void policy_put(struct kernel *k, const struct tunnel *t, const struct sel *s, enum policy_dir dir, const struct outward *out);
/* Of the slots that send nowhere those go that do not lie within what `want` says now. */
void slots_trim(struct tunnel *t);
void slots_moved(struct tunnel *t, uint32_t spi_out, const struct esp_move *m);  /* the outbound SA has other addresses */
void slots_lost_sa(struct kernel *k, struct tunnel *t, const struct xsa_id *id); /* another slot may take its place */

/* --- card.c --- */
/* The ifindex of the card that shall do its cryptography; 0: the processor does. k->why is the sentence why not the first time that `crypto` asked for a card, else "". */
uint32_t card_for(struct kernel *k, struct tunnel *t, const struct esp_sa *sa);
/* It did not take it: the processor does, and the reason, in k->why, becomes a warning the first time. */
void card_refused(struct kernel *k, struct tunnel *t, uint32_t ifindex);

/* --- child.c --- */
void sa_note(struct tunnel *t, const struct xsa_id *id);
void tunnel_forget_sa(struct tunnel *t, const struct xsa_id *id);
int sa_clear(struct kernel *k, struct tunnel *t);

/* --- tunnel.c --- */
int tunnel_restore(struct kernel *k, struct tunnel *t); /* its interface, when something about it differs */

/* --- who.c --- */
/* Another program, or the kernel (port 0), did something to what is ours; port: of the netlink message. */
void who_touched(struct kernel *k, enum kernel_object object, uint32_t port);
void who_named(struct kernel *k, enum kernel_object object, const char *name);

/* --- event.c --- */
int event_open(struct kernel *k);
/* event_route.c */
int event_routing_seed(struct kernel *k);
bool event_routing(struct kernel *k, const struct nlmsghdr *h); /* whether an uplink may have changed */
void event_routing_close(struct kernel *k);
void event_close(struct kernel *k);

/* --- the operations of kernel_real, where their subject is --- */
int kernel_adopt(struct kernel *k, const struct kernel_tunnel *tunnels, unsigned n, bool keep_sas);
int kernel_held(struct kernel *k, kernel_held_fn fn, void *arg);
int kernel_resume(struct kernel *k, const struct kernel_kept *kept, unsigned n);
int kernel_reconcile(struct kernel *k, kernel_difference_fn fn, void *arg);
int kernel_tunnel_set(struct kernel *k, const struct kernel_tunnel *t);
int kernel_tunnel_del(struct kernel *k, uint32_t id, bool keep_blackholes);
int kernel_remove(struct kernel *k, bool keep_blackholes);
int kernel_tunnel_link(struct kernel *k, const struct esp_link_state *s);
int kernel_peer_routes_renew(struct kernel *k);
int kernel_sa_add(struct kernel *k, const struct esp_sa *sa);
int kernel_sa_switch(struct kernel *k, const struct esp_switch *s);
int kernel_sa_del(struct kernel *k, const struct esp_remove *r);
int kernel_sa_move(struct kernel *k, const struct esp_move *m);
int kernel_counters(struct kernel *k, kernel_count_fn fn, void *arg);
int kernel_path(struct kernel *k, const struct addr *remote, struct addr *local, uint32_t *mtu);
unsigned kernel_fds(const struct kernel *k, int fds[4]);
void kernel_read(struct kernel *k, int fd);

#endif
