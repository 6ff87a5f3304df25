/*
 * init.c - IKE_SA_INIT (RFC 7296 1.2), both roles.
 *
 *	HDR(SPIi, 0), [N(COOKIE)], SAi1, KEi, Ni, N(NAT_DETECTION_*)  -->
 *	                             <--  HDR(SPIi, SPIr), SAr1, KEr, Nr, N(NAT_DETECTION_*)
 *	                             <--  or N(COOKIE), N(INVALID_KE_PAYLOAD), N(NO_PROPOSAL_CHOSEN)
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "wire/vendor.h"

#define INIT_RETRIES_MAX 3 /* cookies, and groups asked for by the peer, per attempt */
#define INIT_ROOM 4096
#define OUTDATED_LOOKED_AT 32 /* tunnels */
#define REFUSAL_DOUBT 1500    /* longer than the first repetition takes */

static void note_vendor(struct sa *sa, const struct message *m)
{
	for (unsigned i = 0; i < m->n && !sa->vendor; i++)
		if (m->p[i].type == PAYLOAD_VENDOR)
			sa->vendor = vendor_number(vendor_name(m->p[i].vendor.value));
}

/* Either message: [N(COOKIE),] SA, KE, Nonce, and what we support. */
static struct bytes write_init(struct step *s, struct sa *sa, struct negotiation *n, const struct payload *offer, bool answer)
{
	struct header h = { .major = 2, .exchange = EXCHANGE_IKE_SA_INIT };
	const struct nonce *nonce = answer ? &n->nr : &n->ni;
	struct writer w;
	uint8_t *mem = arena_alloc(s->out->arena, INIT_ROOM);
	h.flags = answer ? IKE_FLAG_RESPONSE : IKE_FLAG_INITIATOR;
	memcpy(h.spi_i, sa->core.spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, sa->core.spi_r, IKE_SPI_LEN);
	message_begin(&w, mem, mem ? INIT_ROOM : 0, &h);
	struct payload p = payload_notify(NOTIFY_COOKIE, bytes_of(n->cookie.v, n->cookie.n));
	if (!answer && n->cookie.n)
		message_add(&w, &p);
	message_add(&w, offer);
	p = (struct payload){ .type = PAYLOAD_KE };
	p.ke.group = ke_round(n)->group;
	p.ke.value = bytes_of(ke_round(n)->pub, ke_round(n)->pub_len);
	message_add(&w, &p);
	p = (struct payload){ .type = PAYLOAD_NONCE };
	p.nonce.value = nonce_bytes(nonce);
	message_add(&w, &p);
	nat_add(s, sa, &w);
	p = payload_notify(NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, (struct bytes){ 0 });
	message_add(&w, &p);
	cert_announce(s, &w);
	if (answer)
		cert_request_any(s, sa, &w);
	return message_end(&w);
}

/* ---------------------------------------------------------------- initiator */

void init_start(struct step *s, struct tunnel *t)
{
	const struct ike_path *p = &t->paths[t->path % t->n_paths];
	struct sa *sa = sa_new(s, t, true);
	path_set(sa, &p->local, &p->remote);
	path_set_ports(sa, IKE_PORT, IKE_PORT);
	sa->core.forced = t->conf->encapsulation == ENCAPSULATION_UDP || !mono_is_never(t->trial_until);
	sa->ours.neg = negotiation_new();
	nonce_make(s->ike, &sa->ours.neg->ni);
	exchange_state(&sa->ours, X_INIT, XS_KE);
	ke_round_offer(s, sa, &sa->ours, first_group(t->conf->ike, t->conf->n_ike));
	sa_mark(s, sa);
}

static void send_request(struct step *s, struct sa *sa)
{
	struct negotiation *n = sa->ours.neg;
	const struct tunnel_conf *conf = sa->tunnel->conf;
	struct payload offer = select_offer(s, conf->ike, conf->n_ike, (struct bytes){ 0 });
	struct bytes datagram = write_init(s, sa, n, &offer, false);
	bytes_drop(&n->init_request);
	n->init_request = bytes_dup(datagram);
	n->refusal = 0; /* what was refused was another request */
	n->believed = MONO_NEVER;
	exchange_init_request(s, sa, datagram);
}

