/*
 * dispatch.c - a datagram is for the SA that our SPI names, or it opens a new one; what it says goes to its handler.
 */
#include <string.h>

#include "machine.h"

/* ---------------------------------------------------------------- of an SA */

static void follow_address(struct step *s, struct sa *sa, const struct ike_event *e)
{
	if (addr_equal(&e->datagram.remote, &sa->core.remote) && addr_equal(&e->datagram.local, &sa->core.local))
		return;
	if (sa->state == SA_HALF_OPEN) { /* the initiator went to port 4500 */
		path_set(sa, &e->datagram.local, &e->datagram.remote);
	} else if (sa->core.nat_remote && !addr_equal(&e->datagram.remote, &sa->core.remote)) {
		path_peer_moved(s, sa, &e->datagram.remote);
	}
}

static void refuse_request(struct step *s, struct sa *sa, const struct message *m, int err)
{
	char remote[ADDR_TEXT];
	if (m->h.exchange == EXCHANGE_IKE_AUTH && err == ERR_MISSING && m->critical_type == PAYLOAD_AUTH) {
		sa_report(s, sa, FACT_AUTH_FAILED, BLAME_PEER,
			"%s wants to authenticate by EAP (its IKE_AUTH has no AUTH payload): there is no EAP here",
			addr_port_format(&sa->core.remote, remote));
		sa_end_by(s, sa, m->h.exchange, NOTIFY_AUTHENTICATION_FAILED);
		return;
	}
	sa_report(s, sa, err == ERR_CRITICAL ? FACT_UNSUPPORTED : FACT_SYNTAX, BLAME_PEER,
		"%s sent a request we cannot accept: %s (%s payload)", addr_port_format(&sa->core.remote, remote), err_text(err),
		ike_payload_name(m->critical_type));
	if (err == ERR_CRITICAL) {
		exchange_answer_notify(s, sa, m->h.exchange, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, bytes_of(&m->critical_type, 1));
		return;
	}
	sa_end_by(s, sa, m->h.exchange, NOTIFY_INVALID_SYNTAX);
}

static void dispatch_request(struct step *s, struct sa *sa, const struct message *m)
{
	const struct payload *p = message_find(m, PAYLOAD_SA, true);
	sa->theirs.core.kind = X_NONE;
	switch (m->h.exchange) {
	case EXCHANGE_IKE_AUTH: auth_request(s, sa, m); break;
	case EXCHANGE_CREATE_CHILD_SA:
		collision_peer_decided(s, sa);
		if (p && p->sa.n && p->sa.v[0].protocol == PROTOCOL_IKE)
			rekey_request(s, sa, m);
		else
			create_request(s, sa, m);
		break;
	case EXCHANGE_INFORMATIONAL: info_request(s, sa, m); break;
	default: /* authentic, but out of place: IKE_INTERMEDIATE is never offered */
		sa_report(s, sa, FACT_UNSUPPORTED, BLAME_PEER, "the peer sent a request of exchange %u: the IKE SA is closed",
			(unsigned)m->h.exchange);
		sa_end_by(s, sa, m->h.exchange, NOTIFY_INVALID_SYNTAX);
		break;
	}
}

/* The responder has a request of ours once it sends the next one of its own: what it then must have can be used. */
static void peer_moved_on(struct step *s, struct sa *sa, bool by_answer)
{
	for (struct child *c = sa->children; c; c = c->next)
		if (c->state == CHILD_INBOUND && !c->core.initiator && (c->core.by_auth || !by_answer))
			child_ready(s, c);
}

/*
 * An unprotected "I do not know this SA" in answer to a request of ours: anyone could have sent it, so it only hurries what no answer would bring,
 * and there is none about a peer that was heard since we sent that last.
 */
static void take_hint(struct step *s, struct sa *sa, const struct message *m, const struct ike_event *e)
{
	/* The SA that its rekey of the IKE SA made may be too young: our answer is under way, or its key exchange not done. */
	bool young = !sa->core.initiator && sa->heard.ms <= sa->core.established.ms &&
		     s->now.mono.ms - sa->core.established.ms < HINT_EVERY;
	if (young || sa->state != SA_ESTABLISHED || !addr_equal(&e->datagram.remote, &sa->core.remote) ||
		!message_find_notify(m, NOTIFY_INVALID_IKE_SPI, false))
		return;
	sa_report(s, sa, FACT_HINT, BLAME_NONE, "the peer seems to have lost the IKE SA (INVALID_IKE_SPI)");
	if (sa->ours.unheard && sa->ours.unheard < UNRESPONSIVE_TRIES)
		sa->ours.unheard = UNRESPONSIVE_TRIES;
	tunnel_mark(s, sa->tunnel);
}

/* INVALID_SYNTAX in answer to a request of ours: the peer has closed the IKE SA by that (RFC 7296 2.21.3). */
static bool peer_dropped(struct step *s, struct sa *sa, const struct message *m)
{
	if (sa->state == SA_INITIATING || !message_find_notify(m, NOTIFY_INVALID_SYNTAX, true))
		return false;
	sa_report(s, sa, FACT_PEER_REFUSED, BLAME_PEER,
		"the peer calls a request of ours malformed (INVALID_SYNTAX) and has closed the IKE SA by that: reconnecting");
	ike_report_compared(s, sa->tunnel, PROTOCOL_NONE, NOTIFY_INVALID_SYNTAX, "", "");
	collision_peer_closes(s, sa);
	sa_close(s, sa);
	return true;
}

