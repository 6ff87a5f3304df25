/* move.c - the outside addresses and ports of a pair of SAs change, and the policies go with it. */
#include "state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

struct ports {
	struct nlm *update;
	const struct xsa_id *id;
	uint16_t sport, dport;
	bool there, encap;
};

static void note_ports(void *arg, const struct nlmsghdr *h)
{
	struct ports *p = arg;
	struct xsa_seen seen;
	if (!xsa_read(&seen, h, XSA_FIXED) || !addr_same_ip(&seen.id.src, &p->id->src))
		return;
	p->there = true;
	p->encap = xsa_has_encap(h);
	xsa_build_ports(p->update, h, p->sport, p->dport);
}

/* The kernel finds an SA by its destination: whether it has moved its source says, too. */
static bool present(struct kernel *k, const struct tunnel *t, const struct xsa_id *id, struct ports *p)
{
	p->there = false;
	p->id = id;
	xsa_build_get(&k->scratch, id, t->want.id, t->want.vti);
	nl_get(&k->xfrm, &k->scratch, "look up an SA", note_ports, p);
	k->why[0] = 0;
	return p->there;
}

static int set_ports(struct kernel *k, const struct tunnel *t, const struct xsa_id *id, bool encap)
{
	struct ports p = { .update = xcalloc(1, sizeof *p.update), .sport = id->src.port, .dport = id->dst.port };
	int error = 0;
	if (!present(k, t, id, &p))
		error = kernel_fail(k, -ESRCH, "the SA to change is not there");
	else if (p.encap != encap)
		error = kernel_fail(k, -EOPNOTSUPP, "UDP encapsulation cannot be added to or taken from an SA");
	else if (encap)
		error = nl_call(&k->xfrm, p.update, "change the ports of an SA", 0);
	wipe(p.update, sizeof *p.update);
	free(p.update);
	return error;
}

struct moving {
	struct kernel *k;
	struct tunnel *t;
	const struct esp_move *m;
	struct xsa_id was[2], now[2]; /* in and out */
	struct ports *p;
};

/*
 * MIGRATE asks for an out policy with a template that has the old addresses. When the pair carries a slot it is that slot's, which then has the new ones at the
 * same moment; else one that no packet fits.
 */
static struct policy *policy_of(const struct moving *v)
{
	for (unsigned i = 0; i < v->t->policies.n; i++) {
		struct policy *p = &v->t->policies.v[i];
		if (p->wanted && p->out.spi == v->m->spi_out && addr_same_ip(&p->out.remote, &v->m->old_remote))
			return p;
	}
	return NULL;
}

/* It takes the first SA with the old addresses that it finds in each direction, whichever child it belongs to. */
static int migrate_one(struct moving *v, const struct sel *by)
{
	struct outward old = { 0, v->m->spi_out, v->m->old_local, v->m->old_remote };
	policy_put(v->k, v->t, by, POLICY_OUT, &old);
	policy_build_migrate(&v->k->scratch, by, v->m);
	nl_add(&v->k->xfrm, &v->k->scratch, "move the SAs to other addresses", 0);
	return nl_flush(&v->k->xfrm);
}

/* Those that were taken along: their own moves are still to come, and will find them moved. */
static void note_others(struct moving *v)
{
	for (unsigned i = 0; i < v->t->n_sas; i++) {
		struct sa_known *sa = &v->t->sas[i];
		for (unsigned dir = 0; dir < 2; dir++) {
			struct xsa_id id = { v->now[dir].src, v->now[dir].dst, sa->id.spi };
			if (sa->id.spi == v->was[dir].spi || !addr_same_ip(&sa->id.src, &v->was[dir].src) ||
				!addr_same_ip(&sa->id.dst, &v->was[dir].dst) || !present(v->k, v->t, &id, v->p))
				continue;
			if (dir == 1)
				slots_moved(v->t, sa->id.spi, v->m);
			sa->was = sa->id.dst;
			sa->id = id;
			break;
		}
	}
}

/* So it is asked until ours have moved; each time one that belongs to the tunnel does. */
static int migrate(struct moving *v)
{
	struct sel none = { .local = { { .family = AF_INET }, 32 }, .remote = { { .family = AF_INET }, 32 } };
	struct policy *p = policy_of(v);
	unsigned calls = 0;
	int error = 0;
	for (; error == 0; calls++) {
		bool there = true, moved = true;
		for (unsigned dir = 0; dir < 2; dir++) {
			bool now = present(v->k, v->t, &v->now[dir], v->p);
			moved &= now;
			there &= now || present(v->k, v->t, &v->was[dir], v->p);
		}
		if (moved)
			break;
		if (!there || calls > v->t->n_sas)
			error = kernel_fail(v->k, -ESRCH, "the SA to change is not there");
		else
			error = migrate_one(v, p != NULL ? &p->sel : &none);
	}
	if (calls == 0)
		return error;
	note_others(v);
	if (p != NULL) {
		p->known = false;
		return error;
	}
	char why[NL_WHY];
	memcpy(why, v->k->why, sizeof why);
	policy_build_del(&v->k->scratch, &none, POLICY_OUT, v->t->want.id, false);
	nl_call(&v->k->xfrm, &v->k->scratch, "remove a policy", ENOENT);
	memcpy(v->k->why, why, sizeof why);
	return error;
}

static int move_addresses(struct moving *v)
{
	struct kernel *k = v->k;
	struct tunnel *t = v->t;
	char why[NL_WHY];
	if (t->want.vti)
		return kernel_fail(k, -EOPNOTSUPP, "the SAs of a VTI cannot be moved");
	v->p = xcalloc(1, sizeof *v->p);
	v->p->update = xcalloc(1, sizeof *v->p->update);
	int error = migrate(v);
	memcpy(why, k->why, sizeof why);
	wipe(v->p->update, sizeof *v->p->update);
	free(v->p->update);
	free(v->p);
	for (unsigned dir = 0; dir < 2 && error == 0; dir++) {
		tunnel_forget_sa(t, &v->was[dir]);
		sa_note(t, &v->now[dir]);
	}
	if (error == 0)
		slots_moved(t, v->m->spi_out, v->m);
	int failed = policies_settle(k, t);
	if (error != 0) {
		memcpy(k->why, why, sizeof why);
		return error;
	}
	if (t->has_link) {
		t->last.local = v->m->new_local;
		t->last.remote = v->m->new_remote;
		failed = first_error(failed, peer_route_set(k, t, &v->m->new_remote));
	}
	return failed;
}

int kernel_sa_move(struct kernel *k, const struct esp_move *m)
{
	struct moving v = { .k = k,
		.t = tunnel_find(k, m->tunnel),
		.m = m,
		.was = { { m->old_remote, m->old_local, m->spi_in }, { m->old_local, m->old_remote, m->spi_out } },
		.now = { { m->new_remote, m->new_local, m->spi_in }, { m->new_local, m->new_remote, m->spi_out } } };
	int error = 0;
	k->why[0] = 0;
	if (v.t == NULL)
		return kernel_fail(k, -ENOENT, "no such tunnel");
	if (!addr_same_ip(&m->old_local, &m->new_local) || !addr_same_ip(&m->old_remote, &m->new_remote))
		error = move_addresses(&v);
	for (unsigned dir = 0; dir < 2 && error == 0; dir++)
		error = set_ports(k, v.t, &v.now[dir], m->encap);
	return error;
}
