/*
 * tunnel.c - what a tunnel makes of its SAs: which child carries the traffic, whether it is up, what is redundant, when to dial.
 *
 * tunnel_work() looks at the whole picture after every change and needs no memory of how it came about: the same picture gives the same consequences.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define RESOLVE_PATIENCE 15000
#define FLAPPING 10000 /* an SA that lived shorter than this counts as a refusal: back off */

/* ---------------------------------------------------------------- order among SAs and children */

/* Made by opposite ends at about the same time: the nonces decide, at both ends alike. Else the newer. */
static bool newer(bool a_ours, struct mono a, const struct lowest *a_low, uint32_t a_number, bool b_ours, struct mono b,
	const struct lowest *b_low, uint32_t b_number)
{
	msec apart = a.ms > b.ms ? a.ms - b.ms : b.ms - a.ms;
	if (a_ours != b_ours && apart < CROSSING && lowest_compare(a_low, b_low))
		return lowest_compare(a_low, b_low) > 0;
	return a_number > b_number;
}

static bool better_sa(const struct sa *a, const struct sa *b)
{
	bool a_going = a->forgotten || a->state != SA_ESTABLISHED, b_going = b->forgotten || b->state != SA_ESTABLISHED;
	if (a_going != b_going)
		return b_going;
	return newer(a->born.initiator, a->born.at, &a->born.low, a->born.number, b->born.initiator, b->born.at, &b->born.low,
		b->born.number);
}

/* A request goes unanswered, and nothing else of the peer was heard meanwhile either. */
static bool suspect(const struct sa *sa) { return sa->ours.state == XS_SENT && sa->ours.unheard >= SUSPECT_TRIES; }

static bool closing(const struct sa *sa) { return sa->forgotten || sa->state != SA_ESTABLISHED || !mono_is_never(sa->close_at); }

static bool shaky(const struct sa *sa) { return closing(sa) || suspect(sa) || sa_unproven(sa); }

static bool better_child(const struct child *a, const struct child *b)
{
	if (shaky(a->sa) != shaky(b->sa))
		return shaky(b->sa);
	if ((a->state == CHILD_READY) != (b->state == CHILD_READY))
		return a->state == CHILD_READY;
	if (a->sa != b->sa)
		return better_sa(a->sa, b->sa);
	return newer(a->initiator, a->created, &a->low, a->number, b->initiator, b->created, &b->low, b->number);
}

/* Of two on different SAs: is that of `used` the one to stay with? */
static bool better_place(const struct child *used, const struct child *best)
{
	if (shaky(used->sa) || used->sa == best->sa)
		return false;
	return shaky(best->sa) || (used->state == CHILD_REPLACED && better_sa(used->sa, best->sa));
}

/* The SA in use is suspect, but of that of `best` nothing was heard since either: the peer may have closed it long ago. */
static bool doubted_too(const struct child *used, const struct child *best)
{
	return used->sa != best->sa && child_wanted(used) && !closing(used->sa) && suspect(used->sa) &&
	       best->sa->heard.ms <= used->sa->heard.ms;
}

/* The peer may not have `best` yet, but what that replaces it surely still has: until it closes it, or uses the new one. */
static struct child *predecessor(struct child *best)
{
	for (struct child *o = best->sa->children; o; o = o->next)
		if (o->replaced_by == best->number && o->state == CHILD_REPLACED && !o->delete_due &&
			(o->out_installed || o->job_out))
			return o;
	return best;
}

