/*
 * schedule.c - an IKE SA's deadlines, and which exchange it starts next: one request at a time (window of 1, RFC 7296 2.3).
 */

#include "machine.h"

/* ---------------------------------------------------------------- when */

/* For the same way, by an SA that is there. */
static bool kernel_keeps_nat_open(const struct sa *sa)
{
	for (const struct child *c = sa->children; c; c = c->next)
		if (c->core.keepalive && c->core.out_installed && !(c->lost & 1u << ESP_OUT) &&
			addr_equal(&c->core.local, &sa->core.local) && addr_equal(&c->core.remote, &sa->core.remote))
			return true;
	return false;
}

static bool keeps_nat_open(const struct sa *sa)
{
	return sa->core.nat_local && (sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED) && !kernel_keeps_nat_open(sa);
}

/*
 * A responder waits so long for IKE_AUTH; an initiator for its own jobs once the peer has answered and waits, too. The first key of an initiation has no limit:
 * nobody waits for it, and to queue anew when thousands initiate at once would only lengthen the queue.
 */
static struct mono unauthenticated_until(const struct sa *sa)
{
	if (sa->state == SA_HALF_OPEN)
		return mono_add(sa->core.created, HALF_OPEN_TIMEOUT);
	bool answered = sa->state == SA_INITIATING && sa->ours.core.state != XS_SENT && sa->ours.core.state != XS_KE;
	return answered ? mono_add(sa->ours.first, HALF_OPEN_TIMEOUT) : MONO_NEVER;
}

/* A refusal of our IKE_SA_INIT is believed. */
static struct mono refused_at(const struct sa *sa)
{
	bool waits = sa->ours.core.kind == X_INIT && sa->ours.core.state == XS_SENT && sa->ours.neg;
	return waits ? sa->ours.neg->believed : MONO_NEVER;
}

void sa_alarm(struct step *s, struct sa *sa)
{
	struct mono at = MONO_NEVER;
	if (sa->ours.core.state == XS_SENT)
		at = mono_min(at, sa->ours.next);
	at = mono_min(at, mono_min(unauthenticated_until(sa), refused_at(sa)));
	if (sa->state == SA_ESTABLISHED) {
		at = mono_min(at, mono_min(sa->core.expire_at, mono_min(sa->retry_at, sa->reauth_at)));
		if (!sa->rekey_due)
			at = mono_min(at, sa->core.rekey_at);
		if (sa->ours.core.state == XS_IDLE && !sa->liveness_due)
			at = mono_min(at, sa_liveness_at(sa));
		if (sa->tunnel->link_up && sa->ours.tries >= 2 && !sa_failover_due(s, sa))
			at = mono_min(at, sa_failover_at(sa));
	}
	if (sa->theirs.core.state == XS_SWITCH)
		at = mono_min(at, sa->theirs.next);
	if (sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED)
		at = mono_min(at, sa->close_at);
	if (keeps_nat_open(sa))
		at = mono_min(at, mono_add(sa->sent, KEEPALIVE_EVERY));
	alarm_at(s->ike, &sa->alarm, at);
}

/* ---------------------------------------------------------------- the peer is given up */

static bool up_by_another(const struct tunnel *t, const struct sa *sa)
{
	for (const struct slot *slot = t->slots; slot; slot = slot->next)
		if (slot_carried(slot) && slot->current->sa != sa)
			return true;
	return false;
}

