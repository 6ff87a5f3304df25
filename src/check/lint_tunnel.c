/*
 * lint_tunnel.c - what the settings of one tunnel say together, whoever the peer is.
 */
#include <string.h>

#include "base/util.h"
#include "check/lint.h"

/* ---------------------------------------------------------------- sizes */
uint32_t inside_mtu(const struct tunnel_conf *t, uint32_t path, bool v6, bool udp)
{
	uint32_t least = 0;
	for (unsigned i = 0; i < t->n_esp; i++) {
		uint32_t fits = esp_inside_least(path, v6, udp, &t->esp[i]);
		least = i == 0 || fits < least ? fits : least;
	}
	return least;
}

static void sizes(struct lint *l, const struct tunnel_conf *t)
{
	if (t->mss < 0)
		todo(found(l, t, "mss", FINDING_WARNING, "mtu",
			     "nothing keeps TCP segments small enough for the tunnel; large transfers stall where ICMP is dropped"),
			SIDE_OURS, "leave 'mss' out: auto takes what fits");
}

/* ---------------------------------------------------------------- address space */
bool is_default(const struct prefix *p) { return p->len == 0; }

bool space_of(const struct tunnel_conf *t, unsigned i, struct prefix *p)
{
	unsigned seen = 0;
	if (t->n_routes > 0) {
		if (i < t->n_routes)
			*p = prefix_mask(&t->routes[i]);
		return i < t->n_routes;
	}
	for (unsigned k = 0; k < t->remote_ts->n; k++)
		if (ts_to_prefix(&t->remote_ts->v[k], p) && !is_default(p) && seen++ == i)
			return true;
	return false;
}

static bool selected(const struct ts_list *list, const struct prefix *p)
{
	struct ts all = ts_from_prefix(p), ip;
	for (unsigned i = 0; i < list->n; i++) {
		ip = list->v[i]; /* ports narrow what passes, not where it goes */
		ip.protocol = 0, ip.port_lo = 0, ip.port_hi = 65535;
		if (ts_contains(&ip, &all))
			return true;
	}
	return false;
}

static void selectors(struct lint *l, const struct tunnel_conf *t)
{
	char text[ADDR_TEXT], ts[TS_TEXT], other[TS_TEXT];
	struct ts both;
	for (unsigned i = 0; i < t->n_routes; i++)
		if (!selected(t->remote_ts, &t->routes[i]))
			todo(found(l, t, "routes", FINDING_ERROR, "selectors",
				     "%s is not covered by remote-ts: packets to it are dropped in the tunnel",
				     prefix_format(&t->routes[i], text)),
				SIDE_BOTH, "add it to remote-ts, and to the peer's selectors, or take it out of routes");
	for (unsigned i = 0; i < t->local_ts->n; i++)
		for (unsigned k = 0; k < t->remote_ts->n; k++) {
			const struct ts *a = &t->local_ts->v[i], *b = &t->remote_ts->v[k];
			struct prefix p;
			if ((ts_to_prefix(a, &p) && is_default(&p)) || (ts_to_prefix(b, &p) && is_default(&p)) ||
				!ts_intersect(a, b, &both))
				continue;
			todo(found(l, t, "local-ts", FINDING_ERROR, "overlap",
				     "%s here and %s there overlap: an address cannot be on both sides", ts_format(a, ts),
				     ts_format(b, other)),
				SIDE_BOTH, "give one side other addresses, or narrow the selectors");
		}
}

/* ---------------------------------------------------------------- BGP */
static bool is_inside(const struct tunnel_conf *t, const struct addr *a)
{
	for (unsigned i = 0; i < t->n_inside; i++)
		if (addr_same_ip(&t->inside[i].addr, a))
			return true;
	return false;
}

static bool is_link(const struct tunnel_conf *t, const struct addr *peer)
{
	for (unsigned i = 0; i < t->n_inside; i++)
		if (prefix_contains(&t->inside[i], peer))
			return true;
	return false;
}

static bool has_family(const struct tunnel_conf *t, uint8_t family)
{
	for (unsigned i = 0; i < t->n_inside; i++)
		if (t->inside[i].addr.family == family)
			return true;
	return false;
}

static bool is_local(const struct host *h, const struct addr *a)
{
	for (unsigned i = 0; i < h->n_nets; i++)
		if (addr_same_ip(&h->nets[i].prefix.addr, a))
			return true;
	return false;
}

static void bgp_local(struct lint *l, const struct tunnel_conf *t)
{
	char a[ADDR_TEXT];
	if (t->bgp.local.family == 0 && !has_family(t, t->bgp.peer.family))
		todo(found(l, t, "bgp.local", FINDING_ERROR, "bgp-address",
			     "there is no address of ours to speak BGP with %s from", addr_format(&t->bgp.peer, a)),
			SIDE_OURS, "write 'inside:' with the address that the peer knows as ours, or 'bgp: {local: ...}'");
	if (t->bgp.local.family != 0 && !is_inside(t, &t->bgp.local) && !is_local(l->host, &t->bgp.local))
		todo(found(l, t, "bgp.local", FINDING_WARNING, "bgp-address",
			     "%s is neither an inside address nor one of this machine", addr_format(&t->bgp.local, a)),
			SIDE_OURS, "add it to 'inside'");
	if (is_inside(t, &t->bgp.peer) || addr_same_ip(&t->bgp.local, &t->bgp.peer))
		todo(found(l, t, "bgp.peer", FINDING_ERROR, "bgp-address", "%s is our own address", addr_format(&t->bgp.peer, a)),
			SIDE_OURS, "write the peer's address");
}

static void bgp(struct lint *l, const struct tunnel_conf *t)
{
	char a[ADDR_TEXT];
	if (!t->bgp.set)
		return;
	bgp_local(l, t);
	if (!is_link(t, &t->bgp.peer) && t->bgp.multihop == 0 && t->cloud != CLOUD_AZURE)
		todo(found(l, t, "bgp.peer", FINDING_WARNING, "bgp-multihop", "%s is in no inside network: not a neighbour",
			     addr_format(&t->bgp.peer, a)),
			SIDE_OURS, "write the inside network's length with 'inside', or 'bgp: {multihop: yes}'");
	for (unsigned i = 0; i < t->n_routes; i++)
		if (t->routes[i].len < 32 && !is_default(&t->routes[i]) && !prefix_contains(&t->routes[i], &t->bgp.peer)) {
			todo(found(l, t, "routes", FINDING_HINT, "bgp-static",
				     "static routes win over what BGP learns: while this tunnel is up, BGP does not move them elsewhere"),
				SIDE_OURS, "leave to BGP what BGP brings");
			break;
		}
}

/* ---------------------------------------------------------------- all */
void lint_tunnel(struct lint *l, const struct tunnel_conf *t)
{
	static void (*const rules[])(struct lint * l, const struct tunnel_conf *t) = { sizes, selectors, bgp };
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i](l, t);
}
