/*
 * collision.c - both ends make the same thing at once: which of the two stays (RFC 7296 2.8.1, 2.8.2).
 *
 * Crossing rekeys, of a child or of the IKE SA: both exchanges run to their end, then the one with the lowest of the four nonces loses. Who made the loser
 * closes it, who made the winner closes the old one. A half that is refused loses at once. Until our half is decided the old SA keeps the peer's in
 * peer_half. SAs that both ends made within half a minute for want of one are ordered by the same nonces.
 */

#include "machine.h"

#define CROSSING 30000 /* SAs made by both ends within this count as crossing */

/* The one rule: does the peer's half win? ours: NULL = refused. */
static bool collision_resolve(const struct collision_nonce *ours, const struct collision_nonce *peers)
{
	return !ours || collision_nonce_compare(ours, peers) < 0;
}

bool collision_wins(struct maker a, struct maker b)
{
	msec apart = a.at.ms > b.at.ms ? a.at.ms - b.at.ms : b.at.ms - a.at.ms;
	if (a.initiator != b.initiator && apart < CROSSING && collision_nonce_compare(a.nonce, b.nonce))
		return collision_resolve(b.nonce, a.nonce);
	return a.number > b.number;
}

/* ---------------------------------------------------------------- children */

static const char *pfs_text(struct step *s, const struct child *made)
{
	char suite[PROPOSAL_TEXT];
	suite_format(&made->core.suite, suite);
	return arena_printf(s->out->arena,
		made->core.suite.group == GROUP_NONE ? "rekeyed without PFS (%s): the peer's policy has none"
						     : "rekeyed (%s): PFS is the same at both ends",
		suite);
}

static bool others_due(const struct tunnel *t, const struct slot *slot)
{
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		for (const struct child *c = sa->children; c; c = c->next)
			if (c->slot != slot && c->rekey_due && c->state < CHILD_REPLACED)
				return true;
	return false;
}

/* Who asked for a rekey hears how it ended, with the last of the children; `made` carries the traffic from now on. */
void child_reply_rekeyed(struct step *s, struct tunnel *t, const struct child *made)
{
	if (others_due(t, made->slot))
		return;
	tunnel_reply(s, t, COMMAND_REKEY, true, NULL);
	tunnel_reply(s, t, COMMAND_REKEY_CHECK, true, pfs_text(s, made));
}

void collision_child(struct step *s, struct child *old, struct child *ours)
{
	struct child *peers = child_by_number(old->tunnel, old->peer_half);
	bool we_lose = peers && collision_resolve(ours ? &ours->core.collision_nonce : NULL, &peers->core.collision_nonce);
	if (peers) {
		ike_report(s, FACT_COLLISION, BLAME_NONE, old->tunnel, NULL, "both ends rekeyed child SA %08x at once: %s wins",
			old->core.spi_in, we_lose ? "the peer's" : "ours");
		ike_report_about(s, old->tunnel, SUBJECT_CHILD_SA, NULL, NULL);
		child_reply_rekeyed(s, old->tunnel, we_lose ? peers : ours);
	}
	old->peer_half = 0;
	if (we_lose) {
		child_replaced(s, old, peers); /* the peer's is used once the peer has shown that it has it */
		if (ours)
			ours->delete_due = true;
	} else if (ours) {
		child_replaced(s, old, ours);
		old->delete_due = true;
		if (peers)
			child_replaced(s, peers, ours);
	}
	sa_mark(s, old->sa);
}

/* ---------------------------------------------------------------- IKE SAs */

/* The winner takes the children; the loser is only good for its own DELETE. */
void sa_inherit(struct step *s, struct sa *from, struct sa *to)
{
	struct child *next;
	for (struct child *c = from->children; c; c = next) {
		next = c->next;
		if (c->state != CHILD_MAKING)
			child_move_to(c, to);
	}
	sa_state(from, SA_REPLACED);
	from->replaced_by = to->number;
	from->rekey_due = false;
	from->close_at = mono_add(s->now.mono, REDUNDANT_THEIRS);
	sa_mark(s, from);
	sa_mark(s, to);
	tunnel_mark(s, to->tunnel);
}

void collision_sa(struct step *s, struct sa *old, struct sa *ours)
{
	struct sa *peers = old->peer_half ? table_get(&s->ike->by_number, old->peer_half) : NULL;
	bool we_lose = peers && collision_resolve(ours ? &ours->core.collision_nonce : NULL, &peers->core.collision_nonce);
	if (peers) {
		ike_report(s, FACT_COLLISION, BLAME_NONE, old->tunnel, NULL, "both ends rekeyed the IKE SA at once: %s wins",
			we_lose ? "the peer's" : "ours");
		ike_report_about(s, old->tunnel, SUBJECT_IKE_SA, NULL, NULL);
		tunnel_reply(s, old->tunnel, COMMAND_REKEY_IKE, true, NULL);
	}
	old->peer_half = 0;
	if (we_lose) {
		sa_inherit(s, old, peers);
		if (ours) {
			sa_state(ours, SA_REPLACED);
			ours->replaced_by = peers->number;
			ours->delete_due = true;
			sa_mark(s, ours);
		}
	} else if (ours) {
		sa_inherit(s, old, ours);
		old->delete_due = true;
		if (peers && peers->state == SA_ESTABLISHED)
			sa_inherit(s, peers, ours);
	}
}

/* The peer closes the old SA: its half of a crossing was all that it ever saw, and its new SA stands (RFC 7296 2.8.2). */
void collision_peer_closes(struct step *s, struct sa *sa)
{
	if (sa->state == SA_ESTABLISHED && sa->peer_half)
		collision_sa(s, sa, NULL);
}

/* A request on the peer's half, other than its own DELETE: the peer has decided, its half stands, and the children are there. */
void collision_peer_decided(struct step *s, struct sa *fresh)
{
	for (struct sa *old = fresh->tunnel->sa_list; old; old = old->tunnel_next)
		if (old->peer_half == fresh->number) {
			collision_peer_closes(s, old);
			return;
		}
}
