/*
 * create.c - CREATE_CHILD_SA for child SAs: new ones and rekeys, from either side (RFC 7296 1.3.1, 1.3.3, 2.8, 2.17, 2.25.1).
 *
 *	HDR, SK {[N(REKEY_SA),] SA, Ni, [KEi,] TSi, TSr}  -->
 *	                              <--  HDR, SK {SA, Nr, [KEr,] TSi, TSr}
 *
 * Crossing rekeys: collision.c.
 */
#include <string.h>

#include "machine.h"

#define CREATE_ROOM 32768 /* with 255 selectors of IPv6 at each end */
#define KE_RETRIES_MAX 2

static bool rekeyable(const struct child *c) { return c && (c->state == CHILD_INBOUND || c->state == CHILD_READY); }

static void reply_refused(struct step *s, struct tunnel *t)
{
	tunnel_reply(s, t, COMMAND_REKEY, false, tunnel_error(t));
	tunnel_reply(s, t, COMMAND_REKEY_CHECK, false, tunnel_error(t));
}

static enum groups groups_of(const struct negotiation *n) { return n->without_pfs ? GROUPS_ABSENT : GROUPS_KEPT; }

static void send_request(struct step *s, struct sa *sa)
{
	struct exchange *x = &sa->ours;
	struct negotiation *n = x->neg;
	struct child *old = child_by_number(sa->tunnel, n->replaces);
	struct proposal v[PROPOSALS_MAX];
	struct chain c = chain_new(s, CREATE_ROOM);
	struct payload p;
	if (old) {
		p = payload_notify(NOTIFY_REKEY_SA, (struct bytes){ 0 });
		p.notify.protocol = PROTOCOL_ESP;
		p.notify.spi = spi_bytes(s, old->core.spi_in);
		chain_add(&c, &p);
	}
	p = select_offer(s, v, child_proposals(sa->tunnel, groups_of(n), v), spi_bytes(s, n->child->core.spi_in));
	chain_add(&c, &p);
	add_ke_nonce(&c, n, &n->ni);
	add_ts(&c, PAYLOAD_TSi, n->child->local_ts);
	add_ts(&c, PAYLOAD_TSr, n->child->remote_ts);
	exchange_request(s, sa, old ? X_REKEY_CHILD : X_NEW_CHILD, EXCHANGE_CREATE_CHILD_SA, &c);
}

void create_start(struct step *s, struct sa *sa, struct child *old, struct slot *slot)
{
	struct exchange *x = &sa->ours;
	struct proposal v[PROPOSALS_MAX];
	unsigned nv = child_proposals(sa->tunnel, GROUPS_KEPT, v);
	struct negotiation *n = x->neg = negotiation_new();
	n->replaces = old ? old->number : 0;
	n->child = child_new(s, sa, slot, true);
	n->asked = slot->number;
	child_ask_for(n->child, old);
	slot->by_traffic = false;
	uint16_t group = first_group(v, nv);
	nonce_make(s->ike, &n->ni);
	if (group == GROUP_NONE) {
		send_request(s, sa);
		return;
	}
	exchange_state(x, old ? X_REKEY_CHILD : X_NEW_CHILD, XS_KE);
	ke_round_offer(s, sa, x, group);
}

enum fsm_outcome create_ke_done(struct step *s, struct fsm_input *t)
{
	struct negotiation *n = t->x->neg;
	if (n->replaces && !rekeyable(child_by_number(t->sa->tunnel, n->replaces)))
		return FSM_DONE; /* the peer was faster */
	if (t->sa->state != SA_ESTABLISHED || t->job->err != ERR_OK) {
		t->sa->retry_at = mono_add(s->now.mono, BUSY_RETRY);
		return FSM_DONE;
	}
	ke_round_offered(n, t->job);
	send_request(s, t->sa);
	return FSM_NEXT;
}

static enum fsm_outcome other_group(struct step *s, struct fsm_input *t, const struct payload *notify)
{
	struct negotiation *n = t->x->neg;
	struct proposal v[PROPOSALS_MAX];
	unsigned nv = child_proposals(t->sa->tunnel, GROUPS_KEPT, v);
	uint16_t group = n->without_pfs ? GROUP_NONE : ke_round_wanted(n, notify, KE_RETRIES_MAX);
	if (group == GROUP_NONE || !group_offered(v, nv, group))
		return FSM_DONE;
	exchange_state(t->x, t->x->core.kind, XS_KE);
	nonce_make(s->ike, &n->ni); /* RFC 7296 3.9: none is used twice */
	ke_round_offer(s, t->sa, t->x, group);
	return FSM_STAY;
}

