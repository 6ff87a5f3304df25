/*
 * store.c - what outlives an engine: the record of each tunnel, as it was saved last.
 */
#include <stdlib.h>
#include <string.h>

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
}

void store_forget(struct host *h)
{
	for (uint32_t i = 0; i < TUNNEL_IDS; i++)
		bytes_drop(&h->kept[i]);
}
