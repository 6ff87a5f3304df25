/*
 * conf.h - the configuration as immutable data. Pure: texts and key bytes are handed in (draft.h); what the keys say together is judged by
 * check/. Grammar and keys: s2sd.conf(5). One row per key (src/conf/keys.c): parser, default, printer, packer, effect of a change on reload.
 *
 * Inside order, from below: finding; text, dn, ident; addrs, lists, selectors, children, kinds, secret, cert_kinds (values); der, cert; keys; conf (life); profile;
 * adopt, pack; key_files; draft (defaults of one tunnel); reader, parse, read (all files); guard and split stand beside.
 *
 * Lifetime: a struct tunnel_conf is refcounted. A reload builds a new struct conf; tunnels whose settings are equal are re-pointed to
 * the old object (conf_adopt), so that pointer equality means "unchanged".
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/addr.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "cloud/cloud.h"
#include "conf/der.h"
#include "crypto/alg.h"
#include "crypto/cert.h"
#include "wire/proposal.h"
#include "wire/ts.h"

#define TUNNEL_NAME_MAX 32
#define INTERFACE_NAME_MAX 15

enum start_mode { START_INITIATE, START_RESPOND, START_MANUAL };
enum encapsulation { ENCAPSULATION_AUTO, ENCAPSULATION_UDP };
enum interface_type { INTERFACE_XFRM, INTERFACE_VTI };
enum tristate { TRI_NO, TRI_YES, TRI_AUTO };
enum on_exit { ON_EXIT_REMOVE, ON_EXIT_GUARD, ON_EXIT_KEEP };
enum forwarding { FORWARDING_CHECK, FORWARDING_YES };

#define IDENT_MAX 1024 /* octets of an identity of ours */
struct ident {         /* RFC 7296 3.5; type 0 = not set */
	uint8_t type;  /* enum ike_id_type */
	uint16_t len;
	uint8_t *data;
};
/* type by its form or forced by prefix; data is malloc'd */
bool ident_parse(struct ident *id, const char *text, const char **why);
bool ident_equal(const struct ident *a, const struct ident *b);            /* type and bytes */
const char *ident_format(const struct ident *id, char *text, size_t size); /* escaped */

unsigned name_hash(const char *s); /* 16 bits, the same for ever: what is cut off from a name is told apart by it */

#define WEAK_PSK (1u << 31)       /* in allow_weak: the word psk */
#define WEAK_SHA1_AUTH (1u << 30) /* sha1-auth: AUTH with RSA and SHA-1 */
struct psk {                      /* or what else is in a file of keys/ */
	size_t len;
	uint8_t data[];
};                                                       /* malloc'd, wiped on release */
bool psk_same(const struct psk *a, const struct psk *b); /* in constant time; both may be NULL */
void psk_free(struct psk *psk);

/* What a tunnel with certificates has (RFC 7296 2.15). The files' names are the settings; what is in them is read by the loader. */
#define CERT_PIN_SIZE 32
enum send_certificate { SEND_CERTIFICATE_ALWAYS, SEND_CERTIFICATE_ASKED, SEND_CERTIFICATE_NEVER };
struct der_list {
	unsigned n;
	struct bytes *v; /* malloc'd; the octets of each are shared with all that are equal (der.h) */
};
struct cert_conf {
	bool set;                         /* `certificate` is written: this tunnel authenticates by certificates, both ends */
	char *certificate, *ca, *crl;     /* names of files in keys/ */
	char *private_key;                /* the same, or a URI (pkey_is_uri) */
	struct der_list chain, cas, crls; /* chain: the leaf first. Empty when nobody has read the files */
	enum crl_policy crl_policy;
	bool pinned;
	uint8_t pin[CERT_PIN_SIZE]; /* SHA-256 of the peer's leaf */
	enum send_certificate send;
	struct psk *key; /* keeper only: the bytes of the private key's file, never packed; NULL: a URI, or not read */
	bool id_of_leaf; /* local-id is not written: it is the subject of our leaf */
};

struct bgp_conf {
	uint32_t local_as, peer_as, hold_time;
	struct addr peer, local;
	uint8_t multihop;
	bool set;
};

struct child_conf {                           /* selectors that have a child SA of their own */
	struct ts_list *local_ts, *remote_ts; /* kept (ts.h), neither is empty */
	int line;                             /* where it was written; 0 after unpacking */
};

struct tunnel_conf {
	unsigned refs;
	uint32_t id;      /* given by the keeper, stable over reloads by name; if_id = IF_ID_BASE + id. 0 = not given yet */
	const char *file; /* where it was written, for messages; NULL after unpacking */
	unsigned order;   /* of that file among those that were read */
	int line;
	uint8_t *key_lines; /* where its keys were written, see tunnel_conf_line; NULL after unpacking */