/* Peers without PFS refuse an offer that has a group, even beside one that has none; where our proposals can do without, so can we. */
static enum fsm_outcome try_without_pfs(struct step *s, struct fsm_input *t, const struct child *old)
{
	struct negotiation *n = t->x->neg;
	struct proposal v[PROPOSALS_MAX];
	bool wanted = n->replaces ? rekeyable(old) : tunnel_current(t->sa->tunnel) != NULL; /* IKE_AUTH's own child had none */
	bool can = wanted && ke_round(n)->group != GROUP_NONE && !n->without_pfs && t->sa->state == SA_ESTABLISHED;
	if (!can || !child_proposals(t->sa->tunnel, GROUPS_ABSENT, v))
		return FSM_DONE;
	n->without_pfs = true;
	wipe(&ke_round(n)->priv, sizeof ke_round(n)->priv);
	ke_round(n)->group = GROUP_NONE;
	nonce_make(s->ike, &n->ni);
	send_request(s, t->sa);
	return FSM_STAY;
}

/* A rekey that was refused is tried again soon, beside a new IKE SA if the peer refused it; one that was only a proof, when it is really due. */
static void again_later(struct step *s, struct child *old, msec pause, bool for_good)
{
	old->retry_at = mono_add(s->now.mono, pause);
	if (old->checking)
		old->rekey_due = mono_due(old->core.rekey_at, s->now.mono);
	if (old->rekey_due && for_good)
		sa_reauth(s, old->sa, REAUTH_CHILD, 0);
	old->checking = false;
	child_alarm(s, old);
}

/*
 * What is left of a pair that another program tore apart, and the peer will not rekey, stays until another IKE SA has brought a new one. Who cannot make
 * that asks the peer to, and closes the child when that did not help: what carries nothing must not look as if it did.
 */
static bool close_lost(struct step *s, struct sa *sa, struct child *old)
{
	if (!old || !old->lost || tunnel_may_initiate(s->ike, sa->tunnel) || !sa->child_refusals++)
		return false;
	old->delete_due = true;
	return true;
}

static void report_refusal(struct step *s, struct sa *sa, uint16_t type, bool rekey)
{
	struct proposal v[PROPOSALS_MAX];
	char ours[FACT_ITEM];
	unsigned n = child_proposals(sa->tunnel, GROUPS_KEPT, v);
	const struct fact *before = sa->tunnel->last_error;
	/* When IKE_AUTH's child was refused too, where no PFS is, it is not PFS. */
	bool algorithms = type == NOTIFY_NO_PROPOSAL_CHOSEN && !(before && before->code == FACT_PFS_MISMATCH);
	if (!rekey && sa->child_refusals && (type == NOTIFY_TS_UNACCEPTABLE || algorithms)) {
		report_no_child(s, sa, sa->ours.neg->child, type);
		return;
	}
	select_describe_ours(sa->tunnel->conf->esp, sa->tunnel->conf->n_esp, ours, sizeof ours);
	bool none = first_group(v, n) == GROUP_NONE;
	if (type == NOTIFY_NO_PROPOSAL_CHOSEN && none && rekey) /* it has taken the algorithms before */
		sa_report(s, sa, FACT_PFS_MISMATCH, BLAME_PEER,
			"the peer accepts none of our ESP proposals (%.84s) for the rekey: it wants PFS (esp-proposals with a group)",
			ours);
	else if (type == NOTIFY_NO_PROPOSAL_CHOSEN && !none)
		sa_report(s, sa, FACT_PFS_MISMATCH, BLAME_PEER,
			"the peer accepts none of our ESP proposals (%.84s) %s: its PFS group differs, or it has no PFS (esp-proposals without a group)",
			ours, rekey ? "for the rekey" : "for a new child SA");
	else
		sa_report(s, sa, rekey ? FACT_REKEY_FAILED : FACT_NO_CHILD, BLAME_PEER, "the peer refused the %s: %s (%u)",
			rekey ? "rekey" : "child SA", ike_notify_name(type), type);
	ike_report_about(s, sa->tunnel, SUBJECT_CHILD_SA, NULL, NULL);
	ike_report_compared(s, sa->tunnel, type == NOTIFY_NO_PROPOSAL_CHOSEN ? PROTOCOL_ESP : PROTOCOL_NONE, type, ours, "");
}

