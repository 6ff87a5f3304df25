/*
 * firewall.c - verdicts from what this machine's packet filter does with the tunnel's packets and with its IKE and ESP: drops, and changes of addresses. The
 * rules are followed by ctl/filter.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "rules.h"

#define FEW 3        /* packets: fewer prove nothing */
#define QUESTIONS 24 /* packets whose way is followed for one verdict */

static const char *const way_out[] = { "output", "postrouting", NULL }, *const way_in[] = { "prerouting", "input", NULL };
static const char *const way_through[] = { "prerouting", "forward", "postrouting", NULL };

struct question {
	const char *what, *const *hooks;
	struct packet p;
	struct prefix far;
	struct filter_hits hits;
};

struct asking {
	const struct symptoms *s;
	struct ruleset *set;
	unsigned n;
	struct question q[QUESTIONS];
};

static void follow(struct asking *a, const struct question *q)
{
	if (a->n == QUESTIONS)
		return;
	struct question *to = &a->q[a->n++];
	*to = *q;
	filter_walk(a->set, to->hooks, &to->p, &to->hits);
}

/* ---------------------------------------------------------------- whose way is followed */
static void ask_pair(struct asking *a, const struct prefix *net, const struct addr *far, const struct host_lan *lan)
{
	const char *device = lan != NULL ? lan->device : NULL, *tunnel = a->s->interface;
	struct addr near = lan != NULL ? lan->host : (struct addr){ 0 };
	follow(a, &(struct question){ "what goes into the tunnel", way_through,
			  { .in = device, .out = tunnel, .from = near, .to = *far, .state = PACKET_NEW, .through = true }, *net,
			  { 0 } });
	follow(a, &(struct question){ "answers that come out of the tunnel", way_through,
			  { .in = tunnel, .out = device, .from = *far, .to = near, .state = PACKET_ANSWER, .through = true },
			  *net, { 0 } });
}

/* From each network behind us; from somewhere when none is known. */
static void ask_far(struct asking *a, const struct prefix *net, const struct addr *far)
{
	bool any = false;
	for (unsigned i = 0; i < a->s->host->n_lans; i++) {
		if (a->s->host->lans[i].host.family != far->family)
			continue;
		ask_pair(a, net, far, &a->s->host->lans[i]);
		any = true;
	}
	if (!any)
		ask_pair(a, net, far, NULL);
}

/* The operator's own pair, as its way leads. */
static void ask_leg(struct asking *a, const struct way_leg *leg)
{
	bool into = leg->kind == LEG_INTO;
	struct prefix far = { .addr = into ? leg->to : leg->from, .len = leg->to.family == AF_INET6 ? 128 : 32 };
	struct packet p = { .in = leg->in[0] != 0 ? leg->in : NULL,
		.out = leg->out[0] != 0 ? leg->out : NULL,
		.from = leg->from,
		.to = leg->to,
		.state = into ? PACKET_NEW : PACKET_ANSWER,
		.through = leg->in[0] != 0 && leg->out[0] != 0 };
	follow(a, &(struct question){ into ? "what goes into the tunnel" : "answers that come out of the tunnel",
			  p.through      ? way_through
			  : p.in != NULL ? way_in
					 : way_out,
			  p, far, { 0 } });
}

/* One network behind the tunnel of each family stands for all. */
static void ask_tunnel(struct asking *a)
{
	unsigned seen = 0;
	const struct way *w = a->s->way;
	for (unsigned i = 0; w != NULL && w->named && i < w->n; i++)
		if (w->legs[i].kind == LEG_INTO || w->legs[i].kind == LEG_BACK)
			ask_leg(a, &w->legs[i]);
	if (a->n > 0)
		return;
	for (unsigned i = 0; i < a->s->host->n_routes; i++) {
		const struct host_route *r = &a->s->host->routes[i];
		unsigned bit = r->host.family == AF_INET6 ? 2 : 1;
		if ((seen & bit) == 0)
			ask_far(a, &r->prefix, &r->host);
		seen |= bit;
	}
}

static void ask_peer(struct asking *a)
{
	struct addr peer = a->s->peer, none = { 0 };
	const struct {
		const char *what;
		bool out;
		const char *protocol;
		unsigned port;
	} rows[] = { { "our IKE on UDP 500", true, "udp", 500 }, { "our IKE on UDP 4500", true, "udp", 4500 },
		{ "the peer's IKE on UDP 500", false, "udp", 500 }, { "the peer's IKE on UDP 4500", false, "udp", 4500 },
		{ "our ESP", true, "esp", 0 }, { "the peer's ESP", false, "esp", 0 } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!(a->s->udp && strcmp(rows[i].protocol, "esp") == 0))
			follow(a, &(struct question){ rows[i].what, rows[i].out ? way_out : way_in,
					  { .from = rows[i].out ? none : peer,
						  .to = rows[i].out ? peer : none,
						  .protocol = rows[i].protocol,
						  .port = rows[i].port,
						  .state = rows[i].out ? PACKET_NEW : PACKET_ANSWER },
					  { .len = 0 }, { 0 } });
}

