/* problem.c - a tunnel that is up and whose traffic goes one way only speaks up by itself; see recent.h for what that means. */
#include "machine.h"

bool tunnel_expects(const struct tunnel *t) { return t->conf->bgp.set; }

static bool same_networks(const struct tunnel_conf *a, const struct tunnel_conf *b)
{
	for (unsigned i = 0; i < a->n_routes; i++)
		for (unsigned k = 0; k < b->n_routes; k++)
			if (prefix_overlaps(&a->routes[i], &b->routes[k]))
				return true;
	return false;
}

/* Lately or all the minute: what it sent in vain before says nothing of what comes by it now. */
static bool has_more(const struct ike *ike, const struct tunnel *t, enum way way)
{
	struct recent_sum now = recent_sum(&t->recent, ike->counted, 10000), minute = recent_sum(&t->recent, ike->counted, 60000);
	return now.packets[way] > now.packets[!way] || minute.packets[way] > minute.packets[!way];
}

bool tunnel_elsewhere(const struct ike *ike, const struct tunnel *t, enum way way)
{
	const struct tunnel *o;
	for (size_t it = 0; (o = table_next(&ike->tunnels, &it));) {
		if (o != t && o->state == TUNNEL_UP && has_more(ike, o, !way) && same_networks(t->conf, o->conf))
			return true;
	}
	return false;
}

static enum problem problem_now(const struct step *s, const struct tunnel *t)
{
	enum problem p = t->state == TUNNEL_UP ? recent_problem(&t->recent, s->now.mono, tunnel_expects(t)) : PROBLEM_NONE;
	if (p == PROBLEM_NONE || p == t->recent.told)
		return p;
	return tunnel_elsewhere(s->ike, t, p == PROBLEM_OUTBOUND_ONLY ? WAY_OUT : WAY_IN) ? PROBLEM_NONE : p;
}

static void tell(struct step *s, struct tunnel *t, enum problem p)
{
	const struct child *c = tunnel_current(t);
	const struct addr *peer = c ? &c->core.remote : NULL;
	char span[TIME_TEXT];
	bool out = p == PROBLEM_OUTBOUND_ONLY;
	const struct alone *a = &t->recent.alone[out ? WAY_OUT : WAY_IN];
	ike_report(s, FACT_PROBLEM, out ? BLAME_NETWORK : BLAME_LOCAL, t, peer,
		"up, but for %s %s: %llu packets that want an answer, `s2sctl explain` says more",
		span_format(s->now.mono.ms - a->since.ms, span),
		out ? "packets go out and nothing comes back" : "packets come in and nothing goes back",
		(unsigned long long)a->packets);
	ike_report_about(s, t, SUBJECT_NONE, NULL, problem_word(p));
}

void tunnel_problem(struct step *s, struct tunnel *t)
{
	enum problem now = problem_now(s, t), was = t->recent.told;
	if (now == was)
		return;
	if (was != PROBLEM_NONE) {
		ike_report(s, FACT_PROBLEM_OVER, BLAME_NONE, t, NULL, "%s",
			t->state != TUNNEL_UP ? "its traffic is no question any more: it is not up"
			: t->recent.alone[was == PROBLEM_OUTBOUND_ONLY ? WAY_OUT : WAY_IN].packets
				? "nobody sends what got no answer any more"
				: "its traffic goes both ways again");
		ike_report_about(s, t, SUBJECT_NONE, problem_word(was), NULL);
	}
	t->recent.told = now;
	t->recent.told_at = s->now.wall;
	if (now != PROBLEM_NONE)
		tell(s, t, now);
}