/* An SA that carries others goes on with them. */
static void no_new_child(struct step *s, struct sa *sa, struct slot *slot, uint16_t notify, msec pause)
{
	tunnel_refused(s, sa->tunnel, slot, notify);
	if (tunnel_current(sa->tunnel))
		return;
	sa->child_refusals++;
	sa->retry_at = mono_add(s->now.mono, pause << (sa->child_refusals < 4 ? sa->child_refusals : 4));
}

static enum fsm_outcome refused(struct step *s, struct fsm_input *t, const struct payload *notify)
{
	struct sa *sa = t->sa;
	struct child *old = child_by_number(sa->tunnel, t->x->neg->replaces);
	uint16_t type = notify->notify.type;
	bool lost = old && old->peer_half;
	if (type == NOTIFY_INVALID_KE_PAYLOAD && !lost) {
		enum fsm_outcome r = other_group(s, t, notify);
		if (r == FSM_STAY)
			return r;
	}
	if (lost) {
		collision_child(s, old, NULL);
		return FSM_DONE;
	}
	if ((type == NOTIFY_NO_PROPOSAL_CHOSEN || type == NOTIFY_INVALID_KE_PAYLOAD) && try_without_pfs(s, t, old) == FSM_STAY)
		return FSM_STAY;
	if (t->x->neg->replaces &&
		!old) { /* closed meanwhile, by the peer's own rekey mostly: nobody misses this one, RFC 7296 2.25.1 */
		sa_mark(s, sa);
		tunnel_mark(s, sa->tunnel);
		return FSM_DONE;
	}
	msec pause = step_jitter(s->ike, BUSY_RETRY, 50);
	if (type == NOTIFY_TEMPORARY_FAILURE) {
		if (old && old->lost) /* traffic waits for it */
			pause = step_jitter(s->ike, LOST_PAUSE, 50);
		(old ? &old->retry_at : &sa->retry_at)[0] = mono_add(s->now.mono, pause);
		if (old) {
			sa_busy(s, sa, REAUTH_CHILD, old->core.rekey_at, old->core.expire_at);
			child_alarm(s, old);
		}
		return FSM_DONE;
	}
	if (type == NOTIFY_CHILD_SA_NOT_FOUND && old) { /* RFC 7296 2.25.1: it is gone at the peer */
		child_close(s, old);
		return FSM_DONE;
	}
	report_refusal(s, sa, type, old != NULL);
	reply_refused(s, sa->tunnel);
	if (close_lost(s, sa, old))
		return FSM_DONE;
	if (old) {
		again_later(s, old, pause * 5, true);
	} else {
		no_new_child(s, sa, t->x->neg->child->slot, type, pause);
	}
	return FSM_DONE;
}

/* The peer has made a child that we cannot use. */
static enum fsm_outcome unusable(struct step *s, struct fsm_input *t, enum blame blame, const char *why)
{
	struct sa *sa = t->sa;
	struct child *old = child_by_number(sa->tunnel, t->x->neg->replaces);
	if (!old && t->x->neg->too_many) {
		report_unusable_child(s, sa, t->x->neg);
	} else {
		sa_report(s, sa, old ? FACT_REKEY_FAILED : FACT_NO_CHILD, blame,
			"the child SA that the peer agreed to cannot be used: %s", why);
		ike_report_about(s, sa->tunnel, SUBJECT_CHILD_SA, NULL, NULL);
	}
	reply_refused(s, sa->tunnel);
	if (t->x->neg->child->core.spi_out && t->x->neg->child->state == CHILD_MAKING)
		child_abandon(s, t->x->neg->child);
	if (old && old->peer_half)
		collision_child(s, old, NULL);
	else if (old)
		again_later(s, old, step_jitter(s->ike, old->lost ? BUSY_RETRY : BUSY_RETRY * 5, 50), blame == BLAME_PEER);
	else
		no_new_child(s, sa, t->x->neg->child->slot, 0, step_jitter(s->ike, BUSY_RETRY, 50));
	return FSM_DONE;
}

static enum fsm_outcome install(struct step *s, struct fsm_input *t, struct bytes shared)
{
	if (keys_child(t->x->neg->child, t->sa, t->x->neg, shared, true) != ERR_OK)
		return unusable(s, t, BLAME_LOCAL, "key derivation failed");
	child_install(s, t->x->neg->child, false);
	return FSM_NEXT;
}

