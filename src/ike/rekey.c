/*
 * rekey.c - CREATE_CHILD_SA for the IKE SA itself (RFC 7296 1.3.2, 2.8.2, 2.18, 2.25.2).
 *
 *	HDR, SK {SA(SPI), Ni, KEi}  -->   <--  HDR, SK {SA(SPI), Nr, KEr}
 *
 * The new SA inherits the children; who made it deletes the old one. Crossing rekeys: collision.c.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define REKEY_ROOM 8192
#define KE_RETRIES_MAX 2

static void choose_spi(struct step *s, struct negotiation *n)
{
	struct cursor c;
	uint64_t spi;
	do {
		s->ike->fill(s->ike->fill_arg, n->spi_new, IKE_SPI_LEN);
		c = cursor_of(n->spi_new, IKE_SPI_LEN);
		spi = get_u64(&c);
	} while (!spi || table_get(&s->ike->by_spi, spi));
}

/* The new SA, established by the old one's keys; NULL (and nothing changed) when that fails. */
static struct sa *make(struct step *s, struct sa *old, struct negotiation *n, struct bytes shared, bool initiator)
{
	struct sa *sa = sa_new(s, old->tunnel, initiator);
	table_del(&s->ike->by_spi, sa_our_spi(sa));
	memcpy(initiator ? sa->core.spi_i : sa->core.spi_r, n->spi_new, IKE_SPI_LEN);
	memcpy(initiator ? sa->core.spi_r : sa->core.spi_i, n->cookie.v, IKE_SPI_LEN); /* the peer's, kept there */
	sa_index(s->ike, sa);
	sa->core.suite = n->suite;
	int err = keys_rekeyed(sa, old, n, shared);
	if (err != ERR_OK) {
		s->ike->totals.half_open += !initiator;
		sa_destroy(s, sa);
		return NULL;
	}
	s->ike->totals.half_open += !initiator; /* what sa_established takes off */
	path_set(sa, &old->core.local, &old->core.remote);
	sa->narrow = old->narrow;
	sa->narrow_until = old->narrow_until;
	sa->core.nat_local = old->core.nat_local;
	sa->core.nat_remote = old->core.nat_remote;
	sa->core.natt = old->core.natt;
	sa->core.encap = old->core.encap;
	sa->core.forced = old->core.forced;
	sa->core.fragmentation = old->core.fragmentation;
	sa->core.id_sync = old->core.id_sync;
	sa->core.origin = old->core.origin;
	sa->close_at = old->close_at; /* redundant stays redundant, and what is to be closed is closed whatever comes of it */
	sa->delete_due = old->delete_due;
	sa->vendor = old->vendor;
	struct bytes id = bytes_dup(bytes_of(old->peer_id.data, old->peer_id.len));
	sa->peer_id = (struct ident){ old->peer_id.type, old->peer_id.len, (uint8_t *)(uintptr_t)id.p };
	if (old->reauth_for != REAUTH_IKE &&
		old->reauth_for != REAUTH_PEERS_IKE) { /* children and authentication are the old ones */
		sa->reauth = old->reauth;
		sa->reauth_for = old->reauth_for;
		sa->reauth_at = old->reauth_at;
	}
	sa->core.collision_nonce = collision_nonce_of(&n->ni, &n->nr);
	sa->core.proven_until = old->core.proven_until;
	if (old->proof) {
		sa->proof = xcalloc(1, sizeof *sa->proof);
		*sa->proof = *old->proof;
	}
	sa_established(s, sa);
	if (sa->core.proven_until && sa->core.proven_until <= s->now.wall) /* a rekey proves nothing: it lives no longer for it */
		sa->core.expire_at = mono_min(sa->core.expire_at, old->core.expire_at);
	return sa;
}

static void done(struct step *s, struct sa *old, const struct sa *fresh)
{
	old->tunnel->counters[COUNTER_IKE_REKEYS]++;
	ike_report(s, FACT_IKE_REKEYED, BLAME_NONE, fresh->tunnel, &fresh->core.remote, "IKE SA rekeyed");
	tunnel_reply(s, fresh->tunnel, COMMAND_REKEY_IKE, true, NULL);
}

/* ---------------------------------------------------------------- ours */

void rekey_start(struct step *s, struct sa *sa)
{
	struct exchange *x = &sa->ours;
	struct negotiation *n = x->neg = negotiation_new();
	const struct tunnel_conf *conf = sa->tunnel->conf;
	bool same = group_offered(conf->ike, conf->n_ike, sa->core.suite.group);
	nonce_make(s->ike, &n->ni);
	choose_spi(s, n);
	exchange_state(x, X_REKEY_IKE, XS_KE);
	ke_round_offer(s, sa, x, same ? sa->core.suite.group : first_group(conf->ike, conf->n_ike));
}