/* Nothing but a sign of life from where the peer is: what it changes a note can say. */
static bool is_sign_of_life(const struct sa *sa, const struct message *m, const struct ike_event *e)
{
	return sa->state == SA_ESTABLISHED && m->h.exchange == EXCHANGE_INFORMATIONAL && m->n == 1 &&
	       m->p[0].type == PAYLOAD_SK && addr_equal(&e->datagram.remote, &sa->core.remote) &&
	       addr_equal(&e->datagram.local, &sa->core.local);
}

static void on_message(struct step *s, struct sa *sa, const struct header *h, const struct ike_event *e)
{
	struct message *m;
	int err;
	if (sync_received(s, sa, h, e)) {
		tunnel_changed(s, sa->tunnel);
		return;
	}
	enum received what = exchange_receive(s, sa, h, e, &m, &err);
	if (what == RECEIVED_NOTHING)
		return;
	if (what == RECEIVED_HINT) {
		take_hint(s, sa, m, e);
		return;
	}
	bool life = err == ERR_OK && is_sign_of_life(sa, m, e);
	(life ? tunnel_noted : tunnel_changed)(s, sa->tunnel);
	if (sa->state != SA_HALF_OPEN && sa->state != SA_INITIATING)
		sa_heard(s, sa);
	follow_address(s, sa, e);
	if (what == RECEIVED_RESPONSE && err != ERR_OK) {
		sa_report(s, sa, FACT_SYNTAX, BLAME_PEER, "the peer's answer cannot be used: %s (%s payload)", err_text(err),
			ike_payload_name(m->critical_type));
		sa->tunnel->refused |= sa->state == SA_INITIATING; /* it would answer the next one likewise */
		sa_destroy(s, sa);
	} else if (what == RECEIVED_RESPONSE && peer_dropped(s, sa, m)) {
		;
	} else if (what == RECEIVED_RESPONSE) {
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

/* ---------------------------------------------------------------- of any */

/* The version is higher than ours: which one we have (RFC 7296 2.5). */
static void refuse_version(struct step *s, const struct header *h, const struct ike_event *e)
{
	static const uint8_t version = 0x20;
	if (h->major > 2 && gate_may_hint(s, h, e))
		sent_unsealed(s, h, e, NOTIFY_INVALID_MAJOR_VERSION, bytes_of(&version, 1));
	step_drop(s, DROP_VERSION);
}

/* A datagram is for the SA that our SPI names, or it opens a new one; everything else is counted and dropped. */
void dispatch_datagram(struct step *s, const struct ike_event *e)
{
	struct header h;
	s->ike->totals.datagrams++;
	int err = header_decode(&h, e->datagram.bytes);
	if (err == ERR_VERSION) {
		refuse_version(s, &h, e);
		return;
	}
	if (err != ERR_OK) {
		step_drop(s, err == ERR_SHORT ? DROP_SHORT : DROP_LENGTH);
		return;
	}
	static const uint8_t none[IKE_SPI_LEN]; /* RFC 7296 3.1: not an SPI */
	bool to_initiator = !(h.flags & IKE_FLAG_INITIATOR);
	struct cursor c = cursor_of(to_initiator ? h.spi_i : h.spi_r, IKE_SPI_LEN);
	uint64_t ours = get_u64(&c);
	if (h.exchange == EXCHANGE_IKE_SA_INIT && !(h.flags & IKE_FLAG_RESPONSE)) {
		if (to_initiator || ours != 0 || h.message_id != 0 || !memcmp(h.spi_i, none, IKE_SPI_LEN))
			step_drop(s, DROP_UNEXPECTED);
		else if (e->datagram.bytes.n > IKE_UNPROVEN_MAX)
			step_drop(s, DROP_LENGTH);
		else
			init_request(s, &h, e);
		return;
	}
	struct sa *sa = table_get(&s->ike->by_spi, ours);
	if (!sa || sa->core.initiator != to_initiator) {
		if (!sa && !(h.flags & IKE_FLAG_RESPONSE) && farewell_again(s, &h, e))
			return;
		step_drop(s, DROP_UNKNOWN_SA);
		/* A peer that speaks of an SA which we lost, in a restart say, may notice (RFC 7296 2.21.4). */
		if (gate_may_hint(s, &h, e))
			sent_unsealed(s, &h, e, NOTIFY_INVALID_IKE_SPI, (struct bytes){ 0 });
		return;
	}
	if (e->datagram.bytes.n > sa_message_max(sa)) {
		step_drop(s, DROP_LENGTH);
		return;
	}
	/* Until the first answer we do not know the peer's SPI; after that both must fit. */
	bool unsealed = h.exchange == EXCHANGE_IKE_SA_INIT;
	if (!unsealed && (memcmp(h.spi_i, sa->core.spi_i, IKE_SPI_LEN) || memcmp(h.spi_r, sa->core.spi_r, IKE_SPI_LEN))) {
		step_drop(s, DROP_UNKNOWN_SA);
		return;
	}
	step_on(s, sa->tunnel);
	if (unsealed)
		tunnel_changed(s, sa->tunnel);
	struct message *m = unsealed ? init_response(s, sa, e) : NULL;
	if (m)
		fsm_run(s, sa, OURS, XE_RESPONSE, m, NULL, 0);
	else if (!unsealed)
		on_message(s, sa, &h, e);
}
