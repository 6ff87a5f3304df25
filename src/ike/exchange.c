/*
 * exchange.c - message ids, the window of one, repetition, cached answers; opening and sealing (RFC 7296 2.1 - 2.4, 3.14).
 *
 * The one door through which a promise leaves: whatever is sent under an SA's keys, or opens one, is sent here. What fails its integrity check changes
 * nothing. Knows no handler: what was received is returned to dispatch.c.
 */
#include <stdio.h>
#include <string.h>

#include "machine.h"

/* ---------------------------------------------------------------- states */

void exchange_state(struct exchange *x, enum xkind kind, enum xstate state)
{
	x->core.kind = kind;
	x->core.state = state;
	if (state == XS_IDLE)
		x->job = 0;
}

void exchange_end(struct exchange *x)
{
	exchange_state(x, X_NONE, XS_IDLE);
	x->next = MONO_NEVER;
}

/* ---------------------------------------------------------------- sending */

static struct header header_of(const struct sa *sa, uint8_t exchange, bool response, uint32_t id)
{
	struct header h = { .major = 2, .exchange = exchange, .message_id = id };
	memcpy(h.spi_i, sa->core.spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, sa->core.spi_r, IKE_SPI_LEN);
	h.flags = (uint8_t)((sa->core.initiator ? IKE_FLAG_INITIATOR : 0) | (response ? IKE_FLAG_RESPONSE : 0));
	return h;
}

static struct ike_path way_of(const struct sa *sa) { return (struct ike_path){ sa->core.local, sa->core.remote, 0 }; }

/* An answer in fragments is made of none larger than those of its request (RFC 7383 2.5.1): so much gets through. */
static unsigned packet_for(const struct step *s, const struct sa *sa, const struct header *h)
{
	unsigned packet = packet_limit(s, sa), came = h->flags & IKE_FLAG_RESPONSE ? sa->theirs.packet : 0;
	return came && came < packet ? came : packet;
}

static bool send_sealed(struct step *s, struct sa *sa, const struct ike_path *way, const struct header *h, const struct chain *c,
	struct sent_message *keep)
{
	if (c->out.bad)
		return false;
	sa->sent = s->now.mono;
	trace_opened(s, sa, true, way, h, c->first, buf_view(&c->out));
	struct unsealed m = { *h, c->first, buf_view(&c->out) };
	bool sealed = sent_message_seal(s, sa, &m, packet_for(s, sa, h), keep);
	if (sealed)
		sent_message_transmit(s, way, keep);
	return sealed;
}

/* Message ids do not start over (RFC 7296 2.2): an IKE SA is rekeyed long before they end, and closed while there are some for that. */
static void watch_ids(struct step *s, struct sa *sa)
{
	uint32_t used = sa->core.next_out > sa->core.next_in ? sa->core.next_out : sa->core.next_in;
	if (used < IDS_REKEY || sa->state != SA_ESTABLISHED)
		return;
	tunnel_changed(s, sa->tunnel);
	sa->rekey_due = true;
	if (used < IDS_CLOSE || sa->delete_due)
		return;
	sa_report(s, sa, FACT_LIFETIME, BLAME_PEER, "the IKE SA has used up its message ids without a rekey: reconnecting");
	ike_report_about(s, sa->tunnel, SUBJECT_IKE_SA, NULL, NULL);
	sa->delete_due = true;
}

/* The only place that takes a message id of ours. False: there is none left. */
static bool next_request(struct step *s, struct sa *sa, uint32_t *id)
{
	*id = sa->core.next_out;
	sa->core.next_out += *id != UINT32_MAX;
	watch_ids(s, sa);
	return *id != UINT32_MAX;
}

/* The waits begin anew. */
static void repeat_from_now(const struct step *s, struct exchange *x)
{
	x->tries = x->alike = 1;
	x->wait = RETRANSMIT_FIRST;
	x->next = mono_add(s->now.mono, x->wait);
}

/* After an empty message a note says what there is to say. */
static void look_after(struct step *s, struct sa *sa, const struct sent_message *sent)
{
	(sent->empty ? sa_look : sa_mark)(s, sa);
}

