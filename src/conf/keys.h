/*
 * keys.h - inside of conf/: the table of keys, the kinds of values they hold, and where faults go.
 *
 *     YAML text -> parse.c -> key row -> kind.parse -> field -> draft.c -> struct conf_draft -> check/
 *                                        kind.print   field -> s2sctl show, golden dumps
 *                                        kind.pack    field -> the engine; also the way a default is copied and two settings are compared
 */
#ifndef KEYS_H
#define KEYS_H

#include "base/text.h"
#include "base/util.h"
#include "conf/conf.h"
#include "conf/draft.h"
#include "conf/finding.h"
#include "conf/key.h"
#include "crypto/pkey.h"

/* "a", or "[a, b]" */
typedef void text_item(struct text *o, const void *list, unsigned i, bool several);
void text_list(struct text *o, unsigned n, text_item *print, const void *list);

#define QUOTED_TEXT 100
/*
 * Values of the settings in findings, escaped and cut. Findings are logged, answered and reported, and what stands in a wrong place may be a key:
 * a blank ends what is quoted, as "psk Secret" without a colon belongs to the value in front of it; of words in the place of a key or a
 * tunnel's name also ':' and '=' ("psk:Secret").
 */
const char *quoted(char text[QUOTED_TEXT], const char *src);
const char *quoted_word(char text[QUOTED_TEXT], const char *src);
#define NOT_SHOWN "(value not shown, it may be a key)"

struct unit { /* the largest first */
	const char *word;
	int64_t times;
};
extern const struct unit span_units[], size_units[]; /* "500ms", "90s", "30m", "8h", "1d"; "4096", "64K", "100M", "100G" */
bool unit_parse(const char *text, const struct unit *units, int64_t *v);
void unit_print(struct text *o, int64_t v, const struct unit *units); /* in the largest that divides it */

bool number_parse(const char *text, int64_t *v); /* decimal, at most 4294967295, with a sign only when negative */
bool dns_name_valid(const char *text);
/* letters, digits and `extra`; starts with a letter, a digit or '_' */
bool plain_name_valid(const char *text, size_t max, const char *extra);
bool psk_char_valid(uint8_t c); /* of a key in the settings themselves: A-Z a-z 0-9 . _ */

/* --- distinguished names: text <-> DER --- */
bool dn_parse(const char *text, uint8_t **der, uint16_t *len, const char **why);
bool dn_print(struct text *o, struct bytes der); /* false when it is more than "type=value, ..." can say */

/* --- what is being read, and where; goes into each finding --- */
struct context {
	struct findings *findings;
	struct place place;
	bool private_mode; /* of the file */
};
bool refuse(const struct context *c, enum finding_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))); /* returns false */

#define KEY_OPEN_ADVICE "chmod 600 the file, owner root; a key that others could read is better replaced"

/* --- kinds and keys --- */
struct key;
struct kind {
	const char *form; /* what a value looks like: "an IPv4 or IPv6 address" */
	bool list;
	/* One scalar into the field; a list kind is called once per member and appends. Complains itself. */
	bool (*parse)(const struct context *c, const struct key *k, void *base, const char *text);
	void (*print)(const struct key *k, const void *base, struct text *o); /* nothing when unset */
	void (*pack)(const struct key *k, const void *base, struct buf *b);   /* NULL: never leaves this process */
	/* false when it is out of bounds; c may be bad as well */
	bool (*unpack)(const struct key *k, void *base, struct cursor *c);
	void (*clear)(const struct key *k, void *base); /* NULL: owns no memory */
};

struct word {
	const char *text; /* NULL ends a list */
	int64_t value;
};

struct key {
	const char *word;
	const struct kind *kind;
	uint16_t offset, size;             /* the field */
	uint16_t count_offset, count_size; /* lists: the number of members */
	uint16_t max_items;
	uint8_t arg; /* for the kind */
	enum conf_effect effect;
	const struct word *words; /* NULL, or words that stand for values */
	int64_t min, max;         /* numbers; max 0 = words only */
	const char *refused; /* one of the words that has a refusal of its own, so that nobody is told to write it; NULL: none */
	const char *initial; /* the default; providers may have others */
	const char *help;    /* a few words, for a key that was left without a value */
};

extern const struct key tunnel_keys[KEY_COUNT];
extern const struct key global_keys[]; /* ends with a NULL word */
#define CHILD_KEYS 2
extern const struct key child_keys[CHILD_KEYS + 1]; /* of a member of `children:`; ends with a NULL word */
extern const struct word cloud_words[];

