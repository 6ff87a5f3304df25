/*
 * slot.c - the children side by side of a tunnel, and the policies that follow from them.
 *
 * What is wanted is the union over the slots; before there is one it is what the tunnel's configuration says, and nothing may leave. A selector that
 * several slots have belongs to the lowest of them that has an SA, or else asks for one.
 */
#include <netinet/in.h>

#include "state.h"

#include <errno.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- lists --- */
static struct policy *find(const struct policies *all, const struct sel *s, uint64_t hash)
{
	for (unsigned i = 0; i < all->n; i++)
		if (all->v[i].hash == hash && sel_equal(&all->v[i].sel, s))
			return &all->v[i];
	return NULL;
}

struct policy *policies_find(const struct policies *all, const struct sel *s) { return find(all, s, sel_hash(s)); }

void policies_add(struct policies *all, const struct sel *s, const struct outward *out)
{
	all->v = xrealloc_array(all->v, all->n + 1, sizeof *all->v);
	all->v[all->n++] = (struct policy){ .sel = *s, .hash = sel_hash(s), .out = *out, .wanted = true };
}

/* --- what is wanted --- */
enum claim { CLAIM_NONE, CLAIM_ASKS, CLAIM_CARRIES };

static enum claim claim_of(const struct slot *s)
{
	return s->carries ? CLAIM_CARRIES : outward_asks(&s->out) ? CLAIM_ASKS : CLAIM_NONE;
}

/* claims: of the owners so far. */
static int add_wanted(struct policies *want, const struct slot *slot, enum claim claims[SEL_MAX])
{
	enum claim claim = claim_of(slot);
	for (unsigned i = 0; i < slot->sels.n; i++) {
		struct policy *p = policies_find(want, &slot->sels.v[i]);
		if (p == NULL && want->n == SEL_MAX)
			return -E2BIG;
		if (p == NULL) {
			claims[want->n] = claim;
			policies_add(want, &slot->sels.v[i], &slot->out);
		} else if (claim > claims[p - want->v]) {
			claims[p - want->v] = claim;
			p->out = slot->out;
		}
	}
	return 0;
}

static int wanted_policies(struct kernel *k, const struct tunnel *t, struct policies *want)
{
	enum claim claims[SEL_MAX];
	struct slot base = { 0 };
	int error = 0;
	*want = (struct policies){ 0 };
	if (t->n_slots == 0)
		error = sel_list_from(&base.sels, t->want.local_ts, t->want.remote_ts);
	if (error != 0)
		return kernel_fail(k, error, "the traffic selectors cannot be expressed as kernel policies");
	if (t->n_slots == 0)
		error = add_wanted(want, &base, claims);
	for (unsigned i = 0; i < t->n_slots && error == 0; i++)
		error = add_wanted(want, &t->slots[i], claims);
	sel_list_free(&base.sels);
	if (error == 0)
		return 0;
	free(want->v);
	return kernel_fail(
		k, error, "the traffic selectors of the tunnel's children become more than %d kernel policies", SEL_MAX);
}

/* --- into the kernel --- */
void policy_put(struct kernel *k, const struct tunnel *t, const struct sel *s, enum policy_dir dir, const struct outward *out)
{
	policy_build_set(&k->scratch, s, dir, t->want.id, t->want.vti, out);
	nl_add(&k->xfrm, &k->scratch, "set a policy", 0);
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
	return a->slot == b->slot && a->spi == b->spi && addr_same_ip(&a->local, &b->local) &&
	       addr_same_ip(&a->remote, &b->remote);
}

/* in and fwd of a pair never change while it is there; out does with each switch. What is surplus goes last. Takes want over. */
static int apply(struct kernel *k, struct tunnel *t, struct policies *want)
{
	for (unsigned i = 0; i < want->n; i++) {
		const struct policy *p = &want->v[i], *is = find(&t->policies, &p->sel, p->hash);
		bool known = is != NULL && is->known;
		if (!known)
			policy_put(k, t, &p->sel, POLICY_IN, NULL);
		if (!known && !t->want.vti)
			policy_put(k, t, &p->sel, POLICY_FWD, NULL);
		if (!known || !same_outward(&is->out, &p->out))
			policy_put(k, t, &p->sel, POLICY_OUT, &p->out);
	}
	for (unsigned i = 0; i < t->policies.n; i++)
		if (find(want, &t->policies.v[i].sel, t->policies.v[i].hash) == NULL)
			remove_policies(k, t, &t->policies.v[i].sel);
	int error = nl_flush(&k->xfrm);
	for (unsigned i = 0; i < want->n; i++)
		want->v[i].known = error == 0; /* after a failure everything is set again */
	for (unsigned i = 0; i < t->policies.n && error != 0; i++)
		if (find(want, &t->policies.v[i].sel, t->policies.v[i].hash) == NULL) {
			policies_add(want, &t->policies.v[i].sel, &t->policies.v[i].out);
			want->v[want->n - 1].wanted = false; /* but it may still be there */
		}
	free(t->policies.v);
	t->policies = *want;
	t->adopted &= error != 0;
	return error;
}

int policies_settle(struct kernel *k, struct tunnel *t)
{
	struct policies want;
	int error = wanted_policies(k, t, &want);
	return error != 0 ? error : apply(k, t, &want);
}

int policies_clear(struct kernel *k, struct tunnel *t)
{
	for (unsigned i = 0; i < t->policies.n; i++)
		remove_policies(k, t, &t->policies.v[i].sel);
	free(t->policies.v);
	t->policies = (struct policies){ 0 };
	slots_release(t);
	return nl_flush(&k->xfrm);
}

