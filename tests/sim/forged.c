/*
 * forged.c - what nothing protects: IKE_SA_INIT answered, repeated and spoiled by somebody on the way; and what must be new in each request.
 */
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

static struct {
	uint16_t notify; /* what the forger answers */
	unsigned forged, n, answers;
	msec delay;          /* of the true peer */
	uint16_t answered;   /* the last notify of B in the open */
	bool busy, twice;    /* twice: a nonce was seen again */
	struct packet first; /* A's first datagram */
	struct seen nonces;
} way;

static void begin_way(struct world *w, bool (*filter)(struct world *w, const struct packet *p))
{
	free(way.first.data);
	seen_release(&way.nonces);
	memset(&way, 0, sizeof way);
	w->filter = filter;
}

/* ---------------------------------------------------------------- refusals */

static bool forges(struct world *w, const struct packet *p)
{
	static struct inside m;
	if (way.busy || p->from != A || !hostile_open(w, p, &m) || m.h.exchange != EXCHANGE_IKE_SA_INIT || way.forged)
		return false;
	const uint8_t notify[] = { 0, 0, (uint8_t)(way.notify >> 8), (uint8_t)way.notify };
	way.forged++;
	m.n = m.first = 0;
	m.h.flags = IKE_FLAG_RESPONSE;
	inside_add(&m, PAYLOAD_NOTIFY, notify, sizeof notify);
	way.busy = true;
	w->weather.delay_min = w->weather.delay_max = 1; /* faster than B */
	hostile_send(w, B, &m, 0, 0);
	w->weather.delay_min = w->weather.delay_max = way.delay;
	way.busy = false;
	return false;
}

static void forged_refusal(struct world *w, const struct params *p)
{
	pair(w);
	begin_way(w, forges);
	way.notify = p->notify;
	way.delay = p->cookie ? 500 : 40;
	w->weather.delay_min = w->weather.delay_max = way.delay;
	if (p->cookie)
		set_global(w, B, "cookie-threshold", "0");
	begin(w);
	await_up(w, (p->cookie ? 6 : 3) * SECOND);
	struct tunnel *t = tunnel_of(w, A, "t");
	expect(w, way.forged == 1 && t && t->counters[COUNTER_ATTEMPTS] == 1,
		"the first attempt succeeds in spite of the forgery");
	expect(w, !saw(w, A, FACT_NO_PROPOSAL, BLAME_PEER) && !saw(w, A, FACT_PEER_REFUSED, BLAME_PEER), "nothing is told");
	check_converged(w, true);
}

/* ... and a true one is told soon. */
static void true_refusal(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	set(w, B, "t", "ike-proposals", "aes128-sha384-ecp384");
	begin(w);
	world_run(w, 2 * SECOND);
	expect(w, saw(w, A, FACT_NO_PROPOSAL, BLAME_PEER), "a refusal is told within two seconds");
}

/* ---------------------------------------------------------------- odd requests */

static bool listens(struct world *w, const struct packet *p)
{
	static struct inside m;
	size_t n;
	if (p->from == A && !way.first.n) {
		way.first = *p;
		way.first.data = xcalloc(1, p->n);
		memcpy(way.first.data, p->data, p->n);
	}
	if (p->from != B || p->n < 20 || !(p->data[19] & IKE_FLAG_RESPONSE) || p->data[16] == PAYLOAD_SK)
		return false;
	way.answers++;
	const uint8_t *notify = hostile_open(w, p, &m) ? inside_find(&m, PAYLOAD_NOTIFY, &n) : NULL;
	way.answered = notify ? (uint16_t)(notify[2] << 8 | notify[3]) : 0;
	return false;
}

/* A's first datagram once more, changed. */
static void again(struct world *w, unsigned at, uint8_t value, bool other_spi)
{
	struct packet p = way.first;
	p.data = xcalloc(1, p.n);
	memcpy(p.data, way.first.data, p.n);
	p.data[at] = value;
	p.data[0] ^= other_spi;
	way.answers = way.answered = 0;
	net_forward(w, &p);
	world_run(w, 100);
}

