/* azure_selectors.c - traffic selectors of a connection: what has a child SA of its own. Azure's "local" is Azure. */
#include <string.h>

#include "azure.h"

/* --- children --- */
static bool same_prefixes(const struct prefix *a, unsigned n, const struct prefix *b, unsigned m)
{
	unsigned i = 0;
	while (i < n && n == m && prefix_equal(&a[i], &b[i]))
		i++;
	return n == m && i == n;
}

/* Once each. False: refused. */
static bool add_child(struct import_set *p, struct azure_site *s, const struct azure_child *c)
{
	for (unsigned i = 0; i < s->n_children; i++)
		if (same_prefixes(s->children[i].far, s->children[i].n_far, c->far, c->n_far) &&
			same_prefixes(s->children[i].near, s->children[i].n_near, c->near, c->n_near))
			return true;
	if (s->n_children == TS_POLICIES_MAX)
		return import_refuse(p,
			"%s: '%s' has more than %d pairs of a network here and one behind Azure, each with an SA of its own: use wider prefixes in "
			"trafficSelectorPolicies, or turn usePolicyBasedTrafficSelectors off",
			s->file, s->name, TS_POLICIES_MAX);
	s->children[s->n_children++] = *c;
	return true;
}

/* Each network here with each one there. */
static bool add_pairs(struct import_set *p, struct azure_site *s, const struct azure_child *all)
{
	for (unsigned i = 0; i < all->n_near; i++)
		for (unsigned k = 0; k < all->n_far; k++) {
			struct azure_child pair = { .far = &all->far[k], .near = &all->near[i], .n_far = 1, .n_near = 1 };
			if (pair.far->addr.family == pair.near->addr.family && !add_child(p, s, &pair))
				return false;
		}
	return true;
}

static bool nothing_in_common(struct import_set *p, const struct azure_site *s, const char *from)
{
	return import_refuse(
		p, "%s: '%s' has no pair of networks of one address family, one here and one behind Azure", from, s->name);
}

bool azure_policy_based(struct import_set *p, struct azure_site *s, const char *from)
{
	struct azure_child all = { .near = s->ours, .n_near = s->n_ours };
	if (s->n_ours == 0 || s->n_routes + p->n_routes == 0)
		return import_refuse(p,
			"%s: '%s' uses policy-based traffic selectors, which need the networks of both sides: give the VNet's file, too (%s), or "
			"--route PREFIX",
			s->file, s->name, s->where_routes != NULL ? s->where_routes : "az network vnet show");
	all.far = import_alloc(p, 2 * IMPORT_PREFIXES * sizeof *all.far);
	if (all.far == NULL)
		return false;
	for (unsigned i = 0; i < p->n_routes; i++)
		import_prefix_add(all.far, &all.n_far, 2 * IMPORT_PREFIXES, &p->routes[i]);
	for (unsigned i = 0; i < s->n_routes; i++)
		import_prefix_add(all.far, &all.n_far, 2 * IMPORT_PREFIXES, &s->routes[i]);
	s->children_from = import_text(p, "%s: an SA for each pair of networks", from);
	return add_pairs(p, s, &all) && (s->n_children > 0 || nothing_in_common(p, s, from));
}

/* --- trafficSelectorPolicies --- */
static bool take_ranges(
	struct import_set *p, const char *file, const json_t *policy, const char *key, struct prefix **list, unsigned *n)
{
	*list = import_alloc(p, IMPORT_PREFIXES * sizeof **list);
	if (*list == NULL || !azure_prefixes(p, file, *list, n, IMPORT_PREFIXES, doc_member(policy, key)))
		return false;
	return *n > 0 || import_refuse(p, "%s: a member of trafficSelectorPolicies has no %s", file, key);
}

/* What Azure's side of the selectors is has to be routed here, and nothing else: no other packet passes. */
static bool route_children(struct import_set *p, struct azure_site *s, const char *file)
{
	s->n_routes = 0;
	s->routes_from = import_text(p, "%s: trafficSelectorPolicies", file);
	for (unsigned i = 0; i < s->n_children; i++)
		for (unsigned k = 0; k < s->children[i].n_far; k++)
			if (!import_prefix_add(s->routes, &s->n_routes, IMPORT_PREFIXES, &s->children[i].far[k]))
				return import_refuse(p, "%s: more than %u prefixes", file, IMPORT_PREFIXES);
	return true;
}

static bool within(const struct prefix *v, unsigned n, const char *address)
{
	struct addr a;
	for (unsigned i = 0; i < n && address != NULL && addr_parse(&a, address); i++)
		if (prefix_contains(&v[i], &a))
			return true;
	return false;
}

static void note_bgp(struct import_set *p, const struct azure_site *s)
{
	for (unsigned i = 0; i < s->n_children; i++)
		if (within(s->children[i].near, s->children[i].n_near, s->our_peer) &&
			within(s->children[i].far, s->children[i].n_far, s->v[0].peer))
			return;
	if (s->bgp && s->n_children > 0)
		import_note(p, NOTE_CLOUD,
			"'%s': BGP is on, and the traffic selectors leave its addresses out: no session comes up. Turn usePolicyBasedTrafficSelectors and "
			"custom traffic selectors off, or BGP",
			s->name);
}

static bool take_list(struct azure *a, const struct azure_object *c, struct azure_site *s, const json_t *list, bool pairs)
{
	const json_t *v;
	size_t i;
	json_array_foreach (list, i, v) {
		struct azure_child all = { 0 };
		if (!take_ranges(a->p, c->file, v, "localAddressRanges", &all.far, &all.n_far) ||
			!take_ranges(a->p, c->file, v, "remoteAddressRanges", &all.near, &all.n_near))
			return false;
		if (pairs ? !add_pairs(a->p, s, &all) : !add_child(a->p, s, &all))
			return false;
	}
	if (s->n_children == 0)
		return nothing_in_common(a->p, s, c->file);
	s->children_from = import_text(
		a->p, pairs ? "%s: trafficSelectorPolicies, an SA for each pair" : "%s: trafficSelectorPolicies", c->file);
	return route_children(a->p, s, c->file);
}

bool azure_selectors(struct azure *a, const struct azure_object *c, struct azure_site *s)
{
	const json_t *list = azure_member(c, "trafficSelectorPolicies");
	bool pairs = doc_yes(c->properties, "usePolicyBasedTrafficSelectors") ||
		     doc_yes(c->top, "usePolicyBasedTrafficSelectors");
	bool good = json_array_size(list) > 0 ? take_list(a, c, s, list, pairs)
		    : pairs ? azure_policy_based(a->p, s, import_text(a->p, "%s: usePolicyBasedTrafficSelectors", c->file))
			    : true;
	if (good)
		note_bgp(a->p, s);
	return good;
}