/*
 * As the first packets of their flows: addresses are changed by these alone. What comes is asked like that, too, as the peer may be the first to send; the
 * answers to what we send first keep the way that this one opened.
 */
static void ask_outside(struct asking *a)
{
	const struct host_network *host = a->s->host;
	const char *uplink = host->uplink[0] != 0 ? host->uplink : NULL;
	static const struct {
		const char *what;
		bool out;
		const char *protocol;
		unsigned port;
	} rows[] = { { "our IKE on UDP 500", true, "udp", 500 }, { "our IKE on UDP 4500", true, "udp", 4500 },
		{ "our ESP", true, "esp", 0 }, { "the peer's IKE on UDP 500", false, "udp", 500 },
		{ "the peer's IKE on UDP 4500", false, "udp", 4500 }, { "the peer's ESP", false, "esp", 0 } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!(a->s->udp && strcmp(rows[i].protocol, "esp") == 0))
			follow(a, &(struct question){ rows[i].what, rows[i].out ? way_out : way_in,
					  { .in = rows[i].out ? NULL : uplink,
						  .out = rows[i].out ? uplink : NULL,
						  .from = rows[i].out ? host->from : a->s->peer,
						  .to = rows[i].out ? a->s->peer : host->from,
						  .protocol = rows[i].protocol,
						  .port = rows[i].port,
						  .state = PACKET_NEW },
					  { .len = 0 }, { 0 } });
}

/* ---------------------------------------------------------------- what was found */
static const char *doing(enum hit_kind kind)
{
	static const char *const words[] = { "dropped by the", "rejected by the", "dropped by the",
		"source address changed (masquerade) by the", "source address changed (snat) by the",
		"destination address changed (dnat) by the", "sent to this machine itself by the",
		"kept from connection tracking by the" };
	return words[kind];
}

static void found(struct verdict *v, const struct question *q, const struct filter_hit *h)
{
	char place[FILTER_TEXT];
	filter_place(h, place);
	evidence_add(v, "%s: %s%s %s%s%s%s%s%s%s", q->what, h->certain ? "" : "perhaps ", doing(h->kind), place,
		h->jumps[0] != 0 ? ", reached from " : "", h->jumps, h->rule[0] != 0 ? ": " : "", h->rule, h->certain ? "" : "; ",
		h->certain ? "" : "a rule before it, or a condition of its own, cannot be evaluated here");
	if (v->a[0] != 0)
		return;
	bool source = h->kind == HIT_MASQUERADE || h->kind == HIT_SNAT;
	verdict_set(v->a, "%s", place);
	verdict_set(v->b, "%s", source ? "the source address" : "the destination address");
}

static void mend(const struct asking *a, struct verdict *v, const struct question *q, const struct filter_hit *h, bool peer)
{
	struct mend m = { 0 };
	const struct mend_for f = { .interface = a->s->interface,
		.peer = peer ? &a->s->peer : NULL,
		.far = &q->far,
		.p = &q->p,
		.iptables = a->s->host->iptables };
	filter_mend(a->set, h, &f, &m);
	for (unsigned i = 0; i < m.n; i++)
		command_add(v, m.command[i]);
	if (m.unwritable)
		evidence_add(v, "a name in it needs quoting: write the exception in the program that made the rule");
}

/* Of each question's hits those that are wanted. */
typedef bool wanted(const struct symptoms *s, const struct filter_hit *h);

static bool has_hit(const struct symptoms *s, const struct question *q, wanted *of)
{
	for (unsigned i = 0; i < q->hits.n; i++)
		if (of(s, &q->hits.hit[i]))
			return true;
	return false;
}

static void take(const struct asking *a, struct verdict *v, const struct question *q, wanted *of, bool peer)
{
	for (unsigned i = 0; i < q->hits.n; i++) {
		if (!of(a->s, &q->hits.hit[i]))
			continue;
		found(v, q, &q->hits.hit[i]);
		mend(a, v, q, &q->hits.hit[i], peer);
	}
	if (q->hits.cut)
		evidence_add(v, "the rules are too many to be followed to their end");
}

/* Some network may be meant to be kept out of the tunnel, but not all of them. */
static bool hits_all(const struct asking *a, const struct question *like, wanted *of)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->q[i].what == like->what && a->q[i].p.to.family == like->p.to.family &&
			addr_same_ip(like->p.state == PACKET_NEW ? &a->q[i].p.to : &a->q[i].p.from,
				like->p.state == PACKET_NEW ? &like->p.to : &like->p.from) &&
			!has_hit(a->s, &a->q[i], of))
			return false;
	return true;
}

/* ---------------------------------------------------------------- verdicts */
static bool drops(const struct symptoms *s, const struct filter_hit *h)
{
	(void)s;
	return h->certain && filter_drops(h->kind);
}

static bool drops_perhaps(const struct symptoms *s, const struct filter_hit *h)
{
	(void)s;
	return filter_drops(h->kind);
}

