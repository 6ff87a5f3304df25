/*
 * guard.c - may this be the outside address of a tunnel's peer? Keeper and engine ask the same.
 *
 * What is sent to a peer goes beside all tunnels. So an address that nobody wrote is no peer's when a tunnel stands for it: whoever forges an
 * answer of DNS or rewrites the source of a packet could choose it. A default route stands for every address and does not count.
 */
#include <stdio.h>

#include "conf/conf.h"

static bool stands_for(const struct prefix *p, const struct addr *a, struct prefix *by)
{
	if (p->len == 0 || !prefix_contains(p, a))
		return false;
	*by = prefix_mask(p);
	return true;
}

const struct tunnel_conf *conf_guard_of(const struct conf *c, const struct addr *a, struct prefix *by)
{
	for (uint32_t i = 0; i < c->n; i++) {
		const struct tunnel_conf *t = c->tunnels[i];
		for (unsigned j = 0; j < t->n_routes && tunnel_conf_in_main(t); j++)
			if (stands_for(&t->routes[j], a, by))
				return t;
		for (unsigned j = 0; j < t->n_inside; j++)
			if (stands_for(&t->inside[j], a, by))
				return t;
	}
	return NULL;
}

bool conf_peer_permitted(const struct conf *c, const struct tunnel_conf *t, const struct addr *peer, char why[CONF_PEER_WHY])
{
	char address[ADDR_TEXT], text[ADDR_TEXT];
	struct prefix by;
	if (t->remote.family != 0) {
		if (addr_same_ip(&t->remote, peer))
			return true;
		snprintf(why, CONF_PEER_WHY, "%s is not taken as the peer's address: 'remote' is %s", addr_format(peer, address),
			addr_format(&t->remote, text));
		return false;
	}
	const struct tunnel_conf *guard = conf_guard_of(c, peer, &by);
	if (guard == NULL)
		return true;
	snprintf(why, CONF_PEER_WHY, "%s is not taken as the peer's address: it lies in %s behind tunnel %s",
		addr_format(peer, address), prefix_format(&by, text), guard->name);
	return false;
}
