/*
 * explain.h - why a tunnel is as it is: whose fault, by what evidence, and what to do here and at the other end, in the
 * words of that end.
 *
 *     show, events, status (daemon) -- symptoms.c -----+--> rules.c: a table, one row per verdict --> the worst first --> print.c
 *     interface, routes, filters ----- host_network.c -+    when a row holds: daemon.c, firewall.c, host.c, ways.c
 *     the way of a packet ------------ ctl/way --------+
 *
 * The judgement is pure: everything it goes by is in struct symptoms. Order of the files, from below: host_lan, host_network, symptoms;
 * verdict, compare; daemon, firewall, host, ways, bgp, fill; rules; print, pair, watched; explain.
 */
#ifndef CTL_EXPLAIN_H
#define CTL_EXPLAIN_H

#include <jansson.h>
#include <stdio.h>

#include "codes/verdict.h"
#include "symptoms.h"

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
#define COMMANDS_MAX 12
#define PARAM_TEXT 600

struct rule;
struct verdict {
	const struct rule *rule;
	enum blame blame;
	char *evidence[EVIDENCE_MAX];
	unsigned n_evidence, n_items;
	struct item items[ITEMS_MAX];
	char a[PARAM_TEXT], b[PARAM_TEXT]; /* what the rule's words need beside the tunnel's own */
	unsigned n_commands;
	char *commands[COMMANDS_MAX]; /* of this machine, in their order: they mend it */
	char *title, *here, *there;   /* there may be NULL */
};

/* A row: when it holds, how bad it is, whose fault unless the test knows better, and the words. {name} stands for what is known, see
 * fill.c. */
struct rule {
	enum verdict_code code;
	enum weight weight;
	enum blame blame;
	bool (*holds)(const struct symptoms *s, struct verdict *v);
	const char *title, *here;
};
const struct rule *explain_rule(unsigned i); /* NULL at the end */

#define VERDICTS_MAX 12
struct verdicts {
	unsigned n;
	struct verdict v[VERDICTS_MAX];
};
void explain_judge(const struct symptoms *s, struct verdicts *out); /* at least one, the worst first */
void verdicts_release(struct verdicts *v);

void explain_text(const struct symptoms *s, const struct verdicts *v, FILE *to, bool terminal);
json_t *explain_json(const struct symptoms *s, const struct verdicts *v);

/* --- for the rules --- */
void evidence_add(struct verdict *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void command_add(struct verdict *v, const char *command); /* each once */
void verdict_set(char to[PARAM_TEXT], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void verdict_release(struct verdict *v);
char *explain_fill(const struct symptoms *s, const struct verdict *v, const char *words); /* {name} replaced; to be freed */

/* Ours against theirs by kind, from texts such as "aes256-sha256-modp2048, aes256gcm16". False when a kind has nothing in common. */
bool compare_proposals(struct verdict *v, enum cloud cloud, bool esp, const char *ours, const char *theirs);
void compare_whole(struct verdict *v, const char *what, const char *ours, const char *theirs);
bool only_weak_groups(const char *offer, char *groups, size_t size); /* it names groups, and each is weak */
#endif
