/*
 * exchange.c - message ids, the window of one, repetition, cached answers; opening and sealing (RFC 7296 2.1 - 2.4, 3.14).
 *
 * What fails its integrity check changes nothing. What is authentic but refused advances the message id and caches the error answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

/* ---------------------------------------------------------------- flights */

void flight_clear(struct flight *f)
{
	if (f->data)
		wipe(f->data, f->size);
	free(f->data);
	*f = (struct flight){ 0 };
}

void flight_set(struct flight *f, const struct bytes *datagrams, unsigned n)
{
	flight_clear(f);
	size_t size = 0;
	for (unsigned i = 0; i < n; i++)
		size += 2 + datagrams[i].n;
	f->data = xcalloc(1, size);
	f->size = (uint32_t)size;
	f->n = (uint16_t)n;
	struct buf b = buf_of(f->data, size);
	for (unsigned i = 0; i < n; i++) {
		put_u16(&b, (uint16_t)datagrams[i].n);
		put_view(&b, datagrams[i]);
	}
}

static void send_one(struct step *s, const struct sa *sa, struct bytes datagram)
{
	struct bytes copy = arena_copy(s->out->arena, datagram);
	if (!copy.n)
		return; /* out of room in this step: as if the network had lost it */
	struct ike_action *a = act(s, ACTION_SEND);
	a->send.local = sa->core.local;
	a->send.remote = sa->core.remote;
	a->send.bytes = copy;
}

void flight_send(struct step *s, const struct sa *sa, const struct flight *f)
{
	struct cursor c = cursor_of(f->data, f->size);
	for (unsigned i = 0; i < f->n; i++) {
		uint16_t n = get_u16(&c);
		send_one(s, sa, get_view(&c, n));
	}
}

