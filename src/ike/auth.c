/*
 * auth.c - IKE_AUTH with the first child SA (RFC 7296 1.2, 2.15), both roles. Keys never come here: AUTH is made and checked by a job.
 *
 *	HDR, SK {IDi, [CERT+,] [N(INITIAL_CONTACT)], [CERTREQ,] [IDr,] AUTH, SAi2, TSi, TSr}  -->
 *	                                  <--  HDR, SK {IDr, [CERT+,] AUTH, SAr2, TSi, TSr}   or with N(error) instead of the child
 */
#include <string.h>

#include "machine.h"

/* The longest that each may be, with its headers (RFC 7296 3.2 to 3.13). */
#define ID_ROOM (8 + IDENT_MAX)
#define PROPOSAL_ROOM (8 + 4 + PROPOSAL_TRANSFORMS_MAX * 12) /* with an SPI; a transform with a key length */
#define NOTIFY_ROOM 8
#define SELECTOR_ROOM 40 /* of IPv6 */
#define CERTREQ_ROOM (5 + CERT_CA_MAX * CA_HASH)
#define CERT_ROOM (CERT_CHAIN_MAX * (CERT_SIZE_MAX + 8))
/* Without certificates and selectors: both identities, AUTH, proposals, the heads of both lists of them, four notifications. */
#define AUTH_ROOM (2 * ID_ROOM + 8 + IKE_AUTH_MAX + 4 + PROPOSALS_MAX * PROPOSAL_ROOM + 2 * 8 + 4 * NOTIFY_ROOM)

static void keep_peer_id(struct sa *sa, struct bytes body)
{
	struct bytes copy = bytes_dup(bytes_of(body.p + 4, body.n - 4));
	sa->peer_id = (struct ident){ .type = body.p[0], .len = (uint16_t)copy.n, .data = (uint8_t *)(uintptr_t)copy.p };
}

/* A step's memory is wiped as far as it was given out: no more than may be needed. */
static struct chain auth_chain(struct step *s, const struct sa *sa, const struct child *c)
{
	size_t selectors = (c->local_ts ? c->local_ts->n : 0u) + (c->remote_ts ? c->remote_ts->n : 0u);
	return chain_new(s, AUTH_ROOM + selectors * SELECTOR_ROOM + (by_certificate(sa->tunnel) ? CERTREQ_ROOM + CERT_ROOM : 0));
}

static void add_auth(struct chain *c, uint8_t scheme, struct bytes value)
{
	struct payload p = { .type = PAYLOAD_AUTH };
	p.auth.method = scheme ? sign_scheme(scheme)->method : AUTH_SHARED_KEY_MIC;
	p.auth.value = value;
	chain_add(c, &p);
}

/* Of an SA that is established already there is none. */
static struct secret auth_key(const struct sa *sa, bool of_initiator)
{
	return !sa->auth ? (struct secret){ 0 } : of_initiator ? sa->auth->i : sa->auth->r;
}

static bool add_ours(struct step *s, const struct sa *sa, const struct negotiation *n, struct ike_job *job)
{
	job->ours.message = arena_copy(s->out->arena, n->init_response);
	job->ours.nonce = arena_copy(s->out->arena, nonce_bytes(&n->ni));
	job->ours.sk_p = auth_key(sa, false);
	return job->ours.message.n && job->ours.nonce.n && job->ours.sk_p.len;
}

static void drop_keys(struct ike_job *job)
{
	secret_clear(&job->sk_p);
	secret_clear(&job->ours.sk_p);
}

/*
 * What is asked lies in the step's memory: the SA may end in this very step, the action is carried out after it. What cannot be asked in full is asked
 * for no tunnel, which nobody has a key for: an AUTH over less than all octets must never be made or believed.
 */
