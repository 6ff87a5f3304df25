/*
 * save.c - what outlives the process is said before anything that depends on it: a step ends with the records of all tunnels that changed in it, and these
 * stand in front of its other actions.
 *
 * Whatever marks an IKE SA or a tunnel to be looked at marks its record, too, but sa_look(), which is for what a note says (tunnel_noted()); a record that turns
 * out to be as it was is not saved again.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "record.h"

#define RECORD_ROOM 4096 /* octets, to begin with */

static void make_room(struct saved *v, size_t n)
{
	if (v->room)
		wipe(v->mem, v->room);
	free(v->mem);
	v->mem = xcalloc(1, n);
	v->room = n;
}

/* A view until the next one; empty: nothing of it is kept. */
static struct bytes record_of(struct ike *ike, const struct tunnel *t)
{
	struct saved *v = &ike->record;
	if (!v->room)
		make_room(v, RECORD_ROOM);
	while (!t->removed) {
		struct buf b = buf_of(v->mem, v->room);
		if (record_write(t, &b))
			return buf_view(&b);
		if (v->room >= RECORD_MAX)
			break;
		make_room(v, v->room * 4);
	}
	return (struct bytes){ 0 };
}

/* Only tells whether it is the same as before: eight octets at a time. 0: there is none. */
static uint64_t hash_of(struct bytes record)
{
	struct bytes body = record_body(record);
	return record.n ? hash_words(HASH_START, body.p, body.n) | 1 : 0;
}

void tunnel_saved(struct ike *ike, struct tunnel *t)
{
	struct bytes record = record_of(ike, t);
	t->saved = hash_of(record);
	wipe(ike->record.mem, record.n);
}

void tunnel_not_saved(struct ike *ike, uint32_t tunnel)
{
	struct tunnel *t = tunnel_by_id(ike, tunnel);
	if (t) {
		t->saved = 0;
		t->notable = false;
	}
}

/* What cannot be kept must not be found again as it was before. */
static void save(struct step *s, struct tunnel *t)
{
	struct bytes record = record_of(s->ike, t);
	uint64_t hash = hash_of(record);
	if (hash != t->saved) {
		struct bytes copy = arena_copy(s->out->arena, record);
		struct ike_action *a = step_action(s, ACTION_SAVE);
		a->save.tunnel = t->id;
		a->save.record = copy;
		t->saved = copy.n ? hash : 0;
		t->notable = copy.n != 0;
	}
	wipe(s->ike->record.mem, record.n);
}

static bool note(struct step *s, struct tunnel *t)
{
	uint8_t v[STORE_NOTE];
	if (!t->notable || !record_note_write(t, v))
		return false;
	struct ike_action *a = step_action(s, ACTION_SAVE);
	a->save.tunnel = t->id;
	a->save.noted = true;
	memcpy(a->save.note, v, sizeof v);
	return true;
}

void tunnel_forgotten(struct step *s, struct tunnel *t)
{
	struct tunnel **at = &s->ike->changed;
	while (*at && *at != t)
		at = &(*at)->changed_next;
	if (*at)
		*at = t->changed_next;
	if (t->saved)
		step_action(s, ACTION_SAVE)->save.tunnel = t->id;
}

static void to_front(struct ike_actions *a)
{
	uint32_t n = 0, to = a->n;
	for (uint32_t i = 0; i < a->n; i++)
		n += a->v[i].kind == ACTION_SAVE;
	if (n == a->n)
		return;
	struct ike_action *saves = n ? xcalloc(n, sizeof *saves) : NULL;
	for (uint32_t i = a->n, k = n; i-- > 0 && n;) {
		if (a->v[i].kind == ACTION_SAVE)
			saves[--k] = a->v[i];
		else if (--to != i)
			a->v[to] = a->v[i];
	}
	if (n)
		memcpy(a->v, saves, n * sizeof *saves);
	free(saves);
}

void save_changed(struct step *s)
{
	while (s->ike->changed) {
		struct tunnel *t = s->ike->changed;
		bool noted = t->changed == RECORD_NOTED;
		s->ike->changed = t->changed_next;
		t->changed = RECORD_SAME;
		if (noted && (s->ike->unsaved || note(s, t)))
			continue;
		tunnel_index_identities(s->ike, t, false);
		if (!s->ike->unsaved)
			save(s, t);
	}
	to_front(s->out);
}

void saved_release(struct saved *v)
{
	if (v->room)
		wipe(v->mem, v->room);
	free(v->mem);
	*v = (struct saved){ 0 };
}
