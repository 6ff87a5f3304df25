/* child.c - SAs of a tunnel: install, remove, count. */

#include "state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

/* --- which SAs are there --- */
static struct sa_known *find_sa(const struct tunnel *t, const struct xsa_id *id)
{
	for (unsigned i = 0; i < t->n_sas; i++) {
		struct sa_known *sa = &t->sas[i];
		bool was = sa->was.family != 0 && addr_same_ip(&sa->was, &id->dst);
		if (sa->id.spi == id->spi && (was || addr_same_ip(&sa->id.dst, &id->dst)))
			return sa;
	}
	return NULL;
}

void sa_note(struct tunnel *t, const struct xsa_id *id)
{
	struct sa_known *sa = find_sa(t, id);
	if (sa == NULL) {
		t->sas = xrealloc_array(t->sas, t->n_sas + 1, sizeof *t->sas);
		sa = &t->sas[t->n_sas++];
	}
	*sa = (struct sa_known){ .id = *id };
}

void tunnel_forget_sa(struct tunnel *t, const struct xsa_id *id)
{
	struct sa_known *sa = find_sa(t, id);
	if (sa != NULL)
		*sa = t->sas[--t->n_sas];
}

int sa_clear(struct kernel *k, struct tunnel *t)
{
	for (unsigned i = 0; i < t->n_sas; i++) {
		xsa_build_del(&k->scratch, &t->sas[i].id, t->want.id, t->want.vti);
		nl_add(&k->xfrm, &k->scratch, "remove an SA", ESRCH);
	}
	t->n_sas = 0;
	return nl_flush(&k->xfrm);
}

/* --- add, delete --- */
static int add(struct kernel *k, const struct tunnel *t, const struct esp_sa *sa, uint32_t card)
{
	struct xsa_how how = { .vti = t->want.vti, .features = k->features, .card = card };
	const char *reason;
	int error = xsa_build_add(&k->scratch, sa, &how, &reason);
	if (error != 0)
		kernel_fail(k, error, "cannot install the SA: %s", reason);
	else
		error = nl_call(
			&k->xfrm, &k->scratch, sa->dir == ESP_IN ? "install the inbound SA" : "install the outbound SA", 0);
	wipe(k->scratch.raw, NLM_MAX);
	return error;
}

int kernel_sa_add(struct kernel *k, const struct esp_sa *sa)
{
	struct tunnel *t = tunnel_find(k, sa->tunnel);
	struct xsa_id id = xsa_id_of(sa);
	k->why[0] = 0;
	if (t == NULL)
		return kernel_fail(k, -ENOENT, "no such tunnel");
	uint32_t card = card_for(k, t, sa);
	int error = add(k, t, sa, card);
	if (card != 0 && error != 0 && error != -EEXIST) {
		card_refused(k, t, card);
		error = add(k, t, sa, 0);
	}
	if (error == 0)
		sa_note(t, &id);
	return error;
}

int kernel_sa_del(struct kernel *k, const struct esp_remove *r)
{
	struct tunnel *t = tunnel_find(k, r->tunnel);
	bool in = r->dir == ESP_IN;
	struct xsa_id id = { .src = in ? r->remote : r->local, .dst = in ? r->local : r->remote, .spi = r->spi };
	k->why[0] = 0;
	if (t == NULL)
		return kernel_fail(k, -ENOENT, "no such tunnel");
	struct sa_known *known = find_sa(t, &id);
	if (known != NULL) {
		id = known->id; /* where it is by now */
		*known = t->sas[--t->n_sas];
	}
	xsa_build_del(&k->scratch, &id, r->tunnel, t->want.vti);
	int error = nl_call(&k->xfrm, &k->scratch, "remove an SA", ESRCH);
	slots_lost_sa(k, t, &id);
	return error;
}

/* --- counters --- */
struct counting {
	kernel_count_fn fn;
	void *arg;
};

static void count(void *arg, const struct nlmsghdr *h)
{
	struct counting *c = arg;
	struct xsa_seen seen;
	if (xsa_read(&seen, h, XSA_FIXED) && !seen.larval)
		c->fn(c->arg, seen.tunnel, &seen.count);
}

int kernel_counters(struct kernel *k, kernel_count_fn fn, void *arg)
{
	struct counting c = { .fn = fn, .arg = arg };
	k->why[0] = 0;
	xsa_build_dump(&k->scratch);
	int error = nl_dump(&k->xfrm, &k->scratch, "list SAs", count, &c);
	return error == -EINTR ? 0 : error; /* no survivor is left out of an interrupted dump of SAs */
}
