/*
 * follow.c - what follows from a tunnel's SAs: whether it is up, what is redundant, what is missing.
 *
 * tunnel_work() looks at the whole picture after every change and needs no memory of how it came about: the same picture gives the same consequences.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

/* ---------------------------------------------------------------- up and down */

static void set_state(struct step *s, struct tunnel *t, enum tunnel_state state)
{
	if (t->state != state)
		t->since = s->now.wall;
	t->state = state;
}

static void link_to(struct step *s, struct tunnel *t, enum esp_link state)
{
	struct esp_link_state l = child_link(t, tunnel_current(t), state);
	bool same = l.state == t->link.state && l.encap == t->link.encap && suite_equal(&l.suite, &t->link.suite) &&
		    addr_equal(&l.local, &t->link.local) && addr_equal(&l.remote, &t->link.remote);
	if (same)
		return;
	t->link = l;
	t->first = 0;
	step_action(s, ACTION_LINK)->link = l;
}

/* The SAs stay and probing goes on, but traffic shall not wait for them: routes leave, routing protocols see it by the interface. */
static void report_failover(struct step *s, struct tunnel *t)
{
	char span[TIME_TEXT];
	const struct child *c = tunnel_current(t);
	const struct sa *sa = c ? c->sa : NULL;
	if (sa && sa_failover_due(s, sa))
		ike_report(s, FACT_NO_ANSWER, BLAME_PEER, t, &sa->core.remote,
			"the peer is unresponsive for %s: its routes are withdrawn, probing goes on",
			span_format(s->now.mono.ms - (mono_is_never(sa->no_return_since) ? sa->heard : sa->no_return_since).ms,
				span));
}

/* Its traffic begins now: whether it gets through is seen soon. */
static void look_soon(struct step *s, const struct tunnel *t)
{
	struct ike *ike = s->ike;
	if (!t->conf->failover_after)
		return;
	ike->looks.calm = mono_add(s->now.mono, COUNTERS_BUSY);
	ike->counters_at = mono_min(ike->counters_at, mono_add(s->now.mono, ike->looks.busy + (msec)ike->totals.established));
}

static void went_up(struct step *s, struct tunnel *t)
{
	char remote[ADDR_TEXT], suite[PROPOSAL_TEXT];
	set_state(s, t, TUNNEL_UP);
	recent_came_up(&t->recent);
	t->link_up = true;
	t->outage = MONO_NEVER;
	tunnel_forget_error(t);
	const struct child *c = tunnel_current(t);
	ike_report(s, FACT_UP, BLAME_NONE, t, &c->core.remote, "up: %s%s, %s", addr_port_format(&c->core.remote, remote),
		c->core.encap ? " (ESP in UDP)" : "", suite_format(&c->core.suite, suite));
	tunnel_reply(s, t, COMMAND_UP, true, NULL);
	look_soon(s, t);
}

static void went_down(struct step *s, struct tunnel *t)
{
	const char *why = t->held                 ? "stopped by the operator"
			  : s->ike->shutting_down ? "shutting down"
			  : t->last_error         ? tunnel_error(t)
						  : "no child SA";
	t->link_up = false;
	t->outage = s->now.mono;
	link_to(s, t, LINK_DOWN);
	if (t->held || s->ike->shutting_down)
		ike_report(s, FACT_STOPPED, BLAME_OPERATOR, t, NULL, "down: %s", why);
	else
		ike_report(s, FACT_DOWN, t->last_error ? t->last_error->blame : BLAME_NONE, t, NULL, "down: %.220s", why);
}

static void report_unusable(struct step *s, struct tunnel *t)
{
	ike_report(s, FACT_KERNEL_FAILED, BLAME_LOCAL, t, NULL, "%.230s", t->unusable);
	ike_report_about(s, t, SUBJECT_INTERFACE, NULL, NULL);
}

