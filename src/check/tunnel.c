/* tunnel.c - what the settings of one tunnel say together, whoever the peer is. */
#include <string.h>

#include "rules.h"

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

static void sizes(struct check *c, const struct tunnel_conf *t)
{
	if (t->mss < 0)
		finding_advice(
			finding_add(c->out, tunnel_place(t, KEY_MSS), FINDING_MSS_OFF,
				"nothing keeps TCP segments small enough for the tunnel; large transfers stall where ICMP is dropped"),
			"leave 'mss' out: auto takes what fits");
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

static void bgp_local(struct check *c, const struct tunnel_conf *t)
{
	char a[ADDR_TEXT];
	if (t->bgp.local.family == 0 && !has_family(t, t->bgp.peer.family))
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_BGP_LOCAL), FINDING_BGP_NO_ADDRESS,
				       "there is no address of ours to speak BGP with %s from", addr_format(&t->bgp.peer, a)),
			"write 'inside:' with the address that the peer knows as ours, or 'bgp: {local: ...}'");
	if (t->bgp.local.family != 0 && !is_inside(t, &t->bgp.local) && !host_has(c->host, &t->bgp.local))
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_BGP_LOCAL), FINDING_BGP_FOREIGN_ADDRESS,
				       "%s is neither an inside address nor one of this machine", addr_format(&t->bgp.local, a)),
			"add it to 'inside'");
	if (is_inside(t, &t->bgp.peer) || addr_same_ip(&t->bgp.local, &t->bgp.peer))
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_BGP_PEER), FINDING_BGP_PEER_IS_OURS,
				       "%s is our own address", addr_format(&t->bgp.peer, a)),
			"write the peer's address");
}

const struct prefix *check_inside_apart(const struct tunnel_conf *t)
{
	struct prefix link;
	if (t->bgp.peer.family == 0 || is_link(t, &t->bgp.peer) || t->bgp.multihop != 0 || provider_of(t->cloud)->bgp.far)
		return NULL;
	prefix_parse(&link, "169.254.0.0/16");
	for (unsigned i = 0; i < t->n_inside; i++)
		if (t->inside[i].len < 32 && prefix_contains(&link, &t->inside[i].addr) && prefix_contains(&link, &t->bgp.peer))
			return &t->inside[i];
	return NULL;
}

static void bgp(struct check *c, const struct tunnel_conf *t)
{
	char a[ADDR_TEXT], b[ADDR_TEXT];
	if (!t->bgp.set)
		return;
	bgp_local(c, t);
	bool near = is_link(t, &t->bgp.peer) || t->bgp.multihop != 0 || provider_of(t->cloud)->bgp.far;
	const struct prefix *ours = check_inside_apart(t);
	if (ours != NULL)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_INSIDE), FINDING_INSIDE_APART,
				       "the two ends are in different networks: %s here, %s there", prefix_format(ours, b),
				       addr_format(&t->bgp.peer, a)),
			"compare 'inside' and 'bgp.peer' with what the peer has: both are hosts of one network");
	else if (!near)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_BGP_PEER), FINDING_BGP_NO_NEIGHBOUR,
				       "%s is in no inside network: not a neighbour", addr_format(&t->bgp.peer, a)),
			"write the inside network's length with 'inside', or 'bgp: {multihop: yes}'");
	for (unsigned i = 0; i < t->n_routes; i++)
		if (t->routes[i].len < 32 && !prefix_is_default(&t->routes[i]) && !prefix_contains(&t->routes[i], &t->bgp.peer)) {
			finding_advice(
				finding_add(c->out, tunnel_place(t, KEY_ROUTES), FINDING_BGP_STATIC_ROUTES,
					"static routes win over what BGP learns: while this tunnel is up, BGP does not move them elsewhere"),
				"leave to BGP what BGP brings");
			break;
		}
}

/* ---------------------------------------------------------------- what is guarded */
static const struct tunnel_conf *with_default(const struct conf *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		for (unsigned j = 0; j < c->tunnels[i]->n_routes && tunnel_conf_in_main(c->tunnels[i]); j++)
			if (c->tunnels[i]->routes[j].len == 0)
				return c->tunnels[i];
	return NULL;
}

/* Routes of other programs to the interface are not known: the advice has them. */
static void way_in(struct check *c, const struct tunnel_conf *t)
{
	if (!t->bgp.set && t->n_routes == 0)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_ROUTES), FINDING_LEADS_NOWHERE,
				       "there is neither 'routes' nor 'bgp': nothing leads into this tunnel"),
			"write 'routes: [PREFIX]' with the networks behind the peer, or 'bgp' when they come by BGP; nothing, when another program "
			"sets routes to %s",
			t->interface);
}

/* The files of Azure bring a route to the BGP peer alone. */
static bool is_route_to_bgp_peer(const struct tunnel_conf *t, const struct prefix *p)
{
	return p->len == (p->addr.family == AF_INET ? 32 : 128) && prefix_contains(p, &t->bgp.peer);
}

static bool guards_none_of_bgp(const struct tunnel_conf *t)
{
	for (unsigned i = 0; i < t->n_routes; i++)
		if (!is_route_to_bgp_peer(t, &t->routes[i]))
			return false;
	return t->bgp.set;
}

static void guards(struct check *c, const struct tunnel_conf *t)
{
	if (guards_none_of_bgp(t))
		finding_advice(
			finding_add(c->out, tunnel_place(t, KEY_BGP_PEER), FINDING_UNGUARDED_BGP,
				"what BGP brings is not guarded: while the peer does not announce it, packets for it follow other routes in clear"),
			"set an unreachable route of a high metric for each network behind the peer, or write it into 'routes' of a tunnel");
	if (t->n_routes > 0 && !tunnel_conf_in_main(t))
		finding_advice(
			finding_add(c->out, tunnel_place(t, KEY_ROUTE_TABLE), FINDING_UNGUARDED_TABLE,
				"the routes are guarded in table %u only: what no rule leads there follows the main table in clear",
				(unsigned)t->route_table),
			"let a rule lead all packets for these networks to table %u, or leave 'route-table' out",
			(unsigned)t->route_table);
	const struct tunnel_conf *all = t->remote_name != NULL || t->remote_any ? with_default(c->conf) : NULL;
	if (all != NULL && t->remote_any)
		finding_advice(
			finding_add(c->out, tunnel_place(t, KEY_REMOTE), FINDING_ANY_BEHIND_DEFAULT,
				"our answers to a peer of 'remote: any' follow tunnel %s, which takes all traffic: its address is not known beforehand",
				all->name),
			"write the peer's address or name, or take 0.0.0.0/0 or ::/0 with 'route-table' and a rule that leads inside networks there");
	else if (all != NULL)
		finding_advice(
			finding_add(c->out, tunnel_place(t, KEY_REMOTE), FINDING_NAME_BEHIND_DEFAULT,
				"%.100s is looked up through tunnel %s, which takes all traffic: while that is down no name is known",
				t->remote_name, all->name),
			"write the peer's address, or set a route to the name server beside the tunnel");
}

/* ---------------------------------------------------------------- all */
void check_tunnel(struct check *c, const struct tunnel_conf *t)
{
	static void (*const rules[])(
		struct check * c, const struct tunnel_conf *t) = { sizes, check_selectors, bgp, way_in, guards };
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i](c, t);
}
