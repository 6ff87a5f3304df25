/*
 * rules.h - inside of check/: what the rules share. Pure: a configuration and the machine's facts in, findings out.
 *
 * Inside order, from below: space (address spaces), policy (algorithms); psk, cert, children, keys, clash, tunnel, cloud, net, host, speed (rules); check; files; remember, again.
 *
 *     draft ------- keys.c    the keys of one tunnel against each other    \
 *     draft, conf - children.c  selectors and children                     \
 *     drafts ------ psk.c     pre-shared keys, alone and compared           > the daemon, too
 *     draft ------- cert.c    certificates of one tunnel, their keys and files |
 *     drafts ------ clash.c   what two tunnels may not share               /
 *     conf -------- tunnel.c  one tunnel             \
 *     conf -------- cloud.c   ... against its cloud   > s2sctl check: check.c
 *     conf, host -- net.c     all tunnels together   |
 *     conf, host -- host.c    ... and this machine   |
 *     conf, host -- speed.c   ... how fast it could be /
 */
#ifndef RULES_H
#define RULES_H

#include "base/util.h"
#include "check/check.h"
#include "check/host.h"
#include "conf/draft.h"

struct check {
	struct findings *out;
	const struct conf *conf;
	const struct host *host;
};

/* --- the child SAs that are configured; without `children:` one with all of local-ts and remote-ts --- */
static inline unsigned children_of(const struct tunnel_conf *t) { return t->n_children > 0 ? t->n_children : 1; }
static inline struct child_conf child_of(const struct tunnel_conf *t, unsigned i)
{
	return t->n_children > 0 ? t->children[i] : (struct child_conf){ .local_ts = t->local_ts, .remote_ts = t->remote_ts };
}

/* --- space.c --- */
/* One member of a tunnel's address space: its routes, or without any its remote-ts as far as that is a prefix. */
bool space_of(const struct tunnel_conf *t, unsigned i, struct prefix *p);
bool prefix_is_default(const struct prefix *p); /* 0.0.0.0/0, ::/0 */
struct space {
	struct prefix prefix;
	const struct tunnel_conf *t;
};
struct spaces {
	struct space *v;
	size_t n, cap;
};
/* Sorted, so that a prefix stands behind those that contain it. */
struct spaces spaces_of(const struct conf *c);
bool same_space(const struct space *a, const struct space *b);
/* Tunnels that share load: equal routes, or BGP to the same AS with the same metric. bit 1 IPv4, bit 2 IPv6. */
unsigned spaces_ecmp(const struct conf *c);
bool spaces_siblings(const struct conf *c);                /* several tunnels to one network, so the way back may be another */
bool host_has(const struct host *h, const struct addr *a); /* an address of this machine */

/* --- policy.c --- */
const char *transform_word(const struct transform *t);                        /* "aes256"; "" when we do not know it */
const struct transform *transform_of(const struct proposal *p, uint8_t type); /* the first of this type, or NULL */
bool proposals_have_group(const struct proposal *v, unsigned n, uint16_t group);
/* In a provider's words: {value}, and in the advice {policy}, the command for the policy that fits the tunnel. */
void cloud_finding_add(struct findings *f, struct place at, const struct tunnel_conf *t, enum finding_code code, const char *why,
	const char *advice, const char *value);
/* The first limit from m on that the tunnel does not keep; NULL = it keeps all. The key it is about, and its value there. */
const struct cloud_limit *cloud_limit_broken(
	const struct tunnel_conf *t, const struct cloud_limit *m, enum key_id *key, char value[24]);

/* The largest inside packet, all ESP proposals considered; 0 = unknown. tunnel.c */
uint32_t inside_mtu(const struct tunnel_conf *t, uint32_t path, bool v6, bool udp);

/* --- check.c --- */
/* Judges all of a draft, which is released; findings are in file order then. NULL when the daemon refuses it. Those with a seq below *alone are about one
 * tunnel, whatever others there are. */
struct conf *check_draft(struct conf_draft *d, bool complete, struct findings *f, unsigned *alone);

/* --- rules --- */
void check_keys(struct findings *f, const struct tunnel_draft *d);
void check_children(struct findings *f, const struct tunnel_draft *d);
void check_selectors(struct check *c, const struct tunnel_conf *t);
void check_psk(struct findings *f, const struct tunnel_draft *d);
/* Whether the tunnel is to authenticate with certificates; what its keys say together. */
bool check_certificate_keys(struct findings *f, const struct tunnel_draft *d);
void check_certificates(struct check *c, const struct tunnel_conf *t); /* until when they are valid */
void check_psk_shared(struct findings *f, const struct conf_draft *d);
void check_globals(struct findings *f, const struct conf_draft *d);
void check_clashes(struct findings *f, const struct conf_draft *d);
/* A hash of each thing that check_clashes compares: of tunnels that have none in common it finds nothing. */
#define CLASH_HASHES_MAX 16
unsigned check_clash_hashes(const struct tunnel_conf *t, uint32_t out[CLASH_HASHES_MAX]);
uint64_t check_psk_hash(const struct tunnel_conf *t); /* the same for check_psk_shared; 0: it has no key */
void check_tunnel(struct check *c, const struct tunnel_conf *t);
void check_cloud(struct check *c, const struct tunnel_conf *t);
void check_shared(struct check *c); /* clash.c: what tunnels should not share */
void check_net(struct check *c);
void check_host(struct check *c);
void check_speed(struct check *c);

#endif
