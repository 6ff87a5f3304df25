/*
 * gate.c - the half-open gate: what an unknown peer's IKE_SA_INIT may cost (RFC 7296 2.6). All of it is one table of fixed size, whatever the flood.
 *
 * A source address can be made up; a cookie that comes back proves that somebody listens there. So what is unverified never shuts anybody out, it only makes us
 * ask for the cookie, which costs us one hash and no memory; only what is verified can use up its own source's budget:
 *
 *	                   asks for a cookie from ...                      drops ...
 *	without cookie     cookie-threshold half-open SAs in all, or       never
 *	                   SHARE_FREE of the source, or UNVERIFIED_RATE,
 *	                   or FREE_RATE key exchanges for unknown peers in all
 *	... of a           as many half-open SAs of such addresses as      never
 *	configured         there are tunnels, or peers_rate() of them
 *	address            in all; the source's bounds are the same
 *	with cookie        never                                           at half-open-limit, the source's share, VERIFIED_RATE
 *
 * All of one's own peers dial at once when this gateway comes back: each has a key exchange for nothing then, and strangers pay for it first. Who makes up
 * configured addresses gets no more out of it: as many at once as there are tunnels, then FREE_RATE as any stranger, or each peer's turn once a minute.
 *
 * Sources share counters by a keyed hash, in two places each, and the lower count is believed: nobody can choose whom he meets there.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define SLOTS 4096
#define UNVERIFIED_RATE 32 /* per second and source, UNVERIFIED_BURST at once */
#define UNVERIFIED_BURST 64
#define FREE_RATE \
	50 /* key exchanges per second for the unverified, cookie-threshold at once: some end before they count as half-open */
#define PEER_EACH 60     /* seconds in which each configured peer may have one, if that is more */
#define VERIFIED_RATE 16 /* a peer with many tunnels may do more: half its tunnels per second, all of them at once */
#define VERIFIED_BURST 64
#define SHARE_FREE 16             /* half-open SAs of one source before it is asked for cookies */
#define SHARE_MAX 64              /* ... and at most, or twice the number of tunnels */
#define UNKNOWN_PEERS_REPORTED 10 /* reports about unknown peers per second: a flood must not fill the log */
#define FLOOD_EVERY 60000

struct bucket { /* leaks `rate` per second; in thousandths of a request */
	uint32_t at, level;
};
struct gate {
	struct bucket unverified[SLOTS], verified[SLOTS], reported, free, peers;
	uint32_t peers_held;  /* half-open SAs from configured addresses */
	uint16_t held[SLOTS]; /* half-open SAs */
	uint8_t key[32];
	struct mono flood_reported;
};

struct gate *gate_new(fill_fn fill, void *fill_arg)
{
	struct gate *g = xcalloc(1, sizeof *g);
	fill(fill_arg, g->key, sizeof g->key);
	g->flood_reported.ms = -FLOOD_EVERY;
	return g;
}

void gate_free(struct gate *g)
{
	if (g)
		wipe(g, sizeof *g);
	free(g);
}

/* An IPv6 source is its /64: whoever has one address there has them all. */
static struct gate_source source_of(const struct gate *g, const struct addr *remote)
{
	struct bytes ip = addr_bytes(remote);
	struct bytes parts[] = { bytes_of(g->key, sizeof g->key), bytes_of(ip.p, ip.n > 8 ? 8 : ip.n) };
	uint8_t h[32];
	hash_sha256(parts, 2, h);
	return (struct gate_source){ .slot = { (uint16_t)((h[0] << 8 | h[1]) % SLOTS), (uint16_t)((h[2] << 8 | h[3]) % SLOTS) } };
}

static uint32_t level_now(const struct bucket *b, uint32_t now, uint32_t rate)
{
	uint64_t leaked = (uint64_t)(now - b->at) * rate;
	return leaked < b->level ? b->level - (uint32_t)leaked : 0;
}

static bool pour(struct bucket *b, uint32_t now, uint32_t rate, uint32_t burst)
{
	uint32_t level = level_now(b, now, rate);
	bool fits = level + 1000 <= burst * 1000;
	b->at = now;
	b->level = fits ? level + 1000 : level;
	return fits;
}

