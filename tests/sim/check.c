/*
 * check.c - what must hold: after every step (for the host that made it), and once it is quiet (between the ends of a tunnel).
 */
#include <string.h>

#include "world.h"

/* ---------------------------------------------------------------- looking */

struct sa *live_sa(struct ike *ike, const struct tunnel *t, unsigned *n)
{
	struct sa *found = NULL, *sa;
	size_t it = 0;
	*n = 0;
	while ((sa = table_next(&ike->by_number, &it))) {
		if (sa->tunnel != t || sa->state != SA_ESTABLISHED)
			continue;
		found = sa;
		++*n;
	}
	return found;
}

static unsigned all_sas(const struct ike *ike, const struct tunnel *t)
{
	unsigned n = 0;
	struct sa *sa;
	size_t it = 0;
	while ((sa = table_next(&ike->by_number, &it)))
		n += sa->tunnel == t;
	return n;
}

static unsigned children_of(const struct slot *slot)
{
	unsigned n = 0;
	for (struct child *c = slot_carried(slot) ? slot->current->sa->children : NULL; c; c = c->next)
		n += c->slot == slot && (c->state == CHILD_INBOUND || c->state == CHILD_READY);
	return n;
}

/* A child that outbound traffic uses; n: how many children of its slot are not on their way out. */
struct child *live_child(struct tunnel *t, unsigned *n)
{
	struct child *c = tunnel_current(t);
	*n = c && c->sa ? children_of(c->slot) : c != NULL;
	return c;
}

unsigned carried(struct world *w, int host)
{
	unsigned n = 0;
	const struct tunnel *t = tunnel_of(w, host, "t");
	for (const struct slot *slot = t ? t->slots : NULL; slot; slot = slot->next)
		n += slot_carried(slot);
	return n;
}

/* ---------------------------------------------------------------- after every step */

static unsigned check_children(struct world *w, struct host *h, const struct sa *sa)
{
	unsigned n = 0, most = CHILDREN_PER_SA_MAX + (sa->tunnel ? 2 * sa->tunnel->n_slots : 0);
	for (struct child *c = sa->children; c; c = c->next) {
		n++;
		if (c->sa != sa)
			world_fail(w, "%c: child %08x is in the list of an SA that it does not name", h->name, c->core.spi_in);
		if (c->state == CHILD_DEAD)
			world_fail(w, "%c: a dead child %08x is still in its SA's list", h->name, c->core.spi_in);
		if (c->core.spi_in && table_get(&h->ike->by_esp, c->core.spi_in) != c)
			world_fail(w, "%c: child %08x cannot be found by its SPI", h->name, c->core.spi_in);
		if (n > most + 2)
			break;
	}
	if (n > most + 1)
		world_fail(w, "%c: more than %u children in one SA", h->name, most);
	return n;
}

static bool waits_for_time(const struct sa *sa) { return sa->alarm.t.slot != 0; }

static void check_sa(struct world *w, struct host *h, struct sa *sa)
{
	check_children(w, h, sa);
	if (sa->dirty)
		world_fail(w, "%c: an IKE SA has work to do and nobody knows", h->name);
	if (sa->state == SA_DEAD)
		world_fail(w, "%c: a dead SA is still in the table", h->name);
	if (sa->ours.core.state == XS_SENT && !waits_for_time(sa))
		world_fail(w, "%c: a request is out and nothing will repeat it", h->name);
	if ((sa->state == SA_HALF_OPEN || sa->state == SA_INITIATING) && !waits_for_time(sa) &&
		!(sa->tunnel && sa->state == SA_INITIATING))
		world_fail(w, "%c: a half-open SA has no deadline", h->name);
	if (sa->state == SA_DELETING && sa->ours.core.state == XS_IDLE)
		world_fail(w, "%c: an SA is being deleted and no request says so", h->name);
}

