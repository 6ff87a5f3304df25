/*
 * reauth.c - an IKE SA that cannot go on: another one is made beside it from scratch (RFC 7296 2.8.3), and what it carries ends only when that one carries
 * it. Wanted when a rekey is refused for good, which a peer may do always (RFC 7296 4), when the peer limits our authentication (RFC 4478), or for a trial.
 */

#include "machine.h"
#include "walk.h"

#define BUSY_MAX 120000        /* TEMPORARY_FAILURE for so long is for good (RFC 7296 2.25) */
#define LIFETIME_MIN 5         /* seconds: a peer that limits us to less is asked for a new SA no more often than this */
#define DISTRUST_MAX 120000    /* until a peer whose proof counts no more has given another, when we ask it */
#define DISTRUST_THEIRS 600000 /* and when it has to begin */
#define CLOCK_SET 60           /* seconds that the clock is off from what was reckoned with, at once or little by little */
#define EXPIRY_AHEAD (60 * 60) /* seconds before a certificate's end, or half of what is left of less than two of these */

static const char *const reasons[] = {
	[REAUTH_CHILD] = "the peer refuses to rekey the child SA",
	[REAUTH_IKE] = "the peer refuses to rekey the IKE SA",
	[REAUTH_PEERS_CHILD] = "the peer's rekey of the child SA was refused",
	[REAUTH_PEERS_IKE] = "the peer's rekey of the IKE SA was refused",
	[REAUTH_TRUST] = "the settings by which the peer's certificate is believed have changed",
	[REAUTH_LIFETIME] = "the peer limits our authentication (AUTH_LIFETIME)",
	[REAUTH_TRIAL] = "UDP encapsulation is tried for a minute",
	[REAUTH_TRIAL_OVER] = "UDP encapsulation was tried, and is not configured",
	[REAUTH_CERTIFICATE] = "a certificate expires",
};

static void plan(struct step *s, struct sa *sa, enum reauth why, msec within)
{
	struct mono at = mono_add(s->now.mono, within);
	if (!mono_due(sa->reauth_at, at))
		sa->reauth_for = (uint8_t)why;
	sa->reauth_at = mono_min(sa->reauth_at, at);
	sa_mark(s, sa);
}

void sa_reauth(struct step *s, struct sa *sa, enum reauth why, msec within)
{
	if (!sa->reauth && !sa_closing(sa))
		plan(s, sa, why, within);
}

void sa_reauth_over(struct sa *sa, enum reauth why)
{
	sa->busy_since = MONO_NEVER;
	if (sa->reauth_for != why)
		return;
	sa->reauth_for = mono_is_never(sa->prove_at) ? REAUTH_NONE : REAUTH_CERTIFICATE;
	sa->reauth = false;
	sa->reauth_at = sa->prove_at;
}

void sa_busy(struct step *s, struct sa *sa, enum reauth why, struct mono rekey_at, struct mono expire_at)
{
	struct mono middle = mono_add(rekey_at, (expire_at.ms - rekey_at.ms) / 2);
	sa->busy_since = mono_min(sa->busy_since, s->now.mono);
	if (mono_due(mono_add(sa->busy_since, BUSY_MAX), s->now.mono) ||
		(!mono_is_never(expire_at) && mono_due(middle, s->now.mono)))
		sa_reauth(s, sa, why, 0);
}

void sa_auth_lifetime(struct step *s, struct sa *sa, const struct message *m)
{
	const struct payload *p = message_find_notify(m, NOTIFY_AUTH_LIFETIME, true);
	struct cursor c = cursor_over(p ? p->notify.data : (struct bytes){ 0 });
	msec seconds = get_u32(&c);
	if (c.bad || sa->reauth)
		return;
	seconds = seconds > LIFETIME_MIN ? seconds : LIFETIME_MIN;
	plan(s, sa, REAUTH_LIFETIME, step_rekey_at(s, seconds * 1000, true).ms - s->now.mono.ms);
}

/*
 * RFC 4301 4.4.2.1: an SA lasts no longer than the certificates that made it. Both ends know when that is; who made the SA is the first to act. Where the
 * certificate is the same afterwards there is less time until the next try, each half as long as the one before, so that a new one is noticed late or soon.
 */