static void ask_auth(struct step *s, struct fsm_input *t, enum ike_job_kind kind)
{
	struct sa *sa = t->sa;
	const struct negotiation *n = t->x->neg;
	bool ours = kind == JOB_AUTH_SIGN, of_initiator = ours == sa->core.initiator;
	struct ike_job job = { .kind = kind,
		.tunnel = sa->tunnel->id,
		.prf = sa->core.suite.prf,
		.initiator = sa->core.initiator,
		.by_cert = by_certificate(sa->tunnel),
		.hashes = n->hashes };
	if (ours && job.by_cert)
		cert_signs(sa->tunnel, t->x->neg, &job);
	job.local = sa->core.local;
	job.message = arena_copy(s->out->arena, of_initiator ? n->init_request : n->init_response);
	job.nonce = arena_copy(s->out->arena, nonce_bytes(of_initiator ? &n->nr : &n->ni));
	job.sk_p = auth_key(sa, of_initiator);
	if (!ours) {
		job.peer_id = arena_copy(s->out->arena, n->peer_id_body);
		job.auth = arena_copy(s->out->arena, n->peer_auth);
	}
	bool whole = job.message.n && job.nonce.n && job.sk_p.len && (ours || (job.peer_id.n && job.auth.n));
	if (whole && kind == JOB_AUTH_CERT)
		whole = cert_job(s, sa, n, &job);
	if (whole && kind == JOB_AUTH_ANSWER)
		whole = add_ours(s, sa, n, &job);
	if (!whole) {
		drop_keys(&job);
		job = (struct ike_job){ .kind = kind, .prf = sa->core.suite.prf };
	}
	exchange_ask(s, sa, t->x, &job);
	drop_keys(&job);
}

/* A responder asks for its own AUTH with the same words; with a certificate only when the peer has proven itself, as a signature costs more than asking. */
static void ask_verify(struct step *s, struct fsm_input *t)
{
	bool initiator = t->sa->core.initiator;
	ask_auth(s, t, by_certificate(t->sa->tunnel) ? JOB_AUTH_CERT : initiator ? JOB_AUTH_VERIFY : JOB_AUTH_ANSWER);
}

/*
 * The child's SAs are asked for with the verdict, for whoever gives it to install them if it is yes: one way there and back instead of two. With certificates
 * there is no such verdict. False: there are no keys.
 */
static bool install_ahead(struct step *s, struct sa *sa, struct exchange *x, bool first)
{
	struct negotiation *n = x->neg;
	if (n->child_error || by_certificate(sa->tunnel))
		return true;
	if (keys_child(n->child, sa, n, (struct bytes){ 0 }, sa->core.initiator) != ERR_OK)
		return false;
	n->ahead = true;
	child_install_after(s, n->child, first, (struct ike_ticket){ sa->number, x->job });
	return true;
}

static void report_unsigned(struct step *s, struct sa *sa, const struct negotiation *n, const struct ike_job_result *job)
{
	const char *why = job->why[0] ? job->why : err_text(job->err);
	if (job->err == ERR_NO_MATCH && by_certificate(sa->tunnel)) {
		cert_report_no_scheme(s, sa, n);
	} else if (by_certificate(sa->tunnel)) {
		ike_report(s, FACT_SIGNING_FAILED, BLAME_LOCAL, sa->tunnel, NULL, "AUTH could not be signed: %s", why);
		ike_report_compared(s, sa->tunnel, PROTOCOL_NONE, 0, why, "");
	} else {
		ike_report(s, FACT_CRYPTO_FAILED, BLAME_LOCAL, sa->tunnel, NULL, "AUTH could not be made: %s", why);
	}
}

/* ---------------------------------------------------------------- initiator */

void auth_start(struct step *s, struct sa *sa) { ask_auth(s, &(struct fsm_input){ .sa = sa, .x = &sa->ours }, JOB_AUTH_SIGN); }

/*
 * Who has the key was reloaded before us, and signs by a certificate that we did not have when we asked: by now we have it. Once: what is stale again has
 * another reason.
 */
static bool sign_again(struct step *s, struct fsm_input *t)
{
	struct negotiation *n = t->x->neg;
	if (t->job->err != ERR_STALE || n->asked_again || !by_certificate(t->sa->tunnel))
		return false;
	n->asked_again = true;
	ask_auth(s, t, JOB_AUTH_SIGN);
	return true;
}

/* The peer believes that the SA stands: it is notified, without waiting for an answer (RFC 7296 2.21.2). */
static enum fsm_outcome reject_peer(struct step *s, struct sa *sa)
{
	struct payload p = payload_notify(NOTIFY_AUTHENTICATION_FAILED, (struct bytes){ 0 });
	exchange_inform(s, sa, &p);
	return sa_give_up(s, sa);
}

