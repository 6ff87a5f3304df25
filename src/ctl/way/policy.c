/* policy.c - which XFRM policy of somebody else a packet meets: the lowest priority number that fits, among those of one if_id. */
#include <stdio.h>
#include <string.h>

#include "leg.h"

static bool selects(const struct prefix *p, const struct addr *a)
{
	return a->family == p->addr.family && (p->len == 0 || prefix_contains(p, a));
}

const struct way_policy *way_policy_of(
	const struct way_facts *f, enum way_dir dir, uint32_t if_id, const struct addr *from, const struct addr *to)
{
	const struct way_policy *best = NULL;
	for (unsigned i = 0; i < f->n_policies; i++) {
		const struct way_policy *p = &f->policies[i];
		/* The packets bear no mark. One protocol alone is no fault of all traffic. */
		if (p->dir != dir || p->if_id != if_id || (p->mark & p->mask) != 0 || p->protocol != 0)
			continue;
		if (selects(&p->from, from) && selects(&p->to, to) && (best == NULL || p->priority < best->priority))
			best = p;
	}
	return best;
}

/* As `ip xfrm policy delete` wants it. */
const char *way_policy_words(const struct way_policy *p, char text[200])
{
	static const char *const dirs[] = { [WAY_POLICY_IN] = "in", [WAY_POLICY_OUT] = "out", [WAY_POLICY_FWD] = "fwd" };
	char from[ADDR_TEXT], to[ADDR_TEXT];
	snprintf(text, 200, "src %s dst %s dir %s", prefix_format(&p->from, from), prefix_format(&p->to, to), dirs[p->dir]);
	if (p->if_id != 0)
		snprintf(text + strlen(text), 200 - strlen(text), " if_id 0x%x", p->if_id);
	return text;
}
