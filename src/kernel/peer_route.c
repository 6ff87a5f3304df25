/*
 * peer_route.c - peer host routes: the way to a peer's outside address stays outside the tunnels.
 *
 * Each stands in PEER_TABLE, which is asked for what we send to peers and for nothing else (rule.c), and is a copy, for one address, of the main
 * table's best route whose device is not ours. It is there only while the main table's own choice leads into a tunnel, or while the address
 * lies in a guarded prefix: otherwise the main table itself is the way, follows the uplink at once and knows the path's MTU (an ICMP error
 * bears no mark, so what it says is noted where packets without a mark go). When the uplink changes it is made again.
 */

#include "route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PEER_ROUTE_METRIC 1

static struct prefix host(const struct addr *a)
{
	struct prefix p = { .addr = *a, .len = a->family == AF_INET ? 32 : 128 };
	p.addr.port = 0;
	return p;
}

static int put_route(struct kernel *k, const struct peer_route *r, const struct path_hop *hop, uint16_t flags)
{
	struct nlm *m = &k->scratch;
	struct prefix to = host(&r->remote);
	struct rtmsg *head = nlm_begin(m, RTM_NEWROUTE, flags, sizeof *head);
	head->rtm_family = to.addr.family;
	head->rtm_dst_len = to.len;
	head->rtm_table = RT_TABLE_UNSPEC;
	head->rtm_protocol = S2S_RTPROT;
	head->rtm_scope = to.addr.family == AF_INET && hop->gateway_type == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	head->rtm_type = RTN_UNICAST;
	head->rtm_flags = hop->flags;
	nlm_put_addr(m, RTA_DST, &to.addr);
	nlm_put_u32(m, RTA_TABLE, PEER_TABLE);
	nlm_put_u32(m, RTA_OIF, hop->oif);
	nlm_put_u32(m, RTA_PRIORITY, PEER_ROUTE_METRIC);
	if (hop->gateway_type != 0)
		nlm_put(m, hop->gateway_type, hop->gateway, hop->gateway_size);
	nlm_put_addr(m, RTA_PREFSRC, &hop->source);
	if (hop->mtu != 0) {
		struct nlattr *metrics = nlm_nest(m, RTA_METRICS);
		nlm_put_u32(m, RTAX_MTU, hop->mtu);
		nlm_nest_end(m, metrics);
	}
	return nl_call(&k->route, m, "set the host route to the peer", 0);
}

static void note_set(struct kernel *k, struct peer_route *r, bool set)
{
	if (r->remote.family == AF_INET && r->set != set)
		k->peer_routes_set4 = set ? k->peer_routes_set4 + 1 : k->peer_routes_set4 - 1;
	r->set = set;
}

static void unset(struct kernel *k, struct peer_route *r)
{
	struct route_seen seen = {
		.prefix = host(&r->remote), .table = PEER_TABLE, .metric = PEER_ROUTE_METRIC, .type = RTN_UNICAST
	};
	if (r->set)
		route_delete_seen(k, &seen);
	note_set(k, r, false);
	r->hop = (struct path_hop){ 0 };
}

/* beside: without a route of ours the packets go where they shall. */
static int renew(struct kernel *k, struct peer_route *r, const struct path_hop *best, bool beside)
{
	char text[ADDR_TEXT];
	bool whole = best->found && best->len == host(&r->remote).len;
	if (!best->found || best->local || whole || beside) {
		unset(k, r); /* no way out at all, an operator's own host route says it already, or the main table does */
		return 0;
	}
	if (r->set && memcmp(&r->hop, best, sizeof *best) == 0) {
		int error = put_route(k, r, best, NLM_F_CREATE | NLM_F_EXCL); /* the kernel may have lost it with the device */
		if (error == -EEXIST)
			k->why[0] = 0;
		return error == -EEXIST ? 0 : error;
	}
	int error = put_route(k, r, best, NLM_F_CREATE | (r->set ? NLM_F_REPLACE : NLM_F_EXCL));
	if (error == -EEXIST)
		return kernel_fail(k, error, "a host route to the peer %s in table %u exists and is not ours",
			addr_format(&r->remote, text), PEER_TABLE);
	if (error == 0) {
		note_set(k, r, true);
		r->hop = *best;
	}
	return error;
}

static struct peer_route *find_peer_route(struct kernel *k, const struct addr *remote)
{
	struct peer_route *r = k->peer_routes;
	while (r != NULL && !addr_same_ip(&r->remote, remote))
		r = r->next;
	return r;
}

