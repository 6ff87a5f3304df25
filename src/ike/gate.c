/*
 * gate.c - the half-open gate: what a stranger's IKE_SA_INIT may cost (RFC 7296 2.6).
 *
 * Below the cookie threshold requests are answered. From the threshold on only a returned cookie is: it needs no memory of ours and proves the address.
 * At the limit nothing new is admitted. One address may hold a share of the half-open SAs only.
 */
#include <string.h>

#include "core.h"

#define COOKIE_ROTATE 60000
#define COOKIE_SIZE 33 /* version of the secret, SHA-256 */

static void make_cookie(struct ike *ike, uint8_t version, const struct header *h, const struct payload *nonce, const struct addr *remote,
			uint8_t out[COOKIE_SIZE])
{
	struct bytes parts[] = { nonce->nonce.value, addr_bytes(remote), bytes_of(h->spi_i, IKE_SPI_LEN), bytes_of(ike->cookie_secret[version & 1], 32) };
	out[0] = version;
	sha256(parts, 4, out + 1);
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

static void ask_for_cookie(struct step *s, const struct header *h, const struct message *m, const struct event *e)
{
	uint8_t cookie[COOKIE_SIZE];
	make_cookie(s->ike, s->ike->cookie_version, h, message_find(m, PAYLOAD_NONCE, false), &e->datagram.remote, cookie);
	struct header answer = { .major = 2, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE };
	memcpy(answer.spi_i, h->spi_i, IKE_SPI_LEN);
	struct payload p = payload_notify(NOTIFY_COOKIE, bytes_of(cookie, sizeof cookie));
	struct writer w;
	message_begin(&w, arena_alloc(s->out->arena, 128), 128, &answer);
	message_add(&w, &p);
	struct action *a = act(s, ACTION_SEND);
	a->send.local = e->datagram.local;
	a->send.remote = e->datagram.remote;
	a->send.bytes = message_end(&w);
	s->ike->totals.cookies_sent++;
}

bool gate_admit(struct step *s, const struct header *h, const struct message *m, const struct event *e)
{
	struct ike *ike = s->ike;
	const struct global_conf *g = &ike->conf->global;
	rotate(s);
	if (ike->totals.half_open >= g->cookie_threshold && !cookie_fits(s, h, m, &e->datagram.remote)) {
		ask_for_cookie(s, h, m, e);
		drop(s, DROP_COOKIE);
		return false;
	}
	if (ike->totals.half_open >= g->half_open_limit) {
		drop(s, DROP_HALF_OPEN);
		return false;
	}
	return true;
}
