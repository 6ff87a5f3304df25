/*
 * connect.c - a tunnel that wants to be up: name and path of the peer, when an IKE SA is initiated, and what a changed path means.
 */

#include "machine.h"

#define RESOLVE_PATIENCE 15000
/*
 * When a gateway with thousands of tunnels starts, all of them want to initiate at once. No more are begun than both ends can answer before the first
 * repetition is due, in the order in which they came. Who hears nothing soon does not keep others waiting: peers that are dead cost them little.
 */
#define DIALS_AT_ONCE 256
#define DIAL_PATIENCE 500

/* ---------------------------------------------------------------- initiation */

static void resolve_peer(struct step *s, struct tunnel *t)
{
	const struct tunnel_conf *conf = t->conf;
	struct ike_action *a = step_action(s, ACTION_RESOLVE);
	t->resolving = true;
	t->counters[COUNTER_ATTEMPTS]++;
	t->resolve_by = mono_add(s->now.mono, RESOLVE_PATIENCE);
	a->resolve.tunnel = t->id;
	a->resolve.query = ++t->query;
	a->resolve.name = conf->remote_name;
	a->resolve.remote = conf->remote;
	a->resolve.local = conf->local;
}

/* ---------------------------------------------------------------- whose turn it is */

static void unqueue(struct ike *ike, struct tunnel *t)
{
	if (!t->dial_at)
		return;
	*t->dial_at = t->dial_next;
	if (t->dial_next)
		t->dial_next->dial_at = t->dial_at;
	else
		ike->dial_last = t->dial_at;
	t->dial_at = NULL;
}

static void queue(struct ike *ike, struct tunnel *t)
{
	if (t->dial_at)
		return;
	t->dial_next = NULL;
	t->dial_at = ike->dial_last;
	*ike->dial_last = t;
	ike->dial_last = &t->dial_next;
}

static bool initiating(const struct tunnel *t)
{
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		if (sa->state == SA_INITIATING)
			return true;
	return false;
}

void tunnel_dial_over(struct ike *ike, struct tunnel *t)
{
	unqueue(ike, t);
	ike->dials -= t->dialling;
	t->dialling = false;
}

static void begin_dial(struct step *s, struct tunnel *t)
{
	unqueue(s->ike, t);
	s->ike->dials += !t->dialling;
	t->dialling = true;
	t->dial_until = mono_add(s->now.mono, DIAL_PATIENCE);
	resolve_peer(s, t);
}

/* One calls the next, also when it has no use for its turn. */
static void call_next(struct step *s)
{
	struct tunnel *next = s->ike->dials < DIALS_AT_ONCE ? s->ike->dial_first : NULL;
	if (!next)
		return;
	unqueue(s->ike, next);
	tunnel_mark(s, next);
}

/* ---------------------------------------------------------------- when */

/* Nothing that lives, nothing under way: or only an SA that may be dead or cannot go on, or one on a path that is no more. */
static bool needs_initiation(const struct ike *ike, const struct tunnel *t)
{
	if (!tunnel_may_initiate(ike, t))
		return false;
	bool live = false;
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		live |= sa->state == SA_ESTABLISHED && !sa_unresponsive(sa) && !sa->delete_due && !sa->forgotten && !sa->reauth;
	return !initiating(t) && (!live || t->new_path);
}

void tunnel_connect(struct step *s, struct tunnel *t)
{
	if (t->dialling && (mono_due(t->dial_until, s->now.mono) || (!t->resolving && !initiating(t))))
		tunnel_dial_over(s->ike, t);
	bool wait = !t->resolving && needs_initiation(s->ike, t), due = wait && mono_due(t->retry_at, s->now.mono);
	if (due && s->ike->dials < DIALS_AT_ONCE)
		begin_dial(s, t);
	else if (due)
		queue(s->ike, t);
	struct mono at = t->resolving ? t->resolve_by : wait && !due ? t->retry_at : MONO_NEVER;
	at = mono_min(at, t->dialling ? t->dial_until : MONO_NEVER);
	alarm_at(s->ike, &t->alarm, mono_min(mono_min(t->ask_at, t->trial_until), at));
	call_next(s);
}

/* The peer's own initiation came first: one of ours that nothing has answered yet would only make a second SA. */
void tunnel_cancel_initiation(struct step *s, struct tunnel *t)
{
	const struct sa *used = t->link_up && tunnel_current(t) ? tunnel_elect_sa(t) : NULL;
	struct sa *next;
	if (!used)
		return;
	for (struct sa *sa = t->sa_list; sa; sa = next) {
		next = sa->tunnel_next;
		bool unanswered = sa->state == SA_INITIATING && sa->ours.core.kind == X_INIT &&
				  (sa->ours.core.state == XS_KE || sa->ours.core.state == XS_SENT);
		if (unanswered && addr_same_ip(&sa->core.local, &used->core.local) &&
			addr_same_ip(&sa->core.remote, &used->core.remote))
			sa_destroy(s, sa);
	}
}