	char name[TUNNEL_NAME_MAX + 1];
	enum cloud cloud;
	bool remote_any;
	char *remote_name;         /* DNS name, or NULL */
	struct addr remote, local; /* family 0 = not written */
	struct ident local_id, remote_id;
	struct psk *psk;      /* keeper only: never packed. NULL = none */
	uint32_t psk_changes; /* how often a reload has changed it: tells the engine, which has none, that it is another */
	char *psk_file;
	struct cert_conf cert;
	uint8_t n_inside;
	struct prefix *inside; /* host bits matter */
	char interface[INTERFACE_NAME_MAX + 1];
	char *altname; /* altname: the full name when it was too long, else NULL */
	enum interface_type interface_type;
	uint16_t n_routes;
	struct prefix *routes;
	uint32_t route_metric, route_table;
	struct addr route_source;
	struct ts_list *local_ts, *remote_ts; /* kept (ts.h); with children: all of theirs */
	uint16_t n_children;                  /* TS_POLICIES_MAX at most; 0: one child SA with all of local_ts and remote_ts */
	struct child_conf *children;
	uint8_t n_ike, n_esp;
	struct proposal *ike, *esp;
	uint32_t allow_weak; /* alg_weak_bit, WEAK_PSK */
	msec ike_lifetime, esp_lifetime;
	uint64_t esp_lifetime_bytes; /* 0 = no limit */
	msec dpd_interval, dpd_timeout, failover_after;
	enum start_mode start;
	enum encapsulation encapsulation;
	uint32_t mtu;    /* 0 = auto */
	int32_t mss;     /* 0 = auto, -1 = off */
	enum df_mode df; /* of the outer header */
	enum offload_mode offload;
	int32_t dscp;           /* of the outer header; -1 = that of the inner one */
	uint32_t fragment_size; /* largest IP packet with an IKE message; 0 = auto */
	uint32_t replay_window;
	enum tristate esn;
	bool pin_route, rekey_check;
	struct bgp_conf bgp;
};

struct global_conf {
	enum log_level log_level;
	int log_facility;
	msec status_interval, retry_min, retry_max;
	uint32_t cookie_threshold;
	uint32_t half_open_limit; /* 0: by the number of tunnels, see conf_half_open_max() */
	uint32_t workers;         /* 0: by the number of processors */
	char *user, *group;
	enum on_exit on_exit;
	enum forwarding forwarding;
};

struct conf {
	struct global_conf global;
	uint32_t n;
	struct tunnel_conf **tunnels; /* in name order */
};

/* --- loading: conf/draft.h reads, check/load.h reads and judges --- */
struct conf_text {
	const char *file;
	const char *text;
	size_t len;
	bool private_mode; /* group and others cannot read the file */
	int above;         /* lines of the file that are above the text */
};
/* Hands out the bytes of keys/NAME, max at most, or NULL with *fault. Without a callback key files are not looked at (the engine, exporters). */
typedef struct psk *(*key_reader)(void *arg, const char *name, size_t max, struct key_fault *fault);
void conf_free(struct conf *c);
struct conf *conf_copy(const struct conf *c);         /* the tunnels are the same objects */
struct conf *conf_copy_globals(const struct conf *c); /* no tunnels */
const struct tunnel_conf *conf_find(const struct conf *c, const char *name);
/* The same for who asks in name order, from *at on, which begins with 0. */
struct tunnel_conf *conf_next(const struct conf *c, uint32_t *at, const char *name);
/* Whether c, which may be NULL, has this very object: the tunnel is as it was. Names are looked at only where it has not. */
bool conf_has(const struct conf *c, uint32_t *at, const struct tunnel_conf *t);
/* The place of the first tunnel whose name comes after it ("": of the first), or c->n: who goes on by name meets each once, whatever is reloaded. */
uint32_t conf_after(const struct conf *c, const char *name);
struct tunnel_conf *tunnel_conf_ref(struct tunnel_conf *t);
void tunnel_conf_unref(struct tunnel_conf *t);

/* `half-open-limit`, with that many tunnels: auto is twice their number, and enough for a few that come back at once. conf.c */
uint32_t conf_half_open_max(uint32_t limit, uint32_t tunnels);

/* --- certificates (cert.c) --- */
/* which one is our own: two processes may have read the settings at different times */
uint64_t cert_conf_leaf(const struct cert_conf *c);
/* by both the same certificates of a peer are believed: CAs, CRLs, pin, SHA-1 */
bool tunnel_conf_same_trust(const struct tunnel_conf *a, const struct tunnel_conf *b);
/* the peer's AUTH, and ours, may be RSA with SHA-1; never a chain's signature */
bool tunnel_conf_sha1_auth(const struct tunnel_conf *t);

