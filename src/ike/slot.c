/*
 * slot.c - the children that a tunnel carries side by side: which there are, and where a child belongs.
 *
 * A rekey stays where the child was that it replaces. What the peer makes beside goes where the same selectors are carried already, else where
 * something of ours waits for a child that is narrower or equal, else into a slot of its own.
 */
#include <stdlib.h>

#include "machine.h"

static bool owns(const struct slot *slot) { return slot->kind != SLOT_CONFIGURED; }

void slot_free(struct slot *slot)
{
	if (owns(slot)) {
		ts_list_drop(slot->local_ts);
		ts_list_drop(slot->remote_ts);
	}
	free(slot);
}

void slots_free(struct tunnel *t)
{
	while (t->slots) {
		struct slot *slot = t->slots;
		t->slots = slot->next;
		slot_free(slot);
	}
	t->n_slots = 0;
}

static bool has_number(const struct slot *slot, uint16_t number)
{
	while (slot && slot->number != number)
		slot = slot->next;
	return slot != NULL;
}

/* old: others that still have their numbers, or NULL. */
static struct slot *append(
	struct tunnel *t, enum slot_kind kind, struct ts_list *local, struct ts_list *remote, const struct slot *old)
{
	struct slot *slot = xcalloc(1, sizeof *slot), **end = &t->slots;
	slot->number = 1;
	while (has_number(t->slots, slot->number) || has_number(old, slot->number))
		slot->number++;
	slot->kind = (uint8_t)kind;
	slot->local_ts = local;
	slot->remote_ts = remote;
	while (*end)
		end = &(*end)->next;
	*end = slot;
	t->n_slots++;
	return slot;
}

struct slot *slot_add(struct tunnel *t, enum slot_kind kind, const struct ts_list *local, const struct ts_list *remote)
{
	if (t->n_slots >= ESP_SLOTS_MAX)
		return NULL;
	return append(t, kind, ts_list_keep(local), ts_list_keep(remote), NULL);
}

static bool lists_equal(const struct slot *slot, const struct ts_list *local, const struct ts_list *remote)
{
	return ts_list_equal(slot->local_ts, local) && ts_list_equal(slot->remote_ts, remote);
}

/* ---------------------------------------------------------------- as configured */

/* The configured slot that goes on as this one: with the same selectors; where there is only one, whatever they have become. */
static struct slot *take_old(struct slot **old, const struct ts_list *local, const struct ts_list *remote, bool only_one)
{
	for (struct slot **at = old; *at; at = &(*at)->next) {
		struct slot *slot = *at;
		if (slot->kind != SLOT_CONFIGURED || (!only_one && !lists_equal(slot, local, remote)))
			continue;
		*at = slot->next;
		slot->next = NULL;
		return slot;
	}
	return NULL;
}

static void set_configured(struct tunnel *t, struct slot **old, const struct child_conf *c, bool only_one)
{
	struct slot *slot = take_old(old, c->local_ts, c->remote_ts, only_one), **end = &t->slots;
	if (!slot) {
		append(t, SLOT_CONFIGURED, c->local_ts, c->remote_ts, *old);
		return;
	}
	while (*end)
		end = &(*end)->next;
	*end = slot;
	t->n_slots++;
	slot->local_ts = c->local_ts;
	slot->remote_ts = c->remote_ts;
}

/* What is configured no longer, and pairs that stand for it, end with their children. */
static void retire(const struct tunnel *t, unsigned n_configured, struct slot *slot)
{
	if (slot->kind == SLOT_CONFIGURED) {
		slot->local_ts = ts_list_keep(slot->local_ts);
		slot->remote_ts = ts_list_keep(slot->remote_ts);
	}
	bool inside = false;
	for (const struct slot *o = t->slots; o && n_configured > 0; o = o->next, n_configured--)
		inside |= ts_list_contains(o->local_ts, slot->local_ts) && ts_list_contains(o->remote_ts, slot->remote_ts);
	slot->retired |= slot->kind != SLOT_PEERS || !inside;
	slot->kind = SLOT_PEERS;
}

static bool same_as_configured(const struct tunnel *t)
{
	const struct tunnel_conf *conf = t->conf;
	struct child_conf one = { .local_ts = conf->local_ts, .remote_ts = conf->remote_ts };
	unsigned n = conf->n_children ? conf->n_children : 1, i = 0;
	const struct slot *slot = t->slots;
	for (; slot && slot->kind == SLOT_CONFIGURED && i < n; slot = slot->next, i++) {
		const struct child_conf *c = conf->n_children ? &conf->children[i] : &one;
		if (!lists_equal(slot, c->local_ts, c->remote_ts))
			return false;
	}
	return i == n && (!slot || slot->kind != SLOT_CONFIGURED);
}

void slots_configure(struct tunnel *t)
{
	const struct tunnel_conf *conf = t->conf;
	struct child_conf one = { .local_ts = conf->local_ts, .remote_ts = conf->remote_ts };
	struct slot *old = t->slots, *next;
	unsigned n = conf->n_children ? conf->n_children : 1;
	bool same = same_as_configured(t);
	uint16_t kept = 0;
	t->slots = NULL;
	t->n_slots = 0;
	for (unsigned i = 0; i < n; i++)
		set_configured(t, &old, conf->n_children ? &conf->children[i] : &one, n == 1);
	for (struct slot *slot = t->slots; slot; slot = slot->next)
		slot->cut &= same;
	struct slot **end = &t->slots;
	while (*end)
		end = &(*end)->next;
	for (*end = old; old; old = next, kept++) {
		next = old->next;
		if (!same)
			retire(t, n, old);
	}
	t->n_slots += kept;
}

