/*
 * sync.c - message ids agreed anew, where both ends announced that they can (RFC 6311).
 *
 * As the peer of a cluster whose other member has taken over: its request names the ids that it goes on with; we answer with ours and follow. As the
 * one who came back with a record that may be too old: when the peer does not answer, or is ahead of us, it is asked once.
 *
 * Such a message has id 0 and carries nothing but the notify. One that is older than what was seen is dropped: replayed, it would end the IKE SA.
 * What of ours was under way is sent again under its new id.
 */
#include <string.h>

#include "machine.h"

#define SYNC_FIRST 1000  /* ms to the first repetition; then each wait is longer by a quarter */
#define SYNC_AHEAD 1024  /* we ask for ids so far on: more than a record can have missed */
#define SYNC_DATA_LEN 12 /* nonce, EXPECTED_SEND_REQ_MESSAGE_ID, EXPECTED_RECV_REQ_MESSAGE_ID */

struct ids {
	uint32_t nonce, send, receive;
};

/* ---------------------------------------------------------------- the notify */

static struct bytes encode(struct step *s, const struct ids *v)
{
	uint8_t *data = arena_alloc(s->out->arena, SYNC_DATA_LEN);
	struct buf b = buf_of(data, data ? SYNC_DATA_LEN : 0);
	put_u32(&b, v->nonce);
	put_u32(&b, v->send);
	put_u32(&b, v->receive);
	return buf_view(&b);
}

static bool decode(const struct message *m, struct ids *v)
{
	const struct payload *p = message_find_notify(m, NOTIFY_IKEV2_MESSAGE_ID_SYNC, true);
	if (!p || p->notify.data.n != SYNC_DATA_LEN || m->n != m->sealed_at + 2u) /* and no other payload */
		return false;
	struct cursor c = cursor_over(p->notify.data);
	v->nonce = get_u32(&c);
	v->send = get_u32(&c);
	v->receive = get_u32(&c);
	return v->send < IDS_REKEY && v->receive < IDS_REKEY;
}

/* Opened in a copy: the datagram may be an ordinary message with id 0 after all. */
static bool open_copy(struct step *s, const struct sa *sa, struct bytes datagram, struct ids *v)
{
	struct arena *a = s->out->arena;
	struct message *m = arena_alloc(a, sizeof *m);
	struct bytes plain;
	if (!m || message_decode(m, arena_copy(a, datagram), a) != ERR_OK || m->sealed_at >= m->n)
		return false;
	const struct payload *p = &m->p[m->sealed_at];
	if (p->type != PAYLOAD_SK)
		return false;
	struct bytes sealed = p->sk.sealed;
	uint8_t first = p->sk.first;
	return seal_open(&sa->core.in, bytes_of(m->raw.p, (size_t)(sealed.p - m->raw.p)), (uint8_t *)(uintptr_t)sealed.p,
		       sealed.n, &plain) == ERR_OK &&
	       message_decode_inner(m, first, plain, a) == ERR_OK && decode(m, v);
}

static void tell(struct step *s, struct sa *sa, const struct ike_path *way, const struct ids *v, struct sent_message *keep)
{
	struct chain c = chain_new(s, 64);
	struct payload p = payload_notify(NOTIFY_IKEV2_MESSAGE_ID_SYNC, encode(s, v));
	chain_add(&c, &p);
	exchange_send_zero(s, sa, way, keep == &sa->sync.answer, &c, keep);
}

/* ---------------------------------------------------------------- the ids change */

static void take(struct step *s, struct sa *sa, uint32_t next_out, uint32_t next_in)
{
	sa->core.next_in = next_in;
	sa->core.next_out = next_out;
	sent_message_clear(&sa->theirs.sent); /* its request is not known to who has taken over */
	if (sa->ours.core.state == XS_SENT)
		exchange_renumber(s, sa);
	sa_heard(s, sa);
}

/* ---------------------------------------------------------------- the peer asks */

/* What of the peer's waits for a key or for our kernel was asked by a member that is gone: its answer would have an id that is not expected. */
static bool busy(const struct sa *sa) { return sa->theirs.core.state != XS_IDLE; }