enum fsm_outcome create_answered(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	struct negotiation *n = t->x->neg;
	struct child *c = n->child;
	const struct payload *err = message_error_notify(t->m, true);
	if (err)
		return refused(s, t, err);
	const struct payload *nonce = message_find(t->m, PAYLOAD_NONCE, true), *ke = message_find(t->m, PAYLOAD_KE, true);
	n->more_possible = message_find_notify(t->m, NOTIFY_ADDITIONAL_TS_POSSIBLE, true) != NULL;
	uint16_t wrong = nonce ? offer_take_child(c, n, t->m, groups_of(n), true) : NOTIFY_INVALID_SYNTAX;
	uint16_t group = c->core.suite.group;
	const char *why = wrong == NOTIFY_INVALID_SYNTAX       ? "payloads are missing"
			  : wrong == NOTIFY_NO_PROPOSAL_CHOSEN ? "it chose what we did not offer"
			  : wrong == NOTIFY_INVALID_SPI        ? "its SPI is in use already"
			  : n->too_many ? "the selectors make more than 256 pairs, and we hold no more for a tunnel"
			  : wrong       ? "its traffic selectors lie outside ours"
			  : n->closed && n->closed == c->core.spi_out ? "the peer closed it at once"
			  : group != GROUP_NONE && (!ke || ke->ke.group != group || group != ke_round(n)->group)
				  ? "its key exchange payload does not fit the chosen group"
				  : NULL;
	if (why)
		return unusable(s, t, n->too_many ? BLAME_LOCAL : BLAME_PEER, why);
	nonce_set(&n->nr, nonce->nonce.value);
	c->core.collision_nonce = collision_nonce_of(&n->ni, &n->nr);
	if (c->core.suite.group == GROUP_NONE)
		return install(s, t, (struct bytes){ 0 }) == FSM_NEXT ? FSM_SKIP : FSM_DONE;
	ke_round_finish(s, sa, t->x, ke);
	return FSM_NEXT;
}

enum fsm_outcome create_derived(struct step *s, struct fsm_input *t)
{
	if (t->job->err == ERR_BAD_KE) {
		report_bad_ke(s, t->sa);
		reply_refused(s, t->sa->tunnel);
		t->sa->delete_due = true;
		return FSM_DONE;
	}
	if (t->job->err != ERR_OK)
		return unusable(s, t, BLAME_PEER, err_text(t->job->err));
	return install(s, t, bytes_of(t->job->shared.data, t->job->shared.len));
}

static void report_made(struct step *s, const struct child *c, const struct child *old, bool pfs_refused)
{
	char suite[PROPOSAL_TEXT];
	suite_format(&c->core.suite, suite);
	if (old)
		ike_report(s, FACT_CHILD_REKEYED, BLAME_NONE, c->tunnel, NULL, "child SA %08x/%08x rekeyed to %08x/%08x (%s)%s%s",
			old->core.spi_in, old->core.spi_out, c->core.spi_in, c->core.spi_out, suite,
			pfs_refused ? " without PFS: the peer refused the offer with a group" : "",
			old->lost       ? ": an SA of it was gone from the kernel"
			: old->checking ? ": rekey-check passed"
					: "");
	else
		ike_report(s, FACT_CHILD_ESTABLISHED, BLAME_NONE, c->tunnel, NULL, "child SA %08x/%08x established (%s)",
			c->core.spi_in, c->core.spi_out, suite);
}

/* What came of what a slot asked for: all of it, a part with more to be had, or what another one carries already. */
static void took(struct step *s, struct sa *sa, const struct negotiation *n)
{
	struct child *c = n->child;
	if (n->asked == c->slot->number)
		c->slot->refusals = 0;
	else
		for (struct slot *slot = sa->tunnel->slots; slot; slot = slot->next)
			if (slot->number == n->asked)
				tunnel_refused(s, sa->tunnel, slot, 0);
	if (n->more_possible)
		slot_cut(sa->tunnel, c->slot, c);
}

enum fsm_outcome create_installed(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	struct child *c = t->x->neg->child, *old = child_by_number(sa->tunnel, t->x->neg->replaces);
	if (t->kernel)
		return unusable(s, t, BLAME_LOCAL, "our kernel refused it");
	if (c->delete_due)
		return unusable(s, t, BLAME_PEER, "the peer closed it at once");
	child_installed(s, c);
	sa->child_refusals = 0;
	report_made(s, c, old, t->x->neg->without_pfs);
	if (!old)
		took(s, sa, t->x->neg);
	if (old) {
		sa->tunnel->counters[COUNTER_CHILD_REKEYS]++;
		sa_reauth_over(sa, REAUTH_CHILD);
		collision_child(s, old, c);
	}
	child_reply_rekeyed(s, sa->tunnel, c);
	return FSM_DONE;
}