static struct child *elect(const struct tunnel *t)
{
	struct child *best = NULL;
	for (struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		for (struct child *c = sa->children; c; c = c->next)
			if (child_wanted(c) && (!best || better_child(c, best)))
				best = c;
	/* A child that the peer may not have yet, or an older one that it may not have any more, is better than none, but not than the one in use. */
	struct child *used = t->current && t->current->sa ? t->current : NULL;
	if (best && used && doubted_too(used, best))
		return used;
	bool ready = best && best->state == CHILD_READY;
	if (!best || (ready && (!used || !better_place(used, best))))
		return best;
	if (used && (child_wanted(used) || used->state == CHILD_REPLACED))
		return child_wanted(used) ? used : NULL;
	return ready ? best : predecessor(best);
}

/* ---------------------------------------------------------------- up and down */

static void set_state(struct step *s, struct tunnel *t, enum tunnel_state state)
{
	if (t->state != state)
		t->since = s->now.wall;
	t->state = state;
}

static void link_to(struct step *s, struct tunnel *t, enum esp_link state)
{
	struct esp_link_state l = { .tunnel = t->id, .state = (uint8_t)state };
	if (t->current) {
		l.encap = t->current->encap;
		l.suite = t->current->suite;
		l.local = t->current->local;
		l.remote = t->current->remote;
	}
	bool same = l.state == t->link.state && l.encap == t->link.encap && suite_equal(&l.suite, &t->link.suite) &&
		    addr_equal(&l.local, &t->link.local) && addr_equal(&l.remote, &t->link.remote);
	if (same)
		return;
	t->link = l;
	act(s, ACTION_LINK)->link = l;
}

/* The SAs stay and probing goes on, but traffic shall not wait for them: routes leave, routing protocols are told by the interface. */
static bool fallen_silent(struct step *s, struct tunnel *t)
{
	char span[TIME_TEXT];
	const struct sa *sa = t->current ? t->current->sa : NULL;
	if (!sa || !sa_silent(s, sa))
		return false;
	if (t->link_up)
		tell(s, FACT_NO_ANSWER, BLAME_PEER, t, &sa->core.remote,
			"the peer is silent for %s: its routes are withdrawn, probing goes on",
			span_format(s->now.mono.ms - (mono_is_never(sa->quiet) ? sa->heard : sa->quiet).ms, span));
	return true;
}

static void went_up(struct step *s, struct tunnel *t)
{
	char remote[ADDR_TEXT], suite[PROPOSAL_TEXT];
	set_state(s, t, TUNNEL_UP);
	t->link_up = true;
	t->outage = MONO_NEVER;
	tunnel_forget_error(t);
	tell(s, FACT_UP, BLAME_NONE, t, &t->current->remote, "up: %s%s, %s", addr_port_format(&t->current->remote, remote),
		t->current->encap ? " (ESP in UDP)" : "", suite_format(&t->current->suite, suite));
	tunnel_reply(s, t, COMMAND_UP, true, NULL);
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
		tell(s, FACT_STOPPED, BLAME_OPERATOR, t, NULL, "down: %s", why);
	else
		tell(s, FACT_DOWN, t->last_error ? t->last_error->blame : BLAME_NONE, t, NULL, "down: %.220s", why);
}

static void not_up(struct step *s, struct tunnel *t)
{
	char to[ADDR_TEXT];
	const struct tunnel_conf *conf = t->conf;
	bool wanted = t->wanted && !t->held;
	bool told = t->removed || s->ike->shutting_down; /* nobody has to hear of it again */
	if (!wanted && (t->state == TUNNEL_CONNECTING || t->state == TUNNEL_MISCONFIGURED) && !told)
		tell(s, FACT_STOPPED, BLAME_OPERATOR, t, NULL, "down: %s",
			t->held ? "stopped by the operator" : "the configuration wants it up no more");
	if (wanted && t->unusable) {
		if (t->state != TUNNEL_MISCONFIGURED)
			tell(s, FACT_KERNEL_FAILED, BLAME_LOCAL, t, NULL, "%.230s", t->unusable);
		set_state(s, t, TUNNEL_MISCONFIGURED);
		return;
	}
	if (wanted && t->state != TUNNEL_CONNECTING && !told)
		tell(s, FACT_CONNECTING, BLAME_NONE, t, NULL, "connecting to %.200s",
			conf->remote_name  ? conf->remote_name
			: conf->remote_any ? "whoever dials"
					   : addr_format(&conf->remote, to));
	set_state(s, t, wanted ? TUNNEL_CONNECTING : TUNNEL_DOWN);
}

static void follow(struct step *s, struct tunnel *t, struct child *best)
{
	if (best && best != t->current && best != t->switching)
		child_install_out(s, best);
	if (!best && t->current && (!t->current->sa || t->current->state >= CHILD_DELETING) && !t->switching)
		t->current = NULL;
	/* While another is being installed the one in use does, closed or not; but nothing comes up on one that is closed. */
	bool up = t->current && (t->link_up || !t->unusable) &&
		  (best == t->current || t->current->state == CHILD_REPLACED || (best && t->link_up)) && !fallen_silent(s, t);
	if (up && !t->link_up)
		went_up(s, t);
	if (up)
		link_to(s, t, LINK_UP);
	if (!up && t->link_up)
		went_down(s, t);
	if (!up)
		not_up(s, t);
}

/* ---------------------------------------------------------------- what is too much */

static bool has_child(const struct sa *sa)
{
	for (const struct child *c = sa->children; c; c = c->next)
		if (c->state < CHILD_DELETING && !c->delete_due)
			return true;
	return false;
}

/* Whatever its age, it carries nothing. The half of a crossing rekey is no stranger: it waits for the children. */
static bool bare(const struct sa *sa, const struct sa *used)
{
	return !has_child(sa) && sa->ours.state == XS_IDLE && sa->theirs.state == XS_IDLE && sa->born.number != used->born.number;
}

static void ask_now(struct step *s, struct sa *sa)
{
	if (sa->liveness_due || sa->ours.state != XS_IDLE)
		return;
	sa->liveness_due = true;
	sa_mark(s, sa);
}

/* The SA in use is suspect: does the peer still have one of the others? */
static void ask_others(struct step *s, struct tunnel *t)
{
	const struct sa *used = t->current ? t->current->sa : NULL;
	if (!used || !suspect(used))
		return;
	for (struct sa *o = t->sa_list; o; o = o->tunnel_next)
		if (o != used && !closing(o) && o->heard.ms <= used->heard.ms)
			ask_now(s, o);
}

/* The peer may never have got our answer to its IKE_AUTH: with two SAs at hand, nothing goes before that is known. */
static bool doubtful(struct step *s, struct sa *sa)
{
	if (!sa_unproven(sa))
		return false;
	if (sa->tunnel->sa_list->tunnel_next)
		ask_now(s, sa);
	return true;
}

static void close_redundant(struct step *s, struct tunnel *t, struct child *best)
{
	if (!best || best != t->current || t->switching || best->state != CHILD_READY)
		return;
	if (suspect(best->sa) || doubtful(s, best->sa)) /* nothing goes for the sake of one that may be dead */
		return;
	for (struct sa *o = t->sa_list; o; o = o->tunnel_next) {
		if (o == best->sa || o->state != SA_ESTABLISHED || !mono_is_never(o->close_at) ||
			(!better_sa(best->sa, o) && !bare(o, best->sa)))
			continue;
		if (t->insists && !o->core.initiator && !suspect(o))
			continue; /* closing it would only bring the next one */
		tell(s, FACT_IKE_REPLACED, BLAME_NONE, t, &o->core.remote,
			"a newer IKE SA of the same peer carries the traffic: the older one goes");
		if (suspect(o))
			sa_forget(s, o);
		else
			o->close_at = mono_add(s->now.mono, o->core.initiator ? REDUNDANT_OURS : REDUNDANT_THEIRS);
		sa_mark(s, o);
	}
	if (!mono_is_never(best->close_at)) { /* what made it redundant is gone itself */
		best->close_at = MONO_NEVER;
		child_alarm(s, best);
	}
	for (struct child *c = best->sa->children; c; c = c->next)
		if (c != best && c->state == CHILD_READY && mono_is_never(c->close_at) && !c->rival.n) {
			c->close_at = mono_add(s->now.mono, c->initiator ? REDUNDANT_OURS : REDUNDANT_THEIRS);
			child_alarm(s, c);
		}
}

/* An IKE SA alone carries nothing: ask for a child again, and start over after three refusals. */
static void mend_childless(struct step *s, struct tunnel *t)
{
	for (struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next) {
		bool idle = sa->state == SA_ESTABLISHED && mono_is_never(sa->close_at) && !sa->delete_due &&
			    sa->ours.state == XS_IDLE && sa->theirs.state == XS_IDLE && mono_is_never(sa->retry_at);
		if (!idle || has_child(sa) || sa->new_child_due || t->current)
			continue;
		if (sa->child_refusals >= 3) {
			tell(s, FACT_NO_CHILD, BLAME_PEER, t, &sa->core.remote,
				"no child SA after three refusals: starting over");
			t->refused = true;
			sa->delete_due = true;
		} else {
			sa->new_child_due = true;
		}
		sa_mark(s, sa);
	}
}

/* ---------------------------------------------------------------- dialling */

static void dial(struct step *s, struct tunnel *t)
{
	const struct tunnel_conf *conf = t->conf;
	struct ike_action *a = act(s, ACTION_RESOLVE);
	t->resolving = true;
	t->counters[COUNTER_ATTEMPTS]++;
	t->resolve_by = mono_add(s->now.mono, RESOLVE_PATIENCE);
	a->resolve.tunnel = t->id;
	a->resolve.query = ++t->query;
	a->resolve.name = conf->remote_name;
	a->resolve.remote = conf->remote;
	a->resolve.local = conf->local;
}

static void back_off(struct step *s, struct tunnel *t)
{
	const struct global_conf *g = &s->ike->conf->global;
	t->backoff = t->backoff ? t->backoff * 2 : g->retry_min;
	if (t->backoff > g->retry_max)
		t->backoff = g->retry_max;
	t->retry_at = mono_add(s->now.mono, jitter(s->ike, t->backoff, 25));
}

/* An SA of the tunnel is gone. Refusals back off; silence does not in the first minutes: the peer's return shall be noticed at once. */
void tunnel_sa_gone(struct step *s, struct tunnel *t, const struct sa *sa, bool dialing)
{
	bool flapping = !dialing && sa->established.ms && s->now.mono.ms - sa->established.ms < FLAPPING;
	t->path += dialing;
	bool long_out = !mono_is_never(t->outage) && s->now.mono.ms - t->outage.ms > DIAL_EAGER;
	if (t->refused || flapping || (dialing && long_out))
		back_off(s, t);
	else if (dialing || sa->established.ms)
		t->retry_at = mono_add(s->now.mono, jitter(s->ike, 100, 300));
	t->refused = false;
	tunnel_mark(s, t);
}

/* Nothing that lives, nothing that dials: or only an SA that may be dead, or one on a path that is no more. */
static bool needs_dial(const struct ike *ike, const struct tunnel *t)
{
	if (!t->wanted || t->held || t->unusable || t->removed || ike->shutting_down || t->conf->remote_any)
		return false;
	bool live = false, dialing = false;
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next) {
		live |= sa->state == SA_ESTABLISHED && !suspect(sa) && !sa->delete_due && !sa->forgotten;
		dialing |= sa->state == SA_DIALING;
	}
	return !dialing && (!live || t->new_path);
}

