/*
 * draft.h - a configuration that has been read and not been judged: each value is good or has a finding; what the values say together is
 * check/'s to say. Defaults are filled in, keys are read.
 */
#ifndef CONF_DRAFT_H
#define CONF_DRAFT_H

#include "conf/conf.h"
#include "conf/finding.h"
#include "conf/key.h"

struct tunnel_draft {
	struct tunnel_conf *t;
	uint64_t written, broken; /* KEY_BIT of keys that were written; whose value was refused */
	int bgp;                  /* line of the mapping; 0 = not there */
	unsigned seq;             /* in the order of reading */
	bool faulty;              /* it has an error */
	bool cut;                 /* a syntax error has cut it off: its keys are not judged */
};

#define GLOBAL_KEYS_MAX 32
struct conf_draft {
	struct conf *conf; /* its settings of the daemon; no tunnels yet */
	struct tunnel_draft *v;
	unsigned n;              /* in the order of reading; a name may be there twice */
	struct place *global_at; /* GLOBAL_KEYS_MAX, per key of the daemon; file NULL: it is not written */
};

/* False when the built-in defaults are broken. findings are added, not sorted. alg_init() comes first. */
bool conf_read(
	struct conf_draft *d, const struct conf_text *texts, unsigned n, key_reader read_key, void *arg, struct findings *f);
/* Where a key of the daemon is written; false when it is not. */
bool conf_draft_global(const struct conf_draft *d, const char *key, struct place *at);
/* What the draft is as a configuration, tunnels in name order; the draft is released. */
struct conf *conf_draft_take(struct conf_draft *d);

/* The same lines stand elsewhere now: of that file among those that were read. */
void tunnel_conf_move(struct tunnel_conf *t, unsigned order, int line);
/* Where the key is written, or else its tunnel. KEY_COUNT: the tunnel. */
struct place tunnel_place(const struct tunnel_conf *t, enum key_id key);
int tunnel_key_line(const struct tunnel_conf *t, enum key_id key); /* 0: it is not written, or that is not known */
/* bit 1 IPv4, bit 2 IPv6: what is used inside; IPv4 when nothing says. */
unsigned tunnel_families(const struct tunnel_conf *t);
/* The value as bytes: equal values have equal ones. */
void tunnel_key_pack(const struct tunnel_conf *t, enum key_id key, struct buf *b);

#endif