/* --- whose address is it? (guard.c) --- */
/* The tunnel one of whose prefixes (`routes` of the main table, `inside`; none of length 0) contains the address, or NULL. by: that prefix. */
const struct tunnel_conf *conf_guard_of(const struct conf *c, const struct addr *a, struct prefix *by);
/* May this be the outside address of t's peer? A literal `remote` permits itself only, a name or `any` what no tunnel guards. why: a sentence. */
#define CONF_PEER_WHY 224
bool conf_peer_permitted(const struct conf *c, const struct tunnel_conf *t, const struct addr *peer, char why[CONF_PEER_WHY]);
#define MAIN_TABLE 254 /* of routes, <linux/rtnetlink.h> */
static inline bool tunnel_conf_in_main(const struct tunnel_conf *t)
{
	return t->route_table == 0 || t->route_table == MAIN_TABLE;
}

/* --- reload --- */
enum conf_effect {
	EFFECT_NONE,
	EFFECT_LINK /* interface or routes only */,
	EFFECT_REKEY /* at the next rekey, which is started now */,
	EFFECT_RESTART
};
/* The worst effect, and the first key that has it; *first_key is NULL when nothing differs. */
enum conf_effect tunnel_conf_diff(const struct tunnel_conf *a, const struct tunnel_conf *b, const char **first_key);
/* Of all that a change of which restarts the tunnel, its name included; the same in any process and any version of the program that understands
 * the settings alike, for what is kept longer than a process lives. */
uint64_t tunnel_conf_restart_hash(const struct tunnel_conf *t);
/* Ids of `old` (may be NULL) are carried over by name, new tunnels get free ones (1..65535); unchanged tunnels are re-pointed to the old objects. */
void conf_adopt(struct conf *fresh, const struct conf *old);
/* The same, for what is thrown away: nothing of old is changed, and where its tunnels are written is not fresh's. */
void conf_try(struct conf *fresh, const struct conf *old);
/* The same, but old was unpacked and knows less (no lines, no files): unchanged tunnels are fresh's object in both. */
void conf_resume(struct conf *fresh, struct conf *old);

/* --- packing without secrets, keeper -> engine. Same program on both sides; the engine still treats the bytes as input. --- */
struct bytes conf_pack(const struct conf *c);  /* malloc'd */
struct conf *conf_unpack(struct bytes packed); /* NULL when malformed */
/* The same for who has `old`: tunnels that are the same objects in both are named only, by their ids; they are old's when it is unpacked. */
struct bytes conf_pack_since(const struct conf *c, const struct conf *old);
struct conf *conf_unpack_since(struct bytes packed, const struct conf *old);
/* Its pieces: the head, then the settings of all tunnels, then the numbers of what stands in their files; and of how many octets they are. */
void conf_pack_head(const struct conf *c, struct buf *b);
void tunnel_conf_pack(const struct tunnel_conf *t, struct buf *b);
void tunnel_conf_pack_files(const struct tunnel_conf *t, const struct der_walk *numbers, struct buf *b);
size_t conf_packed_head(const struct conf *c);
size_t tunnel_conf_packed(const struct tunnel_conf *t);                                      /* both of it */
struct conf *conf_unpack_pieces(struct bytes pieces, const struct bytes *files, uint32_t n); /* files: by their numbers, held */
#define CONF_PACKED_FILES 4 /* octets besides: for all that numbers stand for, ... */
#define CONF_PACKED_FILE 4  /* ... and for each of it */
void tunnel_conf_each_file(const struct tunnel_conf *t, void (*fn)(void *arg, struct bytes der), void *arg);

/* --- profiles --- */
/* Calls row(arg, key, value) for each key with a default in this profile, in manual order: `s2sctl show profile NAME`. */
void profile_each(enum cloud c, void (*row)(void *arg, const char *key, const char *value), void *arg);
/* key = value as text for the key of the tunnel, as it would be written; "" when unset. */
const char *tunnel_conf_value(const struct tunnel_conf *t, const char *key, char *text, size_t size);
/* The other way: what tunnel_conf_value printed, key by key, into new settings. False when it is not understood. */
struct tunnel_conf *tunnel_conf_new(void);
bool tunnel_conf_set(struct tunnel_conf *t, const char *key, const char *value);
/* The line of t->file in which the key was written; 0 = it was not (its value is a default), or that is not known. */
int tunnel_conf_line(const struct tunnel_conf *t, const char *key);
/* The words of the tables, in manual order; NULL at the end. Members of `bgp:` are "bgp.local-as" and so on. */
const char *tunnel_conf_key(unsigned i);
const char *global_conf_key(unsigned i);
const char *global_conf_value(const struct global_conf *g, const char *key, char *text, size_t size);

#endif
