/*
 * frag.c - IKE fragmentation (RFC 7383). Every fragment is sealed by itself, so only the peer can make us keep any.
 * Bounds: one message per direction, FRAGMENTS_MAX pieces, sa_message_max() bytes; each piece is placed once (no search, no copy).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define FRAGMENTS_MAX 128
_Static_assert(FRAGMENTS_MAX <= UINT8_MAX, "sent.c counts them in an octet");
#define PACKET_SAFE 1280  /* what each path of IPv6 carries whole, and nearly each of IPv4 (RFC 7383 2.5.1) */
#define PACKET_LEAST 576  /* ... and what those of IPv4 surely do */
#define UDP_AND_MARKER 12 /* the non-ESP marker goes before each message that is not for port 500 (RFC 3948 2.2) */

/* ---------------------------------------------------------------- sizes */

/* What the uplink says of the way to the peer; 0: nothing. */
static uint32_t path_mtu(const struct tunnel *t, const struct sa *sa)
{
	for (unsigned i = 0; i < t->n_paths; i++)
		if (addr_same_ip(&t->paths[i].remote, &sa->core.remote) && addr_same_ip(&t->paths[i].local, &sa->core.local))
			return t->paths[i].mtu;
	return 0;
}

unsigned packet_limit(const struct step *s, const struct sa *sa)
{
	const struct tunnel *t = sa->tunnel;
	unsigned packet = t && t->conf->fragment_size ? t->conf->fragment_size : PACKET_SAFE, mtu = t ? path_mtu(t, sa) : 0;
	if (mtu && mtu < packet)
		packet = mtu;
	if (sa->narrow && sa->narrow < packet && !mono_due(sa->narrow_until, s->now.mono))
		packet = sa->narrow;
	return packet > PACKET_LEAST ? packet : PACKET_LEAST;
}

/* The next size to try when nothing answers; 0: none is smaller. */
static unsigned smaller(const struct sa *sa, unsigned packet)
{
	if (packet > PACKET_SAFE)
		return PACKET_SAFE;
	return sa->core.remote.family == AF_INET && packet > PACKET_LEAST ? PACKET_LEAST : 0;
}

static unsigned headers(const struct sa *sa) { return UDP_AND_MARKER + (sa->core.remote.family == AF_INET6 ? 40u : 20u); }

/* The IKE message that such a packet has room for. */
static size_t room_in(const struct sa *sa, unsigned packet) { return packet - headers(sa); }

static size_t whole_size(const struct sa *sa, size_t plain)
{
	return IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN + sealed_size(sa, plain);
}

/* ---------------------------------------------------------------- putting together */

struct fragments {
	uint32_t id;
	uint16_t total, have;
	uint8_t first;
	size_t size, largest; /* together; the largest datagram */
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
	int err = unseal(keys_in(sa), m, p->skf.sealed, &opened);
	if (err != ERR_OK)
		return err;
	/* cppcheck-suppress nullPointerRedundantCheck */
	size_t had = same && total == f->total ? f->size : 0;
	if (!opened.n || had + opened.n > sa_message_max(sa))
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
	f->largest = m->raw.n > f->largest ? m->raw.n : f->largest;
	if (number == 1)
		f->first = p->skf.first;
	bool complete = ++f->have == f->total;
	size_t packet = f->largest + headers(sa);
	if (!complete)
		return ERR_STALE;
	if (!dir)
		sa->theirs.packet = (uint16_t)(packet < PACKET_LEAST ? PACKET_LEAST : packet < UINT16_MAX ? packet : 0);
	return whole(f, plain, first);
}

/* ---------------------------------------------------------------- sealing */

static bool seal_whole(struct step *s, struct sa *sa, const struct unsealed *m, size_t total, struct sent_message *keep)
{
	size_t body = total - IKE_HEADER_LEN - IKE_PAYLOAD_HEADER_LEN;
	struct writer w;
	uint8_t *mem = total <= IKE_MESSAGE_MAX ? arena_alloc(s->out->arena, total) : NULL;
	if (!mem)
		return false;
	message_begin(&w, mem, total, &m->h);
	uint8_t *at = message_seal(&w, m->first, body, 0, 0);
	if (!at || !seal_next(sa, bytes_of(mem, (size_t)(at - mem)), m->plain, at, body))
		return false;
	struct bytes datagram = message_end(&w);
	sent_message_set(keep, &datagram, 1);
	return datagram.n != 0;
}