void exchange_request(struct step *s, struct sa *sa, enum xkind kind, uint8_t exchange, const struct chain *c)
{
	struct exchange *x = &sa->ours;
	bool may = next_request(s, sa, &x->core.message_id);
	x->first = s->now.mono;
	x->unheard = 1;
	repeat_from_now(s, x);
	struct header h = header_of(sa, exchange, false, x->core.message_id);
	struct ike_path way = way_of(sa);
	sent_message_clear(&x->sent);
	if (!may || !send_sealed(s, sa, &way, &h, c, &x->sent))
		sa_report(s, sa, FACT_CRYPTO_FAILED, BLAME_LOCAL, "a request could not be sealed");
	exchange_state(x, kind, XS_SENT);
	look_after(s, sa, &x->sent);
}

void exchange_answer(struct step *s, struct sa *sa, uint8_t exchange, const struct chain *c)
{
	struct exchange *x = &sa->theirs;
	sent_message_clear(&x->sent); /* should this one fail, no earlier answer is repeated in its place */
	struct header h = header_of(sa, exchange, true, sa->core.next_in);
	if (!send_sealed(s, sa, &sa->from, &h, c, &x->sent))
		sa_report(s, sa, FACT_CRYPTO_FAILED, BLAME_LOCAL, "an answer could not be sealed");
	sa->core.next_in++;
	watch_ids(s, sa);
	x->first = s->now.mono;
	x->alike = 1;
	if (!addr_equal(&sa->from.local, &sa->core.local) || !addr_equal(&sa->from.remote, &sa->core.remote))
		tunnel_changed(s, sa->tunnel);
	look_after(s, sa, &x->sent);
}

bool exchange_empty_again(struct step *s, struct sa *sa, enum xside side, uint64_t iv)
{
	bool response = side == THEIRS;
	struct exchange *x = response ? &sa->theirs : &sa->ours;
	struct header h = header_of(sa, EXCHANGE_INFORMATIONAL, response, (response ? sa->core.next_in : sa->core.next_out) - 1);
	if (response) {
		sa->from = way_of(sa);
		x->packet = 0;
	} else {
		x->core.message_id = h.message_id;
		exchange_state(x, X_LIVENESS, XS_SENT);
	}
	return sent_message_empty(s, sa, &h, iv, &x->sent);
}

void exchange_answer_notify(struct step *s, struct sa *sa, uint8_t exchange, uint16_t notify, struct bytes data)
{
	struct chain c = chain_new(s, 64 + data.n);
	struct payload p = payload_notify(notify, data);
	chain_add(&c, &p);
	exchange_answer(s, sa, exchange, &c);
}

void exchange_inform(struct step *s, struct sa *sa, const struct payload *p)
{
	struct sent_message once = { 0 };
	struct chain c = chain_new(s, 64);
	uint32_t id;
	chain_add(&c, p);
	if (!next_request(s, sa, &id))
		return;
	struct header h = header_of(sa, EXCHANGE_INFORMATIONAL, false, id);
	struct ike_path way = way_of(sa);
	send_sealed(s, sa, &way, &h, &c, &once);
	sent_message_clear(&once);
}

void exchange_answer_zero(
	struct step *s, struct sa *sa, const struct ike_path *way, const struct chain *c, struct sent_message *keep)
{
	struct header h = header_of(sa, EXCHANGE_INFORMATIONAL, true, 0);
	sent_message_clear(keep);
	send_sealed(s, sa, way, &h, c, keep);
}

void exchange_renumber(struct step *s, struct sa *sa)
{
	struct exchange *x = &sa->ours;
	struct ike_path way = way_of(sa);
	struct unsealed m;
	if (!sent_message_open(s, sa, &x->sent, &m) || !next_request(s, sa, &x->core.message_id))
		return; /* it is repeated as it is, in vain */
	m.h.message_id = x->core.message_id;
	repeat_from_now(s, x);
	sent_message_clear(&x->sent);
	if (sent_message_seal(s, sa, &m, packet_limit(s, sa), &x->sent))
		sent_message_transmit(s, &way, &x->sent);
}

static void send_plain(struct step *s, struct sa *sa, struct exchange *x, const struct ike_path *way, struct bytes datagram)
{
	sent_message_set(&x->sent, &datagram, 1);
	sent_message_transmit(s, way, &x->sent);
	trace_plain(s, sa, true, &way->local, &way->remote, datagram);
	x->first = s->now.mono;
}

