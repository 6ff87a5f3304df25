/*
 * check.h - the one judge of a configuration: what `s2sd -n`, the start, a reload, `s2sctl check` and imports find. Pure.
 *
 *     texts --conf/draft.h--> draft --keys, clash--> struct conf     conf_load(): what the daemon refuses or warns of
 *                        struct conf, struct host --> findings       check_conf(): what will not work, or not for long
 */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "conf/conf.h"
#include "conf/finding.h"

/* Reads and judges. NULL when the daemon would refuse it; f (may be NULL) is set to the findings, in file order. alg_init() comes first. */
struct conf *conf_load(const struct conf_text *texts, unsigned n, key_reader read_key, void *arg, struct findings *f);
struct host; /* host.h */
/* Adds what only `s2sctl check` looks at; in file order, the machine's own last. */
/* Until when the certificates of the tunnels are valid, and nothing else; now: seconds since 1970. */
void check_conf_certificates(struct findings *f, const struct conf *conf, int64_t now);
void check_conf(struct findings *f, const struct conf *c, const struct host *h);

/* What only 'allow-weak: psk' permits. */
bool check_psk_weak(const void *key, size_t n);

/* Both ends have an address of a link's own (169.254.0.0/16), and not of one link: one of the two is not what the peer has. Ours, or NULL. */
const struct prefix *check_inside_apart(const struct tunnel_conf *t);

/* Adds which inside addresses and BGP peers its provider does not take, and does keep for itself. */
void check_cloud_nets(struct findings *f, const struct tunnel_conf *t);

/* The command for the policy that fits this tunnel at its provider; NULL when it has none. */
const char *check_policy_command(const struct tunnel_conf *t, char text[POLICY_TEXT]);

#endif