static struct peer_route *new_peer_route(struct kernel *k, const struct addr *remote)
{
	struct peer_route *r = xcalloc(1, sizeof *r);
	*r = (struct peer_route){ .remote = *remote, .next = k->peer_routes };
	return k->peer_routes = r;
}

void peer_route_clear(struct kernel *k, struct tunnel *t)
{
	struct peer_route *r = t->peer_route, **at = &k->peer_routes;
	t->peer_route = NULL;
	if (r == NULL || --r->refs > 0)
		return;
	unset(k, r);
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	free(r);
}

int peer_route_set(struct kernel *k, struct tunnel *t, const struct addr *remote)
{
	struct path_hop best;
	bool beside, wanted = t->want.pin_route && !addr_is_any(remote);
	if (t->peer_route != NULL && (!wanted || !addr_same_ip(&t->peer_route->remote, remote)))
		peer_route_clear(k, t);
	if (!wanted)
		return rule_sync(k);
	if (t->peer_route == NULL) {
		struct peer_route *r = find_peer_route(k, remote);
		t->peer_route = r != NULL ? r : new_peer_route(k, remote);
		t->peer_route->refs++;
	}
	int error = path_route(k, remote, &best, &beside);
	if (error == 0 || error == -ENETUNREACH)
		error = renew(k, t->peer_route, &best, beside);
	return first_error(error, rule_sync(k));
}

int peer_route_before(struct kernel *k, const struct prefix *p)
{
	int first = 0;
	for (struct peer_route *r = k->peer_routes; r != NULL; r = r->next) {
		struct path_search s = { .k = k, .family = p->addr.family, .n = 1 };
		if (r->set || r->refs == 0 || !prefix_contains(p, &r->remote))
			continue;
		s.v = xcalloc(1, sizeof *s.v);
		s.v[0].to = &r->remote;
		int error = path_search(&s);
		first = first_error(first, error != 0 ? error : renew(k, r, &s.v[0].best, false));
		free(s.v);
	}
	return first_error(first, rule_sync(k));
}

static int renew_family(struct kernel *k, int family)
{
	struct path_search s = { .k = k, .family = family };
	unsigned n = 0;
	for (struct peer_route *r = k->peer_routes; r != NULL; r = r->next)
		n += r->remote.family == family;
	if (n == 0)
		return 0;
	s.v = xcalloc(n, sizeof *s.v);
	for (struct peer_route *r = k->peer_routes; r != NULL; r = r->next)
		if (r->remote.family == family)
			s.v[s.n++].to = &r->remote;
	int error = path_search(&s), first = error;
	unsigned i = 0;
	for (struct peer_route *r = k->peer_routes; r != NULL && error == 0; r = r->next)
		if (r->remote.family == family) {
			bool beside = s.v[i].beside && !route_guards(k, &r->remote);
			first = first_error(first, renew(k, r, &s.v[i++].best, beside));
		}
	free(s.v);
	return first;
}

int kernel_peer_routes_renew(struct kernel *k)
{
	k->why[0] = 0;
	k->peer_routes_old = k->uplink_changing = false;
	int first = first_error(renew_family(k, AF_INET), renew_family(k, AF_INET6));
	return first_error(first, rule_sync(k));
}

/* --- after a crash --- */
bool peer_route_like(const struct route_seen *r)
{
	return r->type == RTN_UNICAST && r->table == PEER_TABLE && r->metric == PEER_ROUTE_METRIC &&
	       r->prefix.len == host(&r->prefix.addr).len;
}

/* One that outlived us: it is replaced when its tunnel is set, and swept when it has none. */
void peer_route_adopt(struct kernel *k, const struct route_seen *seen)
{
	if (peer_route_like(seen) && find_peer_route(k, &seen->prefix.addr) == NULL)
		note_set(k, new_peer_route(k, &seen->prefix.addr), true);
}

void peer_route_sweep(struct kernel *k)
{
	for (struct peer_route **at = &k->peer_routes; *at != NULL;) {
		struct peer_route *r = *at;
		if (r->refs > 0) {
			at = &r->next;
			continue;
		}
		unset(k, r);
		*at = r->next;
		free(r);
	}
}

void peer_route_release(struct kernel *k)
{
	for (struct peer_route *r; (r = k->peer_routes) != NULL; free(r))
		k->peer_routes = r->next;
	k->peer_routes_set4 = 0;
}

bool peer_route_concerns(const struct kernel *k, const struct prefix *p)
{
	if (p->len == 0)
		return true;
	for (const struct peer_route *r = k->peer_routes; r != NULL; r = r->next)
		if (prefix_contains(p, &r->remote))
			return true;
	return false;
}