void slot_told(struct tunnel *t, struct slot *slot, enum slot_told what)
{
	slot->told = (uint8_t)what;
	slot->first = NULL;
	if (slot->number > t->slots_told)
		t->slots_told = slot->number;
}

/* ---------------------------------------------------------------- its children */

void slot_leave(struct child *c)
{
	struct slot *slot = c->slot;
	if (!slot)
		return;
	c->tunnel->recover |= slot->current == c;
	if (slot->current == c)
		slot->current = NULL;
	if (slot->switching == c)
		slot->switching = NULL;
	if (slot->first == c)
		slot->first = NULL;
	if (slot->best == c)
		slot->best = NULL;
	slot->children--;
	c->slot = NULL;
}

void slot_enter(struct slot *slot, struct child *c)
{
	if (c->slot == slot)
		return;
	slot_leave(c);
	c->slot = slot;
	slot->children++;
}

/* It carries, or will, or did until something takes its place. What nobody has authenticated yet is not there. */
static bool lives(const struct child *c)
{
	bool agreed = c->state == CHILD_MAKING && c->policies && (c->sa->state == SA_ESTABLISHED || c->sa->state == SA_REPLACED);
	return (agreed || c->state == CHILD_INBOUND || c->state == CHILD_READY || c->state == CHILD_REPLACED) && !c->delete_due &&
	       !c->sa->forgotten;
}

static bool has_other(const struct tunnel *t, const struct slot *slot, const struct child *c)
{
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		for (const struct child *o = sa->children; o; o = o->next)
			if (o != c && o->slot == slot && lives(o))
				return true;
	return false;
}

static struct slot *of_equal_child(const struct tunnel *t, const struct child *c)
{
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		for (const struct child *o = sa->children; o; o = o->next)
			if (o != c && lives(o) && ts_list_equal(o->local_ts, c->local_ts) &&
				ts_list_equal(o->remote_ts, c->remote_ts))
				return o->slot;
	return NULL;
}

struct slot *slot_for(struct tunnel *t, struct slot *asked, const struct child *c)
{
	if (lists_equal(asked, c->local_ts, c->remote_ts))
		return asked;
	for (struct slot *slot = t->slots; slot; slot = slot->next)
		if (!slot->retired && lists_equal(slot, c->local_ts, c->remote_ts))
			return slot;
	struct slot *same = of_equal_child(t, c);
	if (same || !has_other(t, asked, c))
		return same ? same : asked;
	return slot_add(t, SLOT_PEERS, c->local_ts, c->remote_ts);
}

bool slot_waits(const struct tunnel *t, const struct slot *slot) { return !has_other(t, slot, NULL); }

bool slots_have_room(const struct tunnel *t, const struct child *c)
{
	unsigned n = c->policies;
	for (const struct slot *slot = t->slots; slot; slot = slot->next)
		n += slot != c->slot && slot->children ? slot->policies : 0;
	return n <= TS_POLICIES_MAX;
}

bool slot_carried(const struct slot *slot) { return slot->current && slot->current->sa; }

struct child *tunnel_current(const struct tunnel *t)
{
	struct child *closed = NULL;
	for (const struct slot *slot = t->slots; slot; slot = slot->next) {
		if (slot_carried(slot))
			return slot->current;
		closed = closed ? closed : slot->current;
	}
	return closed;
}

static bool holds(const struct slot *slot, const struct child *c)
{
	return ts_list_contains(slot->local_ts, c->local_ts) && ts_list_contains(slot->remote_ts, c->remote_ts);
}

/* What moves to another IKE SA is asked for as it is: of all that we have the peer could give a part that another slot carries. */
void child_ask_for(struct child *c, const struct child *old)
{
	const struct child *like = old ? old : slot_carried(c->slot) ? c->slot->current : NULL;
	c->peers_selectors = like && like->peers_selectors;
	ts_list_drop(c->local_ts);
	ts_list_drop(c->remote_ts);
	bool moves = like && !old && c->tunnel->n_slots > 1 && holds(c->slot, like);
	bool as_is = c->peers_selectors || moves;
	c->local_ts = ts_list_share(as_is ? like->local_ts : c->slot->local_ts);
	c->remote_ts = ts_list_share(as_is ? like->remote_ts : c->slot->remote_ts);
}

/* ---------------------------------------------------------------- one pair at a time */

struct slot *slot_add_pair(struct tunnel *t, const struct ts *local, const struct ts *remote)
{
	struct ts_list *l = NULL, *r = NULL;
	ts_list_add(&l, local);
	ts_list_add(&r, remote);
	struct slot *slot = t->slots;
	while (slot && (slot->retired || !lists_equal(slot, l, r)))
		slot = slot->next;
	if (!slot)
		slot = slot_add(t, SLOT_PAIR, l, r);
	free(l);
	free(r);
	return slot;
}

bool slot_cut(struct tunnel *t, struct slot *slot, const struct child *have)
{
	unsigned n = (unsigned)slot->local_ts->n * slot->remote_ts->n;
	if (n == 1 || t->n_slots + n > ESP_SLOTS_MAX)
		return false;
	for (unsigned i = 0; i < slot->local_ts->n; i++)
		for (unsigned k = 0; k < slot->remote_ts->n; k++) {
			const struct ts *l = &slot->local_ts->v[i], *r = &slot->remote_ts->v[k];
			if (l->lo.family == r->lo.family &&
				!(have && ts_list_has(have->local_ts, l) && ts_list_has(have->remote_ts, r)))
				slot_add_pair(t, l, r);
		}
	slot->cut = !have;
	return true;
}