/* --- what becomes of a slot --- */
static struct ts ts_of(const struct prefix *p, uint8_t protocol, uint16_t port, uint16_t mask)
{
	struct ts ts = ts_from_prefix(p);
	ts.protocol = protocol;
	ts.port_lo = port & mask;
	ts.port_hi = port | (uint16_t)~mask;
	return ts;
}

static bool is_inside(const struct sel *s, const struct kernel_tunnel *w)
{
	struct ts local = ts_of(&s->local, s->protocol, s->local_port, s->local_mask);
	struct ts remote = ts_of(&s->remote, s->protocol, s->remote_port, s->remote_mask);
	bool here = false, there = false;
	for (unsigned i = 0; i < w->local_ts->n && !here; i++)
		here = ts_contains(&w->local_ts->v[i], &local);
	for (unsigned i = 0; i < w->remote_ts->n && !there; i++)
		there = ts_contains(&w->remote_ts->v[i], &remote);
	return here && there;
}

void slots_trim(struct tunnel *t)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < t->n_slots; i++) {
		struct slot *s = &t->slots[i];
		bool stays = true;
		for (unsigned j = 0; j < s->sels.n && stays; j++)
			stays = s->out.spi != 0 || is_inside(&s->sels.v[j], &t->want);
		if (stays)
			t->slots[kept++] = *s;
		else
			sel_list_free(&s->sels);
	}
	t->n_slots = kept;
}

void slots_moved(struct tunnel *t, uint32_t spi_out, const struct esp_move *m)
{
	for (unsigned i = 0; i < t->n_slots; i++) {
		struct outward *out = &t->slots[i].out;
		if (out->spi != spi_out || !addr_same_ip(&out->local, &m->old_local) ||
			!addr_same_ip(&out->remote, &m->old_remote))
			continue;
		out->local = m->new_local;
		out->remote = m->new_remote;
	}
}

void slots_lost_sa(struct kernel *k, struct tunnel *t, const struct xsa_id *id)
{
	bool lost = false;
	for (unsigned i = 0; i < t->n_slots; i++) {
		struct slot *s = &t->slots[i];
		bool by_it = s->carries && s->out.spi == id->spi && addr_same_ip(&s->out.remote, &id->dst);
		lost |= by_it;
		s->carries &= !by_it;
	}
	if (lost)
		policies_settle(k, t); /* what fails is looked at by the next comparison */
}

/* slot: taken over; without selectors it is gone. After an error nothing is changed, but for what the kernel refused. */
static int place(struct kernel *k, struct tunnel *t, struct slot *slot)
{
	struct slot *was = t->slots, *now = xcalloc(t->n_slots + 1u, sizeof *now);
	unsigned n_was = t->n_slots, n = 0;
	bool placed = slot->sels.n == 0;
	for (unsigned i = 0; i < n_was; i++) {
		if (!placed && was[i].out.slot > slot->out.slot) {
			now[n++] = *slot;
			placed = true;
		}
		if (!was[i].left && was[i].out.slot != slot->out.slot)
			now[n++] = was[i];
	}
	if (!placed)
		now[n++] = *slot;
	struct policies want;
	t->slots = now;
	t->n_slots = n;
	int error = wanted_policies(k, t, &want);
	if (error != 0) {
		sel_list_free(&slot->sels);
		free(now);
		t->slots = was;
		t->n_slots = n_was;
		return error;
	}
	for (unsigned i = 0; i < n_was; i++)
		if (was[i].left || was[i].out.slot == slot->out.slot)
			sel_list_free(&was[i].sels);
	free(was);
	return apply(k, t, &want);
}

static int leave_all(struct tunnel *t)
{
	for (unsigned i = 0; i < t->n_slots; i++)
		t->slots[i].left = true;
	return 0;
}

/* From the first slot that asks on: listening makes work in the kernel. */
static int hear_acquires(struct kernel *k)
{
	int group = XFRMNLGRP_ACQUIRE;
	if (k->acquires || k->event_xfrm == NULL)
		return 0;
	if (mnl_socket_setsockopt(k->event_xfrm, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
		return kernel_fail(k, -errno, "cannot listen to packets that ask for an SA: %s", strerror(errno));
	k->acquires = true;
	return 0;
}

int kernel_sa_switch(struct kernel *k, const struct esp_switch *s)
{
	struct tunnel *t = tunnel_find(k, s->tunnel);
	struct slot slot = { .out = { s->slot, s->spi_out, s->local, s->remote }, .carries = s->spi_out != 0 };
	struct ts_list here, there;
	k->why[0] = 0;
	if (t == NULL)
		return kernel_fail(k, -ENOENT, "no such tunnel");
	if (s->slot == 0 && s->spi_out == 0)
		return leave_all(t);
	if (s->slot == 0 || s->slot > ESP_SLOTS_MAX)
		return kernel_fail(k, -EINVAL, "a slot's number is 1 to %d", ESP_SLOTS_MAX);
	bool asks = outward_asks(&slot.out) && s->n_local > 0 && s->n_remote > 0;
	if ((s->spi_out != 0 || asks) && (s->local.family == 0 || s->local.family != s->remote.family))
		return kernel_fail(k, -EINVAL, "addresses of two families, or none");
	if (s->spi_out == 0 && !asks)
		slot.out.local = slot.out.remote = (struct addr){ 0 };
	esp_switch_get(s, &here, &there);
	bool given = here.n > 0 && there.n > 0;
	int error = asks ? hear_acquires(k) : 0;
	if (error != 0)
		return error;
	if (given || s->spi_out != 0)
		error = sel_list_from(&slot.sels, given ? &here : t->want.local_ts, given ? &there : t->want.remote_ts);
	if (error != 0)
		return kernel_fail(k, error, "the traffic selectors cannot be expressed as kernel policies");
	error = place(k, t, &slot);
	return error != 0 ? error : link_endpoints(k, t, &s->local, &s->remote);
}