#define ROUTES_MAX 1000
#define INSIDE_MAX 8
#define TUNNELS_MAX 65535

int key_index(const struct key *keys, unsigned n, const char *word); /* -1 when there is none */
extern const struct kind kind_number, kind_span, kind_size, kind_weak;
extern const struct kind kind_addr, kind_ident, kind_prefixes, kind_selectors, kind_children, kind_proposals;
extern const struct kind kind_key_file, kind_user, kind_gone;
extern const struct kind kind_private_key, kind_crl, kind_pin;
extern const struct kind kind_remote, kind_interface, kind_psk;

static inline void *field_of(const struct key *k, void *base) { return (char *)base + k->offset; }
static inline const void *field_in(const struct key *k, const void *base) { return (const char *)base + k->offset; }

void array_share(const struct key *k, void *base, const void *other); /* base has other's array from now on, if it is the same */

/* the lists that are the same in both are there once */
void tunnel_conf_share(struct tunnel_conf *t, const struct tunnel_conf *other);

struct child_conf *child_add(struct tunnel_conf *t, int line); /* a new one at the end, without selectors */
/* A value as it is printed: a, [a, "b, c"] or [{...}, {...}]; the brackets may be left out. */
bool value_parse(const struct context *c, const struct key *k, void *base, const char *text);

/* Room for any one packed key of a tunnel: 1000 routes of 18 bytes are the largest. */
#define KEY_PACKED_MAX 32768
void addr_pack(const struct addr *a, struct buf *b);
bool addr_unpack(struct addr *a, struct cursor *c);
const char *addr_fault(const struct addr *a); /* why it is no address of a host; NULL: it is one */
bool addr_is_multicast(const struct addr *a); /* or reserved */
bool refuse_host_bits(const struct context *c, const char *text, const struct prefix *p);
bool interface_valid(const char *name);
bool key_file_valid(const char *name);
/* --- cert.c --- */
/* what stands in the file of that key */
bool certs_same(const struct tunnel_conf *a, const struct tunnel_conf *b, enum key_id id);
void der_list_add(struct der_list *l, struct bytes der); /* shared with all that are equal */
void certs_release(struct cert_conf *c);
size_t certs_packed_size(const struct cert_conf *c); /* without what they number */
void certs_pack(const struct cert_conf *c, const struct der_walk *numbers, struct buf *b);
struct der_set { /* number -> held octets, or none */
	struct bytes *v;
	uint32_t n;
	bool in_order; /* each is first met after all before it; met: how many were */
	uint32_t met;
};
bool certs_unpack(struct cert_conf *c, struct der_set *from, struct cursor *in);
bool tunnel_name_valid(const char *name);
#define INTERFACE_PREFIX "s2s-"
char *interface_long_name(const char *tunnel); /* malloc'd */
void interface_default(struct tunnel_conf *t);

/* --- profiles: a tunnel per profile that holds its defaults --- */
struct profiles {
	struct tunnel_conf *v[CLOUD_COUNT];
	bool broken[CLOUD_COUNT];
};
void profiles_release(struct profiles *p);
/* Defaults for the keys whose bit is not in set. false, and findings: the defaults are broken. */
bool profile_apply(struct profiles *p, struct tunnel_conf *t, uint64_t set, struct findings *f);
bool global_defaults(struct global_conf *g, const struct context *c);
void keys_clear(const struct key *keys, unsigned n, void *base);

/* --- loading --- */
struct draft { /* a tunnel that is being read */
	struct context c;
	struct tunnel_draft out;
	int line[KEY_COUNT]; /* where each was written */
};
struct load {
	const struct conf_text *texts;
	unsigned n_texts;
	key_reader read_key;
	void *arg;
	struct profiles profiles;
	struct conf_draft *out;
	unsigned cap;
	bool too_many, broken; /* broken: the defaults of a profile that is used */
};
void tunnel_conf_swap_places(struct tunnel_conf *a, struct tunnel_conf *b); /* conf.c: where both are written */
void lines_keep(const struct draft *d);                                     /* conf.c: for tunnel_conf_line */
void draft_finish(struct draft *d, struct load *l);                         /* draft.c: defaults and the key */
/* key_files.c: those of certificates, and local-id when it is the leaf's subject */
void certs_read(struct draft *d, const struct load *l);
/* The bytes of keys/NAME, of the key `id`; NULL with a finding. key_files.c */
struct psk *draft_file(struct draft *d, const struct load *l, enum key_id id, const char *name, size_t max);
void parse_text(struct load *l, struct findings *f, unsigned order); /* parse.c: one file */

#endif