static bool lives_beside(const struct tunnel *t, const struct sa *sa)
{
	for (const struct sa *o = t->sa_list; o; o = o->tunnel_next)
		if (o != sa && (o->state != SA_INITIATING || t != sa->tunnel))
			return true;
	return false;
}

/* Neither in its own tunnel nor in another one, with another address, under the same identities: INITIAL_CONTACT takes that one down (RFC 7296 2.4). */
static bool alone(struct ike *ike, const struct sa *sa, const struct ident *local, const struct ident *remote)
{
	struct tunnel *t = NULL;
	bool beside = lives_beside(sa->tunnel, sa);
	while (!beside && (t = tunnel_next_named(ike, t, local, remote))) {
		struct ident l, r;
		tunnel_identities(t, t->sa_list, &l, &r);
		beside = lives_beside(t, sa) && ident_is_named(t, remote, sa->tunnel->remote_name, &r) && ident_is(t, local, &l);
	}
	return !beside;
}

/* RFC 6311: of use to a peer that is a cluster, and to us when we come back with an old record. */
static void announce_id_sync(struct chain *c)
{
	struct payload p = payload_notify(NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED, (struct bytes){ 0 });
	chain_add(c, &p);
}

enum fsm_outcome auth_signed(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	struct negotiation *n = t->x->neg;
	if (sign_again(s, t))
		return FSM_STAY;
	if (t->job->err != ERR_OK) {
		report_unsigned(s, sa, n, t->job);
		return sa_give_up(s, sa);
	}
	struct ident local, remote;
	struct proposal v[PROPOSALS_MAX];
	tunnel_identities(sa->tunnel, sa, &local, &remote);
	n->child = child_new(s, sa, tunnel_first_slot(sa->tunnel), true);
	child_ask_for(n->child, NULL);
	n->proof.ours = t->job->scheme;
	struct chain c = auth_chain(s, sa, n->child);
	add_ident(&c, PAYLOAD_IDi, &local);
	cert_add_chain(&c, sa->tunnel, n);
	if (!sa->tunnel->n_leftover && alone(s->ike, sa, &local, &remote)) { /* what is left over carries until this one does */
		struct payload p = payload_notify(NOTIFY_INITIAL_CONTACT, (struct bytes){ 0 });
		chain_add(&c, &p);
	}
	announce_id_sync(&c);
	cert_request(&c, sa->tunnel);
	if (sa->tunnel->conf->remote_id.type)
		add_ident(&c, PAYLOAD_IDr, &remote);
	add_auth(&c, t->job->scheme, bytes_of(t->job->auth, t->job->auth_len));
	struct payload p = select_offer(
		s, v, child_proposals(sa->tunnel, GROUPS_STRIPPED, v), spi_bytes(s, n->child->core.spi_in));
	chain_add(&c, &p);
	add_ts(&c, PAYLOAD_TSi, n->child->local_ts);
	add_ts(&c, PAYLOAD_TSr, n->child->remote_ts);
	exchange_request(s, sa, X_AUTH, EXCHANGE_IKE_AUTH, &c);
	return FSM_NEXT;
}

static enum fsm_outcome refused(struct step *s, struct fsm_input *t, const struct payload *notify)
{
	struct sa *sa = t->sa;
	char id[FACT_ITEM];
	struct ident local, remote;
	if (notify->notify.type == NOTIFY_AUTHENTICATION_FAILED && by_certificate(sa->tunnel)) {
		cert_report_unwanted(s, sa, &t->x->neg->asked_cas);
		return sa_give_up(s, sa);
	}
	tunnel_identities(sa->tunnel, sa, &local, &remote);
	ident_format(&local, id, sizeof id);
	if (notify->notify.type == NOTIFY_AUTHENTICATION_FAILED)
		sa_report(s, sa, FACT_AUTH_FAILED, BLAME_PEER,
			"the peer refused our authentication (AUTHENTICATION_FAILED): the pre-shared key differs, or it does not know us as %.79s",
			id);
	else
		sa_report(s, sa, FACT_PEER_REFUSED, BLAME_PEER, "the peer refused IKE_AUTH: %s (%u)",
			ike_notify_name(notify->notify.type), notify->notify.type);
	ike_report_compared(s, sa->tunnel, PROTOCOL_NONE, notify->notify.type, id, "");
	return sa_give_up(s, sa);
}