static void not_up(struct step *s, struct tunnel *t)
{
	char to[ADDR_TEXT];
	const struct tunnel_conf *conf = t->conf;
	bool wanted = t->wanted && !t->held;
	bool reported = t->removed || s->ike->shutting_down;
	if (!wanted && (t->state == TUNNEL_CONNECTING || t->state == TUNNEL_MISCONFIGURED) && !reported)
		ike_report(s, FACT_STOPPED, BLAME_OPERATOR, t, NULL, "down: %s",
			t->held ? "stopped by the operator" : "the configuration no longer wants it up");
	if (wanted && t->unusable) {
		if (t->state != TUNNEL_MISCONFIGURED)
			report_unusable(s, t);
		set_state(s, t, TUNNEL_MISCONFIGURED);
		tunnel_problem(s, t);
		return;
	}
	if (wanted && t->state != TUNNEL_CONNECTING && !reported)
		ike_report(s, FACT_CONNECTING, BLAME_NONE, t, NULL, "connecting to %.200s",
			conf->remote_name  ? conf->remote_name
			: conf->remote_any ? "any peer"
					   : addr_format(&conf->remote, to));
	set_state(s, t, wanted ? TUNNEL_CONNECTING : TUNNEL_DOWN);
	tunnel_problem(s, t);
}

/* While another is being installed the one in use does, closed or not; but nothing comes up on one that is closed. */
static bool carries(struct step *s, const struct tunnel *t, const struct slot *slot)
{
	const struct child *used = slot->current;
	return used && (slot->best == used || used->state == CHILD_REPLACED || (slot->best && t->link_up)) &&
	       !(used->sa && sa_failover_due(s, used->sa));
}

static void follow_slot(struct step *s, struct tunnel *t, struct slot *slot)
{
	const struct child *used = slot->current;
	if (slot->best && slot->best != used && slot->best != slot->switching && child_sends(slot->best))
		child_switch(s, slot->best);
	if (!slot->best && used && (!used->sa || used->state >= CHILD_DELETING) && !slot->switching) {
		slot->current = NULL;
		t->recover = true;
	}
}

static void follow(struct step *s, struct tunnel *t)
{
	bool up = false;
	for (struct slot *slot = t->slots; slot; slot = slot->next) {
		follow_slot(s, t, slot);
		up |= carries(s, t, slot) && (t->link_up || !t->unusable);
	}
	if (!up && t->link_up)
		report_failover(s, t);
	if (up && !t->link_up)
		went_up(s, t);
	if (up)
		link_to(s, t, LINK_UP);
	if (!up && t->link_up)
		went_down(s, t);
	if (!up && t->link.state == LINK_UP) /* the first child's doing, which did not come about */
		link_to(s, t, LINK_DOWN);
	if (!up)
		not_up(s, t);
}

/* ---------------------------------------------------------------- what nothing carries */

static void tell(struct step *s, struct tunnel *t, struct slot *slot, enum slot_told what, bool acquire)
{
	const struct child *c = tunnel_current(t);
	size_t n = what == TOLD_BLOCKED ? (size_t)slot->local_ts->n + slot->remote_ts->n : 0;
	struct esp_switch *to = arena_alloc(s->out->arena, offsetof(struct esp_switch, ts) + n * sizeof to->ts[0]);
	if (!to) /* the next step asks again */
		return;
	memset(to, 0, offsetof(struct esp_switch, ts));
	to->tunnel = t->id;
	to->slot = slot->number;
	if (acquire && c) {
		to->local = c->core.local;
		to->remote = c->core.remote;
	}
	if (n)
		esp_switch_put(to, slot->local_ts, slot->remote_ts);
	struct ike_action *a = step_action(s, ACTION_SWITCH);
	a->swtch.ticket = (struct ike_ticket){ 0, 0 }; /* nobody waits for the answer */
	a->swtch.to = to;
	slot_told(t, slot, what);
}

/*
 * A slot without a child, while others carry: nothing leaves by what carried it. When nothing carries, the interface is down, and what the kernel has
 * stays until something does.
 */
