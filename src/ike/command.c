/* command.c - the operator: up, down, rekey, shut down; and what is answered when it is done. */
#include <string.h>

#include "machine.h"

static void wait_for(struct step *s, struct tunnel *t, enum ike_command_kind kind, uint64_t token)
{
	if (!token)
		return;
	if (t->n_waiters == WAITERS_MAX) {
		command_reply(s, t->waiters[0].token, false, "too many commands wait for this tunnel");
		memmove(t->waiters, t->waiters + 1, (WAITERS_MAX - 1) * sizeof t->waiters[0]);
		t->n_waiters--;
	}
	t->waiters = xrealloc_array(t->waiters, t->n_waiters + 1, sizeof *t->waiters);
	t->waiters[t->n_waiters++] = (struct waiter){ token, kind };
}

static void hold(struct step *s, struct tunnel *t, bool held)
{
	t->held = held;
	s->ike->any_cas.stale = true;
}

static void up(struct step *s, struct tunnel *t, uint64_t token)
{
	hold(s, t, false);
	t->up_asked = true;
	tunnel_changed(s, t);
	tunnel_reply(s, t, COMMAND_DOWN, false, "the tunnel was ordered up meanwhile");
	if (t->link_up) {
		command_reply(s, token, true, NULL);
		return;
	}
	if (t->unusable)
		command_reply(s, token, false, t->unusable);
	else
		wait_for(s, t, COMMAND_UP, token);
	tunnel_want(s, t);
}

static void down(struct step *s, struct tunnel *t, uint64_t token)
{
	hold(s, t, true);
	t->up_asked = false;
	tunnel_reply(s, t, COMMAND_UP, false, "stopped by the operator");
	tunnel_trial_end(s, t, "stopped by the operator");
	tunnel_want(s, t);
	if (t->link_up) { /* who speaks a routing protocol over it may still say goodbye */
		t->link.state = LINK_DORMANT;
		step_action(s, ACTION_LINK)->link = t->link;
	}
	wait_for(s, t, COMMAND_DOWN, token);
	tunnel_close_all(s, t);
}

static void rekey(struct step *s, struct tunnel *t, enum ike_command_kind kind, uint64_t token)
{
	bool any = false;
	for (const struct slot *slot = t->slots; slot; slot = slot->next) {
		struct child *c = slot->best ? slot->best : slot->current; /* while the kernel switches these are two */
		if (!c || !child_wanted(c)) /* and just after a rekey it is its predecessor that sends */
			c = slot_elect(t, slot);
		if (!c)
			continue;
		if (kind == COMMAND_REKEY_IKE) {
			c->sa->rekey_due = true;
		} else if (kind == COMMAND_REKEY_CHECK) {
			child_check(s, c);
		} else {
			c->rekey_due = true;
			c->retry_at = s->now.mono;
		}
		c->sa->retry_at = MONO_NEVER;
		sa_mark(s, c->sa);
		any = true;
	}
	if (any)
		wait_for(s, t, kind, token);
	else
		command_reply(s, token, false, "the tunnel is not up");
}

static void encapsulate(struct step *s, struct tunnel *t, uint64_t token)
{
	const char *why = tunnel_trial_begin(s, t);
	if (why)
		command_reply(s, token, false, why);
	else
		wait_for(s, t, COMMAND_ENCAPSULATE, token);
}

static void shut_down(struct step *s)
{
	struct ike *ike = s->ike;
	size_t it = 0;
	struct tunnel *t;
	struct sa *sa;
	ike->shutting_down = true;
	ike->shutdown_at = mono_add(s->now.mono, SHUTDOWN_MAX);
	while ((t = table_next(&ike->tunnels, &it)))
		tunnel_close_all(s, t);
	it = 0;
	while ((sa = table_next(&ike->by_number, &it)))
		if (sa->state == SA_HALF_OPEN || sa->state == SA_INITIATING)
			sa_destroy(s, sa);
}

void tunnel_command(struct step *s, enum ike_command_kind kind, uint32_t id, uint64_t token)
{
	struct tunnel *t = tunnel_by_id(s->ike, id);
	if (kind == COMMAND_SHUTDOWN) {
		shut_down(s);
		return;
	}
	if (!t || t->removed) {
		command_reply(s, token, false, "no such tunnel");
		return;
	}
	switch (kind) {
	case COMMAND_UP: up(s, t, token); break;
	case COMMAND_DOWN: down(s, t, token); break;
	case COMMAND_REKEY:
	case COMMAND_REKEY_CHECK:
	case COMMAND_REKEY_IKE: rekey(s, t, kind, token); break;
	case COMMAND_TRACE:
	case COMMAND_UNTRACE:
		trace_set(s->ike, t, kind == COMMAND_TRACE);
		command_reply(s, token, true, NULL);
		break;
	case COMMAND_ENCAPSULATE: encapsulate(s, t, token); break;
	case COMMAND_UNENCAPSULATE:
		tunnel_trial_end(s, t, "the trial was ended");
		command_reply(s, token, true, NULL);
		break;
	case COMMAND_SHUTDOWN: break;
	}
}