enum fsm_outcome rekey_ke_done(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	struct negotiation *n = t->x->neg;
	const struct tunnel_conf *conf = sa->tunnel->conf;
	if (sa->state != SA_ESTABLISHED || t->job->err != ERR_OK)
		return FSM_DONE; /* the peer was faster */
	ke_round_offered(n, t->job);
	struct chain c = chain_new(s, REKEY_ROOM);
	struct payload p = select_offer(s, conf->ike, conf->n_ike, bytes_of(n->spi_new, IKE_SPI_LEN));
	chain_add(&c, &p);
	add_ke_nonce(&c, n, &n->ni);
	exchange_request(s, sa, X_REKEY_IKE, EXCHANGE_CREATE_CHILD_SA, &c);
	return FSM_NEXT;
}

static enum fsm_outcome failed(struct step *s, struct fsm_input *t, enum blame blame, const char *why, msec pause)
{
	struct sa *sa = t->sa;
	if (sa->peer_half) {
		collision_sa(s, sa, NULL);
		return FSM_DONE;
	}
	sa->retry_at = mono_add(s->now.mono, step_jitter(s->ike, pause, 50));
	if (why) {
		if (blame == BLAME_PEER)
			sa_reauth(s, sa, REAUTH_IKE, 0);
		sa_report(s, sa, FACT_REKEY_FAILED, blame, "the IKE SA could not be rekeyed: %s", why);
		ike_report_about(s, sa->tunnel, SUBJECT_IKE_SA, NULL, NULL);
		tunnel_reply(s, sa->tunnel, COMMAND_REKEY_IKE, false, tunnel_error(sa->tunnel));
	}
	return FSM_DONE;
}

static enum fsm_outcome refused(struct step *s, struct fsm_input *t, const struct payload *err)
{
	struct sa *sa = t->sa;
	const struct tunnel_conf *conf = sa->tunnel->conf;
	if (err->notify.type == NOTIFY_TEMPORARY_FAILURE) {
		sa_busy(s, sa, REAUTH_IKE, sa->core.rekey_at, sa->core.expire_at);
		return failed(s, t, BLAME_NONE, NULL, BUSY_RETRY);
	}
	if (err->notify.type == NOTIFY_INVALID_KE_PAYLOAD && !sa->peer_half) {
		uint16_t group = ke_round_wanted(t->x->neg, err, KE_RETRIES_MAX);
		if (group != GROUP_NONE && group_offered(conf->ike, conf->n_ike, group)) {
			exchange_state(t->x, X_REKEY_IKE, XS_KE);
			nonce_make(s->ike, &t->x->neg->ni); /* RFC 7296 3.9 */
			ke_round_offer(s, sa, t->x, group);
			return FSM_STAY;
		}
	}
	return failed(s, t, BLAME_PEER, ike_notify_name(err->notify.type), BUSY_RETRY * 10);
}

enum fsm_outcome rekey_answered(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	struct negotiation *n = t->x->neg;
	const struct tunnel_conf *conf = sa->tunnel->conf;
	const struct payload *err = message_error_notify(t->m, true);
	if (err)
		return refused(s, t, err);
	const struct payload *p = message_find(t->m, PAYLOAD_SA, true), *nonce = message_find(t->m, PAYLOAD_NONCE, true);
	const struct payload *ke = message_find(t->m, PAYLOAD_KE, true);
	static const uint8_t none[IKE_SPI_LEN];
	struct bytes spi;
	bool fine = p && nonce && ke && p->sa.n == 1 &&
		    select_suite(conf->ike, conf->n_ike, p, PROTOCOL_IKE, false, &n->suite, &n->number, &spi) &&
		    spi.n == IKE_SPI_LEN && memcmp(spi.p, none, IKE_SPI_LEN) && ke->ke.group == n->suite.group &&
		    n->suite.group == ke_round(n)->group;
	if (!fine)
		return failed(s, t, BLAME_PEER, "the peer's answer does not fit our offer", BUSY_RETRY * 10);
	nonce_set(&n->cookie, spi);
	nonce_set(&n->nr, nonce->nonce.value);
	ke_round_finish(s, sa, t->x, ke);
	return FSM_NEXT;
}

enum fsm_outcome rekey_derived(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa, *fresh = NULL;
	if (t->job->err == ERR_BAD_KE) {
		report_bad_ke(s, sa);
		tunnel_reply(s, sa->tunnel, COMMAND_REKEY_IKE, false, tunnel_error(sa->tunnel));
		sa->delete_due = true;
		return FSM_DONE;
	}
	if (t->job->err == ERR_OK)
		fresh = make(s, sa, t->x->neg, bytes_of(t->job->shared.data, t->job->shared.len), true);
	if (!fresh)
		return failed(s, t, t->job->err == ERR_BAD_KE ? BLAME_PEER : BLAME_LOCAL, err_text(t->job->err), BUSY_RETRY * 10);
	if (sa->state != SA_ESTABLISHED) { /* closed meanwhile: nothing to inherit */
		sa_state(fresh, SA_REPLACED);
		fresh->delete_due = true;
		return FSM_DONE;
	}
	collision_sa(s, sa, fresh);
	done(s, sa, fresh);
	return FSM_DONE;
}