enum fsm_outcome init_ke_done(struct step *s, struct fsm_input *t)
{
	struct negotiation *n = t->x->neg;
	if (t->job->err != ERR_OK) {
		ike_report(s, FACT_CRYPTO_FAILED, BLAME_LOCAL, t->sa->tunnel, NULL, "key generation failed: %s",
			err_text(t->job->err));
		return sa_give_up(s, t->sa);
	}
	ke_round_offered(n, t->job);
	send_request(s, t->sa);
	return FSM_NEXT;
}

/* The unprotected answer: shape first, then the exchange table. What does not fit is dropped and we go on waiting: anyone could have sent it. */
struct message *init_response(struct step *s, struct sa *sa, const struct ike_event *e)
{
	struct message *m = arena_alloc(s->out->arena, sizeof *m);
	if (sa->state != SA_INITIATING || sa->ours.core.kind != X_INIT || sa->ours.core.state != XS_SENT || !m) {
		step_drop(s, DROP_STALE);
		return NULL;
	}
	int err = message_decode(m, e->datagram.bytes, s->out->arena);
	if (err == ERR_OK)
		err = message_judge(m, false);
	bool from_there = addr_same_ip(&e->datagram.remote, &sa->core.remote);
	if (err != ERR_OK || !from_there || m->h.message_id != 0 || memcmp(m->h.spi_i, sa->core.spi_i, IKE_SPI_LEN)) {
		step_drop(s, err == ERR_CRITICAL ? DROP_CRITICAL : DROP_SYNTAX);
		return NULL;
	}
	trace_plain(s, sa, false, &e->datagram.local, &e->datagram.remote, e->datagram.bytes);
	path_set_ports(sa, e->datagram.local.port, e->datagram.remote.port);
	return m;
}

/* Nothing protects a refusal: the true answer may still come, also to a repetition (RFC 7296 2.21.1). */
static enum fsm_outcome doubt(struct step *s, struct fsm_input *t, uint16_t notify, uint16_t group)
{
	struct negotiation *n = t->x->neg;
	if (!n->refusal)
		n->believed = mono_add(s->now.mono, REFUSAL_DOUBT);
	n->refusal = notify;
	n->wanted_group = group;
	return FSM_STAY;
}

static enum fsm_outcome other_group(struct step *s, struct fsm_input *t, const struct payload *notify)
{
	const struct tunnel_conf *conf = t->sa->tunnel->conf;
	uint16_t group = ke_round_wanted(t->x->neg, notify, INIT_RETRIES_MAX);
	if (group == GROUP_NONE)
		return FSM_STAY;
	if (!group_offered(conf->ike, conf->n_ike, group))
		return doubt(s, t, NOTIFY_INVALID_KE_PAYLOAD, group);
	ke_round_offer(s, t->sa, t->x, group);
	return FSM_SKIP;
}

static enum fsm_outcome refused(struct step *s, struct fsm_input *t, const struct payload *notify)
{
	if (notify->notify.type == NOTIFY_INVALID_KE_PAYLOAD)
		return other_group(s, t, notify);
	return doubt(s, t, notify->notify.type, GROUP_NONE);
}

static void report_group(struct step *s, struct sa *sa, uint16_t group)
{
	const struct tunnel_conf *conf = sa->tunnel->conf;
	char ours[FACT_ITEM], theirs[FACT_ITEM];
	struct transform wanted = { .type = TRANSFORM_KE, .id = group };
	struct offer o = { .protocol = PROTOCOL_IKE, .n = 1, .t = &wanted };
	struct payload p = { .type = PAYLOAD_SA, .sa = { 1, &o } };
	sa_report(s, sa, FACT_NO_PROPOSAL, BLAME_PEER, "the peer wants Diffie-Hellman group %u, which ike-proposals do not offer",
		group);
	select_describe(&p, theirs, sizeof theirs);
	select_describe_ours(conf->ike, conf->n_ike, ours, sizeof ours);
	ike_report_compared(s, sa->tunnel, PROTOCOL_IKE, NOTIFY_INVALID_KE_PAYLOAD, ours, theirs);
}

