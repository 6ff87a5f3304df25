/* compare_xfrm.c - SAs and policies. An SA that is gone cannot be put back, nobody has its keys any more: it is forgotten and told. */
#include "compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct looking {
	struct comparison *c;
	struct list surplus; /* struct xsa_seen, struct policy_seen */
};

/* --- SAs --- */
static struct sa_known *known_sa(const struct tunnel *t, const struct xsa_seen *seen)
{
	for (unsigned i = 0; t != NULL && t->want.vti == seen->vti && i < t->n_sas; i++)
		if (t->sas[i].id.spi == seen->id.spi && addr_same_ip(&t->sas[i].id.dst, &seen->id.dst))
			return &t->sas[i];
	return NULL;
}

static void ask_sas(struct nlm *m, unsigned round)
{
	(void)round;
	xsa_build_dump(m);
}

static void begin_sas(void *arg)
{
	struct looking *l = arg;
	size_t it = 0;
	l->surplus.n = 0;
	for (struct tunnel *t; (t = table_next(&l->c->k->by_id, &it)) != NULL;)
		for (unsigned i = 0; i < t->n_sas; i++)
			t->sas[i].there = false;
}

/* A larval SA (of an ACQUIRE that somebody listens to) has our marks and no key, carries nothing and goes by itself. */
static void see_sa(void *arg, const struct nlmsghdr *h)
{
	struct looking *l = arg;
	struct xsa_seen seen;
	if (!xsa_read(&seen, h, XSA_FIXED) || seen.larval)
		return;
	struct sa_known *known = known_sa(tunnel_find(l->c->k, seen.tunnel), &seen);
	if (known != NULL)
		known->there = true;
	else
		list_add(&l->surplus, &seen);
}

static void forget_lost(struct comparison *c, struct tunnel *t)
{
	for (unsigned i = t->n_sas; i-- > 0;)
		if (!t->sas[i].there) {
			struct xsa_id lost = t->sas[i].id;
			compare_lost_sa(c, t, &lost);
			t->sas[i] = t->sas[--t->n_sas];
			slots_lost_sa(c->k, t, &lost);
		}
}

int compare_sas(struct comparison *c)
{
	const struct dump dump = { &c->k->xfrm, "list SAs", 1, begin_sas, ask_sas, see_sa };
	struct looking l = { .c = c, .surplus.size = sizeof(struct xsa_seen) };
	char text[ADDR_TEXT];
	size_t it = 0;
	int error = compare_dump(c, &dump, &l);
	for (struct tunnel *t; error == 0 && (t = table_next(&c->k->by_id, &it)) != NULL;)
		forget_lost(c, t);
	LIST_EACH(const struct xsa_seen, s, l.surplus)
	{
		if (error != 0)
			break;
		xsa_build_del(&c->k->scratch, &s->id, s->tunnel, s->vti);
		nl_add(&c->k->xfrm, &c->k->scratch, "remove an SA that nobody wants", ESRCH);
		compare_surplus(c, s->tunnel, OBJECT_SA, "SA %08x to %s", (unsigned)s->id.spi, addr_format(&s->id.dst, text));
	}
	list_free(&l.surplus);
	return first_error(error, nl_flush(&c->k->xfrm));
}

/* --- policies --- */
static const enum policy_dir dirs[] = { POLICY_OUT, POLICY_IN, POLICY_FWD };
static const char *const dir_words[] = { [POLICY_IN] = "in", [POLICY_OUT] = "out", [POLICY_FWD] = "fwd" };

static uint64_t wanted_print(struct comparison *c, const struct tunnel *t, const struct policy *p, enum policy_dir dir)
{
	struct policy_seen wanted;
	policy_build_set(&c->expected, &p->sel, dir, t->want.id, t->want.vti, &p->out);
	policy_read(&wanted, &c->expected.head);
	return wanted.print;
}

static void ask_policies(struct nlm *m, unsigned round)
{
	(void)round;
	policy_build_dump(m);
}

