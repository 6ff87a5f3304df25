/*
 * explain.h - why a tunnel is as it is: whose fault, by what evidence, and what to do here and at the other end, in the
 * words of that end.
 *
 *     show, events (daemon) --+
 *     settings ---------------+--> sight --> explain_rules.c: a table, one row per verdict --> verdicts, the worst first --> words or JSON
 *     ways (this machine) ----+
 *
 * The judgement is pure: everything it goes by is in struct sight.
 */
#ifndef CTL_EXPLAIN_H
#define CTL_EXPLAIN_H

#include <jansson.h>
#include <stdio.h>

#include "codes/verdict.h"
#include "conf/conf.h"
#include "ways.h"

struct sight {
	const json_t *tunnel;           /* of `show` */
	const json_t *events;           /* of this tunnel, newest last */
	const json_t *siblings;         /* tunnels of `status`: whose interfaces are ours */
	const struct tunnel_conf *conf; /* NULL: settings could not be read back */
	const struct ways *ways;        /* NULL: this machine was not looked at */
	int64_t now;
};

enum weight { WEIGHT_DOWN /* keeps the tunnel down */, WEIGHT_TROUBLE, WEIGHT_SUSPICION, WEIGHT_HINT, WEIGHT_FINE };

/* --- item by item --- */
#define ITEM_WORDS 256
struct item {
	const char *what; /* "encryption", "integrity", "PRF", "group"; or "proposal", "identity", "selectors", as a whole */
	char ours[ITEM_WORDS], theirs[ITEM_WORDS]; /* in our words; theirs "" = not known */
	char named[ITEM_WORDS];                    /* ours in the cloud's words; "" = the same, or it has none */
	bool common;
};
#define ITEMS_MAX 8
#define EVIDENCE_MAX 12
#define PARAM_TEXT 600

struct rule;
struct verdict {
	const struct rule *rule;
	char blame[16];
	char *evidence[EVIDENCE_MAX];
	unsigned n_evidence, n_items;
	struct item items[ITEMS_MAX];
	char a[PARAM_TEXT], b[PARAM_TEXT]; /* what the rule's words need beside the tunnel's own */
	char *title, *here, *there;        /* there may be NULL */
};

/* A row: when it holds, how bad it is, whose fault unless the test knows better, and the words. {name} stands for what is known, see
 * explain_words.c. */
struct rule {
	enum verdict_code code;
	enum weight weight;
	const char *blame; /* "peer", "local", "network", "operator", "none" */
	bool (*holds)(const struct sight *s, struct verdict *v);
	const char *title, *here;
};
const struct rule *explain_rule(unsigned i); /* NULL at the end */

#define VERDICTS_MAX 12
struct verdicts {
	unsigned n;
	struct verdict v[VERDICTS_MAX];
};
void explain_judge(const struct sight *s, struct verdicts *out); /* at least one, the worst first */
void verdicts_release(struct verdicts *v);

void explain_text(const struct sight *s, const struct verdicts *v, FILE *to, bool terminal);
json_t *explain_json(const struct sight *s, const struct verdicts *v);
const char *weight_word(enum weight w);
const char *far_end(const struct sight *s); /* "AWS", "Azure", "the peer" */

/* --- for the rules --- */
void evidence(struct verdict *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *explain_fill(const struct sight *s, const struct verdict *v, const char *words); /* {name} replaced; to be freed */
enum cloud cloud_of(const struct sight *s);
struct addr peer_of(const json_t *tunnel); /* its outside address; family 0 = not known */

/* Ours against theirs by kind, from texts such as "aes256-sha256-modp2048, aes256gcm16". False when a kind has nothing in common. */
bool compare_proposals(struct verdict *v, enum cloud cloud, bool esp, const char *ours, const char *theirs);
void compare_whole(struct verdict *v, const char *what, const char *ours, const char *theirs);
bool only_weak_groups(const char *offer, char *groups, size_t size); /* it names groups, and each is weak */
#endif