/* Nothing answered for dpd-timeout: the SA and all below it go without a word (RFC 7296 2.4). */
static void peer_dead(struct step *s, struct sa *sa)
{
	struct tunnel *t = sa->tunnel;
	char age[TIME_TEXT];
	bool crossed = sa->state == SA_ESTABLISHED && sa->peer_half;
	bool spare = t && t->link_up && up_by_another(t, sa);
	collision_peer_closes(
		s, sa); /* not the peer but its DELETE was lost: its half of a crossing lives, and takes the children */
	if (spare && sa->state != SA_INITIATING && !crossed) {
		ike_report(s, FACT_IKE_REPLACED, BLAME_NONE, t, &sa->core.remote,
			"an older IKE SA, unresponsive for %s, is given up", span_format(s->now.mono.ms - sa->heard.ms, age));
		ike_report_about(s, t, SUBJECT_IKE_SA, "unresponsive", NULL);
	} else if (t && sa->state != SA_INITIATING && !crossed)
		ike_report(s, FACT_PEER_DEAD, BLAME_PEER, t, &sa->core.remote, "peer unresponsive for %s: reconnecting",
			span_format(s->now.mono.ms - sa->heard.ms, age));
	if (spare) /* the peer may still send on it */
		sa_close(s, sa);
	else
		sa_destroy(s, sa);
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
	if (sa->state != SA_INITIATING) {
		peer_dead(s, sa);
		return;
	}
	bool init = sa->ours.core.kind == X_INIT;
	char remote[ADDR_TEXT], large[FACT_VALUE] = "";
	if (!init)
		sent_message_large(sa, &sa->ours.sent, large);
	sa_report(s, sa, FACT_NO_ANSWER, BLAME_NETWORK, "no answer from %s to %s (%u times sent%s%s)%s",
		addr_port_format(&sa->core.remote, remote), init ? "IKE_SA_INIT" : "IKE_AUTH", sa->ours.tries,
		large[0] ? "; " : "", large,
		init       ? ": wrong address, UDP 500 blocked, or the peer is not configured for us"
		: large[0] ? ": the path may lose fragments, UDP 4500 may be blocked, or the peer drops us after IKE_SA_INIT"
			   : ": UDP 4500 may be blocked, or the peer drops us after IKE_SA_INIT");
	ike_report_compared(s, sa->tunnel, PROTOCOL_NONE, 0, init ? "IKE_SA_INIT" : "IKE_AUTH", "");
	ike_report_about(s, sa->tunnel, SUBJECT_NONE, NULL, large[0] ? large : NULL);
	sa_destroy(s, sa);
}

/* ---------------------------------------------------------------- it is time */

static void keepalive(struct step *s, struct sa *sa)
{
	struct ike_action *a = step_action(s, ACTION_KEEPALIVE);
	a->send.local = sa->core.local;
	a->send.remote = sa->core.remote;
	sa->sent = s->now.mono;
}

bool sa_only_quiet(struct step *s, struct sa *sa)
{
	struct mono now = s->now.mono, first = mono_min(mono_min(sa->core.expire_at, sa->core.rekey_at), sa->reauth_at);
	first = mono_min(first, mono_min(sa->close_at, sa->retry_at));
	if (sa->state != SA_ESTABLISHED || sa->ours.core.state != XS_IDLE || sa->theirs.core.state != XS_IDLE ||
		mono_due(first, now))
		return false;
	sa->liveness_due |= mono_due(sa_liveness_at(sa), now);
	if (keeps_nat_open(sa) && mono_due(mono_add(sa->sent, KEEPALIVE_EVERY), now))
		keepalive(s, sa);
	sa_look(s, sa);
	return true;
}

