/*
 * walk.h - a walk over structs that writes them as octets or reads them back: one description for both ways. Integers are of variable length (seven bits to
 * an octet, the lowest first), times are CLOCK_BOOTTIME in milliseconds. What is read is hostile input: what does not fit sets `bad`, and zeros follow.
 */
#ifndef IKE_WALK_H
#define IKE_WALK_H

#include "exchange.h"

struct walk {
	struct buf *out;   /* NULL: it reads ... */
	struct cursor *in; /* ... from here */
	bool bad;
};

static inline bool walk_reads(const struct walk *w) { return w->out == NULL; }
static inline bool walk_wrong(struct walk *w) { return w->bad = w->bad || (walk_reads(w) ? w->in->bad : w->out->bad); }

uint64_t walk_read_number(struct walk *w, uint64_t max);
void walk_read_when(struct walk *w, struct mono *at);

/* Short, for they are written a thousand times per exchange. */
static inline void walk_octet(struct walk *w, uint8_t *v)
{
	if (walk_reads(w))
		*v = get_u8(w->in);
	else
		put_u8(w->out, *v);
}

static inline uint64_t walk_number_to(struct walk *w, uint64_t v, uint64_t max) /* what is there now: v when it writes */
{
	if (walk_reads(w))
		return walk_read_number(w, max);
	put_varint(w->out, v);
	return v;
}

static inline void walk_number16(struct walk *w, uint16_t *v) { *v = (uint16_t)walk_number_to(w, *v, UINT16_MAX); }
static inline void walk_number32(struct walk *w, uint32_t *v) { *v = (uint32_t)walk_number_to(w, *v, UINT32_MAX); }
static inline void walk_number64(struct walk *w, uint64_t *v) { *v = walk_number_to(w, *v, UINT64_MAX); }
static inline void walk_wall(struct walk *w, int64_t *v) { *v = (int64_t)walk_number_to(w, (uint64_t)*v, INT64_MAX); }

/* 0: never. A century of milliseconds from the boot is beyond all that is planned, and nothing is added to it that could overflow. */
#define WALK_YEARS 100
static inline void walk_when(struct walk *w, struct mono *at)
{
	if (walk_reads(w))
		walk_read_when(w, at);
	else
		put_varint(w->out, mono_is_never(*at) ? 0 : at->ms < 0 ? 1 : (uint64_t)at->ms + 1);
}

void walk_octets(struct walk *w, void *p, size_t n);
void walk_flags(struct walk *w, bool *const v[], unsigned n);
#define FLAGS(w, ...) walk_flags(w, (bool *const[]){ __VA_ARGS__ }, sizeof((bool *const[]){ __VA_ARGS__ }) / sizeof(bool *))
void walk_sized(struct walk *w, struct bytes *v, size_t max); /* malloc'd when read */
void walk_text(struct walk *w, char *v, size_t size);         /* printable, as what is told of foreign bytes always is */
void walk_address(struct walk *w, struct addr *a);
void walk_address_as(struct walk *w, struct addr *a, const struct addr *usual); /* mostly the same as one that was walked */
void walk_suite(struct walk *w, struct suite *s);
void walk_nonce(struct walk *w, struct nonce *n);
static inline void walk_collision_nonce(struct walk *w, struct collision_nonce *n) { walk_octets(w, n->v, sizeof n->v); }
void walk_selectors(struct walk *w, struct ts_list **list); /* kept (ts.h), never empty */
void walk_message(struct walk *w, struct sent_message *f);

#endif