static void dial_if_due(struct step *s, struct tunnel *t)
{
	bool wait = !t->resolving && needs_dial(s->ike, t);
	if (wait && mono_due(t->retry_at, s->now.mono)) {
		dial(s, t);
		wait = false;
	}
	alarm_at(s->ike, &t->alarm, t->resolving ? t->resolve_by : wait ? t->retry_at : MONO_NEVER);
}

/* The peer's own dial came first: one of ours that nothing has answered yet would only make a second SA. */
static void stop_dialing(struct step *s, struct tunnel *t)
{
	const struct sa *used = t->link_up && t->current ? t->current->sa : NULL;
	struct sa *next;
	if (!used || shaky(used) || used->delete_due)
		return;
	for (struct sa *sa = t->sa_list; sa; sa = next) {
		next = sa->tunnel_next;
		bool unanswered = sa->state == SA_DIALING && sa->ours.kind == X_INIT &&
				  (sa->ours.state == XS_KE || sa->ours.state == XS_SENT);
		if (unanswered && addr_same_ip(&sa->core.local, &used->core.local) &&
			addr_same_ip(&sa->core.remote, &used->core.remote))
			sa_destroy(s, sa);
	}
}

void tunnel_timer(struct step *s, struct tunnel *t)
{
	if (t->resolving && mono_due(t->resolve_by, s->now.mono)) {
		tell(s, FACT_RESOLVE_FAILED, BLAME_NETWORK, t, NULL, "%s is not resolved: the name server does not answer",
			t->conf->remote_name ? t->conf->remote_name : "the address");
		t->resolving = false;
		back_off(s, t);
	}
	tunnel_mark(s, t);
}

