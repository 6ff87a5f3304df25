/* draft.c - a tunnel that has been read gets what was not written: its profile's defaults, its interface's name, its selectors; and its key. */
#include <stdlib.h>

#include "keys.h"

/* --- which address families live inside --- */
static unsigned family_bit(uint8_t family) { return family == AF_INET ? 1 : family == AF_INET6 ? 2 : 0; }

unsigned tunnel_families(const struct tunnel_conf *t)
{
	unsigned bits = 0;
	for (unsigned i = 0; i < t->n_inside; i++)
		bits |= family_bit(t->inside[i].addr.family);
	for (unsigned i = 0; i < t->n_routes; i++)
		bits |= family_bit(t->routes[i].addr.family);
	for (unsigned i = 0; t->local_ts != NULL && i < t->local_ts->n; i++)
		bits |= family_bit(t->local_ts->v[i].lo.family);
	for (unsigned i = 0; t->remote_ts != NULL && i < t->remote_ts->n; i++)
		bits |= family_bit(t->remote_ts->v[i].lo.family);
	return bits != 0 ? bits : family_bit(AF_INET);
}

static void default_selectors(struct ts_list **list, unsigned bits)
{
	const uint8_t both[] = { AF_INET, AF_INET6 };
	if (*list != NULL && (*list)->n > 0)
		return;
	for (unsigned i = 0; i < 2; i++) {
		struct prefix net = { .addr = { .family = both[i] } };
		struct ts all = ts_from_prefix(&net);
		if ((bits & family_bit(both[i])) != 0)
			ts_list_add(list, &all);
	}
}

/* With children local-ts and remote-ts are all of theirs, unless they are written. */
static void add_once(struct draft *d, struct ts_list **list, const struct ts_list *from, bool *full)
{
	for (unsigned i = 0; i < from->n; i++) {
		unsigned k = 0, n = *list != NULL ? (*list)->n : 0;
		while (k < n && !ts_equal(&(*list)->v[k], &from->v[i]))
			k++;
		if (k == n && n < TS_LIST_MAX)
			ts_list_add(list, &from->v[i]);
		else if (k == n && !*full) {
			finding_advice(finding_add(d->c.findings, tunnel_place(d->out.t, KEY_CHILDREN), FINDING_TOO_MANY,
					       "more than %d different selectors of one side", TS_LIST_MAX),
				"use wider prefixes");
			*full = true;
		}
	}
}

static void selectors_of_children(struct draft *d)
{
	struct tunnel_conf *t = d->out.t;
	bool local = t->local_ts == NULL, remote = t->remote_ts == NULL, full = false;
	for (unsigned i = 0; i < t->n_children; i++) {
		if (local)
			add_once(d, &t->local_ts, t->children[i].local_ts, &full);
		if (remote)
			add_once(d, &t->remote_ts, t->children[i].remote_ts, &full);
	}
}

/* --- the key --- */
static void read_psk(struct draft *d, const struct load *l)
{
	struct tunnel_draft *o = &d->out;
	if ((o->written & ~o->broken & KEY_BIT(KEY_PSK_FILE)) == 0 || l->read_key == NULL || o->t->psk != NULL)
		return;
	o->t->psk = draft_file(d, l, KEY_PSK_FILE, o->t->psk_file, KEY_FILE_MAX);
	if (o->t->psk == NULL)
		return;
	o->t->psk->len = file_key_line(o->t->psk->data, o->t->psk->len);
	if (o->t->psk->len == 0)
		finding_add(d->c.findings, tunnel_place(o->t, KEY_PSK_FILE), FINDING_KEY_FILE_UNUSABLE, "keys/%s is empty",
			o->t->psk_file);
}

void draft_finish(struct draft *d, struct load *l)
{
	struct tunnel_conf *t = d->out.t;
	/* In the place of a broken value stands the default: half a value is nothing to judge others by. */
	if (!profile_apply(&l->profiles, t, d->out.written & ~d->out.broken, d->c.findings))
		l->broken = true;
	if (t->interface[0] == 0)
		interface_default(t);
	t->bgp.set = d->out.bgp > 0;
	read_psk(d, l);
	certs_read(d, l);
	selectors_of_children(d);
	unsigned bits = tunnel_families(t);
	default_selectors(&t->local_ts, bits);
	default_selectors(&t->remote_ts, bits);
}
