/*
 * trial.c - UDP encapsulation, tried beside what is configured, because ESP may be dropped on the path where IKE passes. Another IKE SA is made with it
 * beside the one in use (reauth.c), so that what passes today passes meanwhile; when the trial is over one more is made as configured.
 *
 * An SA of the trial is told by itself: we made it, encapsulation is wanted for it, and not by the configuration. So an engine that goes on after a
 * death, and knows nothing of a trial, goes back.
 */
#include "machine.h"

#define TRIAL_SPAN 60000

static bool of_trial(const struct sa *sa)
{
	bool ours = sa->state == SA_INITIATING || sa->core.origin.initiator;
	return ours && sa->core.forced && sa->tunnel->conf->encapsulation != ENCAPSULATION_UDP;
}

static bool under_way(const struct tunnel *t) { return !mono_is_never(t->trial_until); }

const char *tunnel_trial_begin(struct step *s, struct tunnel *t)
{
	const struct child *c = tunnel_current(t);
	if (!c || !c->sa)
		return "the tunnel is not up";
	if (c->core.encap && !of_trial(c->sa))
		return "its ESP goes in UDP already";
	if (!c->sa->core.natt)
		return "the peer does not speak NAT traversal, so it takes no ESP in UDP";
	if (!tunnel_may_initiate(s->ike, t))
		return "only the peer initiates this tunnel";
	t->trial_until = mono_add(s->now.mono, TRIAL_SPAN);
	tunnel_mark(s, t);
	return NULL;
}

void tunnel_trial_end(struct step *s, struct tunnel *t, const char *why)
{
	struct sa *next;
	if (!under_way(t))
		return;
	t->trial_until = MONO_NEVER;
	tunnel_reply(s, t, COMMAND_ENCAPSULATE, false, why);
	for (struct sa *sa = t->sa_list; sa; sa = next) {
		next = sa->tunnel_next;
		if (sa->state == SA_INITIATING && of_trial(sa))
			sa_destroy(s, sa);
	}
	tunnel_mark(s, t);
}

static void settle(struct step *s, struct sa *sa, bool due, enum reauth why)
{
	if (due)
		sa_reauth(s, sa, why, 0);
	else if (sa->reauth_for == why)
		sa_reauth_over(sa, why);
}

void tunnel_trial(struct step *s, struct tunnel *t)
{
	const struct child *c = tunnel_current(t);
	if (under_way(t) && mono_due(t->trial_until, s->now.mono))
		tunnel_trial_end(s, t, "the peer did not answer on UDP 4500, or no IKE SA came about, within a minute");
	bool on = under_way(t);
	if (on && c && c->sa && of_trial(c->sa) && c->core.encap)
		tunnel_reply(s, t, COMMAND_ENCAPSULATE, true, NULL);
	if (!tunnel_may_initiate(s->ike, t))
		return;
	for (const struct slot *slot = t->slots; slot; slot = slot->next) {
		struct sa *sa = slot_carried(slot) ? slot->current->sa : NULL;
		if (!sa)
			continue;
		settle(s, sa, on && !of_trial(sa) && !sa->core.encap, REAUTH_TRIAL);
		settle(s, sa, !on && of_trial(sa), REAUTH_TRIAL_OVER);
	}
}