/* Who waits for a rekey of something that is gone meanwhile would wait for ever. */
static void answer_overtaken(struct step *s, struct tunnel *t)
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

void tunnel_work(struct step *s, struct tunnel *t)
{
	struct child *best = elect(t);
	follow(s, t, best);
	if (t->link_up && t->current && t->current->sa && s->now.mono.ms - t->current->created.ms > FLAPPING)
		t->backoff = 0;
	close_redundant(s, t, best);
	ask_others(s, t);
	stop_dialing(s, t);
	bool active = t->wanted && !t->held && !t->unusable && !t->removed && !s->ike->shutting_down;
	if (active)
		mend_childless(s, t);
	dial_if_due(s, t);
	answer_overtaken(s, t);
	if (!t->sa_list)
		tunnel_reply(s, t, COMMAND_DOWN, true, NULL);
	if (t->removed && !t->sa_list && !t->zombies && !t->lingering && !t->dirty)
		tunnel_drop(s->ike, t);
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
		tell(s, FACT_KERNEL_FAILED, BLAME_LOCAL, t, NULL, "%.230s", why);
	if (why && !t->link_up)
		tunnel_close_all(s, t);
	if (why)
		tunnel_reply(s, t, COMMAND_UP, false, why);
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
		if (fits(t, sa) || (sa->state != SA_ESTABLISHED && sa->state != SA_DIALING))
			continue;
		const struct addr *local = new_local(t, sa);
		if (sa->state == SA_DIALING) {
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
		tell(s, FACT_ADDRESS_CHANGED, BLAME_NETWORK, t, &sa->core.remote,
			"the path is now from %s to %s, it was from %s: a new IKE SA is made",
			local ? addr_format(local, is) : "elsewhere", t->conf->remote_name ? t->conf->remote_name : "the peer",
			addr_format(&sa->core.local, was));
		t->new_path = true;
		t->retry_at = s->now.mono;
	}
}

