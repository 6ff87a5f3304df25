/* compare_rule.c - the rules for what goes to peers. */
#include "compare.h"

#include <errno.h>
#include <string.h>

struct looking {
	struct comparison *c;
	bool six, any[2];    /* the family being read; it has rules at all */
	struct list surplus; /* struct rule_seen */
};

static void see_rule(void *arg, const struct nlmsghdr *h)
{
	struct looking *l = arg;
	struct rule_seen seen;
	l->any[l->six] = true;
	if (!rule_read(&seen, h))
		return;
	if (seen.row >= 0 && rule_wanted(l->c->k, (unsigned)seen.row))
		l->c->k->rule_there[seen.row] = true;
	else
		list_add(&l->surplus, &seen);
}

static int look(struct looking *l)
{
	struct kernel *k = l->c->k;
	int error = -EINTR;
	for (unsigned tries = 0; tries < 5 && error == -EINTR; tries++) {
		memset(k->rule_there, 0, sizeof k->rule_there);
		l->surplus.n = 0;
		l->six = false;
		error = rule_dump(k, AF_INET, see_rule, l);
		l->six = true;
		if (error == 0)
			error = rule_dump(k, AF_INET6, see_rule, l);
	}
	return error;
}

int compare_rules(struct comparison *c)
{
	struct looking l = { .c = c, .surplus.size = sizeof(struct rule_seen) };
	struct kernel *k = c->k;
	bool was[RULES_MAX];
	memcpy(was, k->rule_there, sizeof was);
	int error = look(&l);
	for (unsigned i = 0; i < RULES_MAX && error == 0; i++) {
		if (!rule_wanted(k, i) || k->rule_there[i])
			continue;
		int failed = rule_put(k, i);
		if (failed != 0 || (was[i] && l.any[rule_is_ipv6(i)])) /* a kernel without rules of that family has lost none */
			compare_told(c, NULL, OBJECT_RULE, failed, "", "%s rule for packets to peers",
				rule_is_ipv6(i) ? "IPv6" : "IPv4");
	}
	LIST_EACH(const struct rule_seen, seen, l.surplus)
	{
		if (error != 0)
			break;
		rule_delete_seen(k, seen);
		compare_surplus(c, 0, OBJECT_RULE, "a rule of our protocol");
	}
	list_free(&l.surplus);
	if (error != 0)
		memcpy(k->rule_there, was, sizeof was);
	return error;
}