static unsigned check_slots(struct world *w, const struct host *h, const struct tunnel *t)
{
	unsigned n = 0, in[ESP_SLOTS_MAX + 1] = { 0 };
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		for (const struct child *c = sa->children; c; c = c->next)
			in[c->slot->number]++;
	for (const struct child *c = t->lingering; c; c = c->next)
		in[c->slot->number]++;
	for (const struct slot *slot = t->slots; slot; slot = slot->next, n++) {
		const struct child *c = slot->current;
		if (c && (c->tunnel != t || c->state == CHILD_DEAD || c->slot != slot))
			world_fail(w, "%c: tunnel %u uses a child that is not its own or gone", h->name, t->id);
		if (in[slot->number] != slot->children)
			world_fail(w, "%c: tunnel %u: slot %u counts %u children and has %u", h->name, t->id, slot->number,
				slot->children, in[slot->number]);
		in[slot->number] = 0;
	}
	return n;
}

static void check_tunnel(struct world *w, struct host *h, const struct tunnel *t)
{
	if (t->id >= TUNNEL_IDS) {
		world_fail(w, "%c: a tunnel with the id %u", h->name, t->id);
		return;
	}
	if (check_slots(w, h, t) != t->n_slots)
		world_fail(w, "%c: tunnel %u counts %u slots", h->name, t->id, t->n_slots);
	if ((t->state == TUNNEL_UP) != (h->link[t->id] == LINK_UP) && !t->n_leftover)
		world_fail(w, "%c: tunnel %u is %s, but its interface is not of that opinion", h->name, t->id,
			tunnel_state_word(t->state));
	if (t->state == TUNNEL_UP && !tunnel_current(t))
		world_fail(w, "%c: tunnel %u is up without a child", h->name, t->id);
	if (t->sas != all_sas(h->ike, t))
		world_fail(w, "%c: tunnel %u counts %u SAs and has %u", h->name, t->id, t->sas, all_sas(h->ike, t));
	unsigned proved = 0; /* strangers who only say who they are come on top */
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		proved += sa->state != SA_HALF_OPEN || sa->peer_id.type;
	if (proved > SAS_PER_TUNNEL_MAX + 2)
		world_fail(w, "%c: tunnel %u has %u SAs", h->name, t->id, proved);
}

void check_step(struct world *w, int host)
{
	struct host *h = &w->hosts[host];
	struct ike *ike = h->ike;
	unsigned half_open = 0, established = 0;
	struct sa *sa;
	struct tunnel *t;
	size_t it = 0;
	while ((sa = table_next(&ike->by_number, &it))) {
		half_open += sa->state == SA_HALF_OPEN;
		established += sa->state == SA_ESTABLISHED || sa->state == SA_REPLACED || sa->state == SA_DELETING;
		check_sa(w, h, sa);
	}
	if (half_open != ike->totals.half_open || established != ike->totals.established)
		world_fail(w, "%c: the totals say %u half-open, %u established; there are %u and %u", h->name,
			(unsigned)ike->totals.half_open, (unsigned)ike->totals.established, half_open, established);
	it = 0;
	while ((t = table_next(&ike->tunnels, &it)))
		check_tunnel(w, h, t);
	store_check(w, h);
	if (ike->dirty || ike->dirty_tunnels || ike->n_dead || ike->dead_children)
		world_fail(w, "%c: a step ended with work left", h->name);
}

/* ---------------------------------------------------------------- did anything change? */

static uint64_t digest_exchange(uint64_t d, const struct exchange *x)
{
	uint32_t v[] = { x->core.kind, x->core.state, x->job, x->core.message_id, x->sent.size, x->sent.n };
	d = mix_bytes(d, v, sizeof v);
	return mix_bytes(d, x->sent.data, x->sent.data ? x->sent.size : 0);
}

static uint64_t digest_child(uint64_t d, const struct child *c)
{
	uint64_t v[] = { c->number, c->state, c->core.spi_in, c->core.spi_out, c->core.in_installed, c->core.out_installed,
		c->replaced_by, c->peer_half, (uint64_t)c->core.rekey_at.ms, (uint64_t)c->close_at.ms, (uint64_t)c->retry_at.ms,
		c->rekey_due, c->delete_due, c->lost };
	return mix_bytes(d, v, sizeof v);
}

