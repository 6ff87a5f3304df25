/*
 * filters.c - see filters.h. One packet of each network behind us into each tunnel, and its answer, are followed through the rules as they are now; only what
 * is certain is told.
 */
#include "filters.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "ctl/filter.h"

#define TOLD_MOST 64
static const char *const way[] = { "prerouting", "forward", "postrouting", NULL };

struct asking {
	struct host *h;
	const struct ruleset *set;
	const struct tunnel_conf *t;
	uint32_t tunnel;
	struct prefix far;
};

static void add(struct asking *a, const struct filter_hit *hit, const struct packet *p)
{
	struct host_filter f = { .tunnel = a->tunnel, .changes = !filter_drops(hit->kind) };
	struct mend m = { 0 };
	const struct mend_for wanted = { .interface = a->t->interface, .far = &a->far, .p = p };
	filter_place(hit, f.where);
	snprintf(f.rule, sizeof f.rule, "%s", hit->rule);
	for (unsigned i = 0; i < a->h->n_filters;
		i++) /* the same rule is told of one tunnel, for each direction of the same network once */
		if (strcmp(a->h->filters[i].where, f.where) == 0 && a->h->filters[i].changes == f.changes) {
			a->h->filters[i].others |= a->h->filters[i].tunnel != a->tunnel;
			return;
		}
	if (a->h->n_filters >= TOLD_MOST)
		return;
	filter_mend(a->set, hit, &wanted, &m);
	for (unsigned i = 0; i < m.n && f.n_commands < ARRAY_SIZE(f.commands); i++)
		snprintf(f.commands[f.n_commands++], sizeof f.commands[0], "%s", m.command[i]);
	a->h->filters = xrealloc_array(a->h->filters, a->h->n_filters + 1, sizeof *a->h->filters);
	a->h->filters[a->h->n_filters++] = f;
}

static void follow(struct asking *a, const struct packet *p)
{
	struct filter_hits hits = { 0 };
	filter_walk(a->set, way, p, &hits);
	for (unsigned i = 0; i < hits.n; i++)
		if (hits.hit[i].certain && !hits.hit[i].named && hits.hit[i].kind != HIT_NOTRACK)
			add(a, &hits.hit[i], p);
}

/* A host of the network that is not ourselves. */
static struct addr neighbour(const struct prefix *p)
{
	struct addr a = p->addr;
	a.ip[addr_bytes(&a).n - 1] ^= 3;
	return prefix_contains(p, &a) ? a : p->addr;
}

/* From the networks behind us; not from that in which the way to the peer begins, nor from another tunnel. */
static bool behind(const struct asking *a, const struct conf *c, const struct host_net *n)
{
	bool uplink = a->tunnel < a->h->n_paths && prefix_contains(&n->prefix, &a->h->paths[a->tunnel].from);
	for (uint32_t i = 0; i < c->n; i++)
		if (strcmp(c->tunnels[i]->interface, n->interface) == 0)
			return false;
	return n->carries && !uplink && n->prefix.addr.family == a->far.addr.family &&
	       !(n->prefix.addr.family == AF_INET6 && n->prefix.addr.ip[0] == 0xfe && (n->prefix.addr.ip[1] & 0xc0) == 0x80);
}

static void ask(struct asking *a, const struct conf *c)
{
	struct addr far = a->far.addr;
	if (a->far.len < 8 * addr_bytes(&far).n)
		far = neighbour(&a->far);
	for (unsigned i = 0; i < a->h->n_nets; i++) {
		const struct host_net *n = &a->h->nets[i];
		if (!behind(a, c, n))
			continue;
		struct addr near = neighbour(&n->prefix);
		follow(a, &(struct packet){ .in = n->interface,
				  .out = a->t->interface,
				  .from = near,
				  .to = far,
				  .state = PACKET_NEW,
				  .through = true });
		follow(a, &(struct packet){ .in = a->t->interface,
				  .out = n->interface,
				  .from = far,
				  .to = near,
				  .state = PACKET_ANSWER,
				  .through = true });
	}
}

void host_read_filters(struct host *h, const struct conf *c)
{
	json_t *rules = filter_rules_read();
	struct ruleset *set = rules != NULL ? ruleset_new(rules) : NULL;
	for (uint32_t i = 0; i < c->n && set != NULL; i++) {
		const struct tunnel_conf *t = c->tunnels[i];
		unsigned seen = 0;
		for (unsigned k = 0; k < t->n_routes; k++) {
			unsigned bit = t->routes[k].addr.family == AF_INET6 ? 2 : 1;
			struct asking a = { h, set, t, i, t->routes[k] };
			if ((seen & bit) == 0)
				ask(&a, c);
			seen |= bit;
		}
		if (t->n_routes == 0 && t->bgp.set) {
			struct asking a = { h, set, t, i, { t->bgp.peer, (uint8_t)(8 * addr_bytes(&t->bgp.peer).n) } };
			ask(&a, c);
		}
	}
	ruleset_free(set);
	json_decref(rules);
}