void init_believe_refusal(struct step *s, struct sa *sa)
{
	char ours[FACT_ITEM];
	const struct negotiation *n = sa->ours.neg;
	const struct tunnel_conf *conf = sa->tunnel->conf;
	if (n->refusal == NOTIFY_INVALID_KE_PAYLOAD) {
		report_group(s, sa, n->wanted_group);
		sa_give_up(s, sa);
		return;
	}
	select_describe_ours(conf->ike, conf->n_ike, ours, sizeof ours);
	if (n->refusal == NOTIFY_NO_PROPOSAL_CHOSEN)
		sa_report(s, sa, FACT_NO_PROPOSAL, BLAME_PEER,
			"no common IKE proposal: the peer accepts none of ours (%.128s): make ike-proposals and the peer's policy agree",
			ours);
	else
		sa_report(s, sa, FACT_PEER_REFUSED, BLAME_PEER, "the peer refused IKE_SA_INIT: %s (%u), and nothing better came",
			ike_notify_name(n->refusal), n->refusal);
	ike_report_compared(s, sa->tunnel, PROTOCOL_IKE, n->refusal, ours, "");
	sa_give_up(s, sa);
}

static enum fsm_outcome with_cookie(struct step *s, struct fsm_input *t, const struct payload *cookie)
{
	struct negotiation *n = t->x->neg;
	struct bytes v = cookie->notify.data;
	if (!v.n || v.n > IKE_COOKIE_MAX || n->cookies++ >= INIT_RETRIES_MAX || !nonce_set(&n->cookie, v))
		return FSM_STAY;
	ike_report(
		s, FACT_COOKIE, BLAME_NONE, t->sa->tunnel, &t->sa->core.remote, "the peer asks for a cookie: it is under load");
	send_request(s, t->sa);
	return FSM_STAY;
}

enum fsm_outcome init_answered(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	struct negotiation *n = t->x->neg;
	const struct tunnel_conf *conf = sa->tunnel->conf;
	const struct payload *notify = message_find_notify(t->m, NOTIFY_COOKIE, false);
	if (notify)
		return with_cookie(s, t, notify);
	if ((notify = message_error_notify(t->m, false)))
		return refused(s, t, notify);
	const struct payload *p = message_find(t->m, PAYLOAD_SA, false), *ke = message_find(t->m, PAYLOAD_KE, false);
	const struct payload *nonce = message_find(t->m, PAYLOAD_NONCE, false);
	static const uint8_t none[IKE_SPI_LEN];
	struct suite suite;
	struct bytes spi;
	if (!p || !ke || !nonce || p->sa.n != 1 || !memcmp(t->m->h.spi_r, none, IKE_SPI_LEN) ||
		!select_suite(conf->ike, conf->n_ike, p, PROTOCOL_IKE, false, &suite, &n->number, &spi) ||
		suite.group != ke_round(n)->group || !ke_round_fits(ke, suite.group)) {
		sa_report(s, sa, FACT_SYNTAX, BLAME_PEER, "the peer chose something that we did not offer");
		return sa_give_up(s, sa);
	}
	nonce_set(&n->nr, nonce->nonce.value);
	memcpy(sa->core.spi_r, t->m->h.spi_r, IKE_SPI_LEN);
	sa->core.suite = suite;
	sa->core.fragmentation = message_find_notify(t->m, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, false) != NULL;
	nat_judge(sa, t->m);
	note_vendor(sa, t->m);
	cert_heard(n, sa->tunnel, t->m, false);
	n->init_response = bytes_dup(t->m->raw);
	ke_round_finish(s, sa, t->x, ke);
	return FSM_NEXT;
}

enum fsm_outcome init_derived(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	int err = t->job->err;
	if (err == ERR_OK)
		err = keys_initial(sa, t->x->neg, bytes_of(t->job->shared.data, t->job->shared.len));
	if (err != ERR_OK) {
		sa_report(s, sa, FACT_KE_REFUSED, err == ERR_BAD_KE ? BLAME_PEER : BLAME_LOCAL, "key exchange failed: %s",
			err_text(err));
		return sa_give_up(s, sa);
	}
	sa->core.collision_nonce = collision_nonce_of(&t->x->neg->ni, &t->x->neg->nr);
	if (sa->core.encap) /* RFC 7296 2.23: go to port 4500 */
		path_set_ports(sa, IKE_NATT_PORT, IKE_NATT_PORT);
	return FSM_NEXT;
}

/* ---------------------------------------------------------------- responder */

static uint64_t source_key(const struct ike *ike, const struct header *h, const struct addr *remote)
{
	uint64_t x = hash_bytes(ike->cookie_key ^ HASH_START, remote->ip, sizeof remote->ip);
	x = hash_bytes(x, h->spi_i, IKE_SPI_LEN);
	return hash_bytes(x, &remote->port, sizeof remote->port);
}

