/*
 * set.h - what an import is going to write, before anything is written: connections, their tunnels as settings with the place that each
 * value came from, keys, and what a person has to be told. Pure: input files come as text, output files go as text.
 *
 *     files --decode--> aws_*.c / azure_*.c --settings, notes--> import_set --write.c--> conf.d/ *.yaml, keys/ *.psk
 *
 * Inside order, from below: set; part; decode; yaml_json, shape, terraform, unwrap; write (the set as files); aws_facts, aws_choose, aws_settings, aws_xml, aws_terraform, aws_json,
 * aws_text, aws_vendor, aws; azure_policy, azure_object, azure_settings, azure_selectors, azure_script, azure_nat, azure_wan, azure_join, azure_terraform, azure; readers (the table of
 * providers); install; import (the command).
 *
 * All memory is the set's arena, wiped at its release: much of it was near a key. Every function that refuses has said why with
 * import_refuse, once; the first refusal stands.
 */
#ifndef CTL_IMPORT_SET_H
#define CTL_IMPORT_SET_H

#include <stdarg.h>

#include "base/addr.h"
#include "base/mem.h"
#include "check/files.h"

#define IMPORT_FILE_MAX ((size_t)16 << 20)
#define IMPORT_FILES_MAX 64
#define IMPORT_SETTINGS 48
#define IMPORT_PREFIXES 256

struct import_doc { /* one input file */
	const char *name;
	const char *text;
	size_t len;
	unsigned line; /* lines of the file before the text */
};

#define IMPORT_PIECES_MAX 1000
struct import_docs {
	unsigned n;
	struct import_doc v[IMPORT_PIECES_MAX];
};

struct import_request {
	enum cloud cloud;
	const struct import_doc *docs;
	unsigned n;
	const char *name;             /* --name, or NULL */
	const char *only;             /* --only, a list with commas, or NULL */
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

#define IMPORT_CHILDREN "children" /* stands among the settings without a value: its members follow */
struct import_child {
	const char *local_ts, *remote_ts;
	struct import_child *next;
};

struct import_tunnel {
	char name[TUNNEL_NAME_MAX + 1]; /* given by import_finish */
	struct setting set[IMPORT_SETTINGS];
	unsigned n;
	struct import_child *children;
	const char *psk, *psk_from; /* NULL: the connection's */
	bool certified; /* it authenticates by certificates: the files are the user's to bring, see import_certificates() */
	const char *remote;
	struct import_tunnel *next;
};

struct import_conn { /* one connection: one file in conf.d/ */
	char name[TUNNEL_NAME_MAX + 1];
	const char *called, *more;  /* its name at the cloud; what tells it from another one of that name, or NULL */
	const char *psk, *psk_from; /* one key for all tunnels, or NULL */
	const char *from;           /* the input that speaks of it */
	struct note *head;          /* comment lines on top */
	struct import_tunnel *first;
	unsigned n;
	struct import_conn *next;
};

struct import_file {
	const char *path; /* "conf.d/NAME.yaml", "keys/NAME.psk" */
	const char *text;
	size_t len;
	bool secret;
	struct import_file *next;
};

struct import_set {
	const struct import_request *request;
	const struct import_doc *psk; /* --psk-file, decoded, or NULL */
	struct arena arena;
	const char *refusal; /* a sentence, or NULL */
	struct note *notes;
	struct import_conn *first;
	unsigned n;
	struct note *left; /* connections that do not fit, a refusal each */
	const char *seen;  /* names of connections that --only leaves out, for its refusal */
	unsigned n_seen;
	bool hard; /* the refusal is not about one connection */
	struct import_file *files;
	/* files of certificates without which the daemon refuses all settings, "keys/a.pem, keys/a.key"; NULL: none */
	const char *bring;
	struct prefix routes[IMPORT_PREFIXES]; /* --route */
	unsigned n_routes;
	bool full; /* the arena is used up */
};

/* --- import.c calls these --- */
/* false: p->refusal says why. import_release in either case. */
bool import_read(struct import_set *p, const struct import_request *r);
bool import_takes(const char *cloud); /* there is a reader for its files */
#define IMPORT_CLOUDS 64
const char *import_clouds(char text[IMPORT_CLOUDS]); /* "'aws' or 'azure'" */
void import_release(struct import_set *p);
/* The files of the import with those of `set` (may be NULL) that it does not replace, loaded as the daemon would; NULL with faults. The base is the
 * folder of the main file, with a slash at its end; its keys/ is asked for keys that the import does not bring. Where nothing but certificates and their keys
 * is absent, the settings are loaded without these, p->bring names them, and a warning says what the daemon does until then. */
struct conf *import_load(struct import_set *p, const char *base, const struct conf_files *set, struct findings *faults);

/* --- readers call these --- */
bool import_refuse(struct import_set *p, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* false, always */
void import_note(struct import_set *p, enum note_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));      /* once each */
void *import_alloc(struct import_set *p, size_t n); /* zeroed; NULL and a refusal when there is too much */
const char *import_text(struct import_set *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))); /* "" when there is too much */
const char *import_copy(struct import_set *p, const char *text, size_t n);