void sa_timer(struct step *s, struct sa *sa)
{
	struct mono now = s->now.mono;
	if (mono_due(unauthenticated_until(sa), now)) {
		sa_destroy(s, sa);
		return;
	}
	if (mono_due(refused_at(sa), now)) {
		init_believe_refusal(s, sa);
		return;
	}
	if (sa->ours.core.state == XS_SENT && mono_due(sa->ours.next, now)) {
		if (!exchange_repeat(s, sa)) {
			no_answer(s, sa);
			return;
		}
	}
	if (sa->state == SA_ESTABLISHED && mono_due(sa->core.expire_at, now)) {
		sa_report(s, sa, FACT_LIFETIME, BLAME_PEER, "the IKE SA reached its lifetime without a rekey: reconnecting");
		ike_report_about(s, sa->tunnel, SUBJECT_IKE_SA, NULL, NULL);
		sa->delete_due = true;
		sa->core.expire_at = MONO_NEVER;
	}
	if (sa->state == SA_ESTABLISHED && mono_due(sa->reauth_at, now))
		sa_reauth_due(s, sa);
	if (sa->state == SA_ESTABLISHED && mono_due(sa->core.rekey_at, now))
		sa->rekey_due = true;
	if (mono_due(sa->close_at, now) && (sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED)) {
		sa->close_at = MONO_NEVER;
		if (sa->state == SA_ESTABLISHED && !sa->forgotten)
			sa->tunnel->closed_redundant_at = now;
		sa->delete_due = true;
		if (sa->forgotten) {
			sa_close(s, sa);
			return;
		}
	}
	if (mono_due(sa->retry_at, now))
		sa->retry_at = MONO_NEVER;
	if (sa->theirs.core.state == XS_SWITCH)
		tunnel_mark(s, sa->tunnel);
	if (sa->state == SA_ESTABLISHED && sa->ours.core.state == XS_IDLE && mono_due(sa_liveness_at(sa), now))
		sa->liveness_due = true;
	if (sa->state == SA_ESTABLISHED && sa->tunnel->link_up && sa_failover_due(s, sa))
		tunnel_mark(s, sa->tunnel);
	if (keeps_nat_open(sa) && mono_due(mono_add(sa->sent, KEEPALIVE_EVERY), now))
		keepalive(s, sa);
	sa_mark(s, sa);
}

/* ---------------------------------------------------------------- what next */

/* Traffic leaves by it until the kernel has switched to another one: that comes first, at the end of this step or soon. */
static bool still_sends(const struct child *c)
{
	const struct slot *slot = c->slot;
	return slot->current == c && ((slot->switching && slot->switching != c) || c->tunnel->dirty);
}

static bool start_child_work(struct step *s, struct sa *sa)
{
	struct child *due = NULL;
	for (struct child *c = sa->children; c; c = c->next) {
		bool closes = c->delete_due && c->state < CHILD_DELETING && c->state != CHILD_MAKING;
		if (closes && !still_sends(c)) {
			info_delete_child(s, sa, c);
			return true;
		}
		if (!closes && child_rekey_ready(s, c))
			due = c;
	}
	if (sa->state != SA_ESTABLISHED || !mono_is_never(sa->retry_at))
		return false;
	if (due) {
		if (due->lost)
			sa->tunnel->lost_at = s->now.mono;
		create_start(s, sa, due, due->slot);
		return true;
	}
	struct slot *slot = sa->new_child_due ? tunnel_demanded(sa) : NULL;
	sa->new_child_due = false;
	if (slot)
		create_start(s, sa, NULL, slot);
	return slot != NULL;
}

static bool peer_busy_with_ike(const struct sa *sa) { return sa->theirs.core.state != XS_IDLE; }

void sa_work(struct step *s, struct sa *sa)
{
	bool ended = sa->theirs.core.kind == X_DELETE_IKE; /* only our answer is missing */
	bool may = !ended && sa->ours.core.state == XS_IDLE && (sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED);
	if (may && sa->delete_due)
		info_delete_ike(s, sa);
	else if (may && start_child_work(s, sa))
		;
	else if (may && sa->state == SA_ESTABLISHED && sa->rekey_due && mono_is_never(sa->close_at) &&
		 mono_is_never(sa->retry_at) && !peer_busy_with_ike(sa))
		rekey_start(s, sa);
	else if (may && sa->state == SA_ESTABLISHED && sa->lifetime_due)
		info_auth_lifetime(s, sa);
	else if (may && sa->state == SA_ESTABLISHED && sa->liveness_due)
		info_liveness(s, sa);
	else if (may && !sa->children) /* free for a child again */
		tunnel_mark(s, sa->tunnel);
	if (sa->state != SA_DEAD)
		sa_alarm(s, sa);
}
