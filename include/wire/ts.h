/* ts.h - traffic selectors (RFC 7296 2.9, 3.13.1): a range of addresses, ports and a protocol. */
#ifndef WIRE_TS_H
#define WIRE_TS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"

struct ts {
	uint8_t protocol;          /* 0 = any */
	uint16_t port_lo, port_hi; /* 0..65535 = any; 65535..0 = opaque */
	struct addr lo, hi;        /* same family; inclusive; port unused */
};

#define TS_LIST_MAX 255 /* selectors per side: their number is one octet in a message (RFC 7296 3.13) */
struct ts_list {
	uint8_t n;
	uint16_t shares; /* of a kept one: holders but one */
	struct ts v[TS_LIST_MAX];
};

/* A list that lives long is kept: malloc'd for its own selectors, not for all that would fit. It is read by the functions below and through n and
 * v, and never copied as a struct. Several may hold the same one, mostly that of the configuration. */
struct ts_list *ts_list_keep(const struct ts_list *from);
struct ts_list *ts_list_share(struct ts_list *kept); /* the same one, or a copy when very many hold it */
void ts_list_drop(struct ts_list *kept);             /* harmless with NULL */
/* *kept may be NULL; that of others stays as it is; the caller sees to TS_LIST_MAX */
void ts_list_add(struct ts_list **kept, const struct ts *ts);
void ts_list_copy(struct ts_list *to, const struct ts_list *from); /* from: NULL, kept or whole */

struct ts ts_from_prefix(const struct prefix *p);
bool ts_to_prefix(const struct ts *ts, struct prefix *p); /* false when the range is no prefix */
bool ts_equal(const struct ts *a, const struct ts *b);
bool ts_contains(const struct ts *outer, const struct ts *inner);
bool ts_intersect(const struct ts *a, const struct ts *b, struct ts *out);
bool ts_list_equal(const struct ts_list *a, const struct ts_list *b); /* as sets */
bool ts_list_same(const struct ts_list *a, const struct ts_list *b);  /* in their order, too; NULL is none, and not the same */
bool ts_list_has(const struct ts_list *list, const struct ts *ts);    /* one of the list contains it */
bool ts_list_contains(const struct ts_list *outer, const struct ts_list *inner);
/* Narrowing, RFC 7296 2.9: out = what of `theirs`, as they stand in a message, lies in `ours`, without duplicates. False when nothing is left, then
 * out->n is 0, or more than fits. */
bool ts_narrow(const struct ts_list *ours, const struct ts *theirs, size_t n, struct ts_list *out);

/* The kernel's policies know prefixes and blocks of ports only: what the selectors of one end are cut into. */
#define TS_POLICIES_MAX 256 /* kernel policies per direction that the selectors of one tunnel may become */
struct ts_part {
	struct prefix prefix;
	uint8_t protocol;
	uint16_t port, mask;
};
struct ts_parts {
	unsigned n;
	bool full; /* there are more */
	struct ts_part v[TS_POLICIES_MAX];
};
struct ts_parts *ts_parts_new(void); /* two, for the ends of a pair, malloc'd; nothing is in them before ts_cut */
void ts_cut(const struct ts_list *list, struct ts_parts *parts);
bool ts_parts_meet(const struct ts_part *local, const struct ts_part *remote); /* one policy can have these two ends */
/* how many they become; TS_POLICIES_MAX + 1: more */
unsigned ts_policies(const struct ts_list *local, const struct ts_list *remote);
/* they become TS_POLICIES_MAX policies at most */
bool ts_policies_fit(const struct ts_list *local, const struct ts_list *remote);

#define TS_TEXT 160
const char *ts_format(const struct ts *ts, char text[TS_TEXT]); /* "10.0.0.0/8", "10.0.0.1-10.0.0.9", "10.0.0.0/8[17/53]" */

#endif
