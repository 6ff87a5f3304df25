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
	static const struct {
		enum finding_code code;
		const char *advice;
	} rows[] = {
		[KEY_FAULT_OTHER] = { FINDING_KEY_FILE_UNUSABLE, NULL },
		[KEY_FAULT_ABSENT] = { FINDING_KEY_FILE_ABSENT,
			"put the key into keys/: (umask 077; s2sctl genpsk > keys/NAME), or the one that the peer has already" },
		[KEY_FAULT_OPEN] = { FINDING_KEY_FILE_OPEN, KEY_OPEN_ADVICE },
		[KEY_FAULT_DENIED] = { FINDING_KEY_FILE_DENIED, "check as root: nobody else can read keys/, and that is right" },
	};
	struct tunnel_draft *o = &d->out;
	struct key_fault fault = { .text = "cannot be read" };
	struct place at = tunnel_place(o->t, KEY_PSK_FILE);
	struct findings *f = d->c.findings;
	if ((o->written & ~o->broken & KEY_BIT(KEY_PSK_FILE)) == 0 || l->read_key == NULL || o->t->psk != NULL)
		return;
	o->t->psk = l->read_key(l->arg, o->t->psk_file, &fault);
	if (o->t->psk != NULL && o->t->psk->len == 0)
		finding_add(f, at, FINDING_KEY_FILE_UNUSABLE, "keys/%s is empty", o->t->psk_file);
	if (o->t->psk != NULL)
		return;
	struct finding *v = fault.named ? finding_add(f, at, rows[fault.kind].code, "keys/%s: %s", o->t->psk_file, fault.text)
					: finding_add(f, at, rows[fault.kind].code, "%s " NOT_SHOWN, fault.text);
	if (rows[fault.kind].advice != NULL)
		finding_advice(v, "%s", rows[fault.kind].advice);
}

void draft_finish(struct draft *d, const struct load *l)
{
	struct tunnel_conf *t = d->out.t;
	/* In the place of a broken value stands the default: half a value is nothing to judge others by. */
	profile_apply(&l->profiles, t, d->out.written & ~d->out.broken);
	if (t->interface[0] == 0)
		interface_default(t);
	t->bgp.set = d->out.bgp > 0;
	read_psk(d, l);
	selectors_of_children(d);
	unsigned bits = tunnel_families(t);
	default_selectors(&t->local_ts, bits);
	default_selectors(&t->remote_ts, bits);
}