static void on_request(struct step *s, struct sa *sa, const struct ike_event *e, const struct ids *v)
{
	struct ike_path way = { e->datagram.local, e->datagram.remote, 0 };
	bool again = sa->core.synced && v->send == sa->core.synced && v->nonce == sa->core.sync_nonce;
	if (again && sa->core.next_in == v->send && sa->sync.answer.n) { /* our answer was lost */
		sent_message_transmit(s, &way, &sa->sync.answer);
		return;
	}
	if (v->send < sa->core.next_in || (sa->core.synced && v->send <= sa->core.synced) || busy(sa)) {
		step_drop(s, DROP_STALE);
		return;
	}
	uint32_t next_out = v->receive > sa->core.next_out ? v->receive : sa->core.next_out;
	sa->core.synced = v->send;
	sa->core.sync_nonce = v->nonce;
	sa_report(s, sa, FACT_ID_SYNC, BLAME_NONE, "the peer has changed over to another machine: message ids agreed anew");
	tell(s, sa, &way, &(struct ids){ v->nonce, next_out, v->send }, &sa->sync.answer);
	take(s, sa, next_out, v->send);
}

/* ---------------------------------------------------------------- we ask */

bool sync_open(const struct sa *sa) { return !mono_is_never(sa->sync.since); }

struct mono sync_at(const struct sa *sa) { return sync_open(sa) ? sa->sync.next : MONO_NEVER; }

static void next_time(struct step *s, struct sa *sa)
{
	struct id_sync *y = &sa->sync;
	y->next = mono_add(s->now.mono, y->wait);
	y->wait = y->wait + y->wait / 4 < RETRANSMIT_MAX ? y->wait + y->wait / 4 : RETRANSMIT_MAX;
	sa_mark(s, sa);
}

static void ask_again(struct step *s, struct sa *sa)
{
	struct ike_path way = { sa->core.local, sa->core.remote, 0 };
	sent_message_transmit(s, &way, &sa->sync.request);
	next_time(s, sa);
}

void sync_needed(struct step *s, struct sa *sa)
{
	struct id_sync *y = &sa->sync;
	if (!y->may || sa->state != SA_ESTABLISHED || sa->core.next_out > IDS_REKEY - SYNC_AHEAD)
		return;
	y->may = false; /* once for each time that we came back (RFC 6311 7) */
	s->ike->fill(s->ike->fill_arg, &y->nonce, sizeof y->nonce);
	y->receive = sa->core.next_in;
	y->since = s->now.mono;
	y->wait = SYNC_FIRST;
	sa->core.next_out += SYNC_AHEAD; /* kept: no later life asks for the same ids */
	sa_report(
		s, sa, FACT_ID_SYNC, BLAME_NONE, "the peer may be ahead of what was kept here: it is asked for the message ids");
	struct ike_path way = { sa->core.local, sa->core.remote, 0 };
	tell(s, sa, &way, &(struct ids){ y->nonce, sa->core.next_out, y->receive }, &y->request);
	next_time(s, sa);
}

static void on_answer(struct step *s, struct sa *sa, const struct ids *v)
{
	struct id_sync *y = &sa->sync;
	bool fits = v->nonce == y->nonce && v->receive >= sa->core.next_out && v->send >= y->receive;
	if (!sync_open(sa) || !fits || busy(sa)) {
		step_drop(s, DROP_STALE);
		return;
	}
	y->since = MONO_NEVER;
	sent_message_clear(&y->request);
	take(s, sa, v->receive, v->send);
}

bool sync_timer(struct step *s, struct sa *sa)
{
	if (sync_open(sa) && mono_due(mono_add(sa->sync.since, sa->tunnel->conf->dpd_timeout), s->now.mono))
		return false;
	if (mono_due(sync_at(sa), s->now.mono))
		ask_again(s, sa);
	if (sa->ours.core.state == XS_SENT && sa->ours.tries >= UNRESPONSIVE_TRIES) /* traffic may well come in */
		sync_needed(s, sa);
	return true;
}

/* ---------------------------------------------------------------- a datagram */

bool sync_received(struct step *s, struct sa *sa, const struct header *h, const struct ike_event *e)
{
	struct ids v;
	bool response = h->flags & IKE_FLAG_RESPONSE;
	if (!sa->core.id_sync || sa->state != SA_ESTABLISHED || h->exchange != EXCHANGE_INFORMATIONAL || h->message_id ||
		!open_copy(s, sa, e->datagram.bytes, &v))
		return false;
	if (response)
		on_answer(s, sa, &v);
	else
		on_request(s, sa, e, &v);
	return true;
}
