/* info.c - INFORMATIONAL (RFC 7296 1.4): DELETE, liveness, notifies after the fact. */
#include <string.h>

#include "machine.h"

#define SPIS_MAX (CHILDREN_PER_SA_MAX + 2 * ESP_SLOTS_MAX)
#define INFO_ROOM (SPIS_MAX * ESP_SPI_LEN + 256)
#define UNKNOWN_YOUNG \
	10000 /* while a child is no older the peer may not have it yet, and who has us rekey has that no more often */

/* ---------------------------------------------------------------- ours */

void info_delete_ike(struct step *s, struct sa *sa)
{
	struct chain c = chain_new(s, 64);
	struct payload p = { .type = PAYLOAD_DELETE };
	p.del.protocol = PROTOCOL_IKE;
	chain_add(&c, &p);
	sa_state(sa, SA_DELETING);
	tunnel_mark(s, sa->tunnel);
	exchange_request(s, sa, X_DELETE_IKE, EXCHANGE_INFORMATIONAL, &c);
}

void info_delete_child(struct step *s, struct sa *sa, struct child *child)
{
	struct chain c = chain_new(s, 64);
	struct payload p = { .type = PAYLOAD_DELETE };
	p.del.protocol = PROTOCOL_ESP;
	p.del.spi_size = ESP_SPI_LEN;
	p.del.n = 1;
	p.del.spis = spi_bytes(s, child->core.spi_in);
	chain_add(&c, &p);
	child_state(child, CHILD_DELETING);
	child_alarm(s, child);
	tunnel_mark(s, sa->tunnel);
	sa->ours.neg = negotiation_new();
	sa->ours.neg->replaces = child->number;
	exchange_request(s, sa, X_DELETE_CHILD, EXCHANGE_INFORMATIONAL, &c);
}

void info_liveness(struct step *s, struct sa *sa)
{
	struct chain c = chain_new(s, 16);
	sa->liveness_due = false;
	sa->no_return_probe = !mono_is_never(sa->no_return_since);
	if (sa->tunnel)
		sa->tunnel->counters[COUNTER_LIVENESS_CHECKS]++;
	if (!s->ike->no_debug)
		sa_report(s, sa, FACT_LIVENESS, BLAME_NONE, "no traffic from the peer: sending a liveness check");
	exchange_request(s, sa, X_LIVENESS, EXCHANGE_INFORMATIONAL, &c);
}

/* RFC 4478: the peer is told when its authentication ends here. */
void info_auth_lifetime(struct step *s, struct sa *sa)
{
	struct chain c = chain_new(s, 64);
	uint32_t left = sa_lifetime_left(s, sa);
	struct payload p = payload_notify(NOTIFY_AUTH_LIFETIME, spi_bytes(s, left)); /* four octets in network order */
	chain_add(&c, &p);
	sa->lifetime_due = false;
	exchange_request(s, sa, X_LIVENESS, EXCHANGE_INFORMATIONAL, &c);
}

enum fsm_outcome info_answered(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	struct child *c;
	switch ((enum xkind)t->x->core.kind) {
	case X_DELETE_IKE: sa_close(s, sa); return FSM_GONE;
	case X_DELETE_CHILD:
		c = child_by_number(sa->tunnel, t->x->neg->replaces);
		if (c && c->state == CHILD_DELETING)
			child_close(s, c);
		return FSM_DONE;
	case X_LIVENESS:
		/* sa_heard() has cleared no_return_since already. On an idle tunnel an answer says nothing about the way back. */
		sa->no_return_answers += sa->no_return_probe && sa->no_return_answers < 3;
		return FSM_DONE;
	case X_NONE:
	case X_INIT:
	case X_AUTH:
	case X_NEW_CHILD:
	case X_REKEY_CHILD:
	case X_REKEY_IKE: break;
	}
	return FSM_DONE;
}

/* ---------------------------------------------------------------- theirs */

static void answer_empty(struct step *s, struct sa *sa)
{
	struct chain c = chain_new(s, 16);
	exchange_answer(s, sa, EXCHANGE_INFORMATIONAL, &c);
}

/* The answer waits until nothing is sent any more by what the peer closed: tunnel_work() says when. */
static void hold(struct step *s, struct sa *sa, enum xkind kind, const struct chain *c)
{
	struct exchange *x = &sa->theirs;
	x->neg = negotiation_new();
	x->neg->held = bytes_dup(buf_view(&c->out));
	x->neg->held_first = c->first;
	x->next = mono_add(s->now.mono, ANSWER_HELD_MAX);
	exchange_state(x, kind, XS_SWITCH);
	sa_mark(s, sa);
	tunnel_mark(s, sa->tunnel);
}

static void release(struct step *s, struct sa *sa)
{
	struct exchange *x = &sa->theirs;
	struct negotiation *n = x->neg;
	struct chain c = chain_new(s, n->held.n);
	put_view(&c.out, n->held);
	c.first = n->held_first;
	x->neg = NULL;
	exchange_end(x);
	exchange_answer(s, sa, EXCHANGE_INFORMATIONAL, &c);
	negotiation_free(s, n);
}

/* What is under way on it comes to nothing. Our own DELETE goes on: it is answered, or not. */
static void drop_ours(struct step *s, struct sa *sa)
{
	struct negotiation *n = sa->ours.neg;
	if (sa->state == SA_DELETING)
		return;
	sa->ours.neg = NULL;
	exchange_end(&sa->ours);
	sent_message_clear(&sa->ours.sent);
	negotiation_free(s, n);
}