/* ---------------------------------------------------------------- theirs */

static void no(struct step *s, struct sa *sa, uint16_t notify)
{
	exchange_answer_notify(s, sa, EXCHANGE_CREATE_CHILD_SA, notify, (struct bytes){ 0 });
}

/* Which child REKEY_SA means. The answer to nonsense carries the protocol and SPI of the request, whatever they are (RFC 7296 2.25.1). */
static bool find_old(struct step *s, struct sa *sa, const struct payload *rekey, struct child **old)
{
	struct cursor c = cursor_over(rekey->notify.spi);
	uint32_t spi = get_u32(&c);
	bool shape = rekey->notify.protocol == PROTOCOL_ESP && rekey->notify.spi.n == ESP_SPI_LEN;
	*old = shape ? child_by_spi_out(sa, spi) : NULL;
	struct child *by = *old ? child_by_number(sa->tunnel, (*old)->replaced_by) : NULL;
	/* One that our own exchange is about to bring is not unknown, only young. */
	if (!*old && (sa->ours.core.kind == X_NEW_CHILD || sa->ours.core.kind == X_REKEY_CHILD)) {
		no(s, sa, NOTIFY_TEMPORARY_FAILURE);
		return false;
	}
	if (!*old) {
		struct chain out = chain_new(s, 64 + rekey->notify.spi.n);
		struct payload p = payload_notify(NOTIFY_CHILD_SA_NOT_FOUND, (struct bytes){ 0 });
		p.notify.protocol = rekey->notify.protocol;
		p.notify.spi = rekey->notify.spi;
		chain_add(&out, &p);
		exchange_answer(s, sa, EXCHANGE_CREATE_CHILD_SA, &out);
		return false;
	}
	bool closing = (*old)->state == CHILD_DELETING || (*old)->delete_due ||
		       ((*old)->state == CHILD_REPLACED && by && by->core.initiator);
	if (closing) { /* RFC 7296 2.25.1 */
		no(s, sa, NOTIFY_TEMPORARY_FAILURE);
		return false;
	}
	return true;
}

static unsigned children(const struct sa *sa)
{
	unsigned n = 0;
	for (const struct child *c = sa->children; c; c = c->next)
		n++;
	return n;
}

/* What the peer wants, into the child of n; a notify type when it cannot be, 0 = fine. */
static uint16_t take_wanted(struct step *s, struct sa *sa, const struct message *m, struct negotiation *n)
{
	const struct payload *nonce = message_find(m, PAYLOAD_NONCE, true), *ke = message_find(m, PAYLOAD_KE, true);
	struct child *c = n->child;
	uint16_t wrong = nonce ? offer_take_child(c, n, m, GROUPS_KEPT, false) : NOTIFY_INVALID_SYNTAX;
	if (wrong)
		return offer_refuse_child(s, sa, m, n, wrong, FACT_PFS_MISMATCH);
	const struct child *old = child_by_number(sa->tunnel, n->replaces);
	c->peers_selectors &= !old || old->peers_selectors;
	ke_round(n)->group = c->core.suite.group;
	if (c->core.suite.group != GROUP_NONE && !ke_round_fits(ke, c->core.suite.group))
		return NOTIFY_INVALID_KE_PAYLOAD;
	nonce_set(&n->ni, nonce->nonce.value);
	nonce_make(s->ike, &n->nr);
	c->core.collision_nonce = collision_nonce_of(&n->ni, &n->nr);
	return 0;
}

static void give_back(struct step *s, struct sa *sa, struct exchange *x, uint16_t notify)
{
	struct negotiation *n = x->neg;
	struct bytes data = notify == NOTIFY_INVALID_KE_PAYLOAD ? ke_round_want(s, ke_round(n)->group) : (struct bytes){ 0 };
	x->neg = NULL;
	negotiation_free(s, n);
	if (notify == NOTIFY_INVALID_SYNTAX)
		sa_end_by(s, sa, EXCHANGE_CREATE_CHILD_SA, notify);
	else
		exchange_answer_notify(s, sa, EXCHANGE_CREATE_CHILD_SA, notify, data);
}