/* ---------------------------------------------------------------- theirs */

static bool busy_with_children(const struct sa *sa)
{
	bool child = sa->ours.core.kind == X_NEW_CHILD || sa->ours.core.kind == X_REKEY_CHILD ||
		     sa->ours.core.kind == X_DELETE_CHILD;
	return child && sa->ours.core.state != XS_IDLE;
}

void rekey_request(struct step *s, struct sa *sa, const struct message *m)
{
	const struct tunnel_conf *conf = sa->tunnel->conf;
	const struct payload *p = message_find(m, PAYLOAD_SA, true), *nonce = message_find(m, PAYLOAD_NONCE, true),
			     *ke = message_find(m, PAYLOAD_KE, true);
	static const uint8_t none[IKE_SPI_LEN];
	struct suite suite;
	struct bytes spi;
	uint8_t number;
	if (sa->state != SA_ESTABLISHED || busy_with_children(sa) || sa->peer_half || tunnel_is_full(sa->tunnel)) {
		exchange_answer_notify(s, sa, EXCHANGE_CREATE_CHILD_SA, NOTIFY_TEMPORARY_FAILURE, (struct bytes){ 0 });
		return;
	}
	if (!nonce || !select_suite(conf->ike, conf->n_ike, p, PROTOCOL_IKE, false, &suite, &number, &spi) ||
		spi.n != IKE_SPI_LEN || !memcmp(spi.p, none, IKE_SPI_LEN)) {
		sa_report(s, sa, FACT_NO_PROPOSAL, BLAME_PEER, "the peer's IKE rekey offers nothing that we accept");
		exchange_answer_notify(s, sa, EXCHANGE_CREATE_CHILD_SA, NOTIFY_NO_PROPOSAL_CHOSEN, (struct bytes){ 0 });
		sa_reauth(s, sa, REAUTH_PEERS_IKE, step_jitter(s->ike, PEERS_TURN, 50));
		return;
	}
	if (!ke_round_fits(ke, suite.group)) {
		exchange_answer_notify(s, sa, EXCHANGE_CREATE_CHILD_SA, NOTIFY_INVALID_KE_PAYLOAD, ke_round_want(s, suite.group));
		return;
	}
	struct exchange *x = &sa->theirs;
	struct negotiation *n = x->neg = negotiation_new();
	n->suite = suite;
	n->number = number;
	n->types = select_types(p, number);
	nonce_set(&n->cookie, spi);
	nonce_set(&n->ni, nonce->nonce.value);
	nonce_make(s->ike, &n->nr);
	choose_spi(s, n);
	exchange_state(x, X_REKEY_IKE, XS_DERIVE);
	ke_round_accept(s, sa, x, ke);
}

enum fsm_outcome rekey_peer_derived(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa, *fresh = NULL;
	struct negotiation *n = t->x->neg;
	if (t->job->err == ERR_OK && sa->state == SA_ESTABLISHED && !busy_with_children(sa))
		fresh = make(s, sa, n, bytes_of(t->job->shared.data, t->job->shared.len), false);
	if (!fresh) {
		if (t->job->err == ERR_BAD_KE) {
			report_bad_ke(s, sa);
			return sa_end_by(s, sa, EXCHANGE_CREATE_CHILD_SA, NOTIFY_INVALID_SYNTAX);
		}
		exchange_answer_notify(s, sa, EXCHANGE_CREATE_CHILD_SA, NOTIFY_TEMPORARY_FAILURE, (struct bytes){ 0 });
		return FSM_DONE;
	}
	ke_round_accepted(n, t->job);
	struct chain c = chain_new(s, REKEY_ROOM);
	struct payload p = select_answer(s, &n->suite, n->number, bytes_of(n->spi_new, IKE_SPI_LEN), n->types);
	chain_add(&c, &p);
	add_ke_nonce(&c, n, &n->nr);
	exchange_answer(s, sa, EXCHANGE_CREATE_CHILD_SA, &c);
	bool crossing = sa->ours.core.kind == X_REKEY_IKE && (sa->ours.core.state == XS_SENT || sa->ours.core.state == XS_DERIVE);
	if (crossing) {
		sa->peer_half = fresh->number;
		return FSM_DONE;
	}
	sa_inherit(s, sa, fresh);
	done(s, sa, fresh);
	return FSM_DONE;
}