static bool same_proposals(const struct tunnel_conf *a, const struct tunnel_conf *b)
{
	if (a->n_ike != b->n_ike)
		return false;
	for (unsigned i = 0; i < a->n_ike; i++)
		if (!proposal_equal(&a->ike[i], &b->ike[i]))
			return false;
	return true;
}

/* The IKE proposal comes from the union over the tunnels that fit the addresses; which one it is shows in IKE_AUTH. */
static struct tunnel *choose(struct step *s, const struct message *m, const struct ike_event *e, struct tunnel *first,
	struct suite *suite, uint8_t *number)
{
	struct tunnel *no = NULL;
	const struct payload *p = message_find(m, PAYLOAD_SA, false);
	struct bytes spi;
	for (struct tunnel *t = first; t; t = tunnel_next_at(s->ike, t, &e->datagram.local, &e->datagram.remote)) {
		if (!t->held && (!no || !same_proposals(no->conf, t->conf)) &&
			select_suite(t->conf->ike, t->conf->n_ike, p, PROTOCOL_IKE, false, suite, number, &spi))
			return t;
		if (!t->held) /* a hub has thousands of tunnels with one policy: an offer is not held against each of them */
			no = t;
	}
	char theirs[FACT_ITEM], ours[FACT_ITEM], from[ADDR_TEXT];
	if (!first->held && gate_may_report(s)) {
		select_describe(p, theirs, sizeof theirs);
		select_describe_ours(first->conf->ike, first->conf->n_ike, ours, sizeof ours);
		ike_report(s, FACT_NO_PROPOSAL, BLAME_PEER, first, &e->datagram.remote,
			"no common IKE proposal: %s offers %.127s; we accept %.84s", addr_format(&e->datagram.remote, from),
			theirs, ours);
		ike_report_compared(s, first, PROTOCOL_IKE, NOTIFY_NO_PROPOSAL_CHOSEN, ours, theirs);
	}
	sent_unsealed(s, &m->h, e, NOTIFY_NO_PROPOSAL_CHOSEN, (struct bytes){ 0 });
	return NULL;
}

static void admit(struct step *s, const struct message *m, const struct ike_event *e, struct tunnel *t, const struct suite *suite,
	uint8_t number, uint64_t key, const struct gate_source *from)
{
	struct sa *sa = sa_new(s, NULL, false);
	struct negotiation *n = sa->theirs.neg = negotiation_new();
	const struct payload *ke = message_find(m, PAYLOAD_KE, false), *nonce = message_find(m, PAYLOAD_NONCE, false);
	memcpy(sa->core.spi_i, m->h.spi_i, IKE_SPI_LEN);
	s->ike->totals.half_open++;
	path_set(sa, &e->datagram.local, &e->datagram.remote);
	sa->from = (struct ike_path){ e->datagram.local, e->datagram.remote, 0 };
	gate_enter(s->ike, sa, from, &e->datagram.remote, key);
	sa->core.suite = *suite;
	sa->core.forced = t->conf->encapsulation == ENCAPSULATION_UDP;
	sa->core.fragmentation = message_find_notify(m, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, false) != NULL;
	nat_judge(sa, m);
	note_vendor(sa, m);
	cert_heard(n, NULL, m, false);
	nonce_set(&n->ni, nonce->nonce.value);
	nonce_make(s->ike, &n->nr);
	n->number = number;
	n->types = select_types(message_find(m, PAYLOAD_SA, false), number);
	n->init_request = bytes_dup(m->raw);
	exchange_state(&sa->theirs, X_INIT, XS_DERIVE);
	ke_round_accept(s, sa, &sa->theirs, ke);
	sa_mark(s, sa);
}

static bool repeated(struct step *s, const struct header *h, const struct ike_event *e, uint64_t key)
{
	struct sa *sa = table_get(&s->ike->by_source, key);
	if (!sa || memcmp(sa->core.spi_i, h->spi_i, IKE_SPI_LEN) || !addr_equal(&sa->at_gate->source, &e->datagram.remote))
		return false;
	struct negotiation *n = sa->theirs.neg;
	if (!n || !bytes_equal(n->init_request, e->datagram.bytes))
		step_drop(s, DROP_STALE);
	else
		exchange_answer_again(s, sa, e);
	return true;
}

static const struct sa *of_initiator(const struct tunnel *t, const uint8_t *spi_i)
{
	const struct sa *sa = t->sa_list;
	while (sa && (sa->core.initiator || memcmp(sa->core.spi_i, spi_i, IKE_SPI_LEN)))
		sa = sa->tunnel_next;
	return sa;
}