void exchange_init_request(struct step *s, struct sa *sa, struct bytes datagram)
{
	struct ike_path way = way_of(sa);
	send_plain(s, sa, &sa->ours, &way, datagram);
	repeat_from_now(s, &sa->ours);
	sa->core.next_out = 1;
}

void exchange_init_answer(struct step *s, struct sa *sa, struct bytes datagram)
{
	send_plain(s, sa, &sa->theirs, &sa->from, datagram);
	sa->core.next_in = 1;
}

uint32_t exchange_ask(struct step *s, struct sa *sa, struct exchange *x, const struct ike_job *job)
{
	struct ike_action *a = step_action(s, ACTION_JOB);
	tunnel_changed(s, sa->tunnel);
	a->job.ticket = (struct ike_ticket){ sa->number, ++sa->jobs };
	a->job.job = *job;
	x->job = sa->jobs;
	return x->job;
}

/* ---------------------------------------------------------------- repeating */

static msec patience(const struct step *s, const struct sa *sa)
{
	if (s->ike->shutting_down)
		return SHUTDOWN_MAX;
	msec t = sa->tunnel ? sa->tunnel->conf->dpd_timeout : HALF_OPEN_TIMEOUT;
	return sa->state == SA_DELETING && t > 10000 ? 10000 : t;
}

/*
 * Each wait is longer than the one before (RFC 7296 2.4). Two are not: for the return of a peer that nothing was heard of for less than ten minutes we
 * knock every two seconds, and whether traffic that gets no answer arrives is asked every second.
 */
static msec next_wait(const struct step *s, const struct sa *sa)
{
	const struct exchange *x = &sa->ours;
	const struct tunnel *t = sa->tunnel;
	bool knocks = x->core.kind == X_INIT &&
		      (!t || mono_is_never(t->outage) || s->now.mono.ms - t->outage.ms <= INITIATE_EAGER);
	msec wait = x->wait < RETRANSMIT_SECOND ? RETRANSMIT_SECOND : knocks ? x->wait : x->wait + x->wait / 4;
	if (x->core.kind == X_LIVENESS && !mono_is_never(sa->no_return_since) && x->tries < 6)
		return NO_RETURN_REPEAT;
	return wait < RETRANSMIT_MAX ? wait : RETRANSMIT_MAX;
}

/* Sent so often in vain: maybe the path has no room for packets of that size. Smaller ones get their time anew (RFC 7383 2.5.2). */
static bool repeat_smaller(struct step *s, struct sa *sa)
{
	struct exchange *x = &sa->ours;
	if (x->alike < ALIKE_MAX || !sent_message_smaller(s, sa, &x->sent))
		return false;
	x->alike = 0;
	x->wait = RETRANSMIT_FIRST;
	return true;
}

static void tell_repetition(struct step *s, struct sa *sa)
{
	const struct exchange *x = &sa->ours;
	char in[48] = "";
	if (x->sent.smaller)
		snprintf(in, sizeof in, ", now in packets of at most %u octets", x->sent.packet);
	trace_note(s, sa, true, "request %u sent again (%u times sent%s)", x->core.message_id, x->tries, in);
	sa_report(s, sa, FACT_RETRANSMIT, BLAME_NONE, "request %u is sent again (%u times sent%s)", x->core.message_id, x->tries,
		in);
	if (sa->tunnel) {
		sa->tunnel->counters[COUNTER_RETRANSMITS]++;
		tunnel_mark(s, sa->tunnel);
	}
}

bool exchange_repeat(struct step *s, struct sa *sa)
{
	struct exchange *x = &sa->ours;
	if (s->now.mono.ms - x->next.ms > SLEPT) { /* the machine was suspended: the peer had no chance to answer */
		x->first = s->now.mono;
		x->tries = x->unheard = x->alike = 1;
		x->wait = RETRANSMIT_FIRST;
	}
	struct mono end = mono_add(x->first, patience(s, sa));
	if (mono_due(end, s->now.mono))
		return false;
	struct ike_path way = way_of(sa);
	if (!repeat_smaller(s, sa))
		x->wait = (uint32_t)next_wait(s, sa);
	sent_message_transmit(s, &way, &x->sent);
	sa->sent = s->now.mono;
	x->tries++;
	x->unheard++;
	x->alike++;
	x->next = mono_min(end, mono_add(s->now.mono, x->wait));
	tell_repetition(s, sa);
	return true;
}

