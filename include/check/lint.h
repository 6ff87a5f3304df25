/*
 * lint.h - what will not work, or not for long: the settings against each other, against what the clouds can do, and against this machine.
 * Pure: settings and the machine's facts in, findings out. What the loader finds comes in as faults and is given its advice here.
 *
 *     faults ------ lint.c -------+
 *     conf -------- lint_tunnel.c +
 *     conf -------- lint_cloud.c -+--> findings, in file order --> check.c: lines or JSON
 *     conf -------- lint_net.c ---+
 *     conf, host -- lint_host.c --+
 */
#ifndef CTL_LINT_H
#define CTL_LINT_H

#include "conf/conf.h"
#include "check/host.h"

enum finding_severity { FINDING_ERROR, FINDING_WARNING, FINDING_HINT }; /* will not work; may bite; good to know */
enum finding_side { SIDE_OURS, SIDE_CLOUD, SIDE_BOTH };                 /* where something is to be done */

struct finding {
	enum finding_severity severity;
	enum finding_side side;
	const char *rule; /* a word that stays */
	const char *file; /* NULL: it is the machine's */
	int line;
	char tunnel[TUNNEL_NAME_MAX + 1];
	const char *key; /* or the name of a setting of the system; NULL */
	enum cloud cloud;
	char *text, *todo; /* todo may be NULL */
	unsigned seq;
};

#define FINDINGS_MAX 2000
struct findings {
	unsigned n, cap, dropped;
	unsigned count[3]; /* per severity, dropped ones too */
	struct finding *v;
};

void lint_faults(struct findings *f, const struct faults *faults);
void lint_conf(struct findings *f, const struct conf *c, const struct host *h);
void findings_sort(
	struct findings *f, const char *const *files, unsigned n); /* files in the order of reading; the machine's own last */
void findings_release(struct findings *f);
const char *severity_word(enum finding_severity s);
const char *side_word(enum finding_side s);

/* --- inside of lint --- */
struct lint {
	struct findings *out;
	const struct conf *conf;
	const struct host *host;
};
/* At the key's line, or the tunnel's when it is not written. t NULL: about the machine. NULL past FINDINGS_MAX. */
struct finding *found(struct lint *l, const struct tunnel_conf *t, const char *key, enum finding_severity severity,
	const char *rule, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void todo(struct finding *f, enum finding_side side, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

bool written(const struct tunnel_conf *t, const char *key);
bool group_offered(const struct proposal *v, unsigned n, uint16_t group);
/* The largest inside packet, all ESP proposals considered; 0 = unknown. */
uint32_t inside_mtu(const struct tunnel_conf *t, uint32_t path, bool v6, bool udp);
/* One member of a tunnel's address space: its routes, or without any its remote-ts as far as that is a prefix. */
bool space_of(const struct tunnel_conf *t, unsigned i, struct prefix *p);
bool is_default(const struct prefix *p); /* 0.0.0.0/0, ::/0 */
/* The custom policy for an Azure connection that goes with this tunnel, as an az command. */
#define POLICY_TEXT 512
const char *azure_policy(const struct tunnel_conf *t, char text[POLICY_TEXT]);
/* Tunnels that share load: equal routes, or BGP to the same AS with the same metric. bit 1 IPv4, bit 2 IPv6. */
unsigned lint_ecmp(const struct conf *c);
bool lint_siblings(const struct conf *c); /* several tunnels to one network, so the way back may be another */

void lint_tunnel(struct lint *l, const struct tunnel_conf *t);
void lint_cloud(struct lint *l, const struct tunnel_conf *t);
void lint_net(struct lint *l);
void lint_host(struct lint *l);

#endif