static bool within(struct step *s, struct bucket *table, struct gate_source p, uint32_t rate, uint32_t burst)
{
	uint32_t now = (uint32_t)s->now.mono.ms;
	bool one = pour(&table[p.slot[0]], now, rate, burst), other = pour(&table[p.slot[1]], now, rate, burst);
	return one || other;
}

static unsigned share(const struct gate *g, struct gate_source p)
{
	unsigned a = g->held[p.slot[0]], b = g->held[p.slot[1]];
	return a < b ? a : b;
}

static unsigned larger(unsigned a, unsigned b) { return a > b ? a : b; }

static unsigned tunnels_of(const struct ike *ike) { return (unsigned)table_count(&ike->tunnels); }

void gate_enter(struct ike *ike, struct sa *sa, const struct gate_source *from, const struct addr *source, uint64_t key)
{
	struct at_gate *at = sa->at_gate = xcalloc(1, sizeof *at);
	*at = (struct at_gate){ .source = *source, .peer = from->peer };
	at->key = table_put(&ike->by_source, key, sa) ? key : 0;
	ike->gate->peers_held += at->peer;
	for (unsigned i = 0; i < 2; i++) {
		at->slot[i] = from->slot[i];
		ike->gate->held[at->slot[i]]++;
	}
}

void gate_leave(struct ike *ike, struct sa *sa)
{
	struct at_gate *at = sa->at_gate;
	if (!at)
		return;
	for (unsigned i = 0; i < 2; i++)
		ike->gate->held[at->slot[i]]--;
	ike->gate->peers_held -= at->peer;
	if (at->key)
		table_del(&ike->by_source, at->key);
	free(at);
	sa->at_gate = NULL;
}

/*
 * Something that cannot be authentic is answered once a second, to the address of a configured peer, and never in answer to a response (RFC 7296 2.21.4). Who
 * chose no SPI could not tell what the answer is about (3.1).
 */
bool gate_may_hint(struct step *s, const struct header *h, const struct ike_event *e)
{
	static const uint8_t none[IKE_SPI_LEN];
	struct ike *ike = s->ike;
	bool due = mono_due(mono_add(ike->hinted, HINT_EVERY), s->now.mono);
	if (!due || !ike->conf || ike->shutting_down || h->flags & IKE_FLAG_RESPONSE || !memcmp(h->spi_i, none, IKE_SPI_LEN) ||
		!tunnel_next_at(ike, NULL, &e->datagram.local, &e->datagram.remote))
		return false;
	ike->hinted = s->now.mono;
	return true;
}

bool gate_may_report(struct step *s)
{
	return pour(&s->ike->gate->reported, (uint32_t)s->now.mono.ms, UNKNOWN_PEERS_REPORTED, UNKNOWN_PEERS_REPORTED);
}

/* ---------------------------------------------------------------- cookies */

#define COOKIE_ROTATE 60000
#define COOKIE_SIZE 33 /* version of the secret, SHA-256 */

static void make_cookie(struct ike *ike, uint8_t version, const struct header *h, const struct payload *nonce,
	const struct addr *remote, uint8_t out[COOKIE_SIZE])
{
	struct bytes parts[] = { nonce->nonce.value, addr_bytes(remote), bytes_of(h->spi_i, IKE_SPI_LEN),
		bytes_of(ike->cookie_secret[version & 1], 32) };
	out[0] = version;
	hash_sha256(parts, 4, out + 1);
}

static void rotate(struct step *s)
{
	struct ike *ike = s->ike;
	if (mono_is_never(ike->cookie_rotate))
		ike->cookie_rotate = mono_add(s->now.mono, COOKIE_ROTATE);
	if (!mono_due(ike->cookie_rotate, s->now.mono))
		return;
	ike->cookie_rotate = mono_add(s->now.mono, COOKIE_ROTATE);
	ike->cookie_version++;
	ike->fill(ike->fill_arg, ike->cookie_secret[ike->cookie_version & 1], 32);
}

