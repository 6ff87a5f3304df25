/* remember.h - what is kept of a configuration that was read, for the next one: remember.c fills it, again.c uses it. */
#ifndef REMEMBER_H
#define REMEMBER_H

#include "check/again.h"
#include "conf/split.h"
#include "rules.h"

struct source { /* a file */
	char *path;
	uint64_t text, head; /* hashes of all and of its head */
	size_t len;
	bool private_mode, head_is_empty;
	bool split; /* its tunnels are its parts */
	unsigned first, n;
};

struct unit { /* a tunnel, as it is written */
	struct tunnel_conf *t;
	uint64_t text;    /* hash of its lines */
	uint64_t keys;    /* of its files in keys/; 0: not known */
	uint64_t psk;     /* a hash of the key: units are wiped */
	uint32_t clashes; /* the first of its hashes */
	uint32_t packed;
	uint32_t rank; /* among all, by name */
	int line;
	unsigned order; /* of its file; with its line it is where the tunnel will stand once this is kept */
	uint8_t n_clashes;
	bool told;  /* something was found that is of its alone */
	bool files; /* it has files of certificates */
};

struct known {
	bool usable; /* false: nothing of it can be used again, but packed */
	struct conf *conf;
	struct source *files;
	struct unit *v; /* in the order of reading */
	unsigned n_files, n;
	uint32_t *clashes;
	uint32_t n_clashes, cap_clashes;
	struct place *global_at;
	size_t packed;
};

void known_release(struct known *k);
/* parts: NULL, it is in no parts */
void known_text(struct source *s, const struct conf_text *text, const struct conf_parts *parts);
uint64_t known_part(const struct conf_text *text, const struct conf_part *part);
bool known_is_part(const struct tunnel_conf *t, const struct conf_text *text, const struct conf_part *part); /* it stands there */
/* What can be said of a unit with its tunnel. before: file_key_stamp(), keys: keys/ or -1. */
void known_unit(struct known *k, struct unit *u, int keys, int64_t before);
uint64_t known_keys(const struct tunnel_conf *t, int keys, int64_t before);
/* Asked before the first of n: brings what is looked at of those behind it out of memory meanwhile. */
void known_keys_ahead(const struct unit *v, unsigned n);
void known_clashes(struct known *k, struct unit *u, const uint32_t *v, unsigned n);
/* Ranks, and what everything together is packed. */
void known_finish(struct known *k, const struct conf *c);
/* Which unit is of which rank: k->n of them, malloc'd. */
uint32_t *known_ranks(const struct known *k);
/* All of a configuration that was read in full. alone: check_draft(); keys: those were read from it */
void known_all(struct known *k, const struct conf_files *s, const struct conf *c, const struct findings *f, unsigned alone,
	int keys, int64_t before);
/* For what has hashes of keys, or of texts with keys: nothing of it stays behind in freed memory. */
void known_forget(void *v, size_t octets);
void *known_grow(void *v, size_t n, size_t cap, size_t size); /* from n to cap of them */

#endif
