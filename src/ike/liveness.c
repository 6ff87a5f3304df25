/*
 * liveness.c - what is known of the peer on an IKE SA, from what was sent and heard. The words: sa.h.
 */

#include "machine.h"

bool sa_closing(const struct sa *sa) { return sa->forgotten || sa->state != SA_ESTABLISHED || !mono_is_never(sa->close_at); }

/* A request goes unanswered, and nothing else of the peer was heard meanwhile either. */
bool sa_unresponsive(const struct sa *sa) { return sa->ours.core.state == XS_SENT && sa->ours.unheard >= UNRESPONSIVE_TRIES; }

/* Made by an IKE_AUTH of the peer's: nothing has shown yet that our answer arrived. */
bool sa_unconfirmed(const struct sa *sa)
{
	return !sa->core.initiator && sa->core.origin.number == sa->number && sa->heard.ms <= sa->core.established.ms;
}

bool sa_unreliable(const struct sa *sa) { return sa_closing(sa) || sa_unresponsive(sa) || sa_unconfirmed(sa); }

/* When an unanswered request, or traffic without answer, makes the SA unfit to carry traffic. */
struct mono sa_failover_at(const struct sa *sa)
{
	msec patience = sa->tunnel->conf->failover_after;
	if (!patience || sa->state != SA_ESTABLISHED || sa->ours.core.state != XS_SENT)
		return MONO_NEVER;
	struct mono since = sa->ours.first.ms > sa->heard.ms ? sa->ours.first : sa->heard;
	struct mono silent = mono_add(mono_is_never(sa->no_return_since) ? since : sa->no_return_since, patience);
	/* The second transmission has its time, too: one lost datagram tells nothing of the path. */
	return mono_max(silent, mono_add(sa->ours.first, 2 * NO_RETURN_REPEAT));
}

bool sa_failover_due(const struct step *s, const struct sa *sa)
{
	return sa->ours.tries >= 2 && mono_due(sa_failover_at(sa), s->now.mono);
}

/*
 * Idle peers are asked at whole parts of their interval: a gateway with thousands of tunnels wakes up a few times a second for many of them, and their
 * requests leave together. Where it is long few are due at a time, and nobody waits for more than a second.
 */
#define PARTS 25
#define PART_MOST 1000

static struct mono rounded_up(struct mono at, msec step)
{
	msec over = step > 1 ? at.ms % step : 0;
	return over > 0 ? mono_add(at, step - over) : at;
}

struct mono sa_liveness_at(const struct sa *sa)
{
	msec interval = sa->tunnel->conf->dpd_interval;
	msec part = interval < PARTS * PART_MOST ? interval / PARTS : PART_MOST;
	struct mono idle = rounded_up(mono_add(sa->heard, interval), part);
	return mono_min(idle, mono_add(sa->no_return_since, (msec)NO_RETURN_PROBE << sa->no_return_answers));
}

void sa_heard(struct step *s, struct sa *sa)
{
	bool news = sa->tunnel && (!sa->tunnel->link_up || sa_unconfirmed(sa));
	if (sa->heard.ms <= sa->core.established.ms || sa->forgotten || sa->ours.unheard >= UNRESPONSIVE_TRIES)
		tunnel_changed(s, sa->tunnel);
	sa->heard = s->now.mono;
	if (sa->forgotten) { /* not dead after all: the peer needs a DELETE */
		sa->forgotten = false;
		sa->close_at = mono_add(s->now.mono, sa->core.initiator ? REDUNDANT_OURS : REDUNDANT_THEIRS);
	}
	sa->no_return_since = MONO_NEVER;
	sa->ours.unheard = 0;
	if (sa->tunnel) {
		sa->tunnel->last_heard = s->now.wall;
		if (news)
			tunnel_mark(s, sa->tunnel);
	}
	sa_look(s, sa);
}

/*
 * Traffic left since the last look. If nothing came back since, the clock of failover-after starts with that look; when that was long ago, as nothing
 * left for long, as if it had been at the pace of a busy tunnel.
 */
void sa_traffic_out(struct step *s, struct sa *sa)
{
	if (!mono_is_never(sa->no_return_since) || sa->heard.ms > s->ike->counted.ms)
		return;
	struct mono recent = { s->now.mono.ms - s->ike->looks.busy - (msec)s->ike->totals.established };
	sa->no_return_since = mono_max(s->ike->counted, recent);
	sa_look(s, sa);
}