static void begin_policies(void *arg)
{
	struct looking *l = arg;
	size_t it = 0;
	l->surplus.n = 0;
	for (struct tunnel *t; (t = table_next(&l->c->k->by_id, &it)) != NULL;)
		for (unsigned i = 0; i < t->policies.n; i++)
			t->policies.v[i].there = t->policies.v[i].differs = 0;
}

static struct policy *wanted_policy(const struct tunnel *t, const struct policy_seen *seen)
{
	if (t == NULL || t->want.vti != seen->vti || (seen->vti && seen->dir == POLICY_FWD))
		return NULL;
	struct policy *p = policies_find(&t->policies, &seen->sel);
	return p != NULL && p->wanted ? p : NULL;
}

static void see_policy(void *arg, const struct nlmsghdr *h)
{
	struct looking *l = arg;
	struct policy_seen seen;
	if (!policy_read(&seen, h))
		return;
	const struct tunnel *t = tunnel_find(l->c->k, seen.tunnel);
	struct policy *p = wanted_policy(t, &seen);
	if (p == NULL)
		list_add(&l->surplus, &seen);
	else if ((t->adopted && seen.dir == POLICY_OUT) || wanted_print(l->c, t, p, seen.dir) == seen.print)
		p->there |= 1u << seen.dir;
	else
		p->differs |= 1u << seen.dir;
}

/* All of a tunnel in one go. The dump shows what is there, so nothing is ever without a policy that had one. */
static void restore_policies(struct comparison *c, struct tunnel *t)
{
	char local[ADDR_TEXT], remote[ADDR_TEXT];
	const struct policy *first = NULL;
	enum policy_dir first_dir = POLICY_OUT;
	unsigned more = 0;
	for (unsigned i = 0; i < t->policies.n; i++)
		for (unsigned d = 0; d < (t->want.vti ? 2u : 3u); d++) {
			const struct policy *p = &t->policies.v[i];
			if (!p->wanted || p->there & 1u << dirs[d])
				continue;
			policy_put(c->k, t, &p->sel, dirs[d], &p->out);
			more += first != NULL;
			if (first == NULL) {
				first = p;
				first_dir = dirs[d];
			}
		}
	int error = nl_flush(&c->k->xfrm);
	for (unsigned i = 0; i < t->policies.n; i++)
		t->policies.v[i].known = error == 0 && !t->adopted && t->policies.v[i].wanted;
	if (first == NULL)
		return;
	char others[24] = "";
	if (more > 0)
		snprintf(others, sizeof others, " and %u more", more);
	compare_told(c, t, OBJECT_POLICY, error, first->differs & 1u << first_dir ? "changed" : "", "policy %s %s - %s%s",
		dir_words[first_dir], prefix_format(&first->sel.local, local), prefix_format(&first->sel.remote, remote), others);
}

int compare_policies(struct comparison *c)
{
	const struct dump dump = { &c->k->xfrm, "list policies", 1, begin_policies, ask_policies, see_policy };
	struct looking l = { .c = c, .surplus.size = sizeof(struct policy_seen) };
	char local[ADDR_TEXT], remote[ADDR_TEXT];
	size_t it = 0;
	int error = compare_dump(c, &dump, &l);
	for (struct tunnel *t; error == 0 && (t = table_next(&c->k->by_id, &it)) != NULL;)
		restore_policies(c, t);
	LIST_EACH(const struct policy_seen, p, l.surplus)
	{
		if (error != 0)
			break;
		policy_build_del(&c->k->scratch, &p->sel, p->dir, p->tunnel, p->vti);
		nl_add(&c->k->xfrm, &c->k->scratch, "remove a policy that nobody wants", ENOENT);
		compare_surplus(c, p->tunnel, OBJECT_POLICY, "policy %s %s - %s", dir_words[p->dir],
			prefix_format(&p->sel.local, local), prefix_format(&p->sel.remote, remote));
	}
	list_free(&l.surplus);
	return first_error(error, nl_flush(&c->k->xfrm));
}
