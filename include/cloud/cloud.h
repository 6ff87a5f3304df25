/*
 * cloud.h - the providers of VPN gateways that s2sd knows by name: one row each, all data.
 *
 * A provider is a line of CLOUD_LIST and a file src/cloud/NAME.c with its row. Nobody compares providers: who needs to know what
 * one does reads its row, and what a row leaves out the provider does not do, or nobody has to be told. Texts hold
 * {placeholders}, see cloud_fill(). Facts follow the vendors' documents.
 */
#ifndef CLOUD_CLOUD_H
#define CLOUD_CLOUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codes/finding.h"
#include "codes/verdict.h"
#include "crypto/alg.h"

/* clang-format off */
#define CLOUD_LIST(X) \
	X(NONE, none) \
	X(AWS, aws) \
	X(AZURE, azure)
/* clang-format on */
enum cloud {
#define X(code, word) CLOUD_##code,
	CLOUD_LIST(X)
#undef X
};
#define CLOUD_ONE(code, word) +1
#define CLOUD_COUNT (0 CLOUD_LIST(CLOUD_ONE))

struct cloud_default {
	const char *key, *value; /* of a configuration; what is not listed is as with `cloud: none` */
};

/* What an algorithm is called there for IKE and for ESP; NULL = it cannot be chosen. */
struct cloud_alg {
	const char *word; /* of the registry; CLOUD_NO_PFS: a child SA without a group */
	const char *ike, *esp;
	unsigned flags;
};
enum { ALG_DEFAULT = 1 /* taken unless told otherwise */, ALG_RARE = 2 /* newer gateways leave it out */, ALG_ALIAS = 4 };
#define CLOUD_NO_PFS "no PFS"

/* A pre-shared key: its length, and its characters: letters, digits and these signs, or with signs NULL anything printable but
 * `not`. `doubtful`: documented as refused, and in use nevertheless. */
struct cloud_psk {
	unsigned min, max;
	const char *signs, *not, *not_first;
	const char *rule; /* the same in words */
};

enum cloud_quantity { LIMIT_NOTHING, LIMIT_IKE_SECONDS, LIMIT_ESP_SECONDS, LIMIT_ESP_BYTES, LIMIT_MTU, LIMIT_MSS };
struct cloud_limit {
	enum cloud_quantity of;
	uint64_t min, max; /* 0 = none */
	enum finding_code code;
	const char *why, *advice; /* {value} */
};

struct cloud_net { /* what holds for inside addresses within `of` */
	const char *of;
	const char *ranges[3]; /* they lie in one of these */
	enum finding_code code;
	const char *why, *advice;   /* else: {value} */
	const char *reserved[8];    /* the provider keeps these */
	const char *other;          /* what to do then */
	uint8_t len;                /* of the network; 0 = any */
	bool first_taken, peer_too; /* the first host is the provider's; BGP's peer is bound to the ranges, too */
};

struct cloud_as {
	uint32_t from, to;
	const char *why;
};

struct cloud_bgp {
	unsigned hold;       /* seconds */
	bool far;            /* its end of the session lies in its network, not on the link */
	const char *passive; /* why we have to open the session on link-local addresses */
	unsigned in, out;    /* routes that we take, and may send; 0 = no limit */
	const char *why;
};

struct cloud_words {
	const char *why, *advice; /* {value}, {policy}: the command for the policy that fits the tunnel */
};

struct probe_policy { /* what `s2sctl probe` says of a peer */
	const char *code, *text;
	const char *todo; /* what it means for a tunnel of ours */
};

struct cloud_target { /* what a policy is set for, and the option that takes its size there */
	const char *words, *size_option;
};

struct provider {
	const char *name, *title;              /* "AWS", "AWS"; "peer", "the peer" */
	const struct cloud_default *defaults;  /* the profile; each list ends with a NULL or 0 */
	const struct cloud_alg *algs;          /* NULL: nothing is known, anything may be chosen */
	const char *default_ike, *default_esp; /* what ALG_DEFAULT is there: "AWS's default tunnel options" */
	const char *default_esp_offer;         /* when it is a list and no product */
	struct probe_policy probe;             /* when a peer accepts exactly that */
	const char *needs_pfs;                 /* why a child SA without a group is refused */
	bool esn;
	bool sha1_auth; /* with certificates it signs AUTH with RSA and SHA-1, and has nothing better (RFC 7296 2.15, method 1) */
	struct cloud_psk psk;
	const struct cloud_limit *limits;
	const struct cloud_net *nets;
	const struct cloud_as *reserved_as;
	struct cloud_bgp bgp;
	/* the command for a policy of exactly one combination: {target}, {ike-encryption} ...; NULL: there is none */
	const char *policy;
	struct cloud_target target;
	struct {
		uint64_t least_seconds, seconds, least_kilobytes, kilobytes; /* of a child SA in a policy; its default */
	} life;

	struct cloud_words findings[FINDING_COUNT]; /* `s2sctl check`: findings that are this provider's, in its words */
	/* `s2sctl explain`: what to do there, by verdict; NULL = nothing. The placeholders are those of its own words. */
	const char *advice[VERDICT_COUNT];
};
const struct provider *provider_of(enum cloud cloud);
bool cloud_is_named(enum cloud cloud);    /* it is a provider, not just any peer */
const char *cloud_word(enum cloud cloud); /* "aws" */
bool cloud_parse(const char *word, enum cloud *cloud);

/* --- algorithms (algs.c) --- */
/* "modp2048" -> "DHGroup14" (Azure IKE), "PFS2048" (Azure ESP), "14" (AWS); NULL when the provider has no word for it. */
const char *cloud_name(enum cloud cloud, bool esp, const char *word, size_t len);
/* The other way round, whatever the case: "PFS2048" -> "modp2048". type: enum ike_transform_type. NULL when it is none of theirs. */
const char *cloud_word_of(enum cloud cloud, bool esp, unsigned type, const char *name);
/* Whether it can be chosen there at all. */
bool cloud_takes_word(enum cloud cloud, bool esp, const char *word);

/* What is taken unless told otherwise, as proposals; false when nothing is published. */
#define CLOUD_DEFAULTS 512
bool cloud_defaults(enum cloud cloud, bool esp, char text[CLOUD_DEFAULTS], const char **name);

/* The same for IKE, word by word with a blank between: pairs such as "aes256-sha256" or "aes256gcm16-prfsha256", groups. rare: pairs
 * that newer gateways, or libraries of those who ask, leave out. */
struct cloud_pairs {
	char pairs[CLOUD_DEFAULTS], rare[CLOUD_DEFAULTS], groups[CLOUD_DEFAULTS];
};
void cloud_default_pairs(enum cloud cloud, struct cloud_pairs *out);

/* --- pre-shared keys (cloud.c) --- */
/* Whether it is one that the provider's documents allow. Others are in use: it is no proof that the provider has not taken it. */
bool cloud_psk_documented(enum cloud cloud, const void *key, size_t len);

/* --- texts --- */
/* Pairs of name and value, then NULL: {name} becomes value; other braces stay. Returns to. */
const char *cloud_fill(char *to, size_t size, const char *text, ...) __attribute__((sentinel));
/* The provider's command for a policy of these proposals, or, where there is NULL, of the profile's; what is shorter than it can be
 * becomes its default; target NULL: the provider's, with words to be replaced. NULL when it has no such command. */
#define POLICY_TEXT 512
const char *cloud_policy(enum cloud cloud, const struct cloud_target *target, const struct proposal *ike,
	const struct proposal *esp, uint64_t seconds, uint64_t kilobytes, char text[POLICY_TEXT]);

#endif