void tunnel_timer(struct step *s, struct tunnel *t)
{
	if (t->resolving && mono_due(t->resolve_by, s->now.mono)) {
		ike_report(s, FACT_RESOLVE_FAILED, BLAME_NETWORK, t, NULL, "%s is not resolved: the name server does not answer",
			t->conf->remote_name ? t->conf->remote_name : "the address");
		ike_report_about(s, t, SUBJECT_RESOLVER, NULL, NULL);
		t->resolving = false;
		tunnel_back_off(s, t);
	}
	tunnel_mark(s, t);
}

/* ---------------------------------------------------------------- paths */

static bool fits(const struct tunnel *t, const struct sa *sa)
{
	for (unsigned i = 0; i < t->n_paths; i++)
		if (addr_same_ip(&t->paths[i].remote, &sa->core.remote) && addr_same_ip(&t->paths[i].local, &sa->core.local))
			return true;
	return false;
}

static const struct addr *new_local(const struct tunnel *t, const struct sa *sa)
{
	for (unsigned i = 0; i < t->n_paths; i++)
		if (addr_same_ip(&t->paths[i].remote, &sa->core.remote))
			return &t->paths[i].local;
	return NULL;
}

/* Live SAs whose path is not the one that the system would take now: behind our own NAT they move, else a new SA is made beside. */
static void follow_path(struct step *s, struct tunnel *t)
{
	struct sa *next;
	char was[ADDR_TEXT], is[ADDR_TEXT];
	for (struct sa *sa = t->sa_list; sa; sa = next) {
		next = sa->tunnel_next;
		if (fits(t, sa) || (sa->state != SA_ESTABLISHED && sa->state != SA_INITIATING))
			continue;
		const struct addr *local = new_local(t, sa);
		if (sa->state == SA_INITIATING) {
			sa_destroy(s, sa);
			t->retry_at = s->now.mono;
			continue;
		}
		if (local && sa->core.nat_local) {
			path_local_moved(s, sa, local);
			continue;
		}
		if (sa->core.nat_remote && !t->conf->remote_name)
			continue; /* a peer behind a NAT is where it is */
		ike_report(s, FACT_ADDRESS_CHANGED, BLAME_NETWORK, t, &sa->core.remote,
			"our address toward %s changed from %s to %s: a new IKE SA is made",
			t->conf->remote_name ? t->conf->remote_name : "the peer", addr_format(&sa->core.local, was),
			local ? addr_format(local, is) : "none");
		ike_report_about(s, t, SUBJECT_ADDRESS, was, local ? is : NULL);
		t->new_path = true;
		t->retry_at = s->now.mono;
	}
}

static void no_path(struct step *s, struct tunnel *t, bool no_route, const char *why)
{
	char to[ADDR_TEXT];
	const char *remote = t->conf->remote_name ? t->conf->remote_name : addr_format(&t->conf->remote, to);
	if (no_route || !t->conf->remote_name)
		ike_report(s, FACT_NO_ROUTE, BLAME_NETWORK, t, NULL, "%.80s%s%.140s", t->conf->remote_name ? remote : "",
			t->conf->remote_name ? ": " : "", why ? why : "no route to the peer");
	else
		ike_report(s, FACT_RESOLVE_FAILED, BLAME_NETWORK, t, NULL, "%.80s is not resolved: %.140s", remote,
			why ? why : "no address");
	ike_report_about(s, t, no_route || !t->conf->remote_name ? SUBJECT_ROUTE : SUBJECT_RESOLVER, NULL, NULL);
	if (t->resolving) {
		t->resolving = false;
		tunnel_back_off(s, t);
	}
	tunnel_mark(s, t);
}

void tunnel_resolved(struct step *s, const struct ike_event *e)
{
	struct tunnel *t = tunnel_by_id(s->ike, e->resolved.tunnel);
	if (!t || t->query != e->resolved.query || t->removed)
		return;
	if (!e->resolved.n) {
		no_path(s, t, e->resolved.no_route, e->resolved.why);
		return;
	}
	tunnel_set_paths(t, e->resolved.v, e->resolved.n < RESOLVED_MAX ? e->resolved.n : RESOLVED_MAX);
	if (t->repath) {
		t->repath = false;
		follow_path(s, t);
	}
	tunnel_mark(s, t);
	if (!t->resolving)
		return;
	t->resolving = false;
	if (!needs_initiation(s->ike, t))
		return;
	t->new_path = false;
	if (mono_is_never(t->outage) && !t->link_up)
		t->outage = s->now.mono;
	init_start(s, t);
}

void tunnel_path_changed(struct step *s)
{
	size_t it = 0;
	struct tunnel *t;
	while ((t = table_next(&s->ike->tunnels, &it))) {
		if (!t->sa_list && !t->resolving && t->wanted) {
			t->retry_at = s->now.mono; /* what failed for want of a route may work now */
			tunnel_mark(s, t);
		}
		if (!t->sa_list || t->removed || t->conf->remote_any)
			continue;
		t->repath = true;
		struct ike_action *a = step_action(s, ACTION_RESOLVE);
		a->resolve.tunnel = t->id;
		a->resolve.query = t->resolving ? t->query : ++t->query;
		a->resolve.name = t->conf->remote_name;
		a->resolve.remote = t->conf->remote;
		a->resolve.local = t->conf->local;
	}
}