/* ---------------------------------------------------------------- receiving */

/* Of a repeated fragmented request only fragment 1 brings the answer again: no amplification (RFC 7383 2.6.1). */
static bool asks_again(const struct header *h, struct bytes raw)
{
	struct cursor c = cursor_over(raw);
	get_view(&c, IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN);
	return h->first != PAYLOAD_SKF || get_u16(&c) == 1;
}

static bool same_way(const struct ike_path *way, const struct ike_event *e)
{
	return addr_equal(&way->local, &e->datagram.local) && addr_equal(&way->remote, &e->datagram.remote);
}

/* A repetition from elsewhere must be the peer's: who knows no key could have the answer sent to anybody. Whose NAT has moved meanwhile gets it there. */
static bool repeated_by_peer(struct step *s, const struct sa *sa, const struct ike_event *e)
{
	struct bytes plain, copy = arena_copy(s->out->arena, e->datagram.bytes);
	struct message *m = arena_alloc(s->out->arena, sizeof *m);
	if (!m || message_decode(m, copy, s->out->arena) != ERR_OK || m->sealed_at >= m->n)
		return false;
	const struct payload *p = &m->p[m->sealed_at];
	struct bytes sealed = p->type == PAYLOAD_SKF ? p->skf.sealed : p->sk.sealed;
	return unseal(keys_in(sa), m, sealed, &plain) == ERR_OK;
}

bool exchange_answer_again(struct step *s, struct sa *sa, const struct ike_event *e)
{
	struct exchange *x = &sa->theirs;
	if (!x->sent.n || !mono_due(mono_add(x->first, ANSWER_REPEAT_MIN), s->now.mono))
		return false;
	if (!same_way(&sa->from, e) && !repeated_by_peer(s, sa, e)) {
		step_drop(s, DROP_INTEGRITY);
		return false;
	}
	x->first = s->now.mono;
	if (!same_way(&sa->from, e)) {
		x->sent.empty = 0; /* of a note it would have come from where the peer is */
		sa->from = (struct ike_path){ e->datagram.local, e->datagram.remote, 0 };
		tunnel_changed(s, sa->tunnel);
	}
	if (x->alike++ >= ALIKE_MAX && sent_message_smaller(s, sa, &x->sent)) /* too large for the path, maybe */
		x->alike = 1;
	sent_message_transmit(s, &sa->from, &x->sent);
	return true;
}

static bool request_in_turn(struct step *s, struct sa *sa, const struct header *h, const struct ike_event *e)
{
	struct exchange *x = &sa->theirs;
	bool again = h->message_id + 1 == sa->core.next_in && sent_message_answers(&x->sent, h->exchange);
	if (again && asks_again(h, e->datagram.bytes)) {
		/* Who has waited until we gave up the SA shall not begin to use it now; only what is new and authentic revives it. */
		if (!sa->forgotten && exchange_answer_again(s, sa, e))
			trace_note(s, sa, true, "response %u sent again: the peer repeated its request", h->message_id);
		return false;
	}
	if (h->message_id != sa->core.next_in || h->message_id == UINT32_MAX) { /* the next would be 0 again */
		step_drop(s, DROP_STALE);
		return false;
	}
	bool may = sa->state == SA_HALF_OPEN ? h->exchange == EXCHANGE_IKE_AUTH
					     : sa->state != SA_INITIATING && h->exchange != EXCHANGE_IKE_AUTH;
	bool unfinished = sa->ours.core.kind == X_AUTH &&
			  sa->state == SA_ESTABLISHED; /* our answer would say that we have the first child */
	if (!may || x->core.state != XS_IDLE || unfinished) {
		step_drop(s, may ? DROP_BUSY : DROP_UNEXPECTED);
		return false;
	}
	return true;
}

static uint8_t expected_exchange(enum xkind kind)
{
	static const uint8_t of[] = { [X_INIT] = EXCHANGE_IKE_SA_INIT,
		[X_AUTH] = EXCHANGE_IKE_AUTH,
		[X_NEW_CHILD] = EXCHANGE_CREATE_CHILD_SA,
		[X_REKEY_CHILD] = EXCHANGE_CREATE_CHILD_SA,
		[X_REKEY_IKE] = EXCHANGE_CREATE_CHILD_SA,
		[X_DELETE_CHILD] = EXCHANGE_INFORMATIONAL,
		[X_DELETE_IKE] = EXCHANGE_INFORMATIONAL,
		[X_LIVENESS] = EXCHANGE_INFORMATIONAL };
	return of[kind];
}