void create_request(struct step *s, struct sa *sa, const struct message *m)
{
	const struct payload *p = message_find(m, PAYLOAD_SA, true), *rekey = message_find_notify(m, NOTIFY_REKEY_SA, true), *ke;
	struct exchange *x = &sa->theirs;
	struct child *old = NULL;
	if (!p || sa->state != SA_ESTABLISHED || sa->ours.core.kind == X_REKEY_IKE) { /* RFC 7296 2.25.2 */
		no(s, sa, NOTIFY_TEMPORARY_FAILURE);
		return;
	}
	if (rekey && !find_old(s, sa, rekey, &old))
		return;
	if (children(sa) >= CHILDREN_PER_SA_MAX + 2u * sa->tunnel->n_slots) {
		no(s, sa, NOTIFY_NO_ADDITIONAL_SAS);
		return;
	}
	struct negotiation *n = x->neg = negotiation_new();
	n->child = child_new(s, sa, old ? old->slot : sa->tunnel->slots, false);
	n->replaces = old ? old->number : 0;
	uint16_t wrong = take_wanted(s, sa, m, n);
	if (!wrong && n->child->core.suite.group == GROUP_NONE &&
		keys_child(n->child, sa, n, (struct bytes){ 0 }, false) != ERR_OK)
		wrong = NOTIFY_NO_PROPOSAL_CHOSEN;
	if (wrong) {
		if (old && wrong != NOTIFY_INVALID_KE_PAYLOAD && s->now.mono.ms - old->core.created.ms > PEERS_EARLY)
			sa_reauth(s, sa, REAUTH_PEERS_CHILD, step_jitter(s->ike, PEERS_TURN, 50));
		give_back(s, sa, x, wrong);
		return;
	}
	enum xkind kind = old ? X_REKEY_CHILD : X_NEW_CHILD;
	if (n->child->core.suite.group == GROUP_NONE) {
		child_install(s, n->child, false);
		exchange_state(x, kind, XS_INSTALL);
		return;
	}
	ke = message_find(m, PAYLOAD_KE, true);
	exchange_state(x, kind, XS_DERIVE);
	ke_round_accept(s, sa, x, ke);
}

enum fsm_outcome create_peer_derived(struct step *s, struct fsm_input *t)
{
	struct negotiation *n = t->x->neg;
	if (t->job->err == ERR_BAD_KE) {
		report_bad_ke(s, t->sa);
		return sa_end_by(s, t->sa, EXCHANGE_CREATE_CHILD_SA, NOTIFY_INVALID_SYNTAX);
	}
	if (t->job->err != ERR_OK ||
		keys_child(n->child, t->sa, n, bytes_of(t->job->shared.data, t->job->shared.len), false) != ERR_OK) {
		no(s, t->sa, NOTIFY_TEMPORARY_FAILURE);
		return FSM_DONE;
	}
	ke_round_accepted(n, t->job);
	child_install(s, n->child, false);
	return FSM_NEXT;
}

enum fsm_outcome create_peer_installed(struct step *s, struct fsm_input *t)
{
	struct sa *sa = t->sa;
	struct negotiation *n = t->x->neg;
	struct child *c = n->child, *old = child_by_number(sa->tunnel, n->replaces);
	if (t->kernel) {
		no(s, sa, NOTIFY_NO_ADDITIONAL_SAS);
		return FSM_DONE;
	}
	struct chain out = chain_new(s, CREATE_ROOM);
	struct payload p = select_answer(s, &c->core.suite, n->number, spi_bytes(s, c->core.spi_in), n->types);
	chain_add(&out, &p);
	add_ke_nonce(&out, n, &n->nr);
	add_ts(&out, PAYLOAD_TSi, c->remote_ts);
	add_ts(&out, PAYLOAD_TSr, c->local_ts);
	add_more_possible(&out, n);
	exchange_answer(s, sa, EXCHANGE_CREATE_CHILD_SA, &out);
	child_installed(s, c);
	report_made(s, c, old, false);
	if (!old)
		return FSM_DONE;
	c->ready_at = mono_add(s->now.mono, SWITCH_LATEST);
	child_alarm(s, c);
	sa->tunnel->counters[COUNTER_CHILD_REKEYS]++;
	sa_reauth_over(sa, REAUTH_PEERS_CHILD);
	bool crossing = sa->ours.core.kind == X_REKEY_CHILD && sa->ours.neg && sa->ours.neg->replaces == old->number &&
			sa->ours.core.state != XS_KE;
	if (crossing) {
		old->peer_half = c->number;
	} else if (old->state != CHILD_DELETING) {
		child_replaced(s, old, c); /* the peer deletes it */
		child_reply_rekeyed(s, sa->tunnel, c);
	}
	return FSM_DONE;
}
