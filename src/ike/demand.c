/*
 * demand.c - which children are wanted and not there: on which IKE SA they are asked for, and when.
 *
 * An IKE SA that carries nothing asks for a child, and starts over after three refusals. While something is carried, each further slot has refusals and a
 * back-off of its own. What only an IKE SA on its way out carries is asked for on the one that stays.
 */
#include "machine.h"

#define DUPLICATES_WITHIN 30000 /* two SAs made so close together: one of them goes, and what it carries moves first */

static bool has_child(const struct sa *sa, const struct slot *slot)
{
	for (const struct child *c = sa->children; c; c = c->next)
		if (c->state < CHILD_DELETING && !c->delete_due && (!slot || c->slot == slot))
			return true;
	return false;
}

/* ---------------------------------------------------------------- nothing is carried */

/* What ends with an IKE SA that cannot go on comes first: IKE_AUTH makes its child also where CREATE_CHILD_SA is refused. */
static bool comes_before(const struct slot *a, const struct slot *b)
{
	bool a_ends = slot_carried(a) && a->current->sa->reauth, b_ends = slot_carried(b) && b->current->sa->reauth;
	return a_ends != b_ends ? a_ends : a->refusals < b->refusals;
}

struct slot *tunnel_first_slot(const struct tunnel *t)
{
	struct slot *best = NULL;
	for (struct slot *slot = t->slots; slot; slot = slot->next) {
		bool ends = slot_carried(slot) && slot->current->sa->reauth;
		if ((slot->kind != SLOT_PEERS || ends) && !slot->cut && (!best || comes_before(slot, best)))
			best = slot;
	}
	return best ? best : t->slots;
}

/* An IKE SA alone carries nothing: ask for a child again, and start over after three refusals. */
static void demand_first(struct step *s, struct tunnel *t)
{
	struct slot *slot = tunnel_first_slot(t);
	for (struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next) {
		bool idle = sa->state == SA_ESTABLISHED && mono_is_never(sa->close_at) && !sa->delete_due &&
			    sa->ours.core.state == XS_IDLE && sa->theirs.core.state == XS_IDLE && mono_is_never(sa->retry_at);
		if (!idle || has_child(sa, NULL) || sa->new_child_due)
			continue;
		if (sa->child_refusals >= 3) {
			ike_report(s, FACT_NO_CHILD, BLAME_PEER, t, &sa->core.remote,
				"no child SA after three refusals: reconnecting");
			t->refused = true;
			sa->delete_due = true;
		} else {
			slot->ask = sa->new_child_due = true;
		}
		sa_mark(s, sa);
	}
}

/* ---------------------------------------------------------------- something is carried, but not all */

/* The peer narrowed what we asked for into children that it has already: they stand for the one slot that is configured. */
static bool stands_in(const struct tunnel *t, const struct slot *slot)
{
	for (const struct slot *o = slot->refusals ? t->slots : NULL; o; o = o->next)
		if (o->kind == SLOT_PEERS && o->best && !t->conf->n_children && slot->kind == SLOT_CONFIGURED)
			return true;
	return false;
}

static bool on_its_way_out(const struct sa *sa, const struct sa *home)
{
	msec apart = sa->core.origin.at.ms > home->core.origin.at.ms ? sa->core.origin.at.ms - home->core.origin.at.ms
								     : home->core.origin.at.ms - sa->core.origin.at.ms;
	bool peers = !sa->core.origin.initiator && !home->core.origin.initiator; /* it may want them side by side */
	return sa_closing(sa) || sa->reauth || sa_unresponsive(sa) ||
	       ((!peers || apart < DUPLICATES_WITHIN) && sa_better(home, sa));
}

static bool lacks(const struct tunnel *t, const struct slot *slot, const struct sa *home, bool active)
{
	const struct child *c = slot->best ? slot->best : slot_carried(slot) ? slot->current : NULL;
	bool wanted = slot->kind == SLOT_PEERS ? active && c && !slot->retired : (active && !slot->transient) || slot->by_traffic;
	if (!wanted || slot->cut || has_child(home, slot))
		return false;
	return c ? on_its_way_out(c->sa, home) : !stands_in(t, slot);
}

