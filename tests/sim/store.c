/*
 * store.c - what outlives an engine: the record of each tunnel, as it was saved last.
 */
#include <stdlib.h>
#include <string.h>

#include "ike/record.h"
#include "world.h"

void record_keep(struct world *w, int host, const struct ike_action *a)
{
	struct host *h = &w->hosts[host];
	uint32_t tunnel = a->save.tunnel;
	if (tunnel >= TUNNEL_IDS || (a->save.noted && !h->kept[tunnel].n)) {
		world_fail(w, "%c: the record of a tunnel that is not there", h->name);
		return;
	}
	if (!a->save.noted) {
		bytes_drop(&h->kept[tunnel]);
		h->kept[tunnel] = bytes_dup(a->save.record);
	}
	bytes_drop(&h->noted[tunnel]);
	if (a->save.noted)
		h->noted[tunnel] = bytes_dup(bytes_of(a->save.note, sizeof a->save.note));
	h->as_kept[tunnel] = false;
}

/* The record that there would be, had all of it been written instead of the note. */
static struct bytes with_note(struct world *w, struct host *h, uint32_t id, uint8_t *mem)
{
	struct tunnel read = { 0 };
	struct step s = { h->ike, world_moment(w), &h->actions };
	struct buf b = buf_of(mem, RECORD_MAX);
	if (!h->noted[id].n)
		return h->kept[id];
	if (!record_read(&read, h->kept[id]) || !record_take_note(&s, &read, h->noted[id]) || !record_write(&read, &b))
		world_fail(w, "%c: what was noted of tunnel %u does not fit its record", h->name, id);
	record_release(&read);
	arena_reset(h->actions.arena);
	return buf_view(&b);
}

/* What changed in a step without a mark would be lost with the engine. */
void store_check(struct world *w, struct host *h)
{
	static uint8_t mem[RECORD_MAX], kept[RECORD_MAX];
	struct tunnel *t;
	size_t it = 0;
	while (!w->meddled && (t = table_next(&h->ike->tunnels, &it))) {
		struct buf b = buf_of(mem, sizeof mem);
		if (t->removed || h->as_kept[t->id] || !record_write(t, &b))
			continue;
		if (!bytes_equal(record_body(buf_view(&b)), record_body(with_note(w, h, t->id, kept))))
			world_fail(w, "%c: tunnel %u changed and was not saved", h->name, t->id);
	}
}

void store_forget(struct host *h)
{
	for (uint32_t i = 0; i < TUNNEL_IDS; i++) {
		bytes_drop(&h->kept[i]);
		bytes_drop(&h->noted[i]);
	}
}
