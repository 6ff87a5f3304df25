/*
 * plan.h - what an import is going to make, before anything is made: connections, their tunnels as settings with the place that each
 * value came from, keys, and what a person has to be told. Pure: input files come as text, output files go as text.
 *
 *     files --decode--> aws_*.c / azure_*.c --settings, notes--> plan --plan_finish--> conf.d/ *.yaml, keys/ *.psk
 *
 * All memory is the plan's arena, wiped at its release: much of it was near a key. Every function that refuses has said why with
 * plan_refuse, once; the first refusal stands.
 */
#ifndef CTL_PLAN_H
#define CTL_PLAN_H

#include <stdarg.h>

#include "base/addr.h"
#include "base/mem.h"
#include "check/files.h"

#define IMPORT_FILE_MAX ((size_t)16 << 20)
#define IMPORT_FILES_MAX 64
#define PLAN_SETTINGS 48
#define PLAN_PREFIXES 256

struct import_doc { /* one input file */
	const char *name;
	const char *text;
	size_t len;
};

struct import_request {
	enum cloud cloud;
	const struct import_doc *docs;
	unsigned n;
	const char *name;             /* --name, or NULL */
	const struct import_doc *psk; /* --psk-file, or NULL */
	const char *const *routes;    /* --route, each a list with commas */
	unsigned n_routes;
};

enum note_kind { NOTE_ASSUMED, NOTE_WARNING, NOTE_HERE, NOTE_CLOUD }; /* HERE, CLOUD: what is left to do, and where */

struct note {
	enum note_kind kind;
	const char *text;
	struct note *next;
};

struct setting {
	const char *key, *value, *from; /* key "bgp.peer" belongs into the block bgp */
};

struct made_tunnel {
	char name[TUNNEL_NAME_MAX + 1]; /* given by plan_finish */
	struct setting set[PLAN_SETTINGS];
	unsigned n;
	const char *psk, *psk_from; /* NULL: the connection's */
	const char *remote;
	struct made_tunnel *next;
};

struct made { /* one connection: one file in conf.d/ */
	char name[TUNNEL_NAME_MAX + 1];
	const char *psk, *psk_from; /* one key for all tunnels, or NULL */
	const char *from;           /* the input that speaks of it */
	struct note *head;          /* comment lines on top */
	struct made_tunnel *first;
	unsigned n;
	struct made *next;
};

struct made_file {
	const char *path; /* "conf.d/NAME.yaml", "keys/NAME.psk" */
	const char *text;
	size_t len;
	bool secret;
	struct made_file *next;
};

struct plan {
	const struct import_request *request;
	struct arena arena;
	const char *refusal; /* a sentence, or NULL */
	struct note *notes;
	struct made *first;
	unsigned n;
	struct made_file *files;
	struct prefix routes[PLAN_PREFIXES]; /* --route */
	unsigned n_routes;
	bool full; /* the arena is used up */
};

/* --- import.c calls these --- */
/* false: p->refusal says why. plan_release in either case. */
bool import_plan(struct plan *p, const struct import_request *r);
void plan_release(struct plan *p);
/* The files of the plan with those of `set` (may be NULL) that it does not replace, loaded as the daemon would; NULL with faults. The base is the
 * folder of the main file, with a slash at its end; its keys/ is asked for keys that the plan does not make. */
struct conf *plan_load(struct plan *p, const char *base, const struct conf_files *set, struct findings *faults);
const char *note_word(enum note_kind kind); /* "assumed", "warning", "here", "cloud" */

/* --- readers call these --- */
bool plan_refuse(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* false, always */
void plan_note(struct plan *p, enum note_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4))); /* once each */
void *plan_alloc(struct plan *p, size_t n); /* zeroed; NULL and a refusal when there is too much */
const char *plan_text(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* "" when there is too much */
const char *plan_copy(struct plan *p, const char *text, size_t n);

struct made *plan_made(struct plan *p, const char *name, const char *from); /* name: as the cloud has it */
void made_head(struct plan *p, struct made *m, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
struct made_tunnel *made_tunnel(struct plan *p, struct made *m);
/* from: where the value is from, or why it is so. */
void made_set(struct plan *p, struct made_tunnel *t, const char *key, const char *value, const char *from);
/* The --route prefixes and these, as `routes`. */
void made_routes(struct plan *p, struct made_tunnel *t, const struct prefix *v, unsigned n, const char *from);
void made_prefixes(struct plan *p, struct made_tunnel *t, const char *key, const struct prefix *v, unsigned n, const char *from);
/* Writes proposals and whatever `allow-weak` they need; false (refused) when one is not understood. */
bool made_proposals(struct plan *p, struct made_tunnel *t, const char *ike, const char *esp, const char *from);
/* The key of --psk-file for the tunnel to this address, which is number i of n; NULL without --psk-file, or with a refusal. */
const char *plan_psk(struct plan *p, const char *address, unsigned i, unsigned n);
/* readers.c calls these */
bool plan_begin(struct plan *p, const struct import_request *r);
bool plan_finish(struct plan *p); /* names, files */

/* --- decode.c: what a file holds, whatever wrote it --- */
struct json_t;
/* UTF-8 without a byte order mark (UTF-16 is turned into it); NULL (refused) when it is no text. */
const struct import_doc *doc_decode(struct plan *p, const struct import_doc *d);
struct json_t *doc_json(struct plan *p, const struct import_doc *d);   /* NULL: refused */
struct json_t *json_any(const struct json_t *object, const char *key); /* member by its name in any case, or NULL; null is NULL */
/* A string, number or boolean as text; NULL when it is absent or empty. */
const char *json_words(struct plan *p, const struct json_t *object, const char *key);
bool json_yes(const struct json_t *object, const char *key);
void import_json_memory(void); /* freed JSON is wiped from now on */

bool import_aws(struct plan *p, const struct import_doc *docs, unsigned n);
bool import_azure(struct plan *p, const struct import_doc *docs, unsigned n);

#endif
