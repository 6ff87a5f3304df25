/*
 * host.c - verdicts from what this machine does with the packets: interface, routes, filters, counters, path.
 */
#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "crypto/alg.h"
#include "rules.h"

#define FEW 3     /* packets: fewer prove nothing */
#define SOON 2000 /* ms: an answer may still come */

/* ---------------------------------------------------------------- interface, routes */
bool verdict_interface(const struct symptoms *s, struct verdict *v)
{
	if (s->state != TUNNEL_UP || s->host == NULL || s->host->link_up)
		return false;
	evidence_add(v,
		s->host->link ? "the interface %s is administratively down"
			      : "there is no interface %s in this network namespace",
		s->interface);
	return true;
}

static bool bad_route(const struct symptoms *s, struct verdict *v, enum route_end end)
{
	char prefix[ADDR_TEXT], host[ADDR_TEXT];
	bool found = false;
	for (unsigned i = 0; s->host != NULL && s->state == TUNNEL_UP && s->host->link_up && i < s->host->n_routes; i++) {
		const struct host_route *r = &s->host->routes[i];
		if (r->end != end ||
			(end == ROUTE_DEVICE && (strcmp(r->device, s->interface) == 0 || symptoms_own_interface(s, r->device))))
			continue;
		if (!found) {
			verdict_set(v->a, "%s", prefix_format(&r->prefix, prefix));
			verdict_set(v->b, "%s", r->device);
		}
		found = true;
		evidence_add(v,
			end == ROUTE_DEVICE ? "%s of %s leaves through %s, not through %s"
					    : "the kernel has no route to %s of %s%s%s",
			addr_format(&r->host, host), prefix_format(&r->prefix, prefix), r->device,
			end == ROUTE_DEVICE ? s->interface : "");
	}
	return way_route_fault(s, v, end == ROUTE_REFUSED) || found;
}

bool verdict_route_missing(const struct symptoms *s, struct verdict *v) { return bad_route(s, v, ROUTE_REFUSED); }
bool verdict_route_elsewhere(const struct symptoms *s, struct verdict *v) { return bad_route(s, v, ROUTE_DEVICE); }

/* ---------------------------------------------------------------- forwarding */
bool verdict_forwarding(const struct symptoms *s, struct verdict *v)
{
	bool v4 = false, v6 = false;
	if (way_forwarding_fault(s, v))
		return true;
	if (s->host == NULL || s->state != TUNNEL_UP)
		return false;
	for (unsigned i = 0; i < s->host->n_routes; i++) {
		v4 |= s->host->routes[i].prefix.addr.family == AF_INET;
		v6 |= s->host->routes[i].prefix.addr.family == AF_INET6;
	}
	if (v4 && s->host->forward4 == 0)
		verdict_set(v->a, "net.ipv4.ip_forward");
	else if (v6 && s->host->forward6 == 0)
		verdict_set(v->a, "net.ipv6.conf.all.forwarding");
	else
		return false;
	evidence_add(v, "%s is 0: only this machine's own traffic uses the tunnel", v->a);
	return true;
}

/* ---------------------------------------------------------------- traffic */
/* What rises now; what rose long ago is no evidence. */
static void kernel_counters(const struct symptoms *s, struct verdict *v)
{
	const struct host_counters *c = s->host != NULL ? s->host->risen : NULL;
	for (unsigned i = 0; c != NULL && i < c->n; i++)
		if (strncmp(c->v[i].name, "XfrmIn", 6) == 0)
			evidence_add(v, "kernel counter %s: %" PRIu64 " more within a second, all tunnels together", c->v[i].name,
				c->v[i].n);
}

/* A burst whose first answer is still under way is no evidence, neither is what was sent long ago. */
static bool alone(const struct symptoms *s, const struct alone *a, uint64_t lately)
{
	return s->state == TUNNEL_UP && a->packets >= FEW && a->for_ms >= SOON && lately > 0 && !a->elsewhere;
}

static void add_alone(struct verdict *v, const struct symptoms *s, const struct alone *a, bool out)
{
	char span[TIME_TEXT];
	evidence_add(v, "for %s %" PRIu64 " packets %s and none %s", span_format((msec)a->for_ms, span), a->packets,
		out ? "went out" : "came in", out ? "came in" : "went out");
	evidence_add(v, "in the last minute %" PRIu64 " out, %" PRIu64 " in", s->out_60s, s->in_60s);
	if (a->want_answers)
		evidence_add(v, "they want an answer: %s",
			s->conf != NULL && s->conf->bgp.set ? "there is a BGP session over this tunnel"
							    : "they have the size of connection attempts or pings");
	if (s->quiet_ms == 0)
		evidence_add(v, "the peer answers IKE");
}

bool verdict_outbound_only(const struct symptoms *s, struct verdict *v)
{
	if (!alone(s, &s->out_alone, s->out_60s) || !s->out_alone.want_answers)
		return false;
	add_alone(v, s, &s->out_alone, true);
	kernel_counters(s, v);
	return true;
}

bool verdict_inbound_only(const struct symptoms *s, struct verdict *v)
{
	if (!alone(s, &s->in_alone, s->in_60s) || !s->in_alone.want_answers)
		return false;
	add_alone(v, s, &s->in_alone, false);
	return true;
}

/* It may be right so: who sends a log expects no answer. */
bool verdict_one_way(const struct symptoms *s, struct verdict *v)
{
	bool out = alone(s, &s->out_alone, s->out_60s) && !s->out_alone.want_answers;
	if (!out && (!alone(s, &s->in_alone, s->in_60s) || s->in_alone.want_answers))
		return false;
	add_alone(v, s, out ? &s->out_alone : &s->in_alone, out);
	verdict_set(v->a, "%s", out ? "out" : "in");
	return true;
}

/* What fits into the path with the algorithms in use. 0 = not known. */
static int inside_of(const struct symptoms *s, int path)
{
	struct proposal p;
	const char *bad, *why;
	size_t len;
	if (!proposal_parse(&p, PROTOCOL_ESP, s->esp, &bad, &len, &why))
		return 0;
	return (int)esp_inside_least((uint32_t)path, s->peer.family == AF_INET6, s->udp, &p);
}

bool verdict_mtu(const struct symptoms *s, struct verdict *v)
{
	if (s->host == NULL || s->state != TUNNEL_UP || s->host->path_mtu <= 0 || s->host->link_mtu <= 0)
		return false;
	int fits = inside_of(s, s->host->path_mtu);
	if (fits <= 0 || s->host->link_mtu <= fits)
		return false;
	evidence_add(v, "the path to the peer carries packets of %d, which leaves %d inside; %s has %d", s->host->path_mtu, fits,
		s->interface, s->host->link_mtu);
	verdict_set(v->a, "%d", fits);
	verdict_set(v->b, "%d", fits - 40);
	return true;
}

/* ---------------------------------------------------------------- what the kernel refused */
static bool errors(const struct symptoms *s, struct verdict *v, uint64_t n, const char *what)
{
	if (s->state != TUNNEL_UP || n == 0)
		return false;
	verdict_set(v->a, "%" PRIu64, n);
	evidence_add(v, "in the last minute %" PRIu64 " %s, %" PRIu64 " were good", n, what, s->in_60s);
	return true;
}

/* One in a thousand comes late on any path of the internet. */
bool verdict_replay(const struct symptoms *s, struct verdict *v)
{
	return s->replay_60s >= s->in_60s / 1000 && errors(s, v, s->replay_60s, "packets arrived twice or too late");
}
bool verdict_integrity(const struct symptoms *s, struct verdict *v)
{
	return errors(s, v, s->integrity_60s, "packets failed their integrity check");
}
