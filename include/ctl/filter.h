/*
 * filter.h - what this machine's packet filter does to one packet: drops, and changes of addresses, with the rule that does it. Pure over the text of `nft -j
 * list ruleset`, three-valued: a match that is not understood may or may not apply, and what depends on it is said to be uncertain.
 *
 * Order of src/ctl/filter, from below: ruleset (an index), save (iptables-legacy), counted (what that counts), match (one condition), rule_text (a rule for people), walk (a packet's way), mend (commands), read (from this machine).
 */
#ifndef CTL_FILTER_H
#define CTL_FILTER_H

#include <jansson.h>

#include "base/addr.h"

/* ---------------------------------------------------------------- the rules */
struct ruleset;
/* the JSON has to live as long; what has another shape than nft's is left out */
struct ruleset *ruleset_new(const json_t *rules);
void ruleset_free(struct ruleset *r); /* may be NULL */

/* `nft -j list ruleset`, and what iptables-legacy has besides; NULL = not known. "legacy_unread" in it: the latter is there and cannot be read. */
json_t *filter_rules_read(void);

/* What `iptables-legacy-save -c` or its sister for IPv6 prints, to be freed; NULL: none of these rules are loaded, or they cannot be read. */
char *filter_legacy_read(bool v6);

/* Adds to the rules, which are an object of nft's, those that `iptables-legacy-save -c` or `ip6tables-legacy-save -c` prints. */
void filter_add_legacy(json_t *rules, const char *text, bool v6);
/* nft names the conditions of iptables-nft without what they compare with (conntrack, addrtype): are there any, and are they taken from what
 * `iptables-nft-save` or `ip6tables-nft-save` prints. */
bool filter_wants_spelling(const json_t *rules, bool v6);
void filter_spell_out(json_t *rules, const char *text, bool v6);

/* ---------------------------------------------------------------- the packet */
enum packet_state { PACKET_NEW, PACKET_ANSWER /* conntrack: established */, PACKET_UNTRACKED };
struct packet { /* NULL, 0, family 0: not known */
	const char *in, *out;
	struct addr from, to;
	const char *protocol; /* "udp", "esp" */
	unsigned port;        /* of the destination */
	enum packet_state state;
	bool through; /* neither from nor to this machine itself */
};

/* ---------------------------------------------------------------- what is done to it */
enum hit_kind {
	HIT_DROP,
	HIT_REJECT,
	HIT_POLICY /* the base chain's own: drop */,
	HIT_MASQUERADE,
	HIT_SNAT,
	HIT_DNAT,
	HIT_REDIRECT,
	HIT_NOTRACK
};
#define FILTER_NAME 64
#define FILTER_TEXT 240
struct filter_hit {
	enum hit_kind kind;
	bool certain; /* each match was understood, and nothing before it that was not could have kept the packet from it */
	bool named;   /* it names the tunnel's interface: somebody wanted it */
	char family[8], table[FILTER_NAME], chain[FILTER_NAME], hook[16];
	char base[FILTER_NAME];  /* the base chain by which it was reached */
	char jumps[FILTER_TEXT]; /* the chains on the way to it, the base chain first; "" when it is in the base chain */
	char rule[FILTER_TEXT];  /* as text; "" for a policy */
	char to[FILTER_NAME];    /* the address that it writes; "" when it is not one address */
	json_int_t handle;       /* 0 for a policy */
	unsigned place;          /* the rule's number in its chain, from 1 */
	bool legacy;             /* of iptables-legacy */
};

#define FILTER_HITS 12
struct filter_hits {
	unsigned n;
	bool cut; /* the rules were too many to be followed to their end */
	struct filter_hit hit[FILTER_HITS];
};

/* Adds what happens to p on hooks, the names of base chains' hooks in the packet's order, NULL at the end. Our own table is left out. */
void filter_walk(const struct ruleset *r, const char *const *hooks, const struct packet *p, struct filter_hits *out);
bool filter_drops(enum hit_kind kind); /* or else it changes something */
/* "rule with handle 7 of chain ip filter FORWARD". */
const char *filter_place(const struct filter_hit *h, char text[FILTER_TEXT]);
void filter_rule_text(const json_t *rule, char text[FILTER_TEXT]);

/* ---------------------------------------------------------------- what rules of iptables-legacy counted */
struct filter_counted {
	char table[FILTER_NAME], chain[FILTER_NAME], rule[FILTER_TEXT]; /* rule "": the chain's policy */
	unsigned place; /* the rule's number in its chain, from 1; 0 for the policy */
	uint64_t packets;
};
/* The rule or policy that dropped or rejected most between two readings. False: none did, or the rules were changed meanwhile. Pure. */
bool filter_legacy_dropped(const char *before, const char *after, struct filter_counted *out);

/* ---------------------------------------------------------------- how it is mended */
#define MEND_COMMANDS 8
#define MEND_TEXT 256
struct mend {
	unsigned n;
	bool unwritable; /* a name that cannot stand in a command was found */
	char command[MEND_COMMANDS][MEND_TEXT];
};
struct mend_for {
	const char *interface;    /* of the tunnel: what comes from and goes to it is meant, */
	const struct addr *peer;  /* or, when that is NULL, what comes from and goes to the peer; */
	const struct prefix *far; /* a network behind the tunnel */
	const struct packet *p;   /* the packet that was hit */
	bool iptables;            /* that program is here */
};
/* Adds the commands, each once, that let the packet pass this hit as it is. */
void filter_mend(const struct ruleset *r, const struct filter_hit *h, const struct mend_for *f, struct mend *out);

#endif