static void block_slots(struct step *s, struct tunnel *t)
{
	for (struct slot **at = &t->slots, *slot; (slot = *at);) {
		bool idle = !slot->current && !slot->switching && !slot->first;
		bool stays = slot->kind != SLOT_PEERS && !(slot->transient && !slot->by_traffic && !slot->children);
		bool acquires = !t->wanted || slot->hosts; /* else it is asked for anyway */
		bool blocked = stays && !slot->cut && t->link_up && (slot->told == TOLD_SENDS || (acquires && !slot->told));
		if (idle && !t->removed && blocked)
			tell(s, t, slot, TOLD_BLOCKED, acquires);
		if (idle && !t->removed && (!stays || slot->cut) && slot->told)
			tell(s, t, slot, TOLD_NOTHING, false);
		if (!stays && !slot->children && (!slot->told || t->removed)) {
			*at = slot->next;
			slot_free(slot);
			t->n_slots--;
		} else {
			at = &slot->next;
		}
	}
}

/* ---------------------------------------------------------------- what is too much */

static bool has_child(const struct sa *sa)
{
	for (const struct child *c = sa->children; c; c = c->next)
		if (c->state < CHILD_DELETING && !c->delete_due)
			return true;
	return false;
}

/* Whatever its age, it carries nothing. The half of a crossing rekey is another matter: it waits for the children. */
static bool bare(const struct sa *sa, const struct sa *used)
{
	return !has_child(sa) && sa->ours.core.state == XS_IDLE && sa->theirs.core.state == XS_IDLE &&
	       sa->core.origin.number != used->core.origin.number;
}

static void ask_now(struct step *s, struct sa *sa)
{
	if (sa->liveness_due || sa->ours.core.state != XS_IDLE)
		return;
	sa->liveness_due = true;
	sa_mark(s, sa);
}

/* The SA in use is unresponsive: does the peer still have one of the others? */
static void ask_others(struct step *s, struct tunnel *t)
{
	const struct child *c = tunnel_current(t);
	const struct sa *used = c ? c->sa : NULL;
	if (!used || !sa_unresponsive(used))
		return;
	for (struct sa *o = t->sa_list; o; o = o->tunnel_next)
		if (o != used && !sa_closing(o) && o->heard.ms <= used->heard.ms)
			ask_now(s, o);
}

/* The peer may never have got our answer to its IKE_AUTH: with two SAs at hand, nothing goes before that is known. */
static bool await_confirmation(struct step *s, struct sa *sa)
{
	if (!sa_unconfirmed(sa))
		return false;
	if (sa->tunnel->sa_list->tunnel_next)
		ask_now(s, sa);
	return true;
}

/* The last one was to be closed, and carries nothing: it is rekeyed. */
static void spare_lost(struct step *s, struct child *best)
{
	if (!best || !best->lost || mono_is_never(best->close_at))
		return;
	best->close_at = MONO_NEVER;
	child_alarm(s, best);
	sa_mark(s, best->sa);
}

/* What carries a slot is known to be at the peer, and stays: nothing goes for the sake of one that may be dead. */
static bool settled(struct step *s, const struct slot *slot)
{
	const struct child *best = slot->best;
	return best && best == slot->current && !slot->switching && best->state == CHILD_READY && !sa_unresponsive(best->sa) &&
	       !await_confirmation(s, best->sa);
}

/* All that it carries, or could, is carried by better ones. */
static bool is_redundant(const struct tunnel *t, const struct sa *o)
{
	bool carried = false;
	for (const struct child *c = o->children; c; c = c->next) {
		const struct sa *by = c->slot->settled ? c->slot->current->sa : NULL;
		if (c->state == CHILD_MAKING || c->state >= CHILD_DELETING || c->delete_due)
			continue;
		if (!by || by == o || !sa_better(by, o))
			return false;
		carried = true;
	}
	for (const struct slot *slot = t->slots; slot && !carried; slot = slot->next) {
		const struct sa *by = slot->settled ? slot->current->sa : NULL;
		carried = by && by != o && (sa_better(by, o) || bare(o, by));
	}
	return carried;
}

