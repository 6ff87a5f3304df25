/*
 * store.c - what outlives an engine: the record of each tunnel, as it was saved last.
 */
#include <stdlib.h>
#include <string.h>

#include "ike/record.h"
#include "world.h"

void record_keep(struct world *w, int host, uint32_t tunnel, struct bytes record)
{
	struct host *h = &w->hosts[host];
	if (tunnel >= TUNNEL_IDS) {
		world_fail(w, "%c: the record of a tunnel that is not there", h->name);
		return;
	}
	bytes_drop(&h->kept[tunnel]);
	h->kept[tunnel] = bytes_dup(record);
	h->as_kept[tunnel] = false;
}

/* What changed in a step without a mark would be lost with the engine. */
void store_check(struct world *w, struct host *h)
{
	static uint8_t mem[RECORD_MAX];
	struct tunnel *t;
	size_t it = 0;
	while (!w->meddled && (t = table_next(&h->ike->tunnels, &it))) {
		struct buf b = buf_of(mem, sizeof mem);
		if (t->removed || h->as_kept[t->id] || !record_write(t, &b))
			continue;
		if (!bytes_equal(record_body(buf_view(&b)), record_body(h->kept[t->id])))
			world_fail(w, "%c: tunnel %u changed and was not saved", h->name, t->id);
	}
}

void store_forget(struct host *h)
{
	for (uint32_t i = 0; i < TUNNEL_IDS; i++)
		bytes_drop(&h->kept[i]);
}
