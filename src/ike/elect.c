/*
 * elect.c - the order among a tunnel's SAs and children: which child carries the traffic. Looks, and changes nothing.
 */

#include "machine.h"

static struct maker origin_of(const struct sa *sa)
{
	return (struct maker){ sa->core.origin.initiator, sa->core.origin.at, &sa->core.origin.collision_nonce,
		sa->core.origin.number };
}

static struct maker maker_of(const struct child *c)
{
	return (struct maker){ c->core.initiator, c->core.created, &c->core.collision_nonce, c->number };
}

bool sa_better(const struct sa *a, const struct sa *b)
{
	bool a_going = a->forgotten || a->reauth || a->state != SA_ESTABLISHED;
	bool b_going = b->forgotten || b->reauth || b->state != SA_ESTABLISHED;
	if (a_going != b_going)
		return b_going;
	return collision_wins(origin_of(a), origin_of(b));
}

static bool better_child(const struct child *a, const struct child *b)
{
	if (child_sends(a) != child_sends(b))
		return child_sends(a);
	if (sa_unreliable(a->sa) != sa_unreliable(b->sa))
		return sa_unreliable(b->sa);
	if ((a->state == CHILD_READY) != (b->state == CHILD_READY))
		return a->state == CHILD_READY;
	if (a->sa != b->sa)
		return sa_better(a->sa, b->sa);
	return collision_wins(maker_of(a), maker_of(b));
}

/* Of two on different SAs: is that of `used` the one to stay with? */
static bool better_place(const struct child *used, const struct child *best)
{
	if (sa_unreliable(used->sa) || used->sa == best->sa)
		return false;
	return sa_unreliable(best->sa) || (used->state == CHILD_REPLACED && sa_better(used->sa, best->sa));
}

/* The SA in use is unresponsive, but of that of `best` nothing was heard since either: the peer may have closed it long ago. */
static bool no_news_of(const struct child *used, const struct child *best)
{
	return used->sa != best->sa && child_wanted(used) && !sa_closing(used->sa) && sa_unresponsive(used->sa) &&
	       best->sa->heard.ms <= used->sa->heard.ms;
}

/* The peer may not have `best` yet, but what that replaces it surely still has: until it closes it, or uses the new one. */
static struct child *predecessor(struct child *best)
{
	for (struct child *o = best->sa->children; o; o = o->next)
		if (o->replaced_by == best->number && o->state == CHILD_REPLACED && !o->delete_due &&
			(o->core.out_installed || o->job_install))
			return o;
	return best;
}

static struct child *settle(const struct slot *slot, struct child *best)
{
	/* A child that the peer may not have yet, or an older one that it may not have any more, is better than none, but not than the one in use. */
	struct child *used = slot_carried(slot) && child_sends(slot->current) ? slot->current : NULL;
	if (best && used && no_news_of(used, best))
		return used;
	bool ready = best && best->state == CHILD_READY;
	if (!best || (ready && (!used || !better_place(used, best))))
		return best;
	if (used && (child_wanted(used) || (used->state == CHILD_REPLACED && !used->delete_due)))
		return child_wanted(used) ? used : NULL;
	if (!ready && best->tunnel->n_leftover) /* what the kernel has from before surely arrives */
		return NULL;
	return ready ? best : predecessor(best);
}

struct child *slot_elect(const struct tunnel *t, const struct slot *slot)
{
	struct child *best = NULL;
	for (struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		for (struct child *c = sa->children; c; c = c->next)
			if (c->slot == slot && child_wanted(c) && (!best || better_child(c, best)))
				best = c;
	return best;
}

void tunnel_elect(struct tunnel *t)
{
	for (struct slot *slot = t->slots; slot; slot = slot->next)
		slot->best = NULL;
	for (struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		for (struct child *c = sa->children; c; c = c->next)
			if (child_wanted(c) && (!c->slot->best || better_child(c, c->slot->best)))
				c->slot->best = c;
	for (struct slot *slot = t->slots; slot; slot = slot->next)
		slot->best = settle(slot, slot->best);
}

struct sa *tunnel_elect_sa(const struct tunnel *t)
{
	struct sa *best = NULL;
	for (struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next) {
		if (sa_unreliable(sa) || sa->reauth || sa->delete_due)
			continue;
		if (!best || sa_better(sa, best))
			best = sa;
	}
	return best;
}