static bool response_in_turn(struct step *s, struct sa *sa, const struct header *h)
{
	const struct exchange *x = &sa->ours;
	bool ok = x->core.state == XS_SENT && x->core.kind != X_INIT && h->message_id == x->core.message_id &&
		  h->exchange == expected_exchange(x->core.kind);
	if (!ok)
		step_drop(s, DROP_STALE);
	return ok;
}

/* ERR_OK: authentic and well-formed. Negative with *authentic: the peer really sent this nonsense. */
static int open_message(struct step *s, struct sa *sa, const struct ike_event *e, struct message *m, bool *authentic)
{
	struct arena *a = s->out->arena;
	*authentic = false;
	int err = message_decode(m, e->datagram.bytes, a);
	if (err != ERR_OK)
		return err;
	if (m->sealed_at >= m->n)
		return ERR_MISSING;
	const struct payload *p = &m->p[m->sealed_at];
	struct bytes plain, sealed = p->type == PAYLOAD_SKF ? p->skf.sealed : p->sk.sealed;
	uint8_t first = p->type == PAYLOAD_SKF ? p->skf.first : p->sk.first;
	if (p->type == PAYLOAD_SKF) {
		struct bytes whole;
		err = fragment_add(sa, m, &whole, &first);
		if (err != ERR_OK)
			return err;
		plain = arena_copy(a, whole);
		bytes_drop(&whole);
	} else {
		err = unseal(keys_in(sa), m, sealed, &plain);
		*authentic = err == ERR_PADDING; /* sealed by the peer, but badly */
		if (err != ERR_OK)
			return err;
	}
	*authentic = true;
	struct ike_path way = { e->datagram.local, e->datagram.remote, 0 };
	trace_opened(s, sa, false, &way, &m->h, first, plain);
	err = message_decode_inner(m, first, plain, a);
	return err == ERR_OK ? message_judge(m, true) : err;
}

static enum drop_reason drop_reason_of(int err)
{
	return err == ERR_INTEGRITY  ? DROP_INTEGRITY
	       : err == ERR_FRAGMENT ? DROP_FRAGMENT
	       : err == ERR_CRITICAL ? DROP_CRITICAL
				     : DROP_SYNTAX;
}

/* What was sent has arrived: smaller datagrams did what larger ones could not. Those are tried again after a while: the path may have room again. */
static void learn_packet(struct step *s, struct sa *sa, const struct sent_message *arrived)
{
	if (!arrived->smaller)
		return;
	tunnel_changed(s, sa->tunnel);
	sa->narrow = arrived->packet;
	sa->narrow_until = mono_add(s->now.mono, NARROW_FOR);
}

enum received exchange_receive(
	struct step *s, struct sa *sa, const struct header *h, const struct ike_event *e, struct message **m, int *err)
{
	bool response = h->flags & IKE_FLAG_RESPONSE, authentic;
	if (response ? !response_in_turn(s, sa, h) : !request_in_turn(s, sa, h, e))
		return RECEIVED_NOTHING;
	*m = arena_alloc(s->out->arena, sizeof **m);
	if (!*m)
		return RECEIVED_NOTHING;
	*err = open_message(s, sa, e, *m, &authentic);
	if (*err == ERR_STALE) /* a fragment: more to come */
		return RECEIVED_NOTHING;
	if (!authentic) {
		step_drop(s, drop_reason_of(*err));
		return response && *err == ERR_MISSING ? RECEIVED_HINT : RECEIVED_NOTHING;
	}
	learn_packet(s, sa, response ? &sa->ours.sent : &sa->theirs.sent);
	if (response)
		return RECEIVED_RESPONSE;
	if ((*m)->p[(*m)->sealed_at].type != PAYLOAD_SKF)
		sa->theirs.packet = 0;
	sent_message_clear(&sa->theirs.sent); /* who asks the next has had the last answer (RFC 7296 2.1) */
	sa->from = (struct ike_path){ e->datagram.local, e->datagram.remote, 0 };
	return RECEIVED_REQUEST;
}
