/*
 * explain_seen.c - verdicts from what this machine does with the packets: interface, routes, filters, counters, path.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "crypto/alg.h"
#include "explain_tests.h"
#include "ctl/render.h"

#define FEW 3 /* packets: fewer prove nothing */

uint64_t sum_children(const struct sight *s, const char *key)
{
	const json_t *list = json_object_get(s->tunnel, "children");
	uint64_t sum = 0;
	for (size_t i = 0; i < json_array_size(list); i++)
		sum += count_of(json_array_get(list, i), key);
	return sum;
}

struct addr peer_of(const json_t *tunnel)
{
	char text[ADDR_TEXT];
	struct addr a = { 0 };
	const char *word = str(tunnel, "remote"), *colon = strrchr(word, ':');
	if (colon == NULL || (size_t)(colon - word) >= sizeof text)
		return a;
	snprintf(text, sizeof text, "%.*s", (int)(colon - word), word);
	if (text[0] == '[') {
		memmove(text, text + 1, strlen(text));
		text[strcspn(text, "]")] = 0;
	}
	addr_parse(&a, text);
	return a;
}

static void copy(char *to, const char *from)
{
	size_t n = strlen(from);
	n = n < PARAM_TEXT ? n : PARAM_TEXT - 1;
	memcpy(to, from, n);
	to[n] = 0;
}

/* ---------------------------------------------------------------- interface, routes */
bool seen_link(const struct sight *s, struct verdict *v)
{
	if (!is_up(s) || s->ways == NULL || s->ways->link_up)
		return false;
	evidence(v,
		s->ways->link ? "the interface %s is administratively down"
			      : "there is no interface %s in this network namespace",
		str(s->tunnel, "interface"));
	return true;
}

static bool one_of_ours(const struct sight *s, const char *device)
{
	for (size_t i = 0; i < json_array_size(s->siblings); i++)
		if (strcmp(str(json_array_get(s->siblings, i), "interface"), device) == 0)
			return true;
	return false;
}

static bool bad_route(const struct sight *s, struct verdict *v, enum route_end end)
{
	char prefix[ADDR_TEXT], host[ADDR_TEXT];
	const char *interface = str(s->tunnel, "interface");
	bool found = false;
	for (unsigned i = 0; s->ways != NULL && is_up(s) && s->ways->link_up && i < s->ways->n_routes; i++) {
		const struct way_route *r = &s->ways->routes[i];
		if (r->end != end || (end == ROUTE_DEVICE && (strcmp(r->device, interface) == 0 || one_of_ours(s, r->device))))
			continue;
		if (!found) {
			copy(v->a, prefix_format(&r->prefix, prefix));
			copy(v->b, r->device);
		}
		found = true;
		evidence(v,
			end == ROUTE_DEVICE ? "%s of %s leaves through %s, not through %s"
					    : "the kernel has no way to %s of %s%s%s",
			addr_format(&r->host, host), prefix_format(&r->prefix, prefix), r->device,
			end == ROUTE_DEVICE ? interface : "");
	}
	return found;
}

bool seen_route_refused(const struct sight *s, struct verdict *v) { return bad_route(s, v, ROUTE_REFUSED); }
bool seen_route_elsewhere(const struct sight *s, struct verdict *v) { return bad_route(s, v, ROUTE_DEVICE); }

/* ---------------------------------------------------------------- filters */
static const char *const way_out[] = { "output", "postrouting", NULL }, *const way_in[] = { "prerouting", "input", NULL };
static const char *const way_through[] = { "prerouting", "forward", "postrouting", NULL };

static bool filtered(const struct sight *s, struct verdict *v, const char *what, const char *const *hooks, const struct packet *p)
{
	char why[FATE_WHY];
	enum fate f = packet_fate(s->ways->rules, hooks, p, why);
	if (f == FATE_PASSES)
		return false;
	evidence(v,
		f == FATE_DROPPED ? "%s: dropped by the %s"
				  : "%s: dropped by the %s, unless a rule before it that is not understood accepts it",
		what, why);
	if (v->a[0] == 0)
		copy(v->a, why);
	return true;
}

bool seen_firewall_ike(const struct sight *s, struct verdict *v)
{
	struct addr peer = peer_of(s->tunnel);
	if (s->ways == NULL || s->ways->rules == NULL || peer.family == 0)
		return false;
	bool udp = strcmp(str(json_object_get(s->tunnel, "ike"), "encapsulation"), "udp") == 0;
	const struct {
		const char *what, *const *hooks;
		struct packet p;
	} rows[] = {
		{ "our IKE on UDP 500", way_out, { .to = peer, .protocol = "udp", .port = 500, .state = PACKET_NEW } },
		{ "our IKE on UDP 4500", way_out, { .to = peer, .protocol = "udp", .port = 4500, .state = PACKET_NEW } },
		{ "the peer's IKE on UDP 500", way_in, { .from = peer, .protocol = "udp", .port = 500, .state = PACKET_ANSWER } },
		{ "the peer's IKE on UDP 4500", way_in,
			{ .from = peer, .protocol = "udp", .port = 4500, .state = PACKET_ANSWER } },
		{ "our ESP", way_out, { .to = peer, .protocol = "esp", .state = PACKET_NEW } },
		{ "the peer's ESP", way_in, { .from = peer, .protocol = "esp", .state = PACKET_ANSWER } },
	};
	bool found = false;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!(udp && i >= 4))
			found |= filtered(s, v, rows[i].what, rows[i].hooks, &rows[i].p);
	return found;
}