static void odd_requests(struct world *w, const struct params *p)
{
	(void)p;
	pair(w);
	begin_way(w, listens);
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 2 * SECOND);
	uint32_t numbers = w->hosts[B].ike->numbers;
	again(w, 17, 0x20, false);
	expect(w, !way.answers && w->hosts[B].ike->numbers == numbers && !w->hosts[B].ike->totals.half_open,
		"a late copy of IKE_SA_INIT opens nothing");
	again(w, 17, 0x30, true);
	expect(w, way.answers == 1 && way.answered == NOTIFY_INVALID_MAJOR_VERSION, "a higher version is answered");
	again(w, 17, 0x30, true);
	expect(w, !way.answers, "but not more than once a second");
	world_run(w, 2 * SECOND);
	again(w, 17, 0x10, true);
	expect(w, !way.answers, "a lower one is not");
	way.first.data[IKE_HEADER_LEN + 1] = 0x80; /* critical ... */
	way.first.data[16] = 99;                   /* ... and unknown */
	again(w, 17, 0x20, true);
	expect(w, way.answers == 1 && way.answered == NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, "a critical payload is answered");
	world_run(w, 2 * SECOND);
	memset(way.first.data, 0, IKE_SPI_LEN);
	way.first.data[16] = PAYLOAD_SA;
	way.first.data[IKE_HEADER_LEN + 1] = 0;
	again(w, 17, 0x20, false);
	expect(w, !way.answers && !w->hosts[B].ike->totals.half_open, "SPI 0 is none");
	check_converged(w, true);
	begin_way(w, NULL);
}

/* ---------------------------------------------------------------- nonces */

static bool watches_nonces(struct world *w, const struct packet *p)
{
	static struct inside m;
	size_t n;
	bool fresh;
	if (p->from != A || !hostile_open(w, p, &m) || !m.sealed || m.h.flags & IKE_FLAG_RESPONSE)
		return false;
	const uint8_t *nonce = inside_find(&m, PAYLOAD_NONCE, &n);
	if (!nonce)
		return false;
	uint64_t *id = seen_put(&way.nonces, mix_bytes(9, nonce, n), &fresh);
	way.twice |= !fresh && *id != m.h.message_id;
	*id = m.h.message_id;
	way.n++;
	return false;
}

/* INVALID_KE_PAYLOAD, and the same rekey again with another group: with another nonce. */
static void fresh_nonces(struct world *w, const struct params *p)
{
	pair(w);
	set(w, A, "t", p->ike ? "ike-proposals" : "esp-proposals", "[aes256-sha256-ecp256-modp2048]");
	set(w, B, "t", p->ike ? "ike-proposals" : "esp-proposals", "aes256-sha256-modp2048");
	begin(w);
	await_up(w, 10 * SECOND);
	struct tunnel *t = tunnel_of(w, A, "t");
	if (p->ike && t)
		t->sa_list->core.suite.group = GROUP_ECP_256; /* as if that had been agreed on */
	begin_way(w, watches_nonces);
	order(w, A, p->ike ? COMMAND_REKEY_IKE : COMMAND_REKEY);
	world_run(w, 5 * SECOND);
	expect(w, way.n >= 2, "the rekey is asked for twice");
	expect(w, !way.twice, "each time with another nonce");
	check_converged(w, true);
	begin_way(w, NULL);
}

const struct scenario scenarios_forged[] = {
	{ "forged-refusal", forged_refusal, 5, "somebody answers IKE_SA_INIT with NO_PROPOSAL_CHOSEN before the peer does",
		{ .notify = NOTIFY_NO_PROPOSAL_CHOSEN } },
	{ "forged-refusal-other", forged_refusal, 5, "... with INVALID_SYNTAX", { .notify = NOTIFY_INVALID_SYNTAX } },
	{ "forged-refusal-cookie", forged_refusal, 5,
		"... and the peer, far away, asks for a cookie before it answers: the refusal was of another request",
		{ .notify = NOTIFY_NO_PROPOSAL_CHOSEN, .cookie = true } },
	{ "true-refusal", true_refusal, 5, "... the peer itself: told within two seconds", { 0 } },
	{ "odd-requests", odd_requests, 5, "IKE_SA_INIT late, of other versions, with critical payloads, without an SPI", { 0 } },
	{ "fresh-nonces", fresh_nonces, 5, "a child rekey with another group has another nonce", { 0 } },
	{ "fresh-nonces-ike", fresh_nonces, 5, "... and an IKE rekey", { .ike = true } },
	{ 0 },
};