/* Who made the IKE SA makes the children, too, so that not both ends ask for the same. */
static struct mono its_turn(const struct slot *slot, const struct sa *home)
{
	struct mono peers = home->core.origin.initiator || slot->by_traffic ? slot->retry_at
									    : mono_add(home->core.established, PEERS_TURN);
	return peers.ms > slot->retry_at.ms ? peers : slot->retry_at;
}

static void demand_more(struct step *s, struct tunnel *t, struct sa *home, bool active)
{
	bool any = false;
	for (struct slot *slot = t->slots; slot; slot = slot->next) {
		slot->lacking = lacks(t, slot, home, active);
		if (!slot->lacking)
			continue;
		struct mono at = its_turn(slot, home);
		slot->ask = mono_due(at, s->now.mono);
		any |= slot->ask;
		if (!slot->ask)
			t->ask_at = mono_min(t->ask_at, at);
	}
	if (any && !home->new_child_due) {
		home->new_child_due = true;
		sa_mark(s, home);
	}
}

void tunnel_demand(struct step *s, struct tunnel *t)
{
	bool may = !t->held && !t->unusable && !t->removed && !s->ike->shutting_down;
	bool carried = tunnel_current(t) != NULL;
	struct sa *home = tunnel_elect_sa(t);
	t->ask_at = MONO_NEVER;
	for (struct slot *slot = t->slots; slot; slot = slot->next)
		slot->ask = slot->lacking = false;
	if (may && !carried && t->wanted)
		demand_first(s, t);
	else if (may && carried && home)
		demand_more(s, t, home, t->wanted);
}

struct slot *tunnel_demanded(const struct sa *sa)
{
	for (struct slot *slot = sa->tunnel->slots; slot; slot = slot->next)
		if (slot->ask && !has_child(sa, slot))
			return slot;
	return NULL;
}

/* ---------------------------------------------------------------- refused, or asked for by traffic */

void tunnel_refused(struct step *s, struct tunnel *t, struct slot *slot, uint16_t notify)
{
	const struct global_conf *g = &s->ike->conf->global;
	msec pause = slot->refusals < 10 ? g->retry_min << slot->refusals : g->retry_max;
	slot->refusals += slot->refusals < UINT8_MAX;
	pause = notify == NOTIFY_NO_ADDITIONAL_SAS || pause > g->retry_max ? g->retry_max : pause;
	struct mono at = mono_add(s->now.mono, step_jitter(s->ike, pause, 25));
	for (struct slot *o = t->slots; o; o = o->next) /* who takes no more children takes none of the others either */
		if (o == slot || notify == NOTIFY_NO_ADDITIONAL_SAS)
			o->retry_at = at;
	if (notify == NOTIFY_SINGLE_PAIR_REQUIRED && !slot_cut(t, slot, NULL) && slot->kind != SLOT_PEERS)
		slot->hosts = true;
	tunnel_mark(s, t);
}

void tunnel_acquire(struct step *s, uint32_t id, const struct ts *local, const struct ts *remote)
{
	struct tunnel *t = tunnel_by_id(s->ike, id);
	if (!t || t->removed)
		return;
	for (struct slot *slot = t->slots; slot; slot = slot->next) {
		if (slot->kind == SLOT_PEERS || slot->cut || !ts_list_has(slot->local_ts, local) ||
			!ts_list_has(slot->remote_ts, remote))
			continue;
		if (slot->hosts) {
			const struct ts l = { 0, 0, 65535, local->lo, local->hi }, r = { 0, 0, 65535, remote->lo, remote->hi };
			slot = slot_add_pair(t, &l, &r);
			if (slot)
				slot->transient = true;
		}
		if (slot)
			slot->by_traffic = true;
		break;
	}
	tunnel_mark(s, t);
}