enum fsm_outcome auth_answered(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	struct negotiation *n = t->x->neg;
	const struct payload *auth = message_find(t->m, PAYLOAD_AUTH, true), *id = message_find(t->m, PAYLOAD_IDr, true);
	const struct payload *err = message_error_notify(t->m, true);
	struct ident local, remote;
	char theirs[FACT_ITEM], want[FACT_ITEM];
	if (err && !auth)
		return refused(s, t, err);
	if (!auth || !id) {
		sa_report(s, sa, FACT_SYNTAX, BLAME_PEER, "the peer's IKE_AUTH answer has no %s",
			auth ? "identity" : "AUTH payload");
		return sa_give_up(s, sa);
	}
	tunnel_identities(sa->tunnel, sa, &local, &remote);
	struct ident said = ident_of(id);
	if (!ident_is(sa->tunnel, &said, &remote)) {
		sa_report(s, sa, FACT_ID_REFUSED, BLAME_PEER,
			"the peer identifies itself as %.79s, expected %.79s: set remote-id",
			ident_words(sa->tunnel, &said, theirs), ident_words(sa->tunnel, &remote, want));
		ike_report_compared(s, sa->tunnel, PROTOCOL_NONE, NOTIFY_AUTHENTICATION_FAILED, want, theirs);
		return reject_peer(s, sa);
	}
	if (!cert_method(s, sa, sa->tunnel, auth) || !cert_take(s, sa, sa->tunnel, n, t->m))
		return reject_peer(s, sa);
	n->peer_id_body = bytes_dup(id->body);
	n->peer_auth = bytes_dup(auth->auth.value);
	n->more_possible = message_find_notify(t->m, NOTIFY_ADDITIONAL_TS_POSSIBLE, true) != NULL;
	sa->core.id_sync = message_find_notify(t->m, NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED, true) != NULL;
	n->child_error = err ? err->notify.type : offer_take_child(n->child, n, t->m, GROUPS_STRIPPED, true);
	n->child_unusable = !err && n->child_error;
	sa_auth_lifetime(s, sa, t->m);
	ask_verify(s, t);
	install_ahead(s, sa, t->x, true);
	return FSM_NEXT;
}

/* Wrong, or never looked at: the second is no fault of the peer. */
static void report_unverified(struct step *s, struct sa *sa, const struct ike_job_result *job)
{
	int err = job->err;
	if (err == ERR_INTEGRITY && by_certificate(sa->tunnel))
		cert_report_refused(s, sa, &job->verdict);
	else if (err == ERR_INTEGRITY)
		sa_report(s, sa, FACT_AUTH_FAILED, BLAME_PEER,
			"the peer's AUTH is wrong: the pre-shared keys of the two ends differ");
	else
		sa_report(s, sa, FACT_CRYPTO_FAILED, BLAME_LOCAL, "the peer's AUTH could not be checked: %s",
			err_text(err == ERR_OK ? ERR_CRYPTO : err));
}

/* No word about a chain is no proof by one, whatever a job of that number says. */
static bool verified(const struct sa *sa, const struct ike_job_result *job)
{
	return job->err == ERR_OK && (!by_certificate(sa->tunnel) || (job->verdict.cause == CERT_OK && job->verdict.scheme));
}

enum fsm_outcome auth_verified(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	struct negotiation *n = t->x->neg;
	char remote[ADDR_TEXT];
	if (!verified(sa, t->job)) {
		report_unverified(s, sa, t->job);
		return reject_peer(s, sa);
	}
	keep_peer_id(sa, n->peer_id_body);
	cert_believed(s, sa, n, &t->job->verdict);
	sa->tunnel->last_handshake = s->now.mono.ms - sa->core.created.ms;
	sa_established(s, sa);
	sa_report(s, sa, FACT_IKE_ESTABLISHED, BLAME_NONE, "IKE SA established with %s%s",
		addr_port_format(&sa->core.remote, remote),
		sa->core.nat_local    ? sa->core.nat_remote ? ", NAT at both ends" : ", we are behind a NAT"
		: sa->core.nat_remote ? ", the peer is behind a NAT"
				      : "");
	n->child->core.collision_nonce = sa->core.collision_nonce;
	if (n->ahead)
		return FSM_NEXT;
	if (!n->child_error && keys_child(n->child, sa, n, (struct bytes){ 0 }, true) == ERR_OK) {
		child_install(s, n->child, true);
		return FSM_NEXT;
	}
	if (n->child_unusable)
		report_unusable_child(s, sa, n);
	else
		report_no_child(s, sa, n->child, n->child_error);
	tunnel_refused(s, sa->tunnel, n->child->slot, n->child_error);
	sa->child_refusals = 1;
	sa->retry_at = mono_add(s->now.mono, step_jitter(s->ike, CHILDLESS_RETRY, 20));
	if (n->child->core.spi_out) /* the peer made one that we cannot use */
		child_abandon(s, n->child);
	return FSM_DONE;
}

