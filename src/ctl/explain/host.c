/*
 * host.c - verdicts from what this machine does with the packets: interface, routes, filters, counters, path.
 */
#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "crypto/alg.h"
#include "rules.h"

#define FEW 3 /* packets: fewer prove nothing */

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
static void kernel_counters(const struct symptoms *s, struct verdict *v)
{
	for (unsigned i = 0; s->host != NULL && i < s->host->n_counters; i++)
		if (strncmp(s->host->counters[i].name, "XfrmIn", 6) == 0)
			evidence_add(v, "kernel counter %s: %" PRIu64 ", all tunnels together", s->host->counters[i].name,
				s->host->counters[i].n);
}

bool verdict_outbound_only(const struct symptoms *s, struct verdict *v)
{
	char span[TIME_TEXT];
	bool sends = s->packets_out >= FEW, never = sends && s->packets_in == 0;
	/* An answered liveness check proves something only while traffic that was sent waits for an answer: idle tunnels are asked, too. */
	bool no_longer = sends && s->one_way > 0 && s->quiet_ms > 0;
	if (s->state != TUNNEL_UP || !(never || no_longer))
		return false;
	evidence_add(v, "%" PRIu64 " packets went out, %" PRIu64 " came in since the last rekey", s->packets_out, s->packets_in);
	if (no_longer)
		evidence_add(v, "the peer answers IKE, but none of its traffic arrives");
	if (s->quiet_ms > 0)
		evidence_add(v, "nothing has come back for %s", span_format((msec)s->quiet_ms, span));
	kernel_counters(s, v);
	return true;
}

bool verdict_inbound_only(const struct symptoms *s, struct verdict *v)
{
	if (s->state != TUNNEL_UP || s->packets_in < FEW || s->packets_out > 0)
		return false;
	evidence_add(v, "%" PRIu64 " packets came in and none went out since the last rekey", s->packets_in);
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
	if (n == 0)
		return false;
	verdict_set(v->a, "%" PRIu64, n);
	evidence_add(v, "%" PRIu64 " %s since the last rekey, %" PRIu64 " were good", n, what, s->packets_in);
	return true;
}

bool verdict_replay(const struct symptoms *s, struct verdict *v)
{
	return errors(s, v, s->replay_errors, "packets arrived twice or too late");
}
bool verdict_integrity(const struct symptoms *s, struct verdict *v)
{
	return errors(s, v, s->integrity_errors, "packets failed their integrity check");
}