static bool proven_elsewhere(const struct tunnel *t, const struct sa *o, const struct slot *slot)
{
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		for (const struct child *c = sa->children; c; c = c->next)
			if (sa != o && c->slot == slot && c->state == CHILD_READY && child_wanted(c) && !sa_closing(sa))
				return true;
	return false;
}

/* A child was made on it meanwhile that nothing else carries. */
static bool is_needed(const struct tunnel *t, const struct sa *o)
{
	for (const struct child *c = o->children; c; c = c->next)
		if (c->state == CHILD_READY && child_wanted(c) && !proven_elsewhere(t, o, c->slot))
			return true;
	return false;
}

static void close_redundant_sas(struct step *s, struct tunnel *t)
{
	for (struct sa *o = t->sa_list; o; o = o->tunnel_next) {
		bool closes = o->state == SA_ESTABLISHED && !o->forgotten && !mono_is_never(o->close_at);
		if (closes && is_needed(t, o)) {
			o->close_at = MONO_NEVER;
			sa_mark(s, o);
		}
		if (o->state != SA_ESTABLISHED || !mono_is_never(o->close_at) || !is_redundant(t, o))
			continue;
		if (t->peer_reconnects && !o->core.initiator && !sa_unresponsive(o))
			continue; /* closing it would only bring the next one */
		ike_report(s, FACT_IKE_REPLACED, BLAME_NONE, t, &o->core.remote,
			"a newer IKE SA carries the traffic: the older one is closed as redundant");
		if (sa_unresponsive(o))
			sa_forget(s, o);
		else
			o->close_at = mono_add(s->now.mono, o->core.initiator || o->reauth ? REDUNDANT_OURS : REDUNDANT_THEIRS);
		sa_mark(s, o);
	}
}

/* Of the children of one IKE SA: only what carries the same. */
static void close_redundant_children(struct step *s, const struct slot *slot)
{
	struct child *best = slot->best;
	if (!mono_is_never(best->close_at)) { /* what made it redundant is gone itself */
		best->close_at = MONO_NEVER;
		child_alarm(s, best);
		sa_mark(s, best->sa);
	}
	for (struct child *c = best->sa->children; c; c = c->next)
		if (c != best && c->slot == slot && c->state == CHILD_READY && mono_is_never(c->close_at) && !c->peer_half) {
			c->close_at = mono_add(s->now.mono, c->core.initiator ? REDUNDANT_OURS : REDUNDANT_THEIRS);
			child_alarm(s, c);
		}
}

static void close_redundant(struct step *s, struct tunnel *t)
{
	for (struct slot *slot = t->slots; slot; slot = slot->next) {
		spare_lost(s, slot->best);
		slot->settled = settled(s, slot);
	}
	close_redundant_sas(s, t);
	for (struct slot *slot = t->slots; slot; slot = slot->next)
		if (slot->settled)
			close_redundant_children(s, slot);
}

/* Who waits for a rekey of something that is gone meanwhile would wait for ever. */
static void fail_obsolete_commands(struct step *s, struct tunnel *t)
{
	bool child = false, ike = false;
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next) {
		ike |= sa->rekey_due && sa->state == SA_ESTABLISHED;
		for (const struct child *c = sa->children; c; c = c->next)
			child |= c->rekey_due && c->state < CHILD_DELETING;
	}
	if (!child) {
		tunnel_reply(s, t, COMMAND_REKEY, false, "the child SA was closed before its rekey");
		tunnel_reply(s, t, COMMAND_REKEY_CHECK, false, "the child SA was closed before its rekey");
	}
	if (!ike)
		tunnel_reply(s, t, COMMAND_REKEY_IKE, false, "the IKE SA was closed before its rekey");
}

/*
 * The peer's DELETE is answered when nothing leaves any more by what it closed: the kernel has switched, or there is nothing to switch to. Until then the
 * peer still takes what comes.
 */