static void no_path(struct step *s, struct tunnel *t, const char *why)
{
	char to[ADDR_TEXT];
	const char *remote = t->conf->remote_name ? t->conf->remote_name : addr_format(&t->conf->remote, to);
	tell(s, t->conf->remote_name ? FACT_RESOLVE_FAILED : FACT_NO_ROUTE, BLAME_NETWORK, t, NULL, "no way to %s: %s", remote,
		why ? why : "no route");
	if (t->resolving) {
		t->resolving = false;
		back_off(s, t);
	}
	tunnel_mark(s, t);
}

void tunnel_resolved(struct step *s, const struct ike_event *e)
{
	struct tunnel *t = tunnel_by_id(s->ike, e->resolved.tunnel);
	if (!t || t->query != e->resolved.query || t->removed)
		return;
	if (!e->resolved.n) {
		no_path(s, t, e->resolved.why);
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
	if (!needs_dial(s->ike, t))
		return;
	t->new_path = false;
	if (mono_is_never(t->outage) && !t->link_up)
		t->outage = s->now.mono;
	bool beside = false;
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		beside |= sa->state == SA_ESTABLISHED;
	init_dial(s, t, beside);
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
		struct ike_action *a = act(s, ACTION_RESOLVE);
		a->resolve.tunnel = t->id;
		a->resolve.query = t->resolving ? t->query : ++t->query;
		a->resolve.name = t->conf->remote_name;
		a->resolve.remote = t->conf->remote;
		a->resolve.local = t->conf->local;
	}
}