static uint64_t digest_sa(uint64_t d, const struct sa *sa)
{
	uint64_t v[] = { sa->number, sa->state, sa->jobs, (uint64_t)sa->heard.ms, (uint64_t)sa->core.rekey_at.ms,
		(uint64_t)sa->core.expire_at.ms, (uint64_t)sa->close_at.ms, (uint64_t)sa->retry_at.ms, sa->replaced_by,
		sa->peer_half, sa->rekey_due, sa->delete_due, sa->liveness_due, sa->new_child_due, sa->child_refusals,
		sa->core.iv_out, sa->core.next_in, sa->core.next_out };
	d = mix_bytes(d, v, sizeof v);
	d = mix_bytes(d, &sa->core, sizeof sa->core);
	d = digest_exchange(d, &sa->ours);
	d = digest_exchange(d, &sa->theirs);
	for (const struct child *c = sa->children; c; c = c->next)
		d = digest_child(d, c);
	return d;
}

uint64_t check_digest(const struct ike *ike)
{
	uint64_t d = 0;
	struct sa *sa;
	struct tunnel *t;
	size_t it = 0;
	while ((sa = table_next(&ike->by_number, &it)))
		d = digest_sa(d, sa);
	it = 0;
	while ((t = table_next(&ike->tunnels, &it))) {
		uint64_t v[] = { t->id, t->state, t->resolving, t->held, t->wanted,
			t->slots->current ? t->slots->current->number : 0, (uint64_t)t->retry_at.ms, t->sas,
			t->counters[COUNTER_ATTEMPTS], t->counters[COUNTER_CHILD_REKEYS], t->counters[COUNTER_IKE_REKEYS] };
		d = mix_bytes(d, v, sizeof v);
	}
	return d;
}

/* ---------------------------------------------------------------- once it is quiet */

static void check_ike_pair(struct world *w, const struct link *l, struct sa *sa[2], const unsigned n[2])
{
	if (n[0] != 1 || n[1] != 1)
		world_fail(w, "%s: %u and %u IKE SAs, one on both ends is wanted", l->end[0].name, n[0], n[1]);
	else if (memcmp(sa[0]->core.spi_i, sa[1]->core.spi_i, IKE_SPI_LEN) ||
		 memcmp(sa[0]->core.spi_r, sa[1]->core.spi_r, IKE_SPI_LEN))
		world_fail(w, "%s: the ends live on different IKE SAs", l->end[0].name);
	else if (sa[0]->core.initiator == sa[1]->core.initiator)
		world_fail(w, "%s: both ends think they have the same role", l->end[0].name);
	else if (!suite_equal(&sa[0]->core.suite, &sa[1]->core.suite))
		world_fail(w, "%s: the ends' IKE SA has different suites", l->end[0].name);
}

static void check_policy(struct world *w, struct host *h, const char *name, uint32_t id, const struct slot *slot)
{
	const struct kpolicy *pol = &h->policy[id][slot->number];
	const struct child *c = slot->current;
	if (!kernel_find(h, ESP_IN, c->core.spi_in, id) || !kernel_find(h, ESP_OUT, c->core.spi_out, id))
		world_fail(w, "%c: the kernel holds other SAs than the engine thinks for %s", h->name, name);
	else if (pol->spi_out != c->core.spi_out)
		world_fail(w, "%c: the policy of %s names SPI %08x", h->name, name, pol->spi_out);
	else if (!ts_list_equal(pol->local_ts, c->local_ts) || !ts_list_equal(pol->remote_ts, c->remote_ts))
		world_fail(w, "%c: the policy of %s has other selectors than the child", h->name, name);
}

static const struct child *other_half(const struct tunnel *t, const struct child *c)
{
	for (const struct slot *slot = t->slots; slot; slot = slot->next)
		if (slot_carried(slot) && slot->current->core.spi_in == c->core.spi_out &&
			slot->current->core.spi_out == c->core.spi_in)
			return slot->current;
	return NULL;
}

