/*
 * sync.c - a peer that is a cluster has changed over to another machine: message ids are agreed anew, where both ends announced that they can
 * (RFC 6311). Its request names the ids that it goes on with; we answer with ours and follow. We never ask: what we go on from is never too old.
 *
 * Such a message has id 0 and carries nothing but the notify. One that is older than what was seen is dropped: replayed, it would end the IKE SA.
 * What of ours was under way is sent again under its new id.
 */
#include <string.h>

#include "machine.h"

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
	return unseal(keys_in(sa), m, sealed, &plain) == ERR_OK && message_decode_inner(m, first, plain, a) == ERR_OK &&
	       decode(m, v);
}

static void answer(struct step *s, struct sa *sa, const struct ike_path *way, const struct ids *v)
{
	struct chain c = chain_new(s, 64);
	struct payload p = payload_notify(NOTIFY_IKEV2_MESSAGE_ID_SYNC, encode(s, v));
	chain_add(&c, &p);
	if (!sa->sync_answer)
		sa->sync_answer = xcalloc(1, sizeof *sa->sync_answer);
	exchange_answer_zero(s, sa, way, &c, sa->sync_answer);
}

/* ---------------------------------------------------------------- the ids change */

static void take(struct step *s, struct sa *sa, uint32_t next_out, uint32_t next_in)
{
	sent_message_clear(&sa->theirs.sent); /* its request is not known to who has taken over */
	sa->core.next_in = next_in;
	sa->core.next_out = next_out;
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
	if (again && sa->core.next_in == v->send && sa->sync_answer && sa->sync_answer->n) { /* our answer was lost */
		sent_message_transmit(s, &way, sa->sync_answer);
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
	answer(s, sa, &way, &(struct ids){ v->nonce, next_out, v->send });
	take(s, sa, next_out, v->send);
}

/* ---------------------------------------------------------------- a datagram */

bool sync_received(struct step *s, struct sa *sa, const struct header *h, const struct ike_event *e)
{
	struct ids v;
	if (!sa->core.id_sync || sa->state != SA_ESTABLISHED || h->exchange != EXCHANGE_INFORMATIONAL || h->message_id ||
		h->flags & IKE_FLAG_RESPONSE || !open_copy(s, sa, e->datagram.bytes, &v))
		return false;
	on_request(s, sa, e, &v);
	return true;
}
