/*
 * ways.c - verdicts from the way of a packet through this machine (ctl/way.h): what refuses it, takes it, or does not get it.
 */
#include <string.h>

#include "base/util.h"
#include "rules.h"

#define FEW 3 /* packets: fewer prove nothing */
#define INSIDE ((1u << LEG_INTO) | (1u << LEG_BACK))

/* The first step of that fault in legs of these kinds; all of them become evidence. */
static const struct way_step *seen(
	const struct symptoms *s, struct verdict *v, enum way_fault fault, unsigned kinds, const struct way_leg **at)
{
	const struct way_step *first = NULL;
	for (unsigned i = 0; s->way != NULL && i < s->way->n; i++) {
		const struct way_leg *leg = &s->way->legs[i];
		for (unsigned k = 0; k < leg->n && (kinds & (1u << leg->kind)) != 0; k++) {
			if (leg->steps[k].fault != fault)
				continue;
			if (first == NULL && at != NULL)
				*at = leg;
			first = first == NULL ? &leg->steps[k] : first;
			evidence_add(v, "%s", leg->steps[k].text);
		}
	}
	return first;
}

/* ---------------------------------------------------------------- routes, forwarding: beside host.c */
bool way_route_fault(const struct symptoms *s, struct verdict *v, bool missing)
{
	char to[ADDR_TEXT];
	const struct way_leg *leg = NULL;
	const struct way_step *x = s->state == TUNNEL_UP ? seen(s, v, missing ? WAY_NO_ROUTE : WAY_ELSEWHERE, INSIDE, &leg)
							 : NULL;
	if (x == NULL)
		return false;
	if (v->a[0] == 0)
		verdict_set(v->a, "%s", addr_format(&leg->to, to));
	if (v->b[0] == 0)
		verdict_set(v->b, "%s", x->named);
	return true;
}

bool way_forwarding_fault(const struct symptoms *s, struct verdict *v)
{
	const struct way_step *x = s->state == TUNNEL_UP ? seen(s, v, WAY_FORWARDING, INSIDE, NULL) : NULL;
	if (x != NULL)
		verdict_set(v->a, "%s", x->named);
	return x != NULL;
}

/* ---------------------------------------------------------------- reverse path */
static bool reverse(const struct symptoms *s, struct verdict *v, unsigned kinds)
{
	const struct way_leg *leg = NULL;
	char from[ADDR_TEXT];
	const struct way_step *x = seen(s, v, WAY_REVERSE_PATH, kinds, &leg);
	if (x == NULL)
		return false;
	addr_format(&leg->from, from);
	verdict_set(v->a, "packets from %s that arrive on %s", from, leg->in);
	if (x->named[0] != 0)
		verdict_set(v->b,
			"`sysctl -w net.ipv4.conf.%s.rp_filter=2` (loose) and a line in /etc/sysctl.d/, or a route to %s through %s",
			leg->in, from, leg->in);
	else
		verdict_set(v->b, "add a route to the network of %s through %s, which is missing", from, leg->in);
	return true;
}

bool verdict_reverse_path_outside(const struct symptoms *s, struct verdict *v)
{
	return s->state != TUNNEL_UP && !s->stopped && reverse(s, v, 1u << LEG_ARRIVAL);
}
bool verdict_reverse_path(const struct symptoms *s, struct verdict *v)
{
	return s->state == TUNNEL_UP && reverse(s, v, INSIDE | (1u << LEG_ARRIVAL));
}

/* ---------------------------------------------------------------- policies, addresses */
bool verdict_foreign_policy(const struct symptoms *s, struct verdict *v)
{
	const struct way_step *x = s->state == TUNNEL_UP ? seen(s, v, WAY_POLICY, INSIDE, NULL) : NULL;
	if (x != NULL)
		verdict_set(v->a, "%s", x->named);
	return x != NULL;
}

bool verdict_own_address(const struct symptoms *s, struct verdict *v)
{
	const struct way_step *x = s->state == TUNNEL_UP ? seen(s, v, WAY_OWN_ADDRESS, INSIDE, NULL) : NULL;
	if (x != NULL)
		verdict_set(v->a, "%s", x->named);
	for (unsigned i = 0; s->state == TUNNEL_UP && s->way != NULL && i < s->way->n_overlaps; i++) {
		const struct way_overlap *o = &s->way->overlaps[i];
		char route[ADDR_TEXT], own[ADDR_TEXT];
		evidence_add(v, "%s of the tunnel, and %s has %s", prefix_format(&o->route, route), o->device,
			prefix_format(&o->own, own));
		if (v->a[0] == 0)
			verdict_set(v->a, "%s", route);
	}
	return v->a[0] != 0;
}

/* ---------------------------------------------------------------- neighbours */
/* A host of our own choosing that is silent proves nothing: routers, the operator's own host, and those that packets came for. */
static bool silent_one(const struct symptoms *s, struct verdict *v, unsigned kinds)
{
	bool unanswered = s->in_60s >= FEW && s->out_60s == 0;
	for (unsigned i = 0; s->way != NULL && i < s->way->n; i++) {
		const struct way_leg *leg = &s->way->legs[i];
		char to[ADDR_TEXT];
		for (unsigned k = 0; k < leg->n && (kinds & (1u << leg->kind)) != 0; k++) {
			const struct way_step *x = &leg->steps[k];
			bool router = strcmp(x->named, addr_format(&leg->to, to)) != 0;
			if (x->fault != WAY_NEIGHBOUR || !(router || s->way->named || leg->kind == LEG_OUTSIDE || unanswered))
				continue;
			evidence_add(v, "%s", x->text);
			verdict_set(v->a, "%s", x->named);
			verdict_set(v->b, "%s", leg->out);
		}
	}
	return v->a[0] != 0;
}

bool verdict_neighbour_outside(const struct symptoms *s, struct verdict *v)
{
	return s->state != TUNNEL_UP && !s->stopped && silent_one(s, v, 1u << LEG_OUTSIDE);
}
bool verdict_neighbour(const struct symptoms *s, struct verdict *v)
{
	return s->state == TUNNEL_UP && silent_one(s, v, (1u << LEG_BACK) | (1u << LEG_OUTSIDE));
}

/* ---------------------------------------------------------------- two uplinks */
bool verdict_source_route(const struct symptoms *s, struct verdict *v)
{
	char local[ADDR_TEXT], peer[ADDR_TEXT], commands[WAY_COMMANDS];
	const struct way_uplink *u = s->way != NULL ? &s->way->uplink : NULL;
	bool waits = s->error == NULL || symptoms_error(s, FACT_NO_ANSWER) || symptoms_error(s, FACT_PEER_DEAD);
	if (u == NULL || !u->wrong || s->state == TUNNEL_UP || s->stopped || !waits)
		return false;
	verdict_set(
		v->a, "%s is on %s, but the way to the peer leaves through %s", addr_format(&u->local, local), u->has, u->takes);
	verdict_set(v->b, "%s", way_uplink_commands(u, commands));
	evidence_add(v, "`ip route get %s from %s` says dev %s", addr_format(&s->peer, peer), local, u->takes);
	evidence_add(v, "the provider of %s drops packets from %s as forged, if it filters sources (BCP 38)", u->takes, local);
	return true;
}