static void check_child_pair(struct world *w, const char *name, const struct child *c, const struct tunnel *other)
{
	const struct child *o = other_half(other, c);
	if (!o)
		world_fail(w, "%s: the other end does not use child %08x/%08x", name, c->core.spi_in, c->core.spi_out);
	else if (!ts_list_equal(c->local_ts, o->remote_ts) || !ts_list_equal(c->remote_ts, o->local_ts))
		world_fail(w, "%s: the ends disagree about the selectors", name);
	else if (c->state != CHILD_READY || o->state != CHILD_READY)
		world_fail(w, "%s: a child is not ready on both ends", name);
}

/* Each pair that is wanted has a child, one, and the other end uses the same. */
static void check_children_of(
	struct world *w, const struct link *l, int side, struct tunnel *t, const struct tunnel *other, bool wanted)
{
	struct host *h = &w->hosts[l->end[side].host];
	const char *name = l->end[side].name;
	unsigned n = 0;
	for (const struct slot *slot = t->slots; slot && !w->failed; slot = slot->next) {
		bool must = wanted && t->wanted && slot->kind != SLOT_PEERS && !slot->cut && !w->pfs_differs;
		n += slot_carried(slot);
		if (slot_carried(slot) && children_of(slot) != 1)
			world_fail(w, "%c: %s: %u children of slot %u, one is wanted", h->name, name, children_of(slot),
				slot->number);
		else if (slot_carried(slot) && other)
			check_child_pair(w, name, slot->current, other);
		else if (must && !slot_carried(slot) && (t->conf->n_children || !tunnel_current(t)))
			world_fail(w, "%c: %s: there is no child of slot %u", h->name, name, slot->number);
		if (slot_carried(slot) && !w->failed)
			check_policy(w, h, name, t->id, slot);
	}
	unsigned in = kernel_count(h, t->id, ESP_IN), out = kernel_count(h, t->id, ESP_OUT);
	if (!w->failed && (in != n || out != n))
		world_fail(w, "%c: the kernel holds %u SAs in and %u out for %s, %u is wanted", h->name, in, out, name, n);
}

static void tell_sas(struct world *w, const struct host *h, const struct tunnel *t)
{
	struct sa *sa;
	size_t it = 0;
	while (!w->probing && (sa = table_next(&h->ike->by_number, &it))) {
		unsigned children = 0;
		for (const struct child *c = sa->children; c; c = c->next)
			children++;
		if (sa->tunnel == t)
			note(w, "%c   SA %u %02x%02x%02x%02x: %s, %u children, origin %u, closes in %lld, %s%s%sours %u.%u theirs %u.%u",
				h->name, sa->number, sa->core.spi_i[0], sa->core.spi_i[1], sa->core.spi_i[2], sa->core.spi_i[3],
				sa_state_word(sa->state), children, sa->core.origin.number,
				mono_is_never(sa->close_at) ? -1 : (long long)(sa->close_at.ms - w->now),
				sa->forgotten ? "forgotten, " : "", sa->delete_due ? "delete due, " : "",
				tunnel_current(t) && tunnel_current(t)->sa == sa ? "in use, " : "", sa->ours.core.kind,
				sa->ours.core.state, sa->theirs.core.kind, sa->theirs.core.state);
	}
}

/* Where only IKE_AUTH can make children, each has an IKE SA of its own. */
static bool one_each(const struct world *w, const struct tunnel *t) { return w->pfs_differs && t && t->n_slots > 1; }