void sa_proven_until(struct step *s, struct sa *sa)
{
	if (!sa->core.proven_until)
		return;
	int64_t earliest = cert_earliest(sa->tunnel, s->now.wall), now = s->now.wall;
	now = now > CERT_RELEASED ? now : earliest > CERT_RELEASED ? earliest : CERT_RELEASED; /* as cert_judge() reckons */
	int64_t left = sa->core.proven_until - now;
	left = left > LIFETIME_MIN ? left : LIFETIME_MIN;
	if (left > WALK_YEARS * INT64_C(365) * 86400) /* in another century somebody else looks after it */
		return;
	int64_t ahead = left < 2 * EXPIRY_AHEAD ? left / 2 : EXPIRY_AHEAD;
	if (!sa->core.origin.initiator)
		ahead = ahead / 4 * 3;
	sa->core.expire_at = mono_min(sa->core.expire_at, mono_add(s->now.mono, left * 1000));
	sa->prove_at = mono_add(s->now.mono, (left - ahead) * 1000);
	if (!sa->reauth)
		plan(s, sa, REAUTH_CERTIFICATE, (left - ahead) * 1000);
}

void sas_clock(struct step *s)
{
	int64_t booted = s->now.wall - s->now.mono.ms / 1000;
	bool forward = booted > s->ike->booted + CLOCK_SET, back = booted < s->ike->booted - CLOCK_SET;
	if (forward || back) /* what is less adds up: a clock may be slewed, or set in many small steps */
		s->ike->booted = booted;
	struct sa *sa;
	for (size_t it = 0; forward && s->ike->certificates && (sa = table_next(&s->ike->by_number, &it));)
		if (sa->state == SA_ESTABLISHED)
			sa_proven_until(s, sa);
}

void sa_distrust(struct step *s, struct sa *sa)
{
	if (!sa->proof)
		return;
	msec within = tunnel_may_initiate(s->ike, sa->tunnel) ? DISTRUST_MAX : DISTRUST_THEIRS;
	sa->core.expire_at = mono_min(sa->core.expire_at, mono_add(s->now.mono, within));
	sa_reauth(s, sa, REAUTH_TRUST, 0);
	sa_mark(s, sa);
}

static bool carries(const struct sa *sa)
{
	for (const struct slot *slot = sa->tunnel->slots; slot; slot = slot->next)
		if (slot->current && slot->current->sa == sa)
			return true;
	return false;
}

/* The SA that carries traffic: what another one does already needs no third. */
void sa_reauth_due(struct step *s, struct sa *sa)
{
	struct tunnel *t = sa->tunnel;
	sa->reauth_at = MONO_NEVER;
	if (!carries(sa) || sa_closing(sa))
		return;
	if (!tunnel_may_initiate(s->ike, t)) { /* who made the SA is asked to make the next one */
		sa->lifetime_due = !sa->core.origin.initiator && sa->reauth_for < REAUTH_LIFETIME;
		return;
	}
	sa->reauth = true;
	sa_report(s, sa, FACT_REAUTH, BLAME_NONE, "%s: another IKE SA is made beside this one", reasons[sa->reauth_for]);
	bool of_child = sa->reauth_for == REAUTH_CHILD || sa->reauth_for == REAUTH_PEERS_CHILD;
	ike_report_about(s, t, of_child ? SUBJECT_CHILD_SA : SUBJECT_IKE_SA, NULL, NULL);
	const struct fact *last = sa->reauth_for >= REAUTH_LIFETIME ? NULL : t->last_error;
	if (last && (last->code == FACT_PFS_MISMATCH || last->code == FACT_REKEY_FAILED || last->code == FACT_NO_PROPOSAL))
		ike_report_compared(s, t, last->protocol, last->notify, last->ours, last->theirs);
	t->retry_at = s->now.mono;
	tunnel_mark(s, t);
}

/* How long the peer has before what it made ends here; told early enough for it to act. */
uint32_t sa_lifetime_left(const struct step *s, const struct sa *sa)
{
	struct mono end = sa->core.expire_at;
	for (const struct slot *slot = sa->tunnel->slots; slot; slot = slot->next) {
		const struct child *used = slot->current;
		if (used && used->lost) /* it carries nothing */
			return LIFETIME_MIN;
		end = used ? mono_min(end, used->core.expire_at) : end;
	}
	msec left = (end.ms - s->now.mono.ms) / 1000 * 3 / 4;
	return left < 1 ? 1 : left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
}