static void answer_deletes(struct step *s, struct tunnel *t)
{
	bool leaving = false;
	struct sa *next;
	for (const struct slot *slot = t->slots; slot; slot = slot->next)
		leaving |= slot->switching && slot->current && !slot->current->sa;
	for (struct sa *sa = t->sa_list; sa; sa = next) {
		next = sa->tunnel_next;
		if (sa->theirs.core.state == XS_SWITCH && (!leaving || mono_due(sa->theirs.next, s->now.mono)))
			info_answer_held(s, sa);
	}
}

static void mark_ending(struct step *s, const struct tunnel *t)
{
	for (const struct slot *slot = t->slots; slot; slot = slot->next)
		if (slot_carried(slot) && slot->current->delete_due && !slot->switching)
			sa_mark(s, slot->current->sa); /* nothing takes its place */
}

static bool lasts(const struct step *s, const struct tunnel *t)
{
	for (const struct slot *slot = t->slots; slot; slot = slot->next)
		if (slot_carried(slot) && !slot->current->sa->reauth &&
			s->now.mono.ms - slot->current->core.created.ms > FLAPPING)
			return t->link_up;
	return false;
}

void tunnel_work(struct step *s, struct tunnel *t)
{
	tunnel_index_identities(s->ike, t, false);
	tunnel_elect(t);
	follow(s, t);
	answer_deletes(s, t);
	block_slots(s, t);
	mark_ending(s, t);
	if (lasts(s, t))
		t->backoff = 0;
	close_redundant(s, t);
	ask_others(s, t);
	tunnel_cancel_initiation(s, t);
	tunnel_demand(s, t);
	leftovers_work(s, t);
	tunnel_cover(s, t);
	tunnel_trial(s, t);
	tunnel_connect(s, t);
	fail_obsolete_commands(s, t);
	if (!t->sa_list)
		tunnel_reply(s, t, COMMAND_DOWN, true, NULL);
	if (t->removed && !t->sa_list && !t->awaiting_kernel && !t->lingering && !t->n_leftover && !t->dirty) {
		tunnel_forgotten(s, t);
		tunnel_drop(s->ike, t);
	}
}

/* The machine cannot carry this tunnel: no peer shall believe that it does. What is up stays, as long as it does. */
void tunnel_usable(struct step *s, uint32_t id, const char *why)
{
	struct tunnel *t = tunnel_by_id(s->ike, id);
	if (!t || t->removed)
		return;
	if (!why && t->unusable) {
		t->retry_at = s->now.mono;
		if (t->last_error && t->last_error->code == FACT_KERNEL_FAILED)
			tunnel_forget_error(t); /* it is no reason any more */
	}
	free(t->unusable);
	t->unusable = why ? xstrdup(why) : NULL;
	if (why && (t->link_up || t->state == TUNNEL_MISCONFIGURED)) /* else when the state changes */
		report_unusable(s, t);
	if (why && !t->link_up)
		tunnel_close_all(s, t);
	if (why)
		tunnel_reply(s, t, COMMAND_UP, false, why);
	tunnel_mark(s, t);
}

void tunnel_close_all(struct step *s, struct tunnel *t)
{
	struct sa *next;
	for (struct sa *sa = t->sa_list; sa; sa = next) {
		next = sa->tunnel_next;
		if (sa->state == SA_INITIATING || sa->state == SA_HALF_OPEN) {
			sa_destroy(s, sa);
			continue;
		}
		sa->delete_due = true;
		sa_mark(s, sa);
	}
	tunnel_mark(s, t);
}

void tunnel_drop(struct ike *ike, struct tunnel *t)
{
	trace_set(ike, t, false);
	tunnel_dial_over(ike, t);
	tunnel_index_identities(ike, t, true);
	heap_clear(&ike->heap, &t->alarm.t);
	table_del(&ike->tunnels, t->id);
	tunnel_conf_unref(t->conf);
	slots_free(t);
	leftovers_free(t);
	free(t->last_error);
	free(t->uncovered);
	free(t->waiters);
	recent_free(&t->recent);
	free(t->unusable);
	free(t->paths);
	cert_forget(t);
	free(t);
}