bool seen_firewall_through(const struct sight *s, struct verdict *v)
{
	const char *interface = str(s->tunnel, "interface");
	if (s->ways == NULL || s->ways->rules == NULL || !is_up(s) || s->ways->n_routes == 0)
		return false;
	struct addr far = s->ways->routes[0].host;
	bool found = filtered(s, v, "what goes into the tunnel", way_through,
		&(struct packet){ .out = interface, .to = far, .state = PACKET_NEW });
	found |= filtered(s, v, "answers that come out of the tunnel", way_through,
		&(struct packet){ .in = interface, .from = far, .state = PACKET_ANSWER });
	return found;
}

bool seen_forwarding(const struct sight *s, struct verdict *v)
{
	bool v4 = false, v6 = false;
	if (s->ways == NULL || !is_up(s))
		return false;
	for (unsigned i = 0; i < s->ways->n_routes; i++) {
		v4 |= s->ways->routes[i].prefix.addr.family == AF_INET;
		v6 |= s->ways->routes[i].prefix.addr.family == AF_INET6;
	}
	if (v4 && s->ways->forward4 == 0)
		copy(v->a, "net.ipv4.ip_forward");
	else if (v6 && s->ways->forward6 == 0)
		copy(v->a, "net.ipv6.conf.all.forwarding");
	else
		return false;
	evidence(v, "%s is 0: only this machine's own traffic uses the tunnel", v->a);
	return true;
}

/* ---------------------------------------------------------------- traffic */
static void kernel_counters(const struct sight *s, struct verdict *v)
{
	for (unsigned i = 0; s->ways != NULL && i < s->ways->n_counters; i++)
		if (strncmp(s->ways->counters[i].name, "XfrmIn", 6) == 0)
			evidence(v, "the kernel counts %s %llu, all tunnels together", s->ways->counters[i].name,
				(unsigned long long)s->ways->counters[i].n);
}

bool seen_outbound_only(const struct sight *s, struct verdict *v)
{
	char span[TIME_TEXT];
	uint64_t in = sum_children(s, "packets_in"), out = sum_children(s, "packets_out");
	uint64_t probes = count_of(s->tunnel, "one_way"), quiet = count_of(s->tunnel, "quiet_ms");
	/* An answered liveness check proves something only while traffic that was sent waits for an answer: idle tunnels are asked, too. */
	bool never = in == 0 && out >= FEW, no_longer = probes > 0 && quiet > 0 && out >= FEW;
	if (!is_up(s) || !(never || no_longer))
		return false;
	evidence(v, "%llu packets went out, %llu came in since the last rekey", (unsigned long long)out, (unsigned long long)in);
	if (no_longer)
		evidence(v, "the peer answers IKE while nothing of its traffic arrives");
	if (quiet > 0)
		evidence(v, "nothing has come back for %s", span_format((msec)quiet, span));
	kernel_counters(s, v);
	return true;
}

bool seen_inbound_only(const struct sight *s, struct verdict *v)
{
	uint64_t in = sum_children(s, "packets_in"), out = sum_children(s, "packets_out");
	if (!is_up(s) || in < FEW || out > 0)
		return false;
	evidence(v, "%llu packets came in and none went out since the last rekey", (unsigned long long)in);
	return true;
}

/* What fits into the path with the algorithms in use. 0 = not known. */
static int inside_of(const struct sight *s, int path)
{
	const json_t *child = json_array_get(json_object_get(s->tunnel, "children"), 0);
	bool udp = strcmp(str(json_object_get(s->tunnel, "ike"), "encapsulation"), "udp") == 0;
	struct proposal p;
	const char *bad, *why;
	size_t len;
	if (!proposal_parse(&p, PROTOCOL_ESP, str(child, "proposal"), &bad, &len, &why))
		return 0;
	return (int)esp_inside_least((uint32_t)path, peer_of(s->tunnel).family == AF_INET6, udp, &p);
}

bool seen_mtu(const struct sight *s, struct verdict *v)
{
	if (s->ways == NULL || !is_up(s) || s->ways->path_mtu <= 0 || s->ways->link_mtu <= 0)
		return false;
	int fits = inside_of(s, s->ways->path_mtu);
	if (fits <= 0 || s->ways->link_mtu <= fits)
		return false;
	evidence(v, "the path to the peer takes packets of %d, which leaves %d inside; %s has %d", s->ways->path_mtu, fits,
		str(s->tunnel, "interface"), s->ways->link_mtu);
	char number[16];
	snprintf(number, sizeof number, "%d", fits);
	copy(v->a, number);
	snprintf(number, sizeof number, "%d", fits - 40);
	copy(v->b, number);
	return true;
}

/* ---------------------------------------------------------------- what the kernel refused */
static bool errors(const struct sight *s, struct verdict *v, const char *key, const char *what)
{
	char number[24];
	uint64_t n = sum_children(s, key), in = sum_children(s, "packets_in");
	if (n == 0)
		return false;
	snprintf(number, sizeof number, "%llu", (unsigned long long)n);
	copy(v->a, number);
	evidence(v, "%s %s since the last rekey, %llu were good", number, what, (unsigned long long)in);
	return true;
}

bool seen_replay(const struct sight *s, struct verdict *v)
{
	return errors(s, v, "replay_errors", "packets came twice or too late");
}
bool seen_integrity(const struct sight *s, struct verdict *v)
{
	return errors(s, v, "integrity_errors", "packets failed their integrity check");
}