/*
 * A copy that was under way for long: its SA is authenticated by now. Where more tunnels may be meant only some are looked at: what a stranger sends
 * must not cost a walk over thousands. A copy of another's IKE_SA_INIT then makes a half-open SA, as a stranger's does, which the gate bounds.
 */
static bool outdated(struct step *s, const struct header *h, const struct tunnel *first)
{
	const struct tunnel *chains[] = { first, s->ike->named, s->ike->any };
	unsigned left = OUTDATED_LOOKED_AT;
	for (unsigned i = 0; i < ARRAY_SIZE(chains); i++)
		for (const struct tunnel *t = chains[i]; t && left; t = t->chain, left--)
			if (of_initiator(t, h->spi_i))
				return true;
	return false;
}

void init_request(struct step *s, const struct header *h, const struct ike_event *e)
{
	uint64_t key = source_key(s->ike, h, &e->datagram.remote);
	struct message *m = arena_alloc(s->out->arena, sizeof *m);
	if (!s->ike->conf || s->ike->shutting_down || !m || repeated(s, h, e, key))
		return;
	int err = message_decode(m, e->datagram.bytes, s->out->arena);
	if (err == ERR_OK)
		err = message_judge(m, false);
	const struct payload *ke = err == ERR_OK ? message_find(m, PAYLOAD_KE, false) : NULL;
	if (!ke || !message_find(m, PAYLOAD_SA, false) || !message_find(m, PAYLOAD_NONCE, false)) {
		if (err == ERR_CRITICAL && gate_may_hint(s, h, e))
			sent_unsealed(s, h, e, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, bytes_of(&m->critical_type, 1));
		step_drop(s, err == ERR_CRITICAL ? DROP_CRITICAL : DROP_SYNTAX);
		return;
	}
	struct tunnel *first = tunnel_next_at(s->ike, NULL, &e->datagram.local, &e->datagram.remote);
	if (!first) {
		if (gate_may_report(s))
			ike_report(s, FACT_NO_TUNNEL, BLAME_NONE, NULL, &e->datagram.remote,
				"IKE_SA_INIT from an address that is no tunnel's remote: dropped");
		step_drop(s, DROP_NO_TUNNEL);
		return;
	}
	trace_plain(s, NULL, false, &e->datagram.local, &e->datagram.remote, e->datagram.bytes);
	struct gate_source from;
	if (!gate_admit(s, h, m, e, first, &from))
		return;
	if (outdated(s, h, first)) {
		step_drop(s, DROP_STALE);
		return;
	}
	struct suite suite;
	uint8_t number;
	struct tunnel *t = choose(s, m, e, first, &suite, &number);
	if (!t)
		return;
	if (ke->ke.group != suite.group) {
		sent_unsealed(s, h, e, NOTIFY_INVALID_KE_PAYLOAD, ke_round_want(s, suite.group));
		return;
	}
	if (ke->ke.value.n != ke_public_size(suite.group)) {
		step_drop(s, DROP_SYNTAX);
		return;
	}
	admit(s, m, e, t, &suite, number, key, &from);
}

enum fsm_outcome init_peer_derived(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	struct negotiation *n = t->x->neg;
	if (t->job->err == ERR_TOO_MUCH) { /* ours is the trouble: it may ask again */
		step_drop(s, DROP_BUSY);
		sa_destroy(s, sa);
		return FSM_GONE;
	}
	if (t->job->err != ERR_OK || keys_initial(sa, n, bytes_of(t->job->shared.data, t->job->shared.len)) != ERR_OK) {
		if (gate_may_report(s))
			ike_report(s, FACT_KE_REFUSED, BLAME_PEER, NULL, &sa->core.remote,
				"the peer's key exchange value is invalid: %s", err_text(t->job->err));
		step_drop(s, DROP_SYNTAX);
		sa_destroy(s, sa);
		return FSM_GONE;
	}
	ke_round_accepted(n, t->job);
	sa->core.collision_nonce = collision_nonce_of(&n->ni, &n->nr);
	struct payload chosen = select_answer(s, &sa->core.suite, n->number, (struct bytes){ 0 }, n->types);
	struct bytes datagram = write_init(s, sa, n, &chosen, true);
	n->init_response = bytes_dup(datagram);
	exchange_init_answer(s, sa, datagram);
	return FSM_DONE;
}