static void peer_deleted(struct step *s, struct sa *sa)
{
	struct chain c = chain_new(s, 16);
	bool last = sa->state == SA_ESTABLISHED;
	struct tunnel *t = sa->tunnel;
	for (const struct sa *o = t->sa_list; o; o = o->tunnel_next)
		last &= o == sa || o->state != SA_ESTABLISHED;
	collision_peer_closes(s, sa);
	if (last)
		ike_report(s, FACT_PEER_DELETED, BLAME_PEER, t, &sa->core.remote, "the peer closed the IKE SA (DELETE)");
	hold(s, sa, X_DELETE_IKE, &c);
	drop_ours(s, sa);
	while (sa->children)
		child_close(s, sa->children);
}

void info_answer_held(struct step *s, struct sa *sa)
{
	bool whole = sa->theirs.core.kind == X_DELETE_IKE;
	release(s, sa);
	if (whole)
		sa_close(s, sa);
}

/* A child of ours that the peer has made and closed again before our kernel had it, or before its answer came: it ends when it is made. */
static void delete_unfinished(struct sa *sa, uint32_t spi)
{
	if (sa->ours.neg)
		sa->ours.neg->closed = spi;
	for (struct child *c = sa->children; c; c = c->next)
		c->delete_due |= c->state == CHILD_MAKING && c->core.initiator && c->core.spi_out == spi;
}

/* Our SPIs in answer to theirs. What we are closing ourselves is answered without an SPI (RFC 7296 1.4.1, 2.25.1). */
static void delete_children(struct step *s, struct sa *sa, const struct payload *p, struct buf *spis)
{
	struct cursor c = cursor_over(p->del.spis);
	for (unsigned i = 0; i < p->del.n; i++) {
		uint32_t spi = get_u32(&c);
		struct child *child = child_by_spi_out(sa, spi);
		if (!child)
			delete_unfinished(sa, spi);
		if (!child || child->state == CHILD_DELETING)
			continue;
		put_u32(spis, child->core.spi_in);
		if (child->peer_half)
			collision_child(s, child, NULL);
		if (child->state != CHILD_REPLACED)
			ike_report(s, FACT_CHILD_CLOSED, BLAME_PEER, sa->tunnel, NULL, "the peer closed child SA %08x/%08x",
				child->core.spi_in, child->core.spi_out);
		child_close(s, child);
	}
}

static bool fatal_notify(struct step *s, struct sa *sa, const struct message *m)
{
	const struct payload *p = message_error_notify(m, true);
	if (!p || (p->notify.type != NOTIFY_AUTHENTICATION_FAILED && p->notify.type != NOTIFY_INVALID_SYNTAX))
		return false;
	bool unproven = p->notify.type == NOTIFY_AUTHENTICATION_FAILED;
	answer_empty(s, sa);
	if (unproven && sa->proof)
		cert_report_unwanted(s, sa, &sa->proof->asked);
	else
		ike_report(s, unproven ? FACT_AUTH_FAILED : FACT_PEER_REFUSED, BLAME_PEER, sa->tunnel, &sa->core.remote,
			"the peer ended the IKE SA: %s", ike_notify_name(p->notify.type));
	sa->tunnel->refused = true;
	sa_destroy(s, sa);
	return true;
}

/* The peer gets ESP that it has no SA for (RFC 7296 1.5): what we send by that SA is lost until a rekey gives both ends another one. */
static void replace_unknown(struct step *s, struct sa *sa, const struct message *m)
{
	const struct payload *p = message_find_notify(m, NOTIFY_INVALID_SPI, true);
	struct cursor c = cursor_over(p ? p->notify.data : (struct bytes){ 0 });
	uint32_t spi = get_u32(&c);
	struct child *child = c.bad ? NULL : child_by_spi_out(sa, spi);
	if (!child || child->state != CHILD_READY || child->rekey_due || s->now.mono.ms - child->core.created.ms < UNKNOWN_YOUNG)
		return;
	ike_report(s, FACT_HINT, BLAME_NONE, sa->tunnel, &sa->core.remote,
		"the peer has no SA for what we send (INVALID_SPI %08x): child SA %08x/%08x is rekeyed", spi, child->core.spi_in,
		spi);
	child->rekey_due = true;
	child->retry_at = s->now.mono;
	sa_mark(s, sa);
}

void info_request(struct step *s, struct sa *sa, const struct message *m)
{
	const struct payload *p = NULL;
	uint8_t *mem = arena_alloc(s->out->arena, SPIS_MAX * ESP_SPI_LEN);
	struct buf spis = buf_of(mem, mem ? SPIS_MAX * ESP_SPI_LEN : 0);
	if (fatal_notify(s, sa, m))
		return;
	sa_auth_lifetime(s, sa, m);
	replace_unknown(s, sa, m);
	while ((p = message_next(m, p, PAYLOAD_DELETE, true))) {
		if (p->del.protocol == PROTOCOL_IKE) {
			peer_deleted(s, sa);
			return;
		}
		if (p->del.protocol != PROTOCOL_ESP || p->del.spi_size != ESP_SPI_LEN)
			continue;
		collision_peer_decided(s, sa);
		delete_children(s, sa, p, &spis);
	}
	struct chain c = chain_new(s, INFO_ROOM);
	if (spis.len) {
		struct payload d = { .type = PAYLOAD_DELETE };
		d.del.protocol = PROTOCOL_ESP;
		d.del.spi_size = ESP_SPI_LEN;
		d.del.n = (uint16_t)(spis.len / ESP_SPI_LEN);
		d.del.spis = buf_view(&spis);
		chain_add(&c, &d);
		hold(s, sa, X_DELETE_CHILD, &c);
		return;
	}
	exchange_answer(s, sa, EXCHANGE_INFORMATIONAL, &c);
}