enum fsm_outcome auth_installed(struct step *s, struct fsm_input *t)
{
	struct child *c = t->x->neg->child;
	if (t->kernel || c->delete_due) {
		child_abandon(s, c);
		return FSM_DONE;
	}
	child_installed(s, c);
	child_by_auth(s, c);
	if (t->x->neg->more_possible)
		slot_cut(c->tunnel, c->slot, c);
	ike_report(s, FACT_CHILD_ESTABLISHED, BLAME_NONE, c->tunnel, NULL, "child SA %08x/%08x established", c->core.spi_in,
		c->core.spi_out);
	return FSM_DONE;
}

/* ---------------------------------------------------------------- responder */

static enum fsm_outcome deny(struct step *s, struct sa *sa)
{
	return sa_end_by(s, sa, EXCHANGE_IKE_AUTH, NOTIFY_AUTHENTICATION_FAILED);
}

static bool carried_elsewhere(const struct sa *sa, const struct slot *slot)
{
	for (const struct sa *o = sa->tunnel->sa_list; o; o = o->tunnel_next)
		for (const struct child *c = o->children; c && o != sa && !o->forgotten; c = c->next)
			if (c->slot == slot && (child_wanted(c) || c->state == CHILD_REPLACED))
				return true;
	return false;
}

void auth_request(struct step *s, struct sa *sa, const struct message *m)
{
	struct negotiation *n = sa->theirs.neg;
	const struct payload *id = message_find(m, PAYLOAD_IDi, true), *auth = message_find(m, PAYLOAD_AUTH, true);
	struct ident theirs = ident_of(id);
	struct tunnel *t = tunnel_by_identity(s, sa, &theirs, message_find(m, PAYLOAD_IDr, true));
	if (!t) {
		deny(s, sa);
		return;
	}
	cert_heard(n, t, m, true);
	if (!cert_method(s, sa, t, auth) || !cert_take(s, sa, t, n, m)) {
		deny(s, sa);
		return;
	}
	tunnel_attach(t, sa);
	n->peer_id_body = bytes_dup(id->body);
	n->peer_auth = bytes_dup(auth->auth.value);
	n->initial_contact = message_find_notify(m, NOTIFY_INITIAL_CONTACT, true) != NULL;
	sa->core.id_sync = message_find_notify(m, NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED, true) != NULL;
	n->child = child_new(s, sa, t->slots, false);
	n->child_error = offer_take_child(n->child, n, m, GROUPS_STRIPPED, false);
	if (n->child_error)
		n->child_error = offer_refuse_child(s, sa, m, n, n->child_error, FACT_NO_PROPOSAL);
	exchange_state(&sa->theirs, X_AUTH, XS_VERIFY);
	ask_verify(s, &(struct fsm_input){ .sa = sa, .x = &sa->theirs });
	if (!install_ahead(s, sa, &sa->theirs, !carried_elsewhere(sa, n->child->slot)))
		n->child_error = NOTIFY_NO_PROPOSAL_CHOSEN;
}

enum fsm_outcome auth_peer_verified(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	if (!verified(sa, t->job)) {
		report_unverified(s, sa, t->job);
		return deny(s, sa);
	}
	if (!tunnel_takes_peer(s, sa, sa->tunnel))
		return deny(s, sa);
	keep_peer_id(sa, t->x->neg->peer_id_body);
	cert_believed(s, sa, t->x->neg, &t->job->verdict);
	if (!t->job->auth_len) {
		ask_auth(s, t, JOB_AUTH_SIGN);
		return FSM_NEXT;
	}
	enum fsm_outcome made = auth_peer_signed(s, t); /* ours came with the verdict */
	return made == FSM_NEXT ? FSM_SKIP : made;
}