/* name: as the cloud has it. more: what tells it from another one of that name (a link, a resource group), or NULL. */
struct import_conn *import_conn_new(struct import_set *p, const char *name, const char *more, const char *from);
void import_conn_head(struct import_set *p, struct import_conn *m, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool import_conn_has(const struct import_conn *m, const char *key); /* its first tunnel does */
struct import_tunnel *import_tunnel_new(struct import_set *p, struct import_conn *m);
/* from: where the value is from, or why it is so. */
void import_tunnel_set(struct import_set *p, struct import_tunnel *t, const char *key, const char *value, const char *from);
/* The --route prefixes and these, as `routes`. */
void import_tunnel_routes(struct import_set *p, struct import_tunnel *t, const struct prefix *v, unsigned n, const char *from);
void import_tunnel_prefixes(
	struct import_set *p, struct import_tunnel *t, const char *key, const struct prefix *v, unsigned n, const char *from);
/* A member of `children`, behind those that are there. */
void import_tunnel_child(struct import_set *p, struct import_tunnel *t, const struct prefix *here, unsigned n_here,
	const struct prefix *there, unsigned n_there, const char *from);
/* Writes proposals and whatever `allow-weak` they need; false (refused) when one is not understood. */
bool import_tunnel_proposals(struct import_set *p, struct import_tunnel *t, const char *ike, const char *esp, const char *from);
/* A word for allow-weak, beside those that it has. */
void import_tunnel_allow(struct import_set *p, struct import_tunnel *t, const char *word, const char *from);
/* This tunnel has certificates, and no key: settings with the names of the files that the user brings. remote_id: who the peer is, as a subject. */
void import_certificates(struct import_set *p, struct import_tunnel *t, const char *remote_id, const char *from);
/* The key of --psk-file for the tunnel to this address, which is number i of n; NULL without --psk-file, or with a refusal. */
const char *import_psk(struct import_set *p, const char *address, unsigned i, unsigned n);
bool import_psk_is_placeholder(const char *psk); /* stars, <...>, or words in capitals such as PRE-SHARED-KEY */
/* Adds it, less its host bits, unless the list has it; false: the list is full. */
bool import_prefix_add(struct prefix *list, unsigned *n, unsigned max, const struct prefix *p);
bool import_asn_valid(const char *text);

/* --- part.c: which connections become tunnels --- */
struct import_mark {
	struct note **notes;
	struct import_conn **conns;
	unsigned n;
};
/* Does --only name it, or is there none? words: what it goes by, the name first; some may be NULL. */
bool import_wanted(struct import_set *p, const char *const *words, unsigned n);
/* Around what makes one connection: when that refused, it is left out with all that it made, and the others go on. False: the import ends. */
struct import_mark import_mark(struct import_set *p);
bool import_go_on(struct import_set *p, const struct import_mark *mark, bool good);
bool import_parts(struct import_set *p); /* tells of what was left out; false: nothing is left */

/* readers.c calls these */
bool import_begin(struct import_set *p, const struct import_request *r);
bool import_finish(struct import_set *p); /* names, files */

/* --- decode.c: what a file holds, whatever wrote it --- */
struct json_t;
/* UTF-8 without a byte order mark (UTF-16 is turned into it); NULL (refused) when it is no text. */
const struct import_doc *doc_decode(struct import_set *p, const struct import_doc *d);
/* A file of keys, decoded; what a CLI printed as a JSON string or {"value": "..."} is its key. NULL: refused. */
const struct import_doc *doc_key(struct import_set *p, const struct import_doc *d);
struct json_t *doc_json(struct import_set *p, const struct import_doc *d); /* NULL: refused */
/* Is it the name, in any case and with or without '_' between the words? AWS, Ansible and Terraform write one name in three ways. */
bool doc_same(const char *name, const char *key);
/* The member by its name, see doc_same; NULL: it is absent or null. */
struct json_t *doc_member(const struct json_t *object, const char *key);
/* A string, number or boolean as text; NULL when it is absent or empty. */
const char *doc_words(struct import_set *p, const struct json_t *object, const char *key);
bool doc_yes(const struct json_t *object, const char *key);
size_t doc_trim(const char **s, size_t n); /* less blanks at both ends: what is left of n */
void doc_wiping_free(void *block);
void doc_json_memory(void); /* freed JSON is wiped from now on */

/* --- unwrap.c --- */
/* The pieces of JSON in the file, less what stands around them; a file without any is one piece. False: refused. */
bool doc_split(struct import_set *p, const struct import_doc *d, struct import_docs *out);
/* False (refused) when it is a form for people, a web page, or a bare key: the sentence says how to get the right one. command: that prints it, may be
 * NULL. True: nothing is known of it. */
bool doc_named(struct import_set *p, const struct import_doc *d, const char *command);

/* --- yaml_json.c --- */
/* NULL: it is no YAML of a cloud's CLI, or it is refused. The caller releases it. */
struct json_t *doc_yaml(struct import_set *p, const struct import_doc *d);

/* --- shape.c: members that mean something have one type only --- */
enum doc_type {
	DOC_WORD,
	DOC_WORDS /* one or several, also as {"Value": word} */,
	DOC_SWITCH,
	DOC_OBJECT,
	DOC_OBJECTS,
	DOC_TEXTS
};
struct doc_shape {
	const char *key;
	enum doc_type type;
};
/* False: refused, some member of these names has another type, or PowerShell has cut the file off. null is absent. */
bool doc_shape(struct import_set *p, const char *file, const struct json_t *j, const struct doc_shape *rows, size_t n);

/* --- terraform.c --- */
/* A resource, managed or read; false: refused. */
typedef bool (*terraform_take)(void *arg, const char *type, const struct json_t *attributes, const char *file);
bool doc_is_terraform(const struct json_t *j);
bool doc_terraform(struct import_set *p, const struct json_t *j, const char *file, terraform_take take_one, void *arg);

/* Text files of labels and values, "- Label : value", as consoles hand them out. */
struct lines {
	const char *at, *end;
	unsigned number;
};

struct label {
	const char *label; /* lower-case, single blanks, no mark in front */
	const char *value; /* trimmed; NULL when the line has no colon */
	char mark;         /* '-', '+', '>' or 0 */
};

/* The next line that holds anything; false at the end. `comment`: characters that may stand in front of all ("!#"). */
bool line_next(struct import_set *p, struct lines *l, const char *comment, struct label *out);

bool import_aws(struct import_set *p, const struct import_doc *docs, unsigned n);
bool import_azure(struct import_set *p, const struct import_doc *docs, unsigned n);

#endif