/* Into at least so many: the number of all tells the fragments of one split from those of the one before (RFC 7383 2.5.2). */
static bool seal_fragments(
	struct step *s, struct sa *sa, const struct unsealed *m, size_t limit, size_t least, struct sent_message *keep)
{
	const size_t frame = IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN + 4;
	struct bytes datagrams[FRAGMENTS_MAX];
	size_t piece = limit - frame, n = m->plain.n;
	while (sealed_size(sa, piece) + frame > limit)
		piece--;
	if ((n + piece - 1) / piece < least)
		piece = (n + least - 1) / least;
	size_t total = (n + piece - 1) / piece;
	if (total > FRAGMENTS_MAX || total < least)
		return false;
	for (size_t i = 0; i < total; i++) {
		struct bytes part = bytes_of(m->plain.p + i * piece, i + 1 < total ? piece : n - i * piece);
		size_t body = sealed_size(sa, part.n);
		uint8_t *mem = arena_alloc(s->out->arena, frame + body);
		struct writer w;
		message_begin(&w, mem, mem ? frame + body : 0, &m->h);
		uint8_t *at = mem ? message_seal(&w, i ? 0 : m->first, body, (uint16_t)(i + 1), (uint16_t)total) : NULL;
		if (!at || !seal_next(sa, bytes_of(mem, (size_t)(at - mem)), part, at, body))
			return false;
		datagrams[i] = message_end(&w);
	}
	sent_message_set(keep, datagrams, (unsigned)total);
	return true;
}

static bool is_empty(const struct unsealed *m) { return m->h.exchange == EXCHANGE_INFORMATIONAL && !m->first && !m->plain.n; }

static bool seal_for(
	struct step *s, struct sa *sa, const struct unsealed *m, unsigned packet, size_t least, struct sent_message *keep)
{
	bool empty = is_empty(m);
	(empty ? tunnel_noted : tunnel_changed)(s, sa->tunnel);
	size_t limit = room_in(sa, packet), total = whole_size(sa, m->plain.n);
	unsigned less = smaller(sa, packet);
	bool fits = total <= limit || !sa->core.fragmentation;
	if (fits ? !seal_whole(s, sa, m, total, keep) : !seal_fragments(s, sa, m, limit, least, keep))
		return false;
	keep->packet = empty ? 0 : (uint16_t)packet; /* of those there is one size */
	keep->empty = empty ? sa->core.iv_out : 0;
	if (!sa->core.fragmentation || !less || total <= room_in(sa, less))
		return true;
	sent_message_again(keep, m);
	return true;
}

bool sent_message_seal(struct step *s, struct sa *sa, const struct unsealed *m, unsigned packet, struct sent_message *keep)
{
	return seal_for(s, sa, m, packet, 1, keep);
}

bool sent_message_empty(struct step *s, struct sa *sa, const struct header *h, uint64_t iv, struct sent_message *keep)
{
	struct unsealed m = { .h = *h };
	uint64_t next = sa->core.iv_out;
	sa->core.iv_out = iv;
	bool sealed = seal_whole(s, sa, &m, whole_size(sa, 0), keep);
	sa->core.iv_out = next;
	keep->empty = sealed ? iv + 1 : 0;
	return sealed;
}

bool sent_message_smaller(struct step *s, struct sa *sa, struct sent_message *f)
{
	struct sent_message less = { 0 };
	unsigned packet = smaller(sa, f->packet);
	if (!f->again || !packet || !seal_for(s, sa, f->again, packet, f->n + 1u, &less))
		return false;
	sent_message_clear(f);
	*f = less;
	f->smaller = true;
	return true;
}

bool sent_message_large(const struct sa *sa, const struct sent_message *f, char text[FACT_VALUE])
{
	size_t octets = f->size - (size_t)f->n * sizeof(uint16_t);  /* sent.c: each has its length before it */
	bool whole = f->n == 1 && octets + headers(sa) > f->packet; /* the peer knows no fragments of IKE, and IP makes its own */
	if (f->n < 2 && !whole)
		return false;
	if (whole)
		snprintf(text, FACT_VALUE, "%zu octets in one datagram, in fragments of IP", octets);
	else
		snprintf(text, FACT_VALUE, "%zu octets in %u packets of up to %u", octets, f->n, f->packet);
	return true;
}