/* INITIAL_CONTACT: what this peer had before under the same identities is gone at its side (RFC 7296 2.4). Only what stood when this SA was begun. */
static void forget_older(struct step *s, struct sa *sa)
{
	struct sa *next;
	leftovers_within(s, sa->tunnel, LINGER_OUT);
	for (struct sa *o = sa->tunnel->sa_list; o; o = next) {
		next = o->tunnel_next;
		bool older = o != sa && (o->state == SA_ESTABLISHED || o->state == SA_REPLACED) &&
			     o->core.established.ms < sa->core.created.ms;
		if (older && ident_is(sa->tunnel, &o->peer_id, &sa->peer_id))
			sa_forget(s, o);
	}
}

static enum fsm_outcome answer(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	struct negotiation *n = t->x->neg;
	struct child *c = n->child;
	struct ident local, remote;
	char from[ADDR_TEXT];
	tunnel_identities(sa->tunnel, sa, &local, &remote);
	struct chain out = auth_chain(s, sa, c);
	add_ident(&out, PAYLOAD_IDr, &local);
	cert_add_chain(&out, sa->tunnel, n);
	add_auth(&out, n->proof.ours, n->our_auth);
	struct payload p;
	if (n->child_error) {
		p = payload_notify(n->child_error, (struct bytes){ 0 });
		chain_add(&out, &p);
	} else {
		p = select_answer(
			s, &c->core.suite, n->number, spi_bytes(s, c->core.spi_in), (uint8_t)(n->types & ~(1u << TRANSFORM_KE)));
		chain_add(&out, &p);
		add_ts(&out, PAYLOAD_TSi, c->remote_ts);
		add_ts(&out, PAYLOAD_TSr, c->local_ts);
		add_more_possible(&out, n);
	}
	if (sa->core.id_sync)
		announce_id_sync(&out);
	exchange_answer(s, sa, EXCHANGE_IKE_AUTH, &out);
	sa->tunnel->last_handshake = s->now.mono.ms - sa->core.created.ms;
	sa_established(s, sa);
	sa_report(s, sa, FACT_IKE_ESTABLISHED, BLAME_NONE, "IKE SA established by %s%s", addr_port_format(&sa->core.remote, from),
		sa->core.nat_remote ? ", which is behind a NAT" : "");
	if (n->initial_contact)
		forget_older(s, sa);
	if (n->child_error)
		return FSM_DONE;
	c->core.collision_nonce = sa->core.collision_nonce;
	child_installed(s, c);
	child_by_auth(s, c);
	if (carried_elsewhere(sa, c->slot) ||
		sa->tunnel->n_leftover) /* used once the peer has shown that our answer reached it: ask */
		sa->liveness_due = true;
	else
		child_ready(s, c);
	ike_report(s, FACT_CHILD_ESTABLISHED, BLAME_NONE, c->tunnel, NULL, "child SA %08x/%08x established", c->core.spi_in,
		c->core.spi_out);
	return FSM_DONE;
}

enum fsm_outcome auth_peer_signed(struct step *s, struct fsm_input *t)
{
	struct negotiation *n = t->x->neg;
	if (sign_again(s, t))
		return FSM_STAY;
	if (t->job->err != ERR_OK) {
		report_unsigned(s, t->sa, n, t->job);
		return deny(s, t->sa);
	}
	n->proof.ours = t->job->scheme;
	if (t->sa->proof)
		t->sa->proof->ours = t->job->scheme;
	n->our_auth = bytes_dup(bytes_of(t->job->auth, t->job->auth_len));
	if (n->ahead)
		return FSM_NEXT;
	if (!n->child_error && keys_child(n->child, t->sa, n, (struct bytes){ 0 }, false) != ERR_OK)
		n->child_error = NOTIFY_NO_PROPOSAL_CHOSEN;
	if (n->child_error)
		return answer(s, t);
	child_install(s, n->child, !carried_elsewhere(t->sa, n->child->slot));
	return FSM_NEXT;
}

enum fsm_outcome auth_peer_installed(struct step *s, struct fsm_input *t)
{
	if (t->kernel)
		t->x->neg->child_error = NOTIFY_NO_ADDITIONAL_SAS;
	return answer(s, t);
}
