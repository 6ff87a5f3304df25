/* child.c - SAs and policies of a tunnel: install, switch, move, remove, count. */

#include "state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

/* --- which SAs are there --- */
static bool same_sa(const struct xsa_id *a, const struct xsa_id *b) { return a->spi == b->spi && addr_same_ip(&a->dst, &b->dst); }

void sa_note(struct tunnel *t, const struct xsa_id *id)
{
	for (unsigned i = 0; i < t->n_sas; i++)
		if (same_sa(&t->sas[i].id, id)) {
			t->sas[i].id = *id;
			return;
		}
	t->sas = xrealloc_array(t->sas, t->n_sas + 1, sizeof *t->sas);
	t->sas[t->n_sas++] = (struct sa_known){ .id = *id };
}

void tunnel_forget_sa(struct tunnel *t, const struct xsa_id *id)
{
	for (unsigned i = 0; i < t->n_sas; i++)
		if (same_sa(&t->sas[i].id, id)) {
			t->sas[i] = t->sas[--t->n_sas];
			return;
		}
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
int kernel_sa_add(struct kernel *k, const struct esp_sa *sa)
{
	struct tunnel *t = tunnel_find(k, sa->tunnel);
	struct xsa_id id = xsa_id_of(sa);
	const char *reason;
	k->why[0] = 0;
	if (t == NULL)
		return kernel_fail(k, -ENOENT, "no such tunnel");
	int error = xsa_build_add(&k->scratch, sa, t->want.vti, &reason);
	if (error != 0)
		kernel_fail(k, error, "cannot install the SA: %s", reason);
	else
		error = nl_call(
			&k->xfrm, &k->scratch, sa->dir == ESP_IN ? "install the inbound SA" : "install the outbound SA", 0);
	wipe(k->scratch.raw, NLM_MAX);
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
	tunnel_forget_sa(t, &id);
	xsa_build_del(&k->scratch, &id, r->tunnel, t->want.vti);
	return nl_call(&k->xfrm, &k->scratch, "remove an SA", ESRCH);
}

/* --- policies --- */
static void set_policy(
	struct kernel *k, const struct tunnel *t, const struct sel *s, enum policy_dir dir, const struct outward *out)
{
	policy_build_set(&k->scratch, s, dir, t->want.id, t->want.vti, out);
	nl_add(&k->xfrm, &k->scratch, "set a policy", 0);
}

void policy_put(struct kernel *k, const struct tunnel *t, const struct sel *s, enum policy_dir dir)
{
	set_policy(k, t, s, dir, &t->out);
}

static void remove_policies(struct kernel *k, const struct tunnel *t, const struct sel *s)
{
	static const enum policy_dir dirs[] = { POLICY_OUT, POLICY_IN, POLICY_FWD };
	for (unsigned i = 0; i < (t->want.vti ? 2u : 3u); i++) {
		policy_build_del(&k->scratch, s, dirs[i], t->want.id, t->want.vti);
		nl_add(&k->xfrm, &k->scratch, "remove a policy", ENOENT);
	}
}

static bool same_outward(const struct outward *a, const struct outward *b)
{
	return a->spi == b->spi && (a->spi == 0 || (addr_same_ip(&a->local, &b->local) && addr_same_ip(&a->remote, &b->remote)));
}

/* in and fwd of a pair never change while it is there; out does with each switch. What is surplus goes last. */
int policy_apply(struct kernel *k, struct tunnel *t, struct sel_list *want, const struct outward *out)
{
	bool turned = !t->out_known || !same_outward(&t->out, out);
	for (unsigned i = 0; i < want->n; i++) {
		bool there = sel_list_has(&t->sels, &want->v[i]);
		if (!there || !t->out_known)
			set_policy(k, t, &want->v[i], POLICY_IN, NULL);
		if ((!there || !t->out_known) && !t->want.vti)
			set_policy(k, t, &want->v[i], POLICY_FWD, NULL);
		if (!there || turned)
			set_policy(k, t, &want->v[i], POLICY_OUT, out);
	}
	for (unsigned i = 0; i < t->sels.n; i++)
		if (!sel_list_has(want, &t->sels.v[i]))
			remove_policies(k, t, &t->sels.v[i]);
	int error = nl_flush(&k->xfrm);
	t->out_known = error == 0; /* after a failure everything is set again */
	t->out = *out;
	if (error == 0) {
		sel_list_free(&t->sels);
		t->sels = *want;
		t->adopted = false;
		return 0;
	}
	/* What may be there now is the union. It is at most twice what one tunnel may have. */
	t->sels.v = xrealloc_array(t->sels.v, t->sels.n + want->n + 1, sizeof *t->sels.v);
	for (unsigned i = 0; i < want->n; i++)
		if (!sel_list_has(&t->sels, &want->v[i]))
			t->sels.v[t->sels.n++] = want->v[i];
	sel_list_free(want);
	return error;
}

int policy_clear(struct kernel *k, struct tunnel *t)
{
	for (unsigned i = 0; i < t->sels.n; i++)
		remove_policies(k, t, &t->sels.v[i]);
	sel_list_free(&t->sels);
	t->out_known = false;
	return nl_flush(&k->xfrm);
}

int kernel_sa_switch(struct kernel *k, const struct esp_switch *s)
{
	struct tunnel *t = tunnel_find(k, s->tunnel);
	struct outward out = { .spi = s->spi_out, .local = s->local, .remote = s->remote };
	struct sel_list want;
	k->why[0] = 0;
	if (t == NULL)
		return kernel_fail(k, -ENOENT, "no such tunnel");
	if (s->spi_out != 0 && (s->local.family == 0 || s->local.family != s->remote.family))
		return kernel_fail(k, -EINVAL, "addresses of two families, or none");
	struct ts_list here, there;
	esp_switch_get(s, &here, &there);
	bool given = here.n > 0 && there.n > 0;
	int error = sel_list_from(&want, given ? &here : t->want.local_ts, given ? &there : t->want.remote_ts);
	if (error != 0)
		return kernel_fail(k, error, "the traffic selectors cannot be expressed as kernel policies");
	error = policy_apply(k, t, &want, &out);
	return error != 0 ? error : link_endpoints(k, t, &s->local, &s->remote);
}

/* --- move --- */
struct ports {
	struct nlm *update;
	uint16_t sport, dport;
	bool there, encap;
};

static void note_ports(void *arg, const struct nlmsghdr *h)
{
	struct ports *p = arg;
	struct xsa_seen seen;
	if (!xsa_read(&seen, h, XSA_FIXED))
		return;
	p->there = true;
	p->encap = xsa_has_encap(h);
	xsa_build_ports(p->update, h, p->sport, p->dport);
}

static bool present(struct kernel *k, const struct tunnel *t, const struct xsa_id *id, struct ports *p)
{
	p->there = false;
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

static void put_back(struct kernel *k, struct tunnel *t, const struct esp_move *m)
{
	struct outward old = { .spi = t->out.spi, .local = m->old_local, .remote = m->old_remote };
	for (unsigned i = 0; i < t->sels.n; i++)
		set_policy(k, t, &t->sels.v[i], POLICY_OUT, &old);
	nl_flush(&k->xfrm);
}

/* MIGRATE takes the first SA with the old addresses that it finds, whichever child it belongs to: it is asked until ours have moved. */
static int migrate(
	struct kernel *k, struct tunnel *t, const struct esp_move *m, const struct xsa_id *in, const struct xsa_id *out)
{
	struct ports p = { .update = xcalloc(1, sizeof *p.update) };
	int error = t->sels.n > 0 ? 0 : kernel_fail(k, -ENOENT, "no policy to move");
	for (unsigned tries = 0; tries < 8 && error == 0; tries++) {
		bool moved = present(k, t, in, &p);
		if (moved && present(k, t, out, &p))
			break;
		put_back(k, t, m);
		policy_build_migrate(&k->scratch, &t->sels.v[0], m);
		error = nl_call(&k->xfrm, &k->scratch, "move the SAs to other addresses", 0);
	}
	wipe(p.update, sizeof *p.update);
	free(p.update);
	return error;
}

static int move_addresses(
	struct kernel *k, struct tunnel *t, const struct esp_move *m, const struct xsa_id *in, const struct xsa_id *out)
{
	struct xsa_id was_in = { .src = m->old_remote, .dst = m->old_local, .spi = m->spi_in };
	struct xsa_id was_out = { .src = m->old_local, .dst = m->old_remote, .spi = m->spi_out };
	if (t->want.vti)
		return kernel_fail(k, -EOPNOTSUPP, "the SAs of a VTI cannot be moved");
	int error = migrate(k, t, m, in, out);
	if (error != 0)
		return error;
	tunnel_forget_sa(t, &was_in);
	tunnel_forget_sa(t, &was_out);
	sa_note(t, in);
	sa_note(t, out);
	struct outward moved = { .spi = t->out.spi, .local = m->new_local, .remote = m->new_remote };
	for (unsigned i = 0; i < t->sels.n; i++)
		set_policy(k, t, &t->sels.v[i], POLICY_OUT, &moved);
	error = nl_flush(&k->xfrm);
	t->out = moved;
	t->out_known = error == 0;
	if (t->has_link) {
		t->last.local = m->new_local;
		t->last.remote = m->new_remote;
		error = first_error(error, peer_route_set(k, t, &m->new_remote));
	}
	return error;
}

int kernel_sa_move(struct kernel *k, const struct esp_move *m)
{
	struct tunnel *t = tunnel_find(k, m->tunnel);
	struct xsa_id in = { .src = m->new_remote, .dst = m->new_local, .spi = m->spi_in };
	struct xsa_id out = { .src = m->new_local, .dst = m->new_remote, .spi = m->spi_out };
	int error = 0;
	k->why[0] = 0;
	if (t == NULL)
		return kernel_fail(k, -ENOENT, "no such tunnel");
	if (!addr_same_ip(&m->old_local, &m->new_local) || !addr_same_ip(&m->old_remote, &m->new_remote))
		error = move_addresses(k, t, m, &in, &out);
	if (error == 0)
		error = set_ports(k, t, &in, m->encap);
	if (error == 0)
		error = set_ports(k, t, &out, m->encap);
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
	if (xsa_read(&seen, h, XSA_FIXED))
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