void check_link(struct world *w, struct link *l, bool wanted)
{
	struct sa *sa[2] = { 0 };
	struct tunnel *both[2] = { 0 };
	unsigned n_sa[2] = { 0 };
	for (int i = 0; i < 2 && !w->failed; i++) {
		struct host *h = &w->hosts[l->end[i].host];
		struct tunnel *t = both[i] = tunnel_of(w, h->number, l->end[i].name);
		if (!h->ike)
			continue;
		if (!t) {
			if (wanted)
				world_fail(w, "%c: there is no tunnel %s", h->name, l->end[i].name);
			continue;
		}
		sa[i] = live_sa(h->ike, t, &n_sa[i]);
		unsigned all = all_sas(h->ike, t);
		if (wanted && t->state != TUNNEL_UP)
			world_fail(w, "%c: %s is %s, not up", h->name, t->conf->name, tunnel_state_word(t->state));
		if (!wanted && (t->state == TUNNEL_UP || tunnel_current(t)))
			world_fail(w, "%c: %s is up", h->name, t->conf->name);
		if (wanted && all != 1 && !(one_each(w, t) && all)) {
			tell_sas(w, h, t);
			world_fail(w, "%c: %s has %u IKE SAs", h->name, t->conf->name, all);
		}
		if (t->lingering)
			world_fail(w, "%c: a closed child of %s is still there", h->name, t->conf->name);
	}
	for (int i = 0; i < 2 && !w->failed; i++)
		if (both[i])
			check_children_of(w, l, i, both[i], both[!i], wanted);
	if (!w->failed && wanted && !one_each(w, both[0]) && !one_each(w, both[1]))
		check_ike_pair(w, l, sa, n_sa);
}

static void check_exchange(struct world *w, struct host *h, const struct sa *sa, const struct exchange *x, const char *whose)
{
	static const char *const states[] = { "idle", "key exchange", "sent", "derive", "sign", "verify", "install", "switch" };
	if (x->core.state != XS_IDLE && x->core.state != XS_SENT && !h->jobs_pending && !h->kernel_pending)
		world_fail(w, "%c: an exchange of %s of SA %u waits (%s) for an answer that nobody owes", h->name, whose,
			sa->number, states[x->core.state]);
}

void check_nothing_pending(struct world *w)
{
	for (int i = 0; i < w->n_hosts; i++) {
		struct host *h = &w->hosts[i];
		struct sa *sa;
		size_t it = 0;
		while (h->ike && (sa = table_next(&h->ike->by_number, &it))) {
			check_exchange(w, h, sa, &sa->ours, "ours");
			check_exchange(w, h, sa, &sa->theirs, "theirs");
		}
		for (unsigned k = 0; k < h->n_sas; k++)
			if (!h->sas[k].gone && h->sas[k].hard_at < w->now)
				world_fail(w, "%c: SPI %08x outlived its dead-man's switch", h->name, h->sas[k].spi);
	}
	for (unsigned i = 0; i < sizeof w->replies / sizeof *w->replies; i++)
		if (w->replies[i].pending && w->replies[i].kind != COMMAND_SHUTDOWN && w->now - w->replies[i].asked > 2 * MINUTE)
			world_fail(w, "%c: a command was never answered", w->hosts[w->replies[i].host].name);
}

static bool together(struct world *w, bool wanted)
{
	w->failed = false;
	check_nothing_pending(w);
	for (int i = 0; i < w->n_links && !w->failed; i++)
		check_link(w, &w->links[i], wanted);
	for (int i = 0; i < w->n_hosts && !w->failed; i++)
		if (w->hosts[i].ike && w->hosts[i].ike->totals.half_open)
			world_fail(w, "%c: a half-open SA is left", w->hosts[i].name);
	return !w->failed;
}

/*
 * The last word of most scenarios: good weather, no orders, then everything must have come together. With short lifetimes a rekey may be under way at
 * any instant, so it is looked at each second for a while; one good instant is enough.
 */
void check_converged(struct world *w, bool wanted)
{
	w->quiet = true;
	w->partition = false;
	w->filter = NULL;
	w->drop_number = 0;
	w->weather = (struct weather){ .delay_min = 5, .delay_max = 40 };
	for (int i = 0; i < w->n_hosts; i++)
		w->hosts[i].kernel_fail = 0;
	world_run(w, MINUTE + 40 * SECOND);
	for (int i = 0; i < 60 && !w->failed; i++) {
		world_run(w, SECOND);
		if (w->failed)
			return;
		w->probing = true;
		bool good = together(w, wanted);
		w->probing = false;
		if (good)
			return;
		w->failed = false;
	}
	if (!w->failed)
		together(w, wanted);
}

void check_stayed_up(struct world *w)
{
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
}