static bool unanswered(const struct symptoms *s) { return s->out_60s >= FEW && s->in_60s == 0; }
static bool flows(const struct symptoms *s) { return s->state == TUNNEL_UP && s->out_60s >= FEW && s->in_60s >= FEW; }

/* Somebody who names the tunnel's interface wants it; then it is a fault only when nothing comes back. */
static bool changes(const struct symptoms *s, const struct filter_hit *h)
{
	return h->certain && !filter_drops(h->kind) && h->kind != HIT_NOTRACK && (!h->named || unanswered(s));
}

static bool changes_perhaps(const struct symptoms *s, const struct filter_hit *h)
{
	return unanswered(s) && !h->certain && !filter_drops(h->kind) && h->kind != HIT_NOTRACK;
}

/* Other addresses for our IKE and ESP. Masquerading meets what we send on every router, and mostly leaves it as it is; a flow that is not tracked passes. */
static bool changes_outside(const struct symptoms *s, const struct filter_hit *h)
{
	struct addr to;
	if (!h->certain || filter_drops(h->kind) || h->kind == HIT_NOTRACK)
		return false;
	if (h->kind == HIT_MASQUERADE)
		return s->host->masquerade.family != 0;
	bool same = addr_parse(&to, h->to) &&
		    (addr_same_ip(&to, &s->host->from) || (h->kind == HIT_DNAT && addr_same_ip(&to, &s->peer)));
	return h->kind == HIT_REDIRECT || !same;
}

static bool masquerades(const struct symptoms *s, const struct filter_hit *h)
{
	return h->kind == HIT_MASQUERADE && changes_outside(s, h);
}

static bool begin(struct asking *a, const struct symptoms *s)
{
	*a = (struct asking){ .s = s };
	if (s->host == NULL || s->host->rules == NULL)
		return false;
	a->set = ruleset_new(s->host->rules);
	return true;
}

static bool end(struct asking *a, const struct verdict *v)
{
	ruleset_free(a->set);
	return v->n_evidence > 0;
}

bool verdict_firewall_ike(const struct symptoms *s, struct verdict *v)
{
	struct asking a;
	if (s->peer.family == 0 || !begin(&a, s))
		return false;
	ask_peer(&a);
	for (unsigned i = 0; i < a.n; i++)
		take(&a, v, &a.q[i], drops, true);
	return end(&a, v);
}

/* While it works the change is meant: an address that the peer knows us by, or a NAT that the tunnel gets along with. */
bool verdict_rewritten_ike(const struct symptoms *s, struct verdict *v)
{
	struct asking a;
	char text[ADDR_TEXT];
	bool masqueraded = false;
	if (s->peer.family == 0 || s->stopped || (s->state == TUNNEL_UP && !unanswered(s)) || !begin(&a, s))
		return false;
	ask_outside(&a);
	for (unsigned i = 0; i < a.n; i++)
		take(&a, v, &a.q[i], changes_outside, true);
	for (unsigned i = 0; i < a.n; i++)
		masqueraded |= has_hit(s, &a.q[i], masquerades);
	if (masqueraded)
		evidence_add(v, "masquerading on %s makes it %s", s->host->uplink, addr_format(&s->host->masquerade, text));
	return end(&a, v);
}

bool verdict_firewall(const struct symptoms *s, struct verdict *v)
{
	struct asking a;
	if (s->state != TUNNEL_UP || !begin(&a, s))
		return false;
	ask_tunnel(&a);
	for (unsigned i = 0; i < a.n; i++)
		if (hits_all(&a, &a.q[i], drops))
			take(&a, v, &a.q[i], drops, false);
	return end(&a, v);
}

bool verdict_rewritten(const struct symptoms *s, struct verdict *v)
{
	struct asking a;
	if (s->state != TUNNEL_UP || !begin(&a, s))
		return false;
	ask_tunnel(&a);
	for (unsigned i = 0; i < a.n; i++)
		if (a.q[i].p.state == PACKET_NEW && !has_hit(s, &a.q[i], drops))
			take(&a, v, &a.q[i], changes, false);
	return end(&a, v);
}

/* What may be, while nothing shows that traffic passes. */
bool verdict_firewall_maybe(const struct symptoms *s, struct verdict *v)
{
	struct asking a;
	if (flows(s) || !begin(&a, s))
		return false;
	if (s->state == TUNNEL_UP)
		ask_tunnel(&a);
	else if (s->peer.family != 0)
		ask_peer(&a);
	for (unsigned i = 0; i < a.n; i++) {
		if (has_hit(s, &a.q[i], drops))
			continue;
		if (s->state != TUNNEL_UP || hits_all(&a, &a.q[i], drops_perhaps))
			take(&a, v, &a.q[i], drops_perhaps, s->state != TUNNEL_UP);
		if (s->state == TUNNEL_UP && a.q[i].p.state == PACKET_NEW)
			take(&a, v, &a.q[i], changes_perhaps, false);
	}
	return end(&a, v);
}
