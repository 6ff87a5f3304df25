/*
 * azure.h - Azure's files: JSON objects that name each other by id (connection, virtual network gateway, local network gateway, shared
 * key, VNet, public address), the site file of Virtual WAN, and the header of the device configuration script. Each way ends in a
 * struct azure_site, from which one place makes the settings.
 */
#ifndef CTL_AZURE_H
#define CTL_AZURE_H

#include <jansson.h>

#include "set.h"

enum azure_policy {
	POLICY_DEFAULT, /* no custom policy is set: DH group 2 only */
	POLICY_CUSTOM,
	POLICY_UNKNOWN, /* the file does not say */
};

#define AZURE_INSTANCES 4

struct azure_instance {
	const char *remote, *remote_from;
	const char *peer, *peer_from; /* BGP, or NULL */
};

struct azure_child { /* what has a child SA of its own; far: behind Azure */
	struct prefix *far, *near;
	unsigned n_far, n_near;
};

struct azure_site {
	const char *file, *name, *group, *gateway; /* group, gateway: for commands; may be NULL */
	const char *connection;                    /* of Virtual WAN, for commands; may be NULL */
	const char *more;                          /* what tells it from another one of its name, or NULL */
	bool wan, basic;                           /* a gateway of Virtual WAN; of SKU Basic */
	const char *local_id, *local_id_from;
	const char *psk, *psk_from; /* NULL: only --psk-file has it */
	bool certified;             /* by certificates: Azure's in Key Vault, the subject that it wants of ours, or NULL */
	const char *vault_url, *vault_name, *vault_from, *our_subject;
	struct azure_instance v[AZURE_INSTANCES];
	unsigned n;
	enum azure_policy policy;
	const char *ike, *esp, *policy_from;                             /* POLICY_CUSTOM */
	const char *seconds, *seconds_from, *kilobytes, *kilobytes_from; /* of the child SA; NULL = the profile's */
	const char *start, *start_from;
	bool bgp;
	const char *our_asn, *our_asn_from, *asn, *asn_from, *our_peer, *our_peer_from;
	struct prefix routes[IMPORT_PREFIXES], ours[IMPORT_PREFIXES];
	struct azure_child children[TS_POLICIES_MAX]; /* none: everything goes by one */
	unsigned n_routes, n_ours, n_children;
	const char *routes_from, *children_from;
	const char *where_routes; /* a command that shows the networks behind Azure, or NULL */
};

/* The eight words of a custom policy, as Azure writes them; false: refused. */
struct azure_words {
	const char *ike_encryption, *ike_integrity, *dh, *esp_encryption, *esp_integrity, *pfs;
};
bool azure_proposals(struct import_set *p, struct azure_site *s, const struct azure_words *w, const char *from);

/* Adds a prefix of the file; false (refused) when it is none or there are too many. */
bool azure_prefix(struct import_set *p, const char *file, struct prefix *list, unsigned *n, unsigned max, const char *text);
bool azure_prefixes(struct import_set *p, const char *file, struct prefix *list, unsigned *n, unsigned max, const json_t *texts);
/* Adds an instance of the gateway unless its address is there; NULL: it is, or (refused) there are too many. */
struct azure_instance *azure_instance_add(struct import_set *p, struct azure_site *s, const char *remote, const char *from);
/* azure_selectors.c: Azure makes an SA for each pair of a network here and one there. from: the switch that says so. */
bool azure_policy_based(struct import_set *p, struct azure_site *s, const char *from);
bool azure_settings(struct import_set *p, const struct azure_site *s);

/* --- objects --- */
/* SITE: Virtual WAN's file; WAN: a connection of its VPN gateway */
enum azure_kind {
	AZURE_CONNECTION,
	AZURE_GATEWAY,
	AZURE_LOCAL,
	AZURE_KEY,
	AZURE_VNET,
	AZURE_ADDRESS,
	AZURE_NAT,
	AZURE_SITE,
	AZURE_WAN,
	AZURE_KINDS
};

struct azure_object {
	enum azure_kind kind;
	const json_t *top, *properties; /* properties: where the members are; top itself in the flat shape */
	const char *file, *name, *id;
	bool left; /* a connection that is not wanted, or does not fit */
	struct azure_object *next;
};

struct azure {
	struct import_set *p;
	struct azure_object *first;
	unsigned n;
	json_t *keep; /* the documents */
	bool sites;   /* a whole site was made by itself: script or Virtual WAN */
};

const json_t *azure_member(const struct azure_object *o, const char *key);
const char *azure_words(struct azure *a, const struct azure_object *o, const char *key);
/* what follows "/folder/" in a resource id, or NULL */
const char *azure_part(struct azure *a, const char *id, const char *folder);
/* azure_object.c: ipsecPolicies and the mode, as a connection and a link of Virtual WAN have them */
bool azure_take_policy(struct azure *a, const struct azure_object *c, struct azure_site *s);
void azure_take_mode(struct azure *a, const struct azure_object *c, const char *key, struct azure_site *s);
bool azure_selectors(struct azure *a, const struct azure_object *connection, struct azure_site *s);
/* as Azure prints it; NULL: it is something else */
json_t *azure_terraform(struct azure *a, const char *type, const json_t *attributes, const char *file);
bool azure_join(struct azure *a);                                 /* azure_join.c: objects become sites */
bool azure_wan(struct azure *a, const struct azure_object *site); /* azure_wan.c */
/* azure_nat.c: the translations of the connection; gateway may be NULL. */
bool azure_nat(struct azure *a, const struct azure_object *c, const struct azure_object *gateway, struct azure_site *s);
bool azure_script(struct azure *a, const struct import_doc *d); /* azure_script.c */

#endif
