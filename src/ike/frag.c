/*
 * frag.c - IKE fragmentation (RFC 7383). Every fragment is sealed by itself, so only the peer can make us keep any.
 * Bounds: one message per direction, FRAGMENTS_MAX pieces, IKE_MESSAGE_MAX bytes; each piece is placed once (no search, no copy).
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define FRAGMENTS_MAX 128
#define PACKET_SIZE 1280  /* what each path carries whole: the IPv6 minimum (RFC 7383 2.5.1) */
#define UDP_AND_MARKER 12 /* the non-ESP marker goes before each message that is not for port 500 (RFC 3948 2.2) */

struct fragments {
	uint32_t id;
	uint16_t total, have;
	uint8_t first;
	size_t size;
	struct bytes part[FRAGMENTS_MAX];
};

static void clear(struct fragments *f)
{
	for (unsigned i = 0; i < f->total; i++)
		bytes_drop(&f->part[i]);
	memset(f, 0, sizeof *f);
}

void fragments_free(struct sa *sa)
{
	for (unsigned i = 0; i < 2; i++) {
		if (sa->fragments[i])
			clear(sa->fragments[i]);
		free(sa->fragments[i]);
		sa->fragments[i] = NULL;
	}
}

static int whole(struct fragments *f, struct bytes *plain, uint8_t *first)
{
	uint8_t *all = xcalloc(1, f->size ? f->size : 1);
	size_t n = 0;
	for (unsigned i = 0; i < f->total; i++) {
		if (f->part[i].n)
			memcpy(all + n, f->part[i].p, f->part[i].n);
		n += f->part[i].n;
	}
	*plain = bytes_of(all, n);
	*first = f->first;
	clear(f);
	return ERR_OK;
}

int fragment_add(struct sa *sa, const struct message *m, struct bytes *plain, uint8_t *first)
{
	const struct payload *p = &m->p[m->sealed_at];
	unsigned number = p->skf.number, total = p->skf.total, dir = m->h.flags & IKE_FLAG_RESPONSE ? 1 : 0;
	if (!sa->core.fragmentation || !number || !total || number > total || total > FRAGMENTS_MAX)
		return ERR_FRAGMENT;
	struct fragments *f = sa->fragments[dir];
	bool same = f && f->total && f->id == m->h.message_id;
	if (same && total < f->total) /* RFC 7383 2.6: the older, larger piece of a split that was made smaller since */
		return ERR_FRAGMENT;
	if (same && total == f->total && f->part[number - 1].p)
		return ERR_STALE;
	struct bytes opened;
	uint8_t *body = (uint8_t *)(uintptr_t)p->skf.sealed.p;
	int err = seal_open(&sa->core.in, bytes_of(m->raw.p, (size_t)(body - m->raw.p)), body, p->skf.sealed.n, &opened);
	if (err != ERR_OK)
		return err;
	if (!opened.n || (same && total == f->total && f->size + opened.n > IKE_MESSAGE_MAX))
		return ERR_FRAGMENT;
	if (!f)
		f = sa->fragments[dir] = xcalloc(1, sizeof *f);
	if (!same || total > f->total) {
		clear(f);
		f->id = m->h.message_id;
		f->total = (uint16_t)total;
	}
	f->part[number - 1] = bytes_dup(opened);
	f->size += opened.n;
	if (number == 1)
		f->first = p->skf.first;
	return ++f->have == f->total ? whole(f, plain, first) : ERR_STALE;
}

size_t fragment_limit(const struct sa *sa)
{
	return PACKET_SIZE - UDP_AND_MARKER - (sa->core.remote.family == AF_INET6 ? 40 : 20);
}

bool fragment_seal(struct step *s, struct sa *sa, const struct header *h, const struct chain *c, struct sent_message *keep)
{
	const size_t frame = IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN + 4;
	struct bytes plain = buf_view(&c->out), datagrams[FRAGMENTS_MAX];
	const size_t limit = fragment_limit(sa);
	size_t piece = limit - frame;
	while (seal_size(&sa->core.out, piece) + frame > limit)
		piece--;
	size_t total = (plain.n + piece - 1) / piece;
	if (total > FRAGMENTS_MAX)
		return false;
	for (size_t i = 0; i < total; i++) {
		struct bytes part = bytes_of(plain.p + i * piece, i + 1 < total ? piece : plain.n - i * piece);
		size_t body = seal_size(&sa->core.out, part.n);
		uint8_t *mem = arena_alloc(s->out->arena, frame + body);
		struct writer w;
		message_begin(&w, mem, mem ? frame + body : 0, h);
		uint8_t *at = mem ? message_seal(&w, i ? 0 : c->first, body, (uint16_t)(i + 1), (uint16_t)total) : NULL;
		if (!at || !seal_next(sa, bytes_of(mem, (size_t)(at - mem)), part, at, body))
			return false;
		datagrams[i] = message_end(&w);
	}
	sent_message_set(keep, datagrams, (unsigned)total);
	return true;
}