static bool cookie_fits(struct step *s, const struct header *h, const struct message *m, const struct addr *remote)
{
	const struct payload *n = message_find_notify(m, NOTIFY_COOKIE, false), *nonce = message_find(m, PAYLOAD_NONCE, false);
	uint8_t want[COOKIE_SIZE];
	if (!n || n->notify.data.n != COOKIE_SIZE)
		return false;
	uint8_t version = n->notify.data.p[0];
	if (version != s->ike->cookie_version && (uint8_t)(version + 1) != s->ike->cookie_version)
		return false;
	make_cookie(s->ike, version, h, nonce, remote, want);
	return same_secret(want, n->notify.data.p, COOKIE_SIZE);
}

static void ask_for_cookie(struct step *s, const struct header *h, const struct message *m, const struct ike_event *e)
{
	uint8_t cookie[COOKIE_SIZE];
	make_cookie(s->ike, s->ike->cookie_version, h, message_find(m, PAYLOAD_NONCE, false), &e->datagram.remote, cookie);
	sent_unsealed(s, h, e, NOTIFY_COOKIE, bytes_of(cookie, sizeof cookie));
	s->ike->totals.cookies_sent++;
}

static void report_flood(struct step *s)
{
	struct gate *g = s->ike->gate;
	if (!mono_due(mono_add(g->flood_reported, FLOOD_EVERY), s->now.mono))
		return;
	g->flood_reported = s->now.mono;
	ike_report(s, FACT_FLOOD, BLAME_NETWORK, NULL, NULL,
		"many IKE_SA_INIT requests, %u half-open SAs: unknown peers are asked for a cookie",
		(unsigned)s->ike->totals.half_open);
}

static bool free_for_peer(struct ike *ike, uint32_t now)
{
	uint32_t threshold = ike->conf->global.cookie_threshold, tunnels = tunnels_of(ike);
	if (!threshold || ike->gate->peers_held >= larger(threshold, tunnels))
		return false;
	return pour(&ike->gate->peers, now, larger(FREE_RATE, tunnels / PEER_EACH), larger(threshold, tunnels));
}

/* Peers use up what is free for strangers, not the other way round. */
static bool is_free(struct step *s, bool peer)
{
	struct ike *ike = s->ike;
	uint32_t now = (uint32_t)s->now.mono.ms, threshold = ike->conf->global.cookie_threshold;
	if (!peer && ike->totals.half_open >= threshold)
		return false;
	bool stranger = pour(&ike->gate->free, now, FREE_RATE, threshold);
	return peer ? free_for_peer(ike, now) : stranger;
}

static bool admit_unverified(
	struct step *s, const struct header *h, const struct message *m, const struct ike_event *e, struct gate_source p)
{
	struct ike *ike = s->ike;
	if (within(s, ike->gate->unverified, p, UNVERIFIED_RATE, UNVERIFIED_BURST) && share(ike->gate, p) < SHARE_FREE &&
		is_free(s, p.peer))
		return true;
	if (ike->conf->global.cookie_threshold)
		report_flood(s);
	ask_for_cookie(s, h, m, e);
	step_drop(s, DROP_COOKIE);
	return false;
}

static bool has_room(const struct ike *ike)
{
	return ike->totals.half_open < conf_half_open_max(ike->conf->global.half_open_limit, tunnels_of(ike));
}

static bool admit_verified(struct step *s, struct gate_source p)
{
	struct ike *ike = s->ike;
	unsigned tunnels = tunnels_of(ike);
	bool rare = within(s, ike->gate->verified, p, larger(VERIFIED_RATE, tunnels / 2), larger(VERIFIED_BURST, tunnels));
	if (rare && share(ike->gate, p) < larger(SHARE_MAX, 2 * tunnels) && has_room(ike))
		return true;
	step_drop(s, rare ? DROP_HALF_OPEN : DROP_RATE);
	return false;
}

bool gate_admit(struct step *s, const struct header *h, const struct message *m, const struct ike_event *e,
	const struct tunnel *first, struct gate_source *from)
{
	*from = source_of(s->ike->gate, &e->datagram.remote);
	from->peer = !first->conf->remote_any;
	rotate(s);
	if (cookie_fits(s, h, m, &e->datagram.remote))
		return admit_verified(s, *from);
	if (!admit_unverified(s, h, m, e, *from))
		return false;
	bool room = has_room(s->ike);
	if (!room)
		step_drop(s, DROP_HALF_OPEN);
	return room;
}