struct chain chain_new(struct step *s, size_t cap)
{
	struct chain c;
	uint8_t *mem = arena_alloc(s->out->arena, cap);
	chain_begin(&c, mem, mem ? cap : 0);
	return c;
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

bool exchange_send(
	struct step *s, struct sa *sa, uint8_t exchange, bool response, uint32_t id, const struct chain *c, struct flight *keep)
{
	struct header h = header_of(sa, exchange, response, id);
	struct bytes plain = buf_view(&c->out);
	if (c->out.bad)
		return false;
	size_t body = seal_size(&sa->core.out, plain.n), total = IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN + body;
	sa->sent = s->now.mono;
	trace_opened(s, sa, true, NULL, &h, c->first, plain);
	if (total > FRAGMENT_ABOVE && sa->core.fragmentation)
		return fragment_send(s, sa, &h, c, keep);
	struct writer w;
	uint8_t *mem = total <= IKE_MESSAGE_MAX ? arena_alloc(s->out->arena, total) : NULL;
	if (!mem)
		return false;
	message_begin(&w, mem, total, &h);
	uint8_t *at = message_seal(&w, c->first, body, 0, 0);
	if (!at || seal(&sa->core.out, sa->core.iv_out++, bytes_of(mem, (size_t)(at - mem)), plain, at, body) != ERR_OK)
		return false;
	struct bytes datagram = message_end(&w);
	flight_set(keep, &datagram, 1);
	flight_send(s, sa, keep);
	return datagram.n != 0;
}

void exchange_request(struct step *s, struct sa *sa, enum xkind kind, uint8_t exchange, const struct chain *c)
{
	struct exchange *x = &sa->ours;
	x->message_id = sa->core.next_out++;
	x->tries = x->unheard = 1;
	x->first = s->now.mono;
	x->next = mono_add(s->now.mono, RETRANSMIT_FIRST);
	if (!exchange_send(s, sa, exchange, false, x->message_id, c, &x->sent))
		tell(s, FACT_CRYPTO_FAILED, BLAME_LOCAL, sa->tunnel, &sa->core.remote, "a request could not be sealed");
	exchange_state(x, kind, XS_SENT);
	sa_mark(s, sa);
}

void exchange_answer(struct step *s, struct sa *sa, uint8_t exchange, const struct chain *c)
{
	struct exchange *x = &sa->theirs;
	flight_clear(&x->sent); /* should this one fail, no earlier answer is repeated in its place */
	if (!exchange_send(s, sa, exchange, true, sa->core.next_in, c, &x->sent))
		tell(s, FACT_CRYPTO_FAILED, BLAME_LOCAL, sa->tunnel, &sa->core.remote, "an answer could not be sealed");
	sa->core.next_in++;
	x->first = s->now.mono;
	sa_mark(s, sa);
}

void exchange_answer_notify(struct step *s, struct sa *sa, uint8_t exchange, uint16_t notify, struct bytes data)
{
	struct chain c = chain_new(s, 64 + data.n);
	struct payload p = payload_notify(notify, data);
	chain_add(&c, &p);
	exchange_answer(s, sa, exchange, &c);
}

uint32_t job_ask(struct step *s, struct sa *sa, struct exchange *x, const struct ike_job *job)
{
	struct ike_action *a = act(s, ACTION_JOB);
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

static void no_answer(struct step *s, struct sa *sa)
{
	if (sa->state == SA_DELETING) {
		if (s->ike->shutting_down)
			sa_destroy(s, sa);
		else
			sa_close(s, sa);
		return;
	}
	if (sa->state != SA_DIALING) {
		sa_peer_dead(s, sa);
		return;
	}
	char remote[ADDR_TEXT];
	tell(s, FACT_NO_ANSWER, BLAME_NETWORK, sa->tunnel, &sa->core.remote, "no answer from %s to %s (%u times sent)%s",
		addr_port_format(&sa->core.remote, remote), sa->ours.kind == X_INIT ? "IKE_SA_INIT" : "IKE_AUTH", sa->ours.tries,
		sa->ours.kind == X_INIT ? ": wrong address, UDP 500 blocked, or the peer is not configured for us"
					: ": UDP 4500 may be blocked, or the peer drops us after IKE_SA_INIT");
	tell_items(s, sa->tunnel, PROTOCOL_NONE, 0, sa->ours.kind == X_INIT ? "IKE_SA_INIT" : "IKE_AUTH", "");
	sa_destroy(s, sa);
}

void exchange_repeat(struct step *s, struct sa *sa)
{
	struct exchange *x = &sa->ours;
	if (s->now.mono.ms - x->next.ms > SLEPT) { /* the machine was suspended: the peer had no chance to answer */
		x->first = s->now.mono;
		x->tries = x->unheard = 1;
	}
	struct mono end = mono_add(x->first, patience(s, sa));
	if (mono_due(end, s->now.mono)) {
		no_answer(s, sa);
		return;
	}
	flight_send(s, sa, &x->sent);
	trace_note(s, sa, true, "request %u sent again (%u times sent)", x->message_id, x->tries + 1u);
	sa->sent = s->now.mono;
	msec ceiling = x->kind == X_INIT ? DIAL_RETRANSMIT_MAX : RETRANSMIT_MAX;
	msec wait = x->tries < 8 ? (msec)RETRANSMIT_FIRST << x->tries : ceiling;
	if (x->kind == X_LIVENESS && !mono_is_never(sa->quiet) && x->tries < 6)
		wait = QUIET_REPEAT;
	x->tries++;
	x->unheard++;
	tell(s, FACT_RETRANSMIT, BLAME_NONE, sa->tunnel, &sa->core.remote, "request %u is sent again (%u times sent)",
		x->message_id, (unsigned)x->tries);
	x->next = mono_min(end, mono_add(s->now.mono, wait < ceiling ? wait : ceiling));
	if (sa->tunnel) {
		sa->tunnel->counters[COUNTER_RETRANSMITS]++;
		tunnel_mark(s, sa->tunnel);
	}
}

/* ---------------------------------------------------------------- receiving */

/* Of a repeated fragmented request only fragment 1 brings the answer again: no amplification (RFC 7383 2.6.1). */
static bool asks_again(const struct header *h, struct bytes raw)
{
	struct cursor c = cursor_over(raw);
	get_view(&c, IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN);
	return h->first != PAYLOAD_SKF || get_u16(&c) == 1;
}

static bool request_in_turn(struct step *s, struct sa *sa, const struct header *h, const struct ike_event *e)
{
	struct exchange *x = &sa->theirs;
	if (h->message_id + 1 == sa->core.next_in && x->sent.n && asks_again(h, e->datagram.bytes)) {
		if (mono_due(mono_add(x->first, ANSWER_REPEAT_MIN), s->now.mono)) {
			x->first = s->now.mono;
			flight_send(s, sa, &x->sent);
			trace_note(s, sa, true, "response %u sent again: the peer repeated its request", h->message_id);
		}
		return false;
	}
	if (h->message_id != sa->core.next_in) {
		drop(s, DROP_STALE);
		return false;
	}
	bool may = sa->state == SA_HALF_OPEN ? h->exchange == EXCHANGE_IKE_AUTH
					     : sa->state != SA_DIALING && h->exchange != EXCHANGE_IKE_AUTH;
	bool unborn = sa->ours.kind == X_AUTH &&
		      sa->state == SA_ESTABLISHED; /* our answer would say that we have the first child */
	if (!may || x->state != XS_IDLE || unborn) {
		drop(s, may ? DROP_BUSY : DROP_UNEXPECTED);
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
	bool ok = x->state == XS_SENT && x->kind != X_INIT && h->message_id == x->message_id &&
		  h->exchange == expected_exchange(x->kind);
	if (!ok)
		drop(s, DROP_STALE);
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
	uint8_t *body = (uint8_t *)(uintptr_t)sealed.p; /* the event's memory is writable: opened in place */
	if (p->type == PAYLOAD_SKF) {
		struct bytes whole;
		err = fragment_add(s, sa, m, &whole, &first);
		if (err != ERR_OK)
			return err;
		plain = arena_copy(a, whole);
		bytes_drop(&whole);
	} else {
		err = seal_open(&sa->core.in, bytes_of(m->raw.p, (size_t)(sealed.p - m->raw.p)), body, sealed.n, &plain);
		*authentic = err == ERR_PADDING; /* sealed by the peer, but badly */
		if (err != ERR_OK)
			return err;
	}
	*authentic = true;
	trace_opened(s, sa, false, e, &m->h, first, plain);
	err = message_decode_inner(m, first, plain, a);
	return err == ERR_OK ? message_judge(m, true) : err;
}

static void follow_address(struct step *s, struct sa *sa, const struct ike_event *e)
{
	if (addr_equal(&e->datagram.remote, &sa->core.remote) && addr_equal(&e->datagram.local, &sa->core.local))
		return;
	if (sa->state == SA_HALF_OPEN) { /* the initiator went to port 4500 */
		sa->core.remote = e->datagram.remote;
		sa->core.local = e->datagram.local;
	} else if (sa->core.nat_remote && !addr_equal(&e->datagram.remote, &sa->core.remote)) {
		path_peer_moved(s, sa, &e->datagram.remote);
	}
}

static void refuse_request(struct step *s, struct sa *sa, const struct message *m, int err)
{
	char remote[ADDR_TEXT];
	tell(s, err == ERR_CRITICAL ? FACT_UNSUPPORTED : FACT_SYNTAX, BLAME_PEER, sa->tunnel, &sa->core.remote,
		"%s sent a request we cannot accept: %s (%s payload)", addr_port_format(&sa->core.remote, remote), err_text(err),
		ike_payload_name(m->critical_type));
	if (err == ERR_CRITICAL) {
		exchange_answer_notify(s, sa, m->h.exchange, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, bytes_of(&m->critical_type, 1));
		return;
	}
	exchange_answer_notify(s, sa, m->h.exchange, NOTIFY_INVALID_SYNTAX, (struct bytes){ 0 });
	sa_destroy(s, sa); /* RFC 7296 2.21.3: fatal for the IKE SA */
}

static void dispatch_request(struct step *s, struct sa *sa, const struct message *m)
{
	sa->theirs.kind = X_NONE;
	switch (m->h.exchange) {
	case EXCHANGE_IKE_AUTH: auth_request(s, sa, m); break;
	case EXCHANGE_CREATE_CHILD_SA: create_request(s, sa, m); break;
	case EXCHANGE_INFORMATIONAL: info_request(s, sa, m); break;
	default: /* authentic, but nothing we know: an error answer, no state (IKE_INTERMEDIATE is never offered) */
		tell(s, FACT_UNSUPPORTED, BLAME_PEER, sa->tunnel, &sa->core.remote,
			"the peer sent a request of exchange %u: refused", (unsigned)m->h.exchange);
		exchange_answer_notify(s, sa, m->h.exchange, NOTIFY_INVALID_SYNTAX, (struct bytes){ 0 });
		break;
	}
}

static enum drop_reason drop_reason_of(int err)
{
	return err == ERR_INTEGRITY  ? DROP_INTEGRITY
	       : err == ERR_FRAGMENT ? DROP_FRAGMENT
	       : err == ERR_CRITICAL ? DROP_CRITICAL
				     : DROP_SYNTAX;
}

/* The responder has a request of ours once it sends the next one of its own: what it then must have can be used. */
static void peer_moved_on(struct step *s, struct sa *sa, bool by_answer)
{
	for (struct child *c = sa->children; c; c = c->next)
		if (c->state == CHILD_INBOUND && !c->initiator && (c->by_auth || !by_answer))
			child_ready(s, c);
}

/*
 * An unprotected "I do not know this SA" in answer to a request of ours: anyone could have sent it, so it only hurries the doubt that silence would bring,
 * and there is none about a peer that was heard since we sent that last.
 */
static void take_hint(struct step *s, struct sa *sa, const struct message *m, const struct ike_event *e)
{
	if (sa->state != SA_ESTABLISHED || !addr_equal(&e->datagram.remote, &sa->core.remote) ||
		!message_find_notify(m, NOTIFY_INVALID_IKE_SPI, false))
		return;
	tell(s, FACT_HINT, BLAME_NONE, sa->tunnel, &sa->core.remote, "the peer seems to have lost the IKE SA (INVALID_IKE_SPI)");
	if (sa->ours.unheard && sa->ours.unheard < SUSPECT_TRIES)
		sa->ours.unheard = SUSPECT_TRIES;
	tunnel_mark(s, sa->tunnel);
}

void exchange_datagram(struct step *s, struct sa *sa, const struct header *h, const struct ike_event *e)
{
	bool response = h->flags & IKE_FLAG_RESPONSE, authentic;
	if (response ? !response_in_turn(s, sa, h) : !request_in_turn(s, sa, h, e))
		return;
	struct message *m = arena_alloc(s->out->arena, sizeof *m);
	if (!m)
		return;
	int err = open_message(s, sa, e, m, &authentic);
	if (err == ERR_STALE) /* a fragment: more to come */
		return;
	if (!authentic) {
		drop(s, drop_reason_of(err));
		if (response && err == ERR_MISSING)
			take_hint(s, sa, m, e);
		return;
	}
	if (sa->state != SA_HALF_OPEN && sa->state != SA_DIALING)
		sa_heard(s, sa);
	follow_address(s, sa, e);
	if (response && err != ERR_OK) {
		tell(s, FACT_SYNTAX, BLAME_PEER, sa->tunnel, &sa->core.remote,
			"the peer's answer cannot be used: %s (%s payload)", err_text(err), ike_payload_name(m->critical_type));
		sa->tunnel->refused |= sa->state == SA_DIALING; /* it would answer the next dial likewise */
		sa_destroy(s, sa);
	} else if (response) {
		sa->ours.next = MONO_NEVER;
		peer_moved_on(s, sa, true);
		fsm_run(s, sa, OURS, XE_RESPONSE, m, NULL, 0);
	} else if (err != ERR_OK) {
		refuse_request(s, sa, m, err);
	} else {
		peer_moved_on(s, sa, false);
		dispatch_request(s, sa, m);
	}
}
